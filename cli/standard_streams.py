"""Make stdout and stderr safe for any text, and usable when they are closed."""

import io
import os
import sys


def make_streams_safe() -> None:
    """Print names that the encoding of a stream cannot hold, and keep numbers of closed streams.

    A file that is opened while stderr is closed gets its number, and libraries would write their
    messages into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
