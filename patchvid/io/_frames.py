"""Stack decoded frames into an array, and prepare arrays for encoding."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._alpha import opaque
from patchvid._convert import to_8_bits, to_16_bits, to_rgb
from patchvid._paths import quoted
from patchvid.errors import VideoError

_OVERSHOOT = 0.5  # floats this far out of range need no warning: resampling overshoots


def stack_frames(frames: Iterable[NDArray[Any]], n_expected: int, path: Path) -> NDArray[Any]:
    """Gather frames (y, x, c) of one type into an array, allocated once if `n_expected` is right.

    The array gets an alpha channel as soon as a frame has a pixel that is not opaque.
    """
    video = np.empty((0, 0, 0, 3), np.uint8)
    n_frames = 0
    for frame in frames:
        full = opaque(frame.dtype)
        if frame.shape[2] == 4 and frame[..., 3].min() == full:
            frame = frame[..., :3]
        height, width, n_channels = frame.shape
        if n_frames == 0:
            video = np.empty((max(n_expected, 1), height, width, n_channels), frame.dtype)
        if (height, width) != video.shape[1:3]:
            raise VideoError(
                f"the frames of {quoted(path)} must have one size, got {video.shape[2]}x"
                f"{video.shape[1]} and, {n_frames} frames later, {width}x{height} pixels"
            )
        if n_channels > video.shape[3]:
            video = np.concatenate([video, np.full_like(video[..., :1], full)], axis=3)
        if n_frames == len(video):
            video.resize((2 * n_frames, *video.shape[1:]), refcheck=False)
        video[n_frames, ..., :n_channels] = frame
        video[n_frames, ..., n_channels:] = full
        n_frames += 1
    video.resize((n_frames, *video.shape[1:]), refcheck=False)
    return video


def rgb_frames(
    video: NDArray[Any],
    order: Sequence[int] | None = None,
    *,
    keep_alpha: bool,
    deep: bool = False,
) -> Iterator[NDArray[Any]]:
    """Yield the frames of a video (t, y, x, 1, 3 or 4) as RGB, or RGBA to keep alpha.

    They have 8 bits, or 16 if `deep`. `order` has their numbers; None is all of them.
    """
    if video.dtype.kind == "f" and not -_OVERSHOOT <= video.min() <= video.max() <= 1 + _OVERSHOOT:
        warnings.warn(
            f"the video has floats from {video.min():g} to {video.max():g}; values outside of "
            "0 to 1 are clipped",
            stacklevel=2,
        )
    for frame in video if order is None else (video[number] for number in order):
        pixels = to_16_bits(frame) if deep else to_8_bits(frame)
        if not (keep_alpha and pixels.shape[2] == 4):
            pixels = to_rgb(pixels)
        yield np.ascontiguousarray(pixels)
