"""Make stdout and stderr safe for any text, and usable when they are closed."""

import io
import os
import sys


def make_streams_safe() -> None:
    """Allow names that the encoding of a stream cannot hold, and reserve numbers of closed streams.

    If stderr is closed, the next file to be opened would get its number, and libraries would write
    their messages into that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
