"""Layouts of ``layout="flow"``, the default: noise turned into new arrangements of a small clip.

Flow matching moves noise to data along straight lines. If the data are the patches of one clip, the
velocity is known exactly: it points to the mean of all patches, weighted by how likely each is
under the remaining noise. Overlapping patches are averaged after every step.

Products and sums are of integers, and weights come from a table, so every processor makes the same
layout. All arrays are NumPy's: at this size a GPU would mostly wait for launches.

Reference: Kamb and Ganguli, "An analytic theory of creativity in convolutional diffusion models"
(ICML 2025), for images and diffusion; here patches extend in time, and know their places.
"""

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._validation import Triple
from patchvid.kernels import rng, rules
from patchvid.kernels.exact import patch_rows, squared_distances
from patchvid.kernels.fork_safety import unforked
from patchvid.kernels.threads import poll

STEPS = 10
PATCH: Triple = (3, 5, 5)

# Weight of guides relative to colours at the beginning, when all is noise.
GUIDED = 0.36

FINE = 16  # steps per grey level in which patches are added up
CELLS, LOWEST = 64, 16  # table of weights: entries per unit of the exponent, and number of units
HEAVIEST = 1 << 16  # weight of the likeliest key

Guides = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def draw_layout(
    key: NDArray[np.uint8], shape: Triple, guides: Guides | None, *seed: int
) -> NDArray[np.uint8]:
    """Draw a layout (t, y, x, c) of `shape` (t, y, x), whose patches are like those of `key`.

    `guides` (t, y, x, g) are one of the size of the layout and one of the size of `key`; patches
    with similar guides are preferred. Time and memory grow with the number of patches of `key`
    times that of the layout.
    """
    patch: Any = tuple(map(min, PATCH, key.shape, shape))
    middle, variance = _moments(key)
    noise = rng.normal(np, (1, *shape[1:], key.shape[3]), *seed)
    noise = np.rint(noise * np.float32(math.sqrt(variance))).astype(np.float64)
    layout = np.repeat(noise, shape[0], axis=0)
    keys = patch_rows(key, patch) - middle
    scale = 2 * max(variance, 1e-9)
    misplaced: Any = 0
    if guides is not None:
        misplaced = squared_distances(*(patch_rows(guide, patch) for guide in guides))
        misplaced *= GUIDED / scale
    table = _weight_table()
    for step in range(STEPS):
        poll()
        left = STEPS - step
        # A patch that turns into the key k is now (left * noise + step * k) / STEPS.
        distance = squared_distances(STEPS * patch_rows(layout, patch), step * keys)
        exponent = distance / (scale * left**2) + misplaced
        exponent -= exponent.min(axis=1, keepdims=True)
        cells = np.minimum(exponent * CELLS + 0.5, len(table) - 1).astype(np.int32)
        weights = table[cells]
        with unforked():
            means = weights @ keys
        means /= weights.sum(axis=1, keepdims=True)
        layout = np.rint(layout + (_fold(means, shape, patch) - layout) / left)
    return np.clip(layout + middle, 0, 255).astype(np.uint8)


def _fold(rows: NDArray[np.float64], shape: Triple, patch: Triple) -> NDArray[np.float64]:
    """Average rows of patches into a video (t, y, x, c); the centre of a patch weighs most."""
    grid = rules.patch_grid(shape, patch)
    video = np.rint(FINE * rows).reshape(*grid, -1, *patch)
    total = np.full((), FINE)
    for axis, (n, extent) in enumerate(zip(grid, patch, strict=True)):
        parts = np.moveaxis(video, (axis, 4), (0, 1))
        summed = np.zeros((n + extent - 1, *parts.shape[2:]))
        count = np.zeros(n + extent - 1)
        for place in range(extent):
            weight = math.comb(extent - 1, place)  # close to a Gaussian window
            summed[place : place + n] += weight * parts[:, place]
            count[place : place + n] += weight
        video = np.moveaxis(summed, 0, axis)
        total = total[..., None] * count
    return video / total[..., None]


def _moments(video: NDArray[np.uint8]) -> tuple[int, float]:
    """Rounded mean, and variance, from sums of integers."""
    values = video.astype(np.int64)
    mean = int(values.sum()) / values.size
    return round(mean), max(0.0, int((values**2).sum()) / values.size - mean**2)


@lru_cache(maxsize=1)
def _weight_table() -> NDArray[np.float64]:
    """Weights exp(-cell / CELLS) as integers; the last, for all larger distances, is 0."""
    cells = np.arange(CELLS * LOWEST + 1)
    weights = np.rint(HEAVIEST * np.exp(-cells / CELLS))
    weights[-1] = 0
    return weights
