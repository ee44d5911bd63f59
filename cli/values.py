"""What is typed behind an option, as values; what cannot be one is wrong usage."""

import math
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import click


class Frames(NamedTuple):
    """The first frame of a range, and the one to stop before, if there is one."""

    first: int = 0
    last: int | None = None

    def __str__(self) -> str:
        return f"{self.first}:{'' if self.last is None else self.last}"


def as_frames(text: str) -> Frames:
    """``A:B``, of which either may be left out."""
    match = re.fullmatch(r"(\d*):(\d*)", text)
    first, last = (int(match[1] or 0), int(match[2]) if match[2] else None) if match else (0, 0)
    if last is not None and first >= last:
        raise click.BadParameter(f"{text!r} is not A:B, A: or :B with whole numbers and A < B.")
    return Frames(first, last)


def as_box(text: str) -> tuple[int, ...]:
    """``X,Y,W,H`` in pixels."""
    match = re.fullmatch(r"(-?\d+),(-?\d+),0*([1-9]\d*),0*([1-9]\d*)", text)
    if not match:
        raise click.BadParameter(f"{text!r} is not X,Y,W,H: whole numbers, W and H above 0.")
    return tuple(map(int, match.groups()))


def as_noise(text: str) -> str | float:
    """``auto`` or a standard deviation."""
    if text == "auto":
        return text
    with suppress(ValueError):
        if 0 <= (sigma := float(text)) < math.inf:
            return sigma
    raise click.BadParameter(f"{text!r} is neither 'auto' nor a number from 0 up.")


def check_alpha(value: Any) -> float | None:
    """``none`` or a positive number."""
    if value == "none":
        return None
    with suppress(ValueError):
        if 0 < (alpha := float(value)) < math.inf:
            return alpha
    raise click.BadParameter(f"{value!r} is neither 'none' nor a number above 0.")


def numbers_as(
    form: str, kind: type[int] | type[float], below: float
) -> Callable[[str], tuple[float, ...]]:
    """A converter to as many numbers above 0 as ``form`` (``T,H,W``) has names."""

    def convert(text: str) -> tuple[float, ...]:
        with suppress(ValueError):
            numbers = tuple(kind(part) for part in text.split(","))
            if len(numbers) == form.count(",") + 1 and all(0 < n < below for n in numbers):
                return numbers
        what = "whole numbers" if kind is int else "numbers"
        limit = f" and below {below:g}" if below < math.inf else ""
        raise click.BadParameter(f"{text!r} is not {form}: {what} above 0{limit}.")

    return convert
