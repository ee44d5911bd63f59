"""Squeezing a clip where little is shown: objects keep their width, and the space between shrinks.

Reference: D. Panozzo, O. Weber, O. Sorkine: "Robust Image Retargeting via Axis-Aligned Deformation"
(Eurographics 2012). Here one axis at a time is squeezed, by the same widths in all frames, so that
nothing moves that stood still.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import scipy  # loads its parts when they are first used
from numpy.typing import NDArray

from patchvid._validation import Triple, contiguous
from patchvid.kernels.fork_safety import unforked

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
    spans: Sequence[Span] | None = None,
) -> NDArray[np.uint8]:
    """Squeeze the height and width of a small video (t, y, x, c), where they exceed those of shape.

    All sums of pixels are whole numbers, and so exact: every device makes the same video.

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
    spans : list of tuple of float, optional
        Begin and end, along t, y and x, of a region that keeps its width, and whose middle stays at
        the same fraction of the axis.
    """
    for axis in (1, 2):
        n, m = video.shape[axis], shape[axis]
        if m < n:
            detail = kernels.to_host(_detail(kernels, detailed, axis))
            old, new = ((np.arange(count) + 0.5) / count for count in (len(detail), n))
            span = None if spans is None else spans[axis]
            widths = _widths(np.interp(new, old, detail), m, span)
            edges = np.pad(np.cumsum(widths), (1, 0))
            places = np.interp(np.linspace(0, edges[-1], m + 1), edges, np.arange(n + 1))
            video = _means(kernels, video, axis, np.rint(places * PARTS).astype(np.int64))
    return video


def _detail(kernels: ModuleType, video: NDArray[np.uint8], axis: int) -> NDArray[np.float64]:
    """Variance in windows along an axis, in some unit, as sums over all other axes.

    The square of a window's sum is the sum of all products of two of its places.
    """
    n = video.shape[axis]
    window = max(3, round(WINDOW * min(video.shape[1:3])))
    places = (np.arange(n)[:, None] + np.arange(window) - window // 2).clip(0, n - 1)
    counts = np.zeros((n, n))
    np.add.at(counts, (np.arange(n)[:, None], places), 1)
    windows = kernels.to_device(counts)
    products: Any = 0
    for first in range(0, len(video), BLOCK):
        rows = _rows(video[first : first + BLOCK], axis)
        with unforked():
            products = products + rows @ rows.T
    with unforked():
        squares, square = windows @ products.diagonal(), windows @ products
    detail: NDArray[np.float64] = window * squares - (square * windows).sum(axis=1)
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

    price = scipy.optimize.brentq(lambda price: widths(price).sum() - total, 0, detail.max())
    result = widths(price)
    scaled: NDArray[np.float64] = result * (total / result.sum())
    return scaled


def _means(
    kernels: ModuleType, video: NDArray[np.uint8], axis: int, places: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """The mean of a video between each place along an axis and the next, in parts of a voxel."""
    begins = np.arange(video.shape[axis]) * PARTS
    shared = np.minimum(places[1:, None], begins + PARTS) - np.maximum(places[:-1, None], begins)
    weights = kernels.to_device(shared.clip(0).astype(np.float64))
    widths = kernels.to_device(np.diff(places)[:, None])
    with unforked():
        sums = (weights @ _rows(video, axis)).astype(np.int64)
    means = ((2 * sums + widths) // (2 * widths)).astype(np.uint8)
    others = [n for other, n in enumerate(video.shape) if other != axis]
    return contiguous(np.moveaxis(means.reshape(-1, *others), 0, axis))


def _rows(video: NDArray[np.uint8], axis: int) -> NDArray[np.float64]:
    """The values at each place along an axis, as a row."""
    return np.moveaxis(video, axis, 0).reshape(video.shape[axis], -1).astype(np.float64)
