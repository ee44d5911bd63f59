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
from patchvid.kernels import rules
from patchvid.kernels.exact import patch_rows, squared_distances
from patchvid.kernels.fork_safety import unforked
from patchvid.kernels.threads import poll

STEPS = 10
PATCH: Triple = (3, 5, 5)

# Weights of guides, and of known frames, relative to colours at the beginning, when all is noise.
GUIDED, CONTINUED = 0.36, 4.0

FINE = 16  # steps per grey level in which patches are added up
CELLS, LOWEST = 64, 16  # table of weights: entries per unit of the exponent, and number of units
HEAVIEST = 1 << 16  # weight of the likeliest key

Guides = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def draw_layout(
    key: NDArray[np.uint8],
    normal: NDArray[np.float32],
    guides: Guides | None,
    known: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Turn noise into a layout whose patches are like those of `key`.

    `normal` (t, y, x, c) has the size of the layout, and mean 0 and variance 1. `guides` (t, y, x,
    g) are one of the size of the layout and one of the size of `key`; patches with similar guides
    are preferred. `known` has the first frames of the layout. Time and memory grow with the number
    of patches of `key` times that of the layout.
    """
    t, y, x, _ = normal.shape
    shape = t, y, x
    patch: Any = tuple(map(min, PATCH, key.shape, shape))
    middle, variance = _moments(key)
    noise = np.rint(normal * np.float32(math.sqrt(variance))).astype(np.float64)
    layout = noise
    keys = patch_rows(key, patch) - middle
    scale = 2 * max(variance, 1e-9)
    misplaced: Any = 0
    if guides is not None:
        misplaced = squared_distances(*(patch_rows(guide, patch) for guide in guides))
        misplaced *= GUIDED / scale
    if known is not None:
        misplaced = misplaced + _mismatch(known, shape, key, patch) * (CONTINUED / scale)
    table = _weight_table()
    n_known = 0 if known is None else len(known)
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
        if known is not None:
            mixed = (left - 1) * noise[:n_known] + (step + 1) * (known.astype(np.float64) - middle)
            layout[:n_known] = np.rint(mixed / STEPS)
    return np.clip(layout + middle, 0, 255).astype(np.uint8)


def _mismatch(
    known: NDArray[np.uint8], shape: Triple, key: NDArray[np.uint8], patch: Triple
) -> NDArray[np.float64]:
    """Squared distances (n, m) of patches of a layout from all keys, in the first, known frames."""
    n_frames, *grid = rules.patch_grid(shape, patch)
    missing = [(0, shape[0] - len(known)), (0, 0), (0, 0), (0, 0)]
    queries, keys = (
        patch_rows(video, patch).reshape(-1, key.shape[3], patch[0], math.prod(patch[1:]))
        for video in (np.pad(known, missing), key)
    )
    distances = np.zeros((n_frames, math.prod(grid), len(keys)))
    for t, rows in enumerate(queries.reshape(n_frames, -1, *queries.shape[1:])):
        extent = min(patch[0], len(known) - t)
        if extent > 0:
            pair = (video[:, :, :extent].reshape(len(video), -1) for video in (rows, keys))
            distances[t] = squared_distances(*pair)
    return distances.reshape(-1, len(keys))


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
