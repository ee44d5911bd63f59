"""Fit a predicted object to a frame: correct its place, then its outline.

Flow tells little of an object of one colour, or of one that is mostly hidden. But the whole
prediction, the object over its background, fits the frame best in the right place. The outline then
follows what fits each pixel better: the object or the background, as seen in a frame whose mask was
given. These colours and labels are certain; those found in between are not.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from patchvid.apps.holes import Region, window_around

Pixels = NDArray[np.uint8]

MARGIN = 16  # pixels around the object in which the prediction must fit
STEPS = (4.0, 2.0, 1.0, 0.5)  # pixels by which the object is shifted
MOST_SHIFTS = 4  # by the same step
BETTER = 0.97  # a shifted object must have less than this share of the error

# Errors of a pixel are mean differences of its channels, in 8 bits.
LARGEST = 60  # larger errors count as this
HIDDEN = 10  # added where the object is hidden by something that fits
UNKNOWN = 25  # largest error of a background, or object, that was not seen before
NOT_SEEN = 255  # stands for such an error in `Fit`

DOUBT = 1.5  # error that outweighs one pixel of distance to the predicted outline
FAR = 5  # pixels; larger distances count as this
REACH = 20.0  # pixels: largest signed distance
SPECK = 3  # pixels: side of the window of a median, which removes smaller specks


class Fit(NamedTuple):
    """How badly each pixel of a frame (y, x) fits the object and the background.

    Errors are from 0 to 254, or `NOT_SEEN`.
    """

    object: Pixels
    background: Pixels

    def best_of(self, other: "Fit") -> "Fit":
        """The smaller errors of two fits."""
        return Fit(*(np.minimum(one, two) for one, two in zip(self, other)))


def fit(frame: Pixels, prediction: Pixels, seen: Region) -> Pixels:
    """The errors (y, x) of a prediction (y, x, 3), where it was seen."""
    errors = np.minimum(_difference(frame, prediction), NOT_SEEN - 1)
    return np.where(seen, errors, NOT_SEEN).astype(np.uint8)


def refine(mask: Region, fits: Fit) -> Region:
    """Move the outline of a mask (y, x) to where the object stops fitting."""
    import cv2

    thing, ground = (
        np.where(errors == NOT_SEEN, UNKNOWN, np.minimum(errors, LARGEST)).astype(np.int16)
        for errors in fits
    )
    better = ground - thing
    # If one of them was not seen, the other counts only if it fits.
    better = np.where(fits.background == NOT_SEEN, np.maximum(better, 0), better)
    better = np.where(fits.object == NOT_SEEN, np.minimum(better, 0), better)
    refined = better + DOUBT * np.clip(signed_distance(mask), -FAR, FAR) > 0
    is_inside: Region = cv2.medianBlur(refined.astype(np.uint8), SPECK) > 0
    return is_inside


def signed_distance(mask: Region) -> NDArray[np.float64]:
    """Distance to the outline of a mask, above 0 inside and below 0 outside."""
    if mask.all() or not mask.any():
        return np.where(mask, REACH, -REACH)
    inside, outside = (ndimage.distance_transform_edt(side) for side in (mask, ~mask))
    return np.clip(inside - outside, -REACH, REACH)


def best_shift(
    frame: Pixels, thing: Pixels, shape: Pixels, ground: Pixels, seen: Region
) -> tuple[tuple[float, float], float]:
    """Find the shift of a predicted object that makes the whole prediction fit a frame best.

    Parameters
    ----------
    frame, thing, ground : array of uint8
        (y, x, 3): the frame, and the predictions of the object and of its background.
    shape : array of uint8
        (y, x, 1): where the object is predicted, visible or hidden, from 0 to 255.
    seen : array of bool
        (y, x): where the background was seen before.

    Returns
    -------
    shift : tuple of float
        In pixels: columns and rows from each pixel to the predicted one that belongs there.
    error : float
        The sum of the remaining errors.
    """
    _, y, x = window_around((shape[..., 0] >= 128)[None], (0, MARGIN, MARGIN))
    frame, thing, shape, ground = (picture[y, x] for picture in (frame, thing, shape, ground))
    seen = seen[y, x]
    bare = _difference(frame, ground)
    bare = np.where(seen, bare, np.minimum(bare, UNKNOWN)).clip(0, LARGEST)
    errors: dict[tuple[float, float], float] = {}

    def error(shift: tuple[float, float]) -> float:
        if shift not in errors:
            inside = _shifted(shape, shift) >= 128
            covered = np.minimum(_difference(frame, _shifted(thing, shift)), bare + HIDDEN)
            errors[shift] = float(np.where(inside, covered, bare).clip(0, LARGEST).sum())
        return errors[shift]

    best = start = (0.0, 0.0)
    for step in STEPS:
        for _ in range(MOST_SHIFTS):
            last = best
            ways = [(step * dx, step * dy) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
            best = min(((last[0] + dx, last[1] + dy) for dx, dy in ways), key=error)
            if error(best) == error(last):
                best = last
                break
    if error(best) >= BETTER * error(start):
        best = start
    return best, error(best)


def _difference(one: Pixels, other: Pixels) -> NDArray[np.int16]:
    difference: NDArray[np.int16] = np.abs(one.astype(np.int16) - other).sum(axis=2, dtype=np.int16)
    return difference // 3


def _shifted(picture: Pixels, shift: tuple[float, float]) -> Pixels:
    import cv2

    height, width = picture.shape[:2]
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
    shifted = cv2.warpAffine(
        picture, matrix, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return shifted.astype(np.uint8, copy=False)
