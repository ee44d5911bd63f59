"""Stack decoded frames into an array, and prepare arrays for encoding."""

import warnings
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patchvid._alpha import opaque
from patchvid._convert import to_8_bits, to_16_bits, to_rgb
from patchvid._device import backend_of
from patchvid._paths import quoted
from patchvid._validation import as_array, check_video, with_channels
from patchvid.errors import InvalidInput, VideoError

_ENOUGH = 3  # frames by which an encoding is chosen
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


def first_frames(
    video: ArrayLike | Iterator[ArrayLike],
) -> tuple[NDArray[Any], Iterator[NDArray[Any]]]:
    """A whole video and no further frames, or the first frames of an iterator and the others."""
    if not isinstance(video, Iterator):
        return _on_host(video), iter(())
    checked = (_on_host(as_array(frame)[None])[0] for frame in video)
    first = [*islice(checked, _ENOUGH)]
    if not first:
        raise InvalidInput("video must have at least one frame, got an iterator without any")

    def alike(frames: Iterable[NDArray[Any]]) -> Iterator[NDArray[Any]]:
        for frame in frames:
            if (frame.shape, frame.dtype) != (first[0].shape, first[0].dtype):
                raise InvalidInput(
                    f"all frames must be like the first, {first[0].shape} of {first[0].dtype}, got "
                    f"{frame.shape} of {frame.dtype}"
                )
            yield frame

    return np.stack([*alike(first)]), alike(checked)


def _on_host(video: ArrayLike) -> NDArray[Any]:
    """Check a video, and copy it from a GPU."""
    kernels = backend_of(video)
    video = with_channels("video", kernels.to_host(kernels.to_device(as_array(video))))
    check_video("video", video)
    return video


def rgb_frames(
    frames: Iterable[NDArray[Any]], *, keep_alpha: bool, deep: bool = False
) -> Iterator[NDArray[Any]]:
    """Yield frames (y, x, 1, 3 or 4) as RGB, or RGBA to keep alpha.

    They have 8 bits, or 16 if `deep`.
    """
    is_warned = False
    for frame in frames:
        if frame.dtype.kind == "f" and not is_warned:
            low, high = frame.min(), frame.max()
            is_warned = not -_OVERSHOOT <= low <= high <= 1 + _OVERSHOOT
            if is_warned:
                warnings.warn(
                    f"a frame has floats from {low:g} to {high:g}; values outside of 0 to 1 are "
                    "clipped",
                    stacklevel=2,
                )
        pixels = to_16_bits(frame) if deep else to_8_bits(frame)
        if not (keep_alpha and pixels.shape[2] == 4):
            pixels = to_rgb(pixels)
        yield np.ascontiguousarray(pixels)
