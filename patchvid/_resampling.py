"""Resampling of a clip in time and space: separable, cubic and antialiased.

Reference: R. Keys, "Cubic convolution interpolation for digital image processing", 1981.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._alpha import is_translucent, premultiply, straight
from patchvid._device import backend_of, on_device
from patchvid._validation import check_numbers, check_size, check_video, contiguous, like_input

Taps = tuple[NDArray[np.int64], NDArray[np.float32]]


@on_device("video")
def resize(
    video: NDArray[Any], size: Sequence[int], *, scale: Sequence[float] | None = None
) -> NDArray[Any]:
    """Resize a clip in time and space: cubic, and antialiased where it shrinks.

    Parameters
    ----------
    video : array
        (t, y, x, c), uint8, uint16 or float of any range. Four channels are RGB and alpha, in
        floats only if alpha lies from 0 to 1: the colours of transparent pixels have no effect.
    size : tuple of int
        (t, y, x) of the result.
    scale : tuple of float, optional
        Scale of each axis, if it is not exactly the ratio of the sizes, as for the levels of a
        pyramid. The centres of the two grids coincide.

    Returns
    -------
    array
        (t, y, x, c) of the same dtype. Integers are rounded, halves upwards, and clipped to the
        dtype's range; floats may overshoot the input's range. Sums are in float32.

    Raises
    ------
    InvalidInput
        If `video` is not a video, a size is below 1, or a scale is not above 0.

    Notes
    -----
    Keys' cubic interpolation [1]_ with a = -0.5, stretched by 1/scale where an axis shrinks. At the
    borders, the weights inside the clip are divided by their sum. The work is proportional to the
    larger of the two clips. Each thread needs memory for one row of all frames; clips of float16
    and float64 also need a copy in float32.

    References
    ----------
    .. [1] R. Keys, "Cubic convolution interpolation for digital image processing", 1981.

    Examples
    --------
    >>> ramp = np.arange(0, 160, 20, dtype=np.uint8).reshape(1, 1, 8, 1)
    >>> resize(ramp, (1, 1, 4)).ravel()
    array([ 11,  49,  91, 129], dtype=uint8)
    """
    given, video = video, check_video("video", video)
    size = check_size("size", size)
    scale = None if scale is None else check_numbers("scale", scale, 3)
    if is_translucent(video):
        made = resample(premultiply(video), size, scale=scale)
        return like_input(straight(made, video.dtype), given)
    return like_input(resample(video, size, scale=scale), given)


def resample(
    video: NDArray[Any],
    size: Sequence[int],
    *,
    scale: Sequence[float] | None = None,
    window: tuple[slice, slice, slice] | None = None,
    frames: tuple[int, int] | None = None,
    dtype: Any = None,
) -> NDArray[Any]:
    """Resize a clip as `resize` does, but without checks, which would wait for a GPU.

    With a window, the result is this part of it; with a dtype, it has that type. `frames` are the
    number of the first given frame and that of all frames; frames before are not used. Clips of
    several samples, (n, t, y, x, c), may be resized at once.
    """
    old = video.shape[-4:-1]
    first, n_frames = (0, old[0]) if frames is None else frames
    shape = (n_frames, *old[1:])
    if scale is None:
        scale = tuple(m / n for n, m in zip(shape, size, strict=True))
    tables = tuple(map(_taps, shape, size, scale))
    if first:
        starts, weights = tables[0]
        tables = ((np.maximum(starts - first, 0), weights), *tables[1:])
    if window is not None:
        parts, tables = zip(*map(_within, tables, window))
        video = video[(..., *parts, slice(None))]
    if dtype is not None:
        video = video.astype(dtype, copy=False)
    source = video if video.dtype in (np.uint8, np.uint16) else video.astype(np.float32, copy=False)
    kernels = backend_of(source)
    shape = *video.shape[:-4], *(len(starts) for starts, _ in tables), video.shape[-1]
    out = kernels.xp.empty(shape, source.dtype)
    kernels.apply_taps(contiguous(source), tables, out)
    if video.dtype == np.float16:  # cubic interpolation overshoots
        out = out.clip(*(np.finfo(np.float16).min, np.finfo(np.float16).max))
    return out.astype(video.dtype, copy=False)


@lru_cache(maxsize=256)
def _taps(n: int, size: int, scale: float) -> Taps:
    """For every output entry of an axis, its first input entry and its weights."""
    if n == size and scale == 1:
        return np.arange(n), np.ones((n, 1), np.float32)
    stretch = max(1.0, 1 / scale)
    centre = (np.arange(size) - (size - 1) / 2) / scale + (n - 1) / 2
    centre = np.clip(centre, -0.5, n - 0.5)  # beyond the border, repeat it
    taps = min(n, math.ceil(4 * stretch))
    starts = np.clip(np.floor(centre - 2 * stretch).astype(np.int64) + 1, 0, n - taps)
    weights = _cubic((starts[:, None] + np.arange(taps) - centre[:, None]) / stretch)
    weights /= weights.sum(axis=1, keepdims=True)
    return starts, weights.astype(np.float32)


def _within(table: Taps, part: slice) -> tuple[slice, Taps]:
    """The entries of the input that a part of the output needs, and its own table."""
    starts, weights = table[0][part], table[1][part]
    first = int(starts.min())
    return slice(first, int(starts.max()) + weights.shape[1]), (starts - first, weights)


def _cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((2.5 - 0.5 * x) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0))
