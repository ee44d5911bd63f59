"""Squeezing a clip where little is shown: objects keep their width, and the space between shrinks.

Reference: D. Panozzo, O. Weber, O. Sorkine: "Robust Image Retargeting via Axis-Aligned Deformation"
(Eurographics 2012). Here one axis at a time is squeezed, by the same widths in all frames, so that
nothing moves that stood still.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.optimize import brentq

from patchvid._validation import Triple

WINDOW = 1 / 3  # of the shorter side: a column counts as much as its window varies
FLOOR = 0.05  # detail that every column has, relative to the mean
LEAST = 0.4  # least width of a column, relative to the width in uniform squeezing
BORDER = 3  # voxels at either border have at least mean detail: objects there must not be cut

Span = tuple[float, float]  # where a region begins and ends along an axis, from 0 to 1


def squeeze(
    video: NDArray[np.uint8],
    shape: Triple,
    detailed: NDArray[np.uint8],
    spans: tuple[Span, Span] | None = None,
) -> NDArray[np.uint8]:
    """Squeeze the height and width of a small video (t, y, x, c), where they exceed those of shape.

    Both videos are NumPy arrays.

    Parameters
    ----------
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
        n = shape[axis]
        if n < video.shape[axis]:
            detail = _detail(detailed, axis, video.shape[axis])
            span = None if spans is None else spans[axis - 1]
            video = _resize(video, axis, _widths(detail, n, span), n)
    return video


def _detail(video: NDArray[np.uint8], axis: int, n: int) -> NDArray[np.float64]:
    """Variance in windows along an axis, as means over all other axes, at `n` places."""
    _, height, width, _ = video.shape
    window = max(3, round(WINDOW * min(height, width)))
    total = np.zeros(video.shape[axis])
    for frame in video:  # one at a time takes little memory
        values = np.moveaxis(frame, axis - 1, 0).astype(np.float64)
        mean, square = (uniform_filter1d(v, window, 0) for v in (values, np.square(values)))
        total += (square - np.square(mean)).mean(axis=(1, 2))
    centres, places = ((np.arange(m) + 0.5) / m for m in (len(total), n))
    return np.interp(places, centres, total / len(video))


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


def _resize(
    video: NDArray[np.uint8], axis: int, widths: NDArray[np.float64], n: int
) -> NDArray[np.uint8]:
    """Resize an axis to `n` voxels: each is the mean of the part of the video that it covers."""
    values = np.moveaxis(video, axis, -1)
    sums = np.insert(np.cumsum(values, axis=-1, dtype=np.float64), 0, 0, axis=-1)
    edges = np.insert(np.cumsum(widths), 0, 0)
    places = np.interp(np.arange(n + 1) * (edges[-1] / n), edges, np.arange(len(edges)))
    before = np.minimum(places.astype(np.int64), len(widths) - 1)
    share = places - before
    sums = (1 - share) * sums[..., before] + share * sums[..., before + 1]
    means = np.rint(np.diff(sums) / np.diff(places)).clip(0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.moveaxis(means, -1, axis))
