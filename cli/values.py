"""Parsers of the values of options; what they cannot parse is wrong usage."""

import math
import re
from collections.abc import Callable
from contextlib import suppress
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
    match = re.fullmatch(r"(\d*):(\d*)", text)
    first, stop = (int(match[1] or 0), int(match[2]) if match[2] else None) if match else (0, 0)
    if stop is not None and first >= stop:
        raise click.BadParameter(f"{text!r} is not A:B, A: or :B with whole numbers and A < B.")
    return Frames(first, stop)


def parse_box(text: str) -> tuple[int, ...]:
    """Parse ``X,Y,W,H`` in pixels."""
    match = re.fullmatch(r"(-?\d+),(-?\d+),0*([1-9]\d*),0*([1-9]\d*)", text)
    if not match:
        raise click.BadParameter(f"{text!r} is not X,Y,W,H: whole numbers, W and H above 0.")
    return tuple(map(int, match.groups()))


def parse_noise(text: str) -> str | float:
    """Parse ``auto`` or a standard deviation."""
    if text == "auto":
        return text
    with suppress(ValueError):
        if 0 <= (sigma := float(text)) < math.inf:
            return sigma
    raise click.BadParameter(f"{text!r} is neither 'auto' nor a number of at least 0.")


def parse_alpha(value: Any) -> float | None:
    """Parse ``none`` or a number above 0."""
    if value == "none":
        return None
    with suppress(ValueError):
        if 0 < (alpha := float(value)) < math.inf:
            return alpha
    raise click.BadParameter(f"{value!r} is neither 'none' nor a number above 0.")


def number_parser(
    form: str, kind: type[int] | type[float], below: float
) -> Callable[[str], tuple[float, ...]]:
    """Return a parser of numbers above 0, as many as ``form`` (``T,H,W``) has names."""

    def parse(text: str) -> tuple[float, ...]:
        with suppress(ValueError):
            numbers = tuple(kind(part) for part in text.split(","))
            if len(numbers) == form.count(",") + 1 and all(0 < n < below for n in numbers):
                return numbers
        what = "whole numbers" if kind is int else "numbers"
        limit = f" and below {below:g}" if below < math.inf else ""
        raise click.BadParameter(f"{text!r} is not {form}: {what} above 0{limit}.")

    return parse
