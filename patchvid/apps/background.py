"""Fill a hole with the background that other frames show.

The background's motion is the camera's, an affine motion fitted robustly to the flow outside of the
hole, plus the rest of the flow. It leads from each voxel of the hole to the nearest frame that
shows its place. A ring of known voxels around the hole is looked up in the same way. Near voxels
that are not found correctly, nothing is copied. Small differences, such as a change of light, are
added to the copied values, so that no seam shows.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._convert import ValueRange, to_rgb
from patchvid._device import backend_of
from patchvid.apps.holes import Region, dilate, fill_smoothly, window_around
from patchvid.core.fields import Window
from patchvid.kernels.threads import poll
from patchvid.motion.layer_motion import layer_motion
from patchvid.motion.optical_flow import optical_flow

RING = 6  # pixels around the hole that are looked up as well
EDGE = 1  # innermost pixels of the ring, which may have colours of the object in the hole
MARGIN = 6  # pixels around the ring in which the flow may be that of the object in the hole
LARGEST_REST = 1.0  # pixels of flow beyond the camera's; faster parts are not background
LEAST_KNOWN = 0.1  # share of a frame that must be known to tell how the camera moves
STEP = 0.125  # pixels to which places are rounded, so that whole pixels are copied exactly
PAIRS = 4  # of frames whose flow is held at the same time
UNLIKE = 12.0  # mean difference in 8 bits; above, the ring was not found correctly

Places = NDArray[np.float32]


def seen_elsewhere(
    video: NDArray[Any], hole: Region, source: Region
) -> tuple[Region, NDArray[np.float32], NDArray[np.int64]]:
    """Find voxels of a hole in other frames.

    Parameters
    ----------
    video : array
        (t, y, x, c), checked, on any device.
    hole : array of bool
        (t, y, x).
    source : array of bool
        (t, y, x): where voxels may be taken from, apart from the hole.

    Returns
    -------
    seen : array of bool
        (t, y, x): the part of the hole that was found.
    values : array of float32
        (n, c): its values, in the order of the voxels.
    places : array of int64
        (n,): the nearest voxels to where they come from, as flat indices.
    """
    kernels = backend_of(video)
    video, hole, source = (kernels.to_host(array) for array in (video, hole, source))
    window = window_around(hole, (len(hole), RING + MARGIN, RING + MARGIN))
    around = dilate(hole[window], RING)
    poll()
    frames = to_rgb(ValueRange.of_values(video).quantize(video))
    poll()
    first = np.concatenate(_look_back(frames, around, source, window))
    after = _look_back(frames[::-1], around[::-1], source[::-1], window)
    second = np.concatenate(after[::-1])
    second[:, 0] = len(video) - 1 - second[:, 0]  # NaN stays
    t = np.repeat(np.arange(len(video), dtype=np.float32), around.sum(axis=(1, 2)))
    is_first = ~(np.abs(first[:, 0] - t) > np.abs(second[:, 0] - t)) & ~np.isnan(first[:, 0])
    places = np.where(is_first[:, None], first, second)
    found = ~np.isnan(places[:, 0])
    known = np.zeros(around.shape, bool)
    known[around] = found
    places = places[found]
    poll()
    values = _sample(video, places)
    low, high, _ = ValueRange.of_values(video)
    unit = 255 / ((high - low) or 1)
    poll()
    is_right, correction = _judge(video[window], hole[window], known, values, unit)
    poll()
    taken = hole[window][known] & is_right
    seen = np.zeros(hole.shape, bool)
    seen[window][known] = taken
    nearest = np.rint(places[taken]).astype(np.int64)
    for axis, n in enumerate(hole.shape):
        nearest[:, axis] = nearest[:, axis].clip(0, n - 1)
    flat = np.ravel_multi_index(tuple(nearest.T), hole.shape)
    right = (values + correction)[taken]
    return kernels.to_device(seen), kernels.to_device(right), kernels.to_device(flat)


def _look_back(
    frames: NDArray[np.uint8], around: Region, source: Region, window: Window
) -> list[Places]:
    """Find the voxels around a hole in earlier frames: places (n, 3) of each, NaN if not found.

    `around` has the size of the window.
    """
    size = frames.shape[1:3]
    _, *part = window
    unsure = dilate(around, MARGIN)
    everywhere = np.ones(size, bool)
    places = [np.full((np.count_nonzero(frame), 3), np.nan, np.float32) for frame in around]
    for t, flow in _flow_back(frames, around):
        poll()
        known = ~_placed(unsure[t] | unsure[t - 1], part, size)
        if known.mean() < LEAST_KNOWN:
            continue
        motion = layer_motion(flow, known, everywhere, largest_rest=LARGEST_REST)
        poll()
        rows, columns = np.nonzero(_placed(around[t], part, size))
        y = rows + motion.flow[rows, columns, 1]
        x = columns + motion.flow[rows, columns, 0]
        top, left = (np.rint(place).astype(np.int64) for place in (y, x))
        inside = (top >= 0) & (top < size[0]) & (left >= 0) & (left < size[1])
        top, left = top.clip(0, size[0] - 1), left.clip(0, size[1] - 1)
        hidden = _placed(around[t - 1], part, size)
        is_shown = inside & (~hidden & source[t - 1])[top, left]
        found = np.full((*size, 3), np.nan, np.float32)
        found[hidden] = places[t - 1]
        shift = np.stack([np.zeros_like(y), y - top, x - left], axis=1)
        carried = np.where(inside[:, None], found[top, left] + shift, np.nan)
        here = np.stack([np.full_like(y, t - 1), y, x], axis=1)
        places[t] = np.where(is_shown[:, None], here, carried)
    return places


def _flow_back(
    frames: NDArray[np.uint8], around: Region
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Numbers of frames with voxels around a hole, and their flow to the frames before."""
    for first in range(1, len(frames), PAIRS):
        if around[first : first + PAIRS].any():
            some = frames[first - 1 : first + PAIRS]
            flow = optical_flow(some[::-1], method="classical", progress=False)
            yield from enumerate(flow[::-1], first)


