"""Recognize masks that are numbered labels, painted frames or erased frames.

Data sets number the objects in a mask, by grey levels or by colours of a palette. Some masks are
the frames themselves, with paint over the hole, or with the hole erased. A label covers areas;
levels and colours of soft or compressed edges do not.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy  # loads its parts when they are first used
from numpy.typing import NDArray

from patchvid.errors import InvalidInput

Levels = NDArray[np.uint8]

COLOURED = 24  # difference between channels, more than compression leaves in a grey
LEAST_COLOURED = 0.05  # a mask is coloured if a larger share of its pixels that are not black is
DARK = 32  # in compressed coloured labels, black has no channel above this
FEW_COLOURS, NEARLY_ALL = 64, 0.97  # labels have few colours, of 5 bits, that cover nearly all
LEAST_BLACK = 0.02  # share of black in coloured labels

STRONG, WEAK = 200, 60  # channels of pure paint
EVEN, ALIKE = 12, 60  # range of its channels within 3x3 pixels; difference of its edges from it

STEADY = 8  # range of levels within 3x3 pixels of an area of one grey
ENOUGH_FRAMES = 32  # frames of a mask that are enough to recognize its kind
NEAR, FEW_LABELS = 6, 12  # levels around a label; most labels of grey
SMALLEST_NUMBER, LARGEST_NUMBER = 1, 12  # of labels stored as levels, which look black
LEAST_NUMBERED = 0.0005  # share of the pixels
ALMOST_WHITE = slice(250, 255)  # levels that only compression leaves

_PAINTS = {
    (1, 0, 0): "red", (0, 1, 0): "green", (0, 0, 1): "blue",
    (1, 1, 0): "yellow", (1, 0, 1): "magenta", (0, 1, 1): "cyan",
}  # fmt: skip


def understood(name: str, mask: Levels) -> NDArray[np.bool_] | None:
    """Find the white parts of a mask (t, y, x, c) of 8 bits; None if it is simply black and white.

    A warning says how the mask was read.

    Raises
    ------
    InvalidInput
        If the mask looks like a picture without paint.
    """
    colours, alpha = mask, None
    if mask.shape[3] in (2, 4):
        colours, alpha = mask[..., :-1], mask[..., -1]
        colours = np.where(alpha[..., None] > LARGEST_NUMBER, colours, np.uint8(0))
    if colours.shape[3] == 3 and _is_coloured(colours):
        return _read_colours(name, colours, alpha)
    if alpha is not None and not colours.any() and alpha.min() < alpha.max():
        return _say(name, "has black paint on transparent: paint counts as white", alpha > 127)
    levels = colours.mean(axis=3, dtype=np.float32)
    if alpha is not None:
        levels *= alpha / np.float32(255)
    return _read_greys(name, np.rint(levels).astype(np.uint8))


def _say(name: str, words: str, white: NDArray[np.bool_]) -> NDArray[np.bool_]:
    warnings.warn(f"{name} {words}", stacklevel=2)
    return white


def _is_coloured(colours: Levels) -> bool:
    brightest = colours.max(axis=3)
    n_coloured = np.count_nonzero(brightest - colours.min(axis=3) > COLOURED)
    return bool(n_coloured > LEAST_COLOURED * np.count_nonzero(brightest >= DARK))


def _read_colours(name: str, colours: Levels, alpha: Levels | None) -> NDArray[np.bool_]:
    is_shown = colours.max(axis=3) >= DARK
    if is_shown.mean() <= 1 - LEAST_BLACK and _has_few_colours(colours):
        return _say(name, "holds coloured labels: all but black counts as white", is_shown)
    if alpha is not None and alpha.min() == 0:
        words = "is a picture with transparent parts: only these count as white"
        return _say(name, words, alpha < 128)
    paint, is_painted = _find_paint(colours)
    if paint:
        words = f"is a picture with {paint} paint: only the paint counts as white"
        return _say(name, words, is_painted)
    raise InvalidInput(
        f"{name} looks like a picture, not like a mask; make the hole white and the rest black, or "
        "paint the hole pure red"
    )


def _has_few_colours(colours: Levels) -> bool:
    counts = np.zeros(1 << 15, np.int64)
    for frame in colours >> 3:
        red, green, blue = np.moveaxis(frame.astype(np.intp), 2, 0)
        counts += np.bincount((red << 10 | green << 5 | blue).ravel(), minlength=1 << 15)
    return bool(np.sort(counts)[-FEW_COLOURS:].sum() >= NEARLY_ALL * counts.sum())


def _find_paint(colours: Levels) -> tuple[str, NDArray[np.bool_]]:
    """Find the pure colour that covers most pixels, if enough, and where it is."""
    strong, weak = colours >= STRONG, colours <= WEAK
    pure = (strong | weak).all(axis=3) & strong.any(axis=3) & weak.any(axis=3)
    window = (1, 3, 3, 1)
    spread = scipy.ndimage.maximum_filter(colours, window) - scipy.ndimage.minimum_filter(
        colours, window
    )
    pure &= (spread <= EVEN).all(axis=3)
    if np.count_nonzero(pure) < LEAST_NUMBERED * pure.size:
        return "", pure
    kinds = strong[pure] @ np.array([4, 2, 1])
    kind = int(np.bincount(kinds).argmax())
    colour = np.median(colours[pure][kinds == kind], axis=0)
    alike = (np.abs(colours - colour.astype(np.int16)) <= ALIKE).all(axis=3)
    white = scipy.ndimage.binary_propagation(pure & alike, mask=alike)  # includes its edges
    return _PAINTS[kind >> 2, kind >> 1 & 1, kind & 1], white


def _read_greys(name: str, levels: Levels) -> NDArray[np.bool_] | None:
    # Frequency of each level: anywhere, in areas of nearly one grey, and in areas of one grey.
    counts, flat, equal = np.zeros((3, 256), np.int64)
    for frame in levels[:: -(-len(levels) // ENOUGH_FRAMES)]:
        counts += np.bincount(frame.ravel(), minlength=256)
        spread = scipy.ndimage.maximum_filter(frame, 3) - scipy.ndimage.minimum_filter(frame, 3)
        flat += np.bincount(frame[spread <= STEADY], minlength=256)
        equal += np.bincount(frame[spread == 0], minlength=256)
    numbers = slice(SMALLEST_NUMBER, LARGEST_NUMBER + 1)
    if (
        counts[numbers].sum() >= LEAST_NUMBERED * counts.sum()
        and 2 * equal[numbers].sum() >= counts[numbers].sum()
        and 2 * np.count_nonzero(equal) >= np.count_nonzero(counts)  # compression leaves more
        and not counts[ALMOST_WHITE].any()
    ):
        found = np.flatnonzero(counts[1:]) + 1
        return _say(name, f"holds labels, {_listed(found)}: all but 0 counts as white", levels > 0)
    between = slice(LARGEST_NUMBER + 1, 255 - LARGEST_NUMBER)
    n_between = counts[between].sum()
    flat = flat[between]
    if n_between and 2 * flat.sum() >= n_between and (peaks := _peaks(flat)):
        labels = sorted(peak + between.start for peak in peaks)
        words = f"holds labels, {_listed(labels)}: all but black counts as white"
        return _say(name, words, levels >= labels[0] / 2)
    if 2 * n_between > counts[between.start :].sum():
        warnings.warn(
            f"{name} is mostly between black and white: its greys blend the output with the clip",
            stacklevel=2,
        )
    return None


def _peaks(counts: NDArray[np.int64]) -> list[int]:
    """The few levels around which all others lie; empty if there are many."""
    peaks: list[int] = []
    counts, total = counts.copy(), counts.sum()
    while counts.sum() > (1 - NEARLY_ALL) * total:
        peak = int(counts.argmax())
        around = slice(max(peak - NEAR, 0), peak + NEAR + 1)
        if peaks and counts[around].sum() < (1 - NEARLY_ALL) * total:
            break  # compression
        peaks.append(peak)
        counts[around] = 0
    return peaks if len(peaks) <= FEW_LABELS and 2 * counts.sum() < total else []


def _listed(numbers: Sequence[Any] | NDArray[Any]) -> str:
    shown = [str(number) for number in numbers[:4]]
    return ", ".join([*shown, *["..."] * (len(numbers) > len(shown))])
