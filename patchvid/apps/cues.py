"""Cues: find where flat colours have been painted on a clip.

Differences are those of the channel that differs most, in 8 bits. SciPy finds painted areas in
compressed cues, so such a cue on a GPU is copied to the host.
"""

from typing import Any

import numpy as np
import scipy  # loads its parts when they are first used
from numpy.typing import NDArray

from patchvid._convert import ValueRange
from patchvid._device import backend_of
from patchvid._masks import Mask
from patchvid.apps.holes import dilate
from patchvid.errors import InvalidInput

# Differences below SLIGHT may come from compression; from STRONG on, they are paint.
SLIGHT, STRONG = 16, 40
MOSTLY_SLIGHT = 0.25  # if a larger share of differences is slight, the cue was compressed
SMALLEST_SIDE = 4  # of a rectangle, without its blurred border
BREADTH = 6  # side of a square that fits into any other painted area, but not into letters
FULL = 0.9  # share of its bounding box that a rectangle fills
BORDER = 2  # pixels around paint that compression blurs
STEADY = 2  # pixels by which a rectangle that keeps its place may seem to move

Box = tuple[slice, slice]


def painted(video: NDArray[Any], cue: NDArray[Any]) -> Mask:
    """Find where `cue` is painted, (t, y, x): 1 where it differs from `video`, and 0 elsewhere.

    If compression makes it differ everywhere, only areas of one colour that differ strongly count
    as painted. If the cue itself is given as `video`, rectangles count that keep their place in all
    frames and stand out on all sides.

    Raises
    ------
    InvalidInput
        If there are no such areas or rectangles.
    """
    quantize = ValueRange.of_values(video).quantize
    before, after = quantize(video), quantize(cue)
    difference = (np.maximum(before, after) - np.minimum(before, after)).max(axis=3)
    n_changed, n_clear = (int(np.count_nonzero(difference >= n)) for n in (1, SLIGHT))
    if n_changed and n_changed - n_clear < MOSTLY_SLIGHT * n_changed:
        return (difference > 0).astype(np.float32)
    kernels = backend_of(after)
    after, difference = kernels.to_host(after), kernels.to_host(difference)
    window = (1, 3, 3, 1)
    contrast = scipy.ndimage.maximum_filter(after, window) - scipy.ndimage.minimum_filter(
        after, window
    )
    flat = contrast.max(axis=3) < SLIGHT
    if n_changed:
        areas = np.stack([_areas(*frame) for frame in zip(flat & (difference >= STRONG), after)])
        if not areas.any():
            raise InvalidInput(
                "no area of one colour in the cue differs clearly from the clip; paint with a "
                "stronger colour, or give a mask of the painted places"
            )
        return kernels.to_device(dilate(areas.astype(np.float32), BORDER))
    boxes = [
        [box for box in _rectangles(frame) if _stands_out(picture, box)]
        for frame, picture in zip(flat, after)
    ]
    if not (any(boxes) and _is_steady(boxes)):
        raise InvalidInput(
            "no flat rectangle of the cue looks painted; give the clip without paint too, or a "
            "mask of the painted places"
        )
    mask = np.zeros(flat.shape, np.float32)
    for frame, found in zip(mask, boxes):
        for box in found:
            frame[_around(box, BORDER)] = 1
    return kernels.to_device(mask)


def copy_paint(video: NDArray[Any], cue: NDArray[Any]) -> NDArray[Any]:
    """Copy the paint of a cue (1, y, x, c), a painted frame of the video, to every frame."""
    quantize = ValueRange.of_values(video).quantize
    after = quantize(cue)[0].astype(np.int16)
    # Find the frame that was painted on: most of the cue equals it.
    apart = [float(np.median(abs(quantize(frame) - after))) for frame in video]
    equal = [int(np.count_nonzero(quantize(frame) == after)) for frame in video]
    _, _, number = min(zip(apart, [-n for n in equal], range(len(video))))
    is_painted = painted(video[number : number + 1], cue) > 0
    return np.where(is_painted[..., None], cue, video)


def _areas(flat: NDArray[np.bool_], picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The connected parts of a flat region of a picture (y, x, c) that have one colour each.

    Thin ones do not count. Those that nearly fill their bounding boxes are rectangles.
    """
    areas = np.zeros(flat.shape, bool)
    labels, _ = scipy.ndimage.label(flat)
    for number, box in enumerate(scipy.ndimage.find_objects(labels), 1):
        inside = labels[box] == number
        colours = picture[box][inside]
        is_rectangle = inside.mean() >= FULL and min(inside.shape) >= SMALLEST_SIDE
        square = np.ones((BREADTH, BREADTH), bool)
        if not (is_rectangle or scipy.ndimage.binary_erosion(inside, square).any()):
            continue
        if (np.abs(colours - np.median(colours, axis=0)) < SLIGHT).all(axis=1).mean() >= FULL:
            areas[box] |= inside | is_rectangle
    return areas


def _rectangles(flat: NDArray[np.bool_]) -> list[Box]:
    """Bounding boxes of the regions of a frame (y, x) that fill their boxes."""
    labels, _ = scipy.ndimage.label(flat)
    return [
        box
        for number, box in enumerate(scipy.ndimage.find_objects(labels), 1)
        if min(side.stop - side.start for side in box) >= SMALLEST_SIDE
        and (labels[box] == number).mean() >= FULL
    ]


def _stands_out(picture: NDArray[np.uint8], box: Box) -> bool:
    """Whether the pixels just outside of a box have another colour on all sides."""
    colour = np.median(picture[box], axis=(0, 1))
    outside = np.ones(picture.shape[:2], bool)
    outside[_around(box, BORDER + 1)] = False
    ring = _around(box, 2 * BORDER)
    difference = np.abs(picture[ring] - colour).max(axis=2)[outside[ring]]
    return bool(difference.size and (difference >= STRONG).mean() >= FULL)


def _is_steady(boxes: list[list[Box]]) -> bool:
    """Whether all frames have the same boxes."""
    edges = [sorted((side.start, side.stop) for box in found for side in box) for found in boxes]
    return len(set(map(len, edges))) == 1 and bool(np.ptp(edges, axis=0).max(initial=0) <= STEADY)


def _around(box: Box, margin: int) -> Box:
    y, x = (slice(max(side.start - margin, 0), side.stop + margin) for side in box)
    return y, x
