"""Find cuts: frames at which a clip goes on with another scene."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from patchvid._alpha import is_translucent, premultiply
from patchvid._convert import ValueRange
from patchvid._device import backend_of
from patchvid._resampling import resize
from patchvid._validation import check_video
from patchvid.kernels.exact import patch_rows, squared_distances

SIDE, PATCH = 16, 3  # pixels of the shorter side at which frames are compared, and of a patch
SAMPLED = 4 * SIDE  # larger frames are sampled before they are shrunk

# At a cut, a frame differs from the one before so much more than its neighbours do.
RATIO, NEIGHBOURS, LEAST = 2.5, 8, 1.0
FLASH = 3  # frames of a flash, at most
FEWEST = 5  # frames of a clip in which cuts can be told from motion


def find_cuts(video: NDArray[Any]) -> list[int]:
    """Find the frames at which another scene begins.

    A frame is compared with the one before it at a small size: each patch with the nearest patch.
    So motion, of things or of the camera, makes little difference. A flash is no cut. Slow fades
    are not found.

    Parameters
    ----------
    video : array
        (t, y, x, c) with any number of channels, or (t, y, x) for grey, of any dtype.

    Returns
    -------
    list of int
        The first frame of every scene but the first. Empty if there are fewer than 5 frames.

    Raises
    ------
    InvalidInput
        If `video` is no video.

    Examples
    --------
    >>> import patchvid
    >>> koi = patchvid.sample_clip()[:8]
    >>> find_cuts(np.concatenate([koi, 255 - koi]))
    [8]
    """
    video = check_video("video", video)
    if len(video) < FEWEST:
        return []
    with threadpool_limits(1, "blas"):  # threads would mostly wait for each other
        return _cuts([*map(_patches, _small_frames(video))])


def _cuts(frames: list[NDArray[np.float64]]) -> list[int]:
    """The cuts between frames, which are given as rows of patches."""
    steps = [_difference(one, other) for one, other in pairwise(frames)]
    limits = [_limit(steps, number) for number in range(len(steps))]
    jumps = [number for number, step in enumerate(steps) if step > limits[number]]
    cuts = []
    while jumps:
        first, last = jumps[0], max(number for number in jumps if number <= jumps[0] + FLASH)
        if last == first or _difference(frames[first], frames[last + 1]) > limits[first]:
            cuts.append(1 + max(range(first, last + 1), key=lambda number: steps[number]))
        jumps = [number for number in jumps if number > last]
    return cuts


def _small_frames(video: NDArray[Any]) -> NDArray[np.uint8]:
    """Frames in 8 bits whose shorter side has `SIDE` pixels, as far as the clip has them."""
    n_frames, height, width, _ = video.shape
    stride = max(1, min(height, width) // SAMPLED)
    small = backend_of(video).to_host(video[:, ::stride, ::stride])
    ratio = min(1.0, SIDE / min(height, width))
    small = resize(small, (n_frames, round(height * ratio), round(width * ratio)))
    if is_translucent(small):
        small = premultiply(small)
    return ValueRange.of_values(small).quantize(small)


def _patches(frame: NDArray[np.uint8]) -> NDArray[np.float64]:
    return patch_rows(frame[None], (1, *(min(PATCH, side) for side in frame.shape[:2])))


def _difference(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Mean difference per value between a patch and the nearest of the other frame, either way."""
    squares = squared_distances(one, other) / one.shape[1]
    return float(max(np.sqrt(squares.min(axis=axis)).mean() for axis in (0, 1)))


def _limit(steps: list[float], number: int) -> float:
    """The difference above which a step is no motion."""
    first = max(0, number - NEIGHBOURS)
    others = steps[first:number] + steps[number + 1 : number + 1 + NEIGHBOURS]
    return RATIO * (float(np.median(others)) + LEAST)