def _placed(part: Region, place: Sequence[slice], size: tuple[int, ...]) -> Region:
    """A region of a frame, by what is in a part of it."""
    whole = np.zeros(size, bool)
    whole[tuple(place)] = part
    return whole


def _sample(video: NDArray[Any], places: Places) -> NDArray[np.float32]:
    """Values (n, c) at places (n, 3) of a video, cubic between pixels."""
    t = places[:, 0].astype(np.int64)
    (top, down), (left, right) = (_taps(places[:, axis]) for axis in (1, 2))
    poll()
    values = np.zeros((len(places), video.shape[3]), np.float32)
    for dy in range(4):
        row = (top + dy).clip(0, video.shape[1] - 1)
        for dx in range(4):
            poll()
            column = (left + dx).clip(0, video.shape[2] - 1)
            weight = down[:, dy] * right[:, dx]
            values += weight[:, None] * video[t, row, column]
    return values


def _taps(place: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The first of four pixels around each place, and their weights (n, 4)."""
    place = (np.rint(place / STEP) * STEP).astype(np.float32)
    whole = np.floor(place)
    distance = np.abs((place - whole)[:, None] - np.arange(-1, 3, dtype=np.float32))
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((2.5 - 0.5 * distance) * distance - 4) * distance + 2
    return whole.astype(np.int64) - 1, np.where(distance <= 1, near, far).astype(np.float32)


def _judge(
    video: NDArray[Any], hole: Region, known: Region, values: NDArray[np.float32], unit: float
) -> tuple[Region, NDArray[np.float32]]:
    """For each found value, whether it can be right and the correction to add to it.

    `unit` times a difference of values is one in 8 bits.
    """
    ring = known & ~dilate(hole, EDGE)
    if not ring.any():
        return np.zeros(len(values), bool), np.zeros_like(values)
    missed = np.zeros((*hole.shape, values.shape[1]), np.float32)
    missed[known] = video[known].astype(np.float32) - values
    box = window_around(known, (0, 0, 0))
    missed, ring, known = missed[box], ring[box], known[box]
    poll()
    size = fill_smoothly(np.abs(missed).mean(axis=3, keepdims=True) * unit, ~ring)
    poll()
    return size[known][:, 0] < UNLIKE, fill_smoothly(missed, ~ring)[known]
