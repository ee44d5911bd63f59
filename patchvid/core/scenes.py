"""Find cuts: frames at which a clip switches to another scene."""

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

SIDE, PATCH = 16, 3  # pixels: shorter side of compared frames, and side of a patch
SAMPLED = 4 * SIDE  # larger frames are sampled before they are shrunk

# At a cut, a step from frame to frame is RATIO times larger than its NEIGHBOURS.
RATIO, NEIGHBOURS, LEAST = 2.5, 8, 1.0
FLASH = 3  # most frames of a flash
FEWEST = 5  # a shorter clip has too few frames to tell cuts from motion


def find_cuts(video: NDArray[Any]) -> list[int]:
    """Find the frames at which another scene begins.

    Each frame is compared with the one before at a small size: each patch with the nearest patch.
    So motion of objects or of the camera makes little difference. A flash is not a cut. Slow fades
    are not found.

    Parameters
    ----------
    video : array
        (t, y, x, c) with any number of channels, or (t, y, x) for grey, of any dtype.

    Returns
    -------
    list of int
        The first frame of every scene after the first. Empty if there are fewer than 5 frames.

    Raises
    ------
    InvalidInput
        If `video` is not a video.

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
    """The cuts between frames, each given as rows of patches."""
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
    """Frames in 8 bits, their shorter side reduced to at most `SIDE` pixels."""
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
    """Mean difference per value between patches and the nearest in the other frame, both ways."""
    squares = squared_distances(one, other) / one.shape[1]
    return float(max(np.sqrt(squares.min(axis=axis)).mean() for axis in (0, 1)))


def _limit(steps: list[float], number: int) -> float:
    """The largest difference that motion explains."""
    first = max(0, number - NEIGHBOURS)
    others = steps[first:number] + steps[number + 1 : number + 1 + NEIGHBOURS]
    return RATIO * (float(np.median(others)) + LEAST)
