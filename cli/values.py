"""Parsers of the values of options; a value that does not parse is wrong usage."""

import math
import os
import re
import reprlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import click


class Frames(NamedTuple):
    """A range of frames: the first one, and the one to stop before; None is the end."""

    first: int = 0
    stop: int | None = None

    def __str__(self) -> str:
        return f"{self.first}:{'' if self.stop is None else self.stop}"


def parse_frames(text: str) -> Frames:
    """Parse ``A:B``; either number may be left out."""
    match = re.fullmatch(r"(\d{,18}):(\d{,18})", text)
    first, stop = (int(match[1] or 0), int(match[2]) if match[2] else None) if match else (0, 0)
    if stop is not None and first >= stop:
        raise click.BadParameter(
            f"{_short(text)} is not A:B, A: or :B with whole numbers and A < B."
        )
    return Frames(first, stop)


def parse_box(text: str) -> tuple[int, ...]:
    """Parse ``X,Y,W,H`` in pixels."""
    match = re.fullmatch(r"(-?\d{,18}),(-?\d{,18}),0*([1-9]\d{,17}),0*([1-9]\d{,17})", text)
    if not match:
        raise click.BadParameter(f"{_short(text)} is not X,Y,W,H: whole numbers, W and H above 0.")
    return tuple(map(int, match.groups()))


def parse_frame_file(text: str) -> tuple[int, Path]:
    """Parse ``FRAME=FILE``."""
    match = re.fullmatch(r"(\d{1,18})=(.+)", text, re.DOTALL)
    if not match:
        raise click.BadParameter(f"{_short(text)} is not FRAME=FILE, such as 0=mask.png.")
    return int(match[1]), Path(match[2])


def parse_cue(text: str) -> tuple[int | None, Path]:
    """Parse ``FILE`` or ``FRAME=FILE``."""
    match = re.fullmatch(r"(\d{1,18})=(.+)", text, re.DOTALL)
    return (int(match[1]), Path(match[2])) if match else (None, Path(text))


class OutputPath(click.Path):
    """A file or folder to write: a name, and not only a suffix."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not os.fspath(value) or path.name in ("", ".."):
            self.fail(f"{os.fspath(value)!r} is not a name of a file or folder.", param, ctx)
        if re.fullmatch(r"\.(mp4|mov|mkv|webm|gif|webp|a?png|np[yz]|html?)", path.name, re.I):
            self.fail(f"{os.fspath(value)!r} is a suffix without a name.", param, ctx)
        return path


MOST_SECONDS = 1e7


class Seconds(float):
    """A length in seconds."""


class Times(float):
    """A length relative to the clip's."""


def parse_length(text: str) -> int | Seconds:
    """Parse a number of frames, of seconds as in ``2.5s``, or of minutes as in ``10m``."""
    with suppress(ValueError):
        unit = {"s": 1, "m": 60}.get(text[-1:])
        if unit and 0 < (seconds := unit * float(text[:-1])) < MOST_SECONDS:
            return Seconds(seconds)
        if re.fullmatch(r"0*[1-9]\d{,8}", text):
            return int(text)
    raise click.BadParameter(
        f"{_short(text)} is not a number of frames, of seconds as 20s, or of minutes as 10m."
    )


def parse_noise(text: str) -> str | float:
    """Parse ``auto`` or a standard deviation."""
    if text == "auto":
        return text
    with suppress(ValueError):
        if 0 <= (sigma := float(text)) < math.inf:
            return sigma
    raise click.BadParameter(f"{_short(text)} is neither 'auto' nor a number of at least 0.")


def parse_structure(text: str) -> str | float:
    """Parse ``auto`` or a number from 0 to 1."""
    if text == "auto":
        return text
    with suppress(ValueError):
        if 0 <= (structure := float(text)) <= 1:
            return structure
    raise click.BadParameter(f"{_short(text)} is neither 'auto' nor a number from 0 to 1.")


def parse_alpha(value: Any) -> float | None:
    """Parse ``none`` or a number above 0."""
    if value == "none":
        return None
    with suppress(ValueError):
        if 0 < (alpha := float(value)) < math.inf:
            return alpha
    raise click.BadParameter(f"{_short(value)} is neither 'none' nor a number above 0.")


def parse_memory(text: str) -> int | None:
    """Parse a number of bytes, such as ``4GB`` or ``500MiB``."""
    from patchvid import InvalidInput
    from patchvid._memory import check_memory_size

    try:
        return check_memory_size(text)
    except InvalidInput:
        raise click.BadParameter(f"{_short(text)} is not a size such as 4GB or 500MB.") from None


def _short(value: Any) -> str:
    """A value for a message: for a long value only its two ends."""
    quoting = reprlib.Repr()
    quoting.maxstring = 80
    return quoting.repr(value)


def number_parser(
    form: str, kind: type[int] | type[float], below: float
) -> Callable[[str], tuple[float, ...]]:
    """Return a parser of numbers above 0, as many as ``form`` (``T,H,W``) has names."""
    if kind is int:
        below = min(below, 2**31)

    def parse(text: str) -> tuple[float, ...]:
        with suppress(ValueError):
            numbers = tuple(kind(part) for part in text.split(","))
            if len(numbers) == form.count(",") + 1 and all(0 < n < below for n in numbers):
                return numbers
        what = "whole numbers" if kind is int else "numbers"
        limit = {2**31: " and below 2**31", math.inf: ""}.get(below, f" and below {below:g}")
        raise click.BadParameter(f"{_short(text)} is not {form}: {what} above 0{limit}.")

    return parse
