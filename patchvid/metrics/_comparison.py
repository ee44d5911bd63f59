"""Two videos to compare, on one scale, and the resulting estimate."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid._alpha import opaque
from patchvid._convert import ValueRange
from patchvid._validation import (
    COMPARABLE,
    Triple,
    check_patch,
    check_size,
    check_video,
    contiguous,
)
from patchvid.errors import InvalidInput

PATCH: Triple = (3, 7, 7)


class Estimate(NamedTuple):
    """A measure and its standard error.

    Attributes
    ----------
    value : float
        The measure.
    error : float
        Its standard error; 0 if nothing was sampled.
    """

    value: float
    error: float = 0.0


class Pair(NamedTuple):
    """Two videos (t, y, x, c) of uint8, or of float32 in 0..255, and the patch for both."""

    source: NDArray[Any]
    output: NDArray[Any]
    patch: Triple


def check_pair(source: Any, output: Any, patch: Any, name: str = "output") -> Pair:
    """Check two videos and bring them to the scale of 8 bits; `name` is the second in errors.

    An alpha channel that is opaque in both is left out.

    Raises
    ------
    InvalidInput
        If an array is not a video or smaller than the patch, if the numbers of channels differ, if
        one holds integers and the other floats, or if their floats differ in magnitude.
    """
    source, output = check_video("source", source), check_video(name, output)
    if source.shape[3] != output.shape[3]:
        raise InvalidInput(
            f"{name} must have as many channels as source, "
            f"got {output.shape[3]} and {source.shape[3]}"
        )
    if (source.dtype.kind == "f") != (output.dtype.kind == "f"):
        raise InvalidInput(
            f"{name} must hold {'floats' if source.dtype.kind == 'f' else 'integers'} as source "
            f"does, got {output.dtype}; convert one of them"
        )
    if all(map(_has_opaque_alpha, (source, output))):
        source, output = contiguous(source[..., :3]), contiguous(output[..., :3])
    n_frames, height, width = check_size("patch", patch)
    n_frames = 1 if min(len(source), len(output)) == 1 else n_frames
    patch = check_patch((n_frames, height, width), source.shape)
    try:
        check_patch(patch, output.shape)
    except InvalidInput as error:
        raise InvalidInput(f"{name}: {error}") from error
    if source.dtype == output.dtype == np.uint8:
        return Pair(source, output, patch)
    if source.dtype.kind == "f":
        ranges = [_range_of(source, output, name)] * 2
    else:
        ranges = [ValueRange.of_type(video.dtype) for video in (source, output)]
    return Pair(ranges[0].scale(source), ranges[1].scale(output), patch)


def _has_opaque_alpha(video: NDArray[Any]) -> bool:
    return video.shape[3] == 4 and bool((video[..., 3] == opaque(video.dtype)).all())


def _range_of(source: NDArray[Any], output: NDArray[Any], name: str) -> ValueRange:
    """The range of the source's floats; the output's must not be much larger."""
    # Alpha must not change the scale of the colours.
    range_ = ValueRange.of_values(source[..., :3] if source.shape[3] == 4 else source)
    low, high = float(output.min()), float(output.max())
    unit = (range_.high - range_.low) / 255 or 1.0
    farthest = max(abs(low - range_.low), abs(high - range_.low)) / unit
    if farthest > COMPARABLE and not range_.is_log:
        raise InvalidInput(
            f"{name} must hold values of the same magnitude as source, which has {range_.low:g} to "
            f"{range_.high:g}, got {low:g} to {high:g}; scale one of them"
        )
    return range_


def check_sequence(name: str, values: Any, least: int) -> Sequence[Any]:
    """Check a sequence of at least `least` videos."""
    try:
        count = len(values)
    except TypeError:
        raise InvalidInput(
            f"{name} must be a list of videos, got {type(values).__name__}"
        ) from None
    if count < least:
        counts = {1: "one or more videos", 2: "at least two videos"}
        raise InvalidInput(f"{name} must be {counts[least]}, got {count or 'none'}")
    checked: Sequence[Any] = values
    return checked
