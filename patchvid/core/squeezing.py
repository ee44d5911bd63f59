"""Squeezing a clip where little is shown: objects keep their width, and the space between shrinks.

Reference: D. Panozzo, O. Weber, O. Sorkine: "Robust Image Retargeting via Axis-Aligned Deformation"
(Eurographics 2012). Here one axis at a time is squeezed, by the same widths in all frames, so that
nothing moves that stood still.
"""

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from patchvid._validation import Triple, contiguous

WINDOW = 1 / 3  # of the shorter side: a column counts as much as its window varies
FLOOR = 0.05  # detail that every column has, relative to the mean
LEAST = 0.4  # least width of a column, relative to the width in uniform squeezing
BORDER = 3  # voxels at either border have at least mean detail: objects there must not be cut
BLOCK = 8  # frames whose detail is measured at a time
PARTS = 256  # of a voxel: places are rounded to them

Span = tuple[float, float]  # where a region begins and ends along an axis, from 0 to 1


def squeeze(
    kernels: ModuleType,
    video: NDArray[np.uint8],
    shape: Triple,
    detailed: NDArray[np.uint8],
    spans: tuple[Span, Span] | None = None,
) -> NDArray[np.uint8]:
    """Squeeze the height and width of a small video (t, y, x, c), where they exceed those of shape.

    All that is done with pixels is done with integers, so every device makes the same video.

    Parameters
    ----------
    kernels : module
        The back end of the device that holds the videos.
    video : array of uint8
        The video.
    shape : tuple of int
        (t, y, x) of the new size. An axis that would not shrink stays as it is.
    detailed : array of uint8
        The same video, large enough to show small objects.
    spans : tuple of tuple of float, optional
        Begin and end, along y and x, of a region that keeps its width, and whose middle stays at
        the same fraction of the axis.
    """
    for axis in (1, 2):
        n, m = video.shape[axis], shape[axis]
        if m < n:
            detail = kernels.to_host(_detail(detailed, axis)).astype(np.float64)
            centres, places = ((np.arange(count) + 0.5) / count for count in (len(detail), n))
            span = None if spans is None else spans[axis - 1]
            edges = np.pad(np.cumsum(_widths(np.interp(places, centres, detail), m, span)), (1, 0))
            places = np.interp(np.arange(m + 1) * (edges[-1] / m), edges, np.arange(n + 1))
            parts = kernels.to_device(np.rint(places * PARTS).astype(np.int64))
            video = _means(video, axis, parts)
    return video


def _detail(video: NDArray[np.uint8], axis: int) -> NDArray[np.int64]:
    """Variance in windows along an axis, in some unit, as sums over all other axes."""
    window = max(3, round(WINDOW * min(video.shape[1:3])))
    pads = [(window // 2 + 1, (window - 1) // 2), *[(0, 0)] * 3]
    total: Any = 0
    for first in range(0, len(video), BLOCK):
        block = np.moveaxis(video[first : first + BLOCK], axis, 0).astype(np.int64)
        values = np.pad(block, pads, mode="edge")
        sums = (np.cumsum(v, axis=0) for v in (values, values * values))
        once, squared = (s[window:] - s[:-window] for s in sums)
        total = total + (window * squared - once * once).sum(axis=(1, 2, 3))
    detail: NDArray[np.int64] = total
    return detail


def _widths(detail: NDArray[np.float64], n: int, span: Span | None) -> NDArray[np.float64]:
    """The new widths of columns of width 1; their sum is `n`."""
    detail = detail + FLOOR * detail.mean() + 1e-9
    for border in (detail[:BORDER], detail[-BORDER:]):
        np.maximum(border, detail.mean(), out=border)
    least = LEAST * n / len(detail)
    if span is None:
        return _optimal(detail, n, least)
    begin, end = (len(detail) * place for place in span)
    detail[int(begin) : int(np.ceil(end))] = detail.max()
    middle = round((begin + end) / 2)
    parts = [part for part in np.split(detail, [middle]) if len(part)]
    return np.concatenate([_optimal(part, n * len(part) / len(detail), least) for part in parts])


def _optimal(detail: NDArray[np.float64], total: float, least: float) -> NDArray[np.float64]:
    """The widths, from `least` to 1, that minimise the sum of detail x (1 - width) ** 2."""

    def widths(price: float) -> NDArray[np.float64]:
        return (1 - price / detail).clip(least, 1)

    price = brentq(lambda price: widths(price).sum() - total, 0, detail.max())
    result = widths(price)
    scaled: NDArray[np.float64] = result * (total / result.sum())
    return scaled


def _means(video: NDArray[np.uint8], axis: int, places: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The mean of a video between each place along an axis and the next, in parts of a voxel."""
    values = np.moveaxis(video, axis, -1).astype(np.int64)
    sums = np.pad(np.cumsum(values, axis=-1), [*[(0, 0)] * 3, (1, 1)], mode="edge")
    sums[..., 0] = 0
    before, share = places // PARTS, places % PARTS
    sums = (PARTS - share) * sums[..., before] + share * sums[..., before + 1]
    widths = np.diff(places)
    means = (2 * np.diff(sums) + widths) // (2 * widths)
    return contiguous(np.moveaxis(means.astype(np.uint8), -1, axis))
