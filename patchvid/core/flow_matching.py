"""Layouts by flow matching: new arrangements of a clip's coarsest level, without training.

Flow matching moves noise to data along straight lines. Where the data are the patches of one clip,
the velocity is known exactly: it points to the mean of all patches, weighted by how likely each is
under the noise that is left. Overlapping patches are averaged after every step.

Products and sums are of whole numbers, and weights come from a table, so that every device and
every processor makes the same layout.

Source: Kamb and Ganguli, "An analytic theory of creativity in convolutional diffusion models"
(ICML 2025), for images and diffusion; here patches extend in time, and know their places.
"""

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from patchvid._validation import Triple
from patchvid.kernels import rng, rules
from patchvid.kernels.forks import unforked

STEPS = 10
PATCH: Triple = (3, 5, 5)

# How strongly guides count, relative to colours at the beginning, when all is noise.
GUIDED = 0.36

# Products of a step are limited to this number, which takes tens of milliseconds. In larger clips
# only some keys, evenly spaced, are used.
PRODUCTS = 1e9

FINE = 16  # steps per gray level in which patches are added up
CELLS, LOWEST = 64, 16  # entries of the table of weights per unit of the exponent; the last unit
HEAVIEST = 1 << 16  # weight of the likeliest key

Guides = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def draw_layout(
    key: NDArray[np.uint8], shape: Triple, guides: Guides | None, *seed: int
) -> NDArray[np.uint8]:
    """Draw a layout of `shape` (t, y, x) whose patches are like those of `key` (t, y, x, c).

    The first of `guides` has the size of the layout and the second that of `key`: patches are
    preferred where they are alike. All arrays are NumPy's: a GPU would mostly wait for launches.
    """
    patch: Any = tuple(map(min, PATCH, key.shape, shape))
    middle, variance = _moments(key)
    noise = rng.normal(np, (1, *shape[1:], key.shape[3]), *seed)
    noise = np.rint(noise * np.float32(math.sqrt(variance))).astype(np.float64)
    layout = np.repeat(noise, shape[0], axis=0)
    grid = rules.patch_grid(shape, patch)
    keys = patch_rows(key.astype(np.float64) - middle, patch)
    n_keys = max(1, int(PRODUCTS / (math.prod(grid) * keys.shape[1])))
    chosen = slice(None, None, math.ceil(len(keys) / n_keys))
    keys, scale = keys[chosen], 2 * max(variance, 1e-9)
    misplaced: Any = 0
    if guides is not None:
        at_query, at_key = (patch_rows(guide.astype(np.float64), patch) for guide in guides)
        misplaced = GUIDED / scale * _squared_distances(at_query, at_key[chosen])
    table = _weight_table()
    for step in range(STEPS):
        left = STEPS - step
        # A patch that becomes the key k is (left * noise + step * k) / STEPS by now.
        distance = _squared_distances(STEPS * patch_rows(layout, patch), step * keys)
        exponent = distance / (scale * left**2) + misplaced
        exponent -= exponent.min(axis=1, keepdims=True)
        cells = np.minimum(exponent * CELLS + 0.5, len(table) - 1).astype(np.int32)
        weights = table[cells]
        with unforked():
            means = weights @ keys / weights.sum(axis=1, keepdims=True)
        layout = np.rint(layout + (_fold(means, grid, patch) - layout) / left)
    return np.clip(layout + middle, 0, 255).astype(np.uint8)


def _fold(patches: NDArray[np.float64], grid: Triple, patch: Triple) -> NDArray[np.float64]:
    """Average rows of patches into a video (t, y, x, c), near voxels of a patch counting most."""
    video = np.rint(FINE * patches).reshape(*grid, *patch, -1)
    total = np.full((), FINE)
    for axis, (n, extent) in enumerate(zip(grid, patch, strict=True)):
        # Sum over one axis of the patch, shifted along the axis of the grid.
        window = [math.comb(extent - 1, place) for place in range(extent)]
        parts = np.moveaxis(video, (axis, 3), (0, 1))
        summed = np.zeros((n + extent - 1, *parts.shape[2:]))
        count = np.zeros(n + extent - 1)
        for place, weight in enumerate(window):
            summed[place : place + n] += weight * parts[:, place]
            count[place : place + n] += weight
        video = np.moveaxis(summed, 0, axis)
        total = total[..., None] * count
    return video / total[..., None]


def patch_rows(video: NDArray[np.float64], patch: Triple) -> NDArray[np.float64]:
    """All patches as rows, (n, t * y * x * c)."""
    windows = np.moveaxis(sliding_window_view(video, patch, (0, 1, 2)), 3, -1)
    return windows.reshape(-1, math.prod(windows.shape[3:]))


def _squared_distances(
    queries: NDArray[np.float64], keys: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Of every query to every key; exact for whole numbers."""
    with unforked():
        squares = np.einsum("ij,ij->i", keys, keys) - 2 * (queries @ keys.T)
    return squares + np.einsum("ij,ij->i", queries, queries)[:, None]


def _moments(video: NDArray[np.uint8]) -> tuple[int, float]:
    """Mean, rounded, and variance, from sums of whole numbers."""
    values = video.astype(np.int64)
    mean = int(values.sum()) / values.size
    return round(mean), int((values**2).sum()) / values.size - mean**2


@lru_cache(maxsize=1)
def _weight_table() -> NDArray[np.float64]:
    """Weights exp(-cell / CELLS) as whole numbers; the last, for all that is further, is 0."""
    cells = np.arange(CELLS * LOWEST + 1)
    weights = np.rint(HEAVIEST * np.exp(-cells / CELLS))
    weights[-1] = 0
    return weights
