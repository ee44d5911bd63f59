"""Exact search by chunked matrix products: for small inputs, and as a reference for PatchMatch."""

import math

import numpy as np

from patchvid.kernels import rules
from patchvid.kernels.fork_safety import unforked
from patchvid.kernels.threads import poll

CHUNK = 1 << 22  # distances held at once: 32 MB
UNITS = 2**16  # distances are rounded to 1 / UNITS, so that sums are of integers


def patch_rows(video, patch, periodic=(False, False, False), step=1):
    """Every `step`-th patch as a row (n, c * t * y * x) in double precision, exact for integers."""
    video = rules.pad_periodic(video, patch, periodic)
    channels, places = video.shape[3], first_voxels(patch, (1, 1, 1), video.shape)
    offsets = np.arange(channels)[:, None] + channels * places
    # Indices from the host: CuPy's `sliding_window_view` would wait for the GPU.
    index = channels * first_voxels(video.shape, patch)[::step, None] + offsets.reshape(-1)
    return video.reshape(-1).astype(np.float64)[np.asarray(index, like=video)]


def first_voxels(size, patch, shape=None):
    """Flat indices of the first voxels of all patches of a video, which may be a part of another.

    Then `shape` is that of the other one, in which the indices are.
    """
    grid = rules.patch_grid(size, patch)
    return rules.first_voxel(np.arange(math.prod(grid)), grid, shape or size)


def squared_distances(queries, keys):
    """Squared distances (n, m) between all rows of queries and of keys, exact for integers."""
    with unforked():
        products = queries @ keys.T
    distances = np.einsum("ij,ij->i", keys, keys) - 2 * products
    distances += np.einsum("ij,ij->i", queries, queries)[:, None]
    return np.maximum(distances, 0, out=distances)


def search_exact(
    query, key, *, patch, weights=None, periodic=(False, False, False), alpha=None
):  # fmt: skip
    """Find the nearest key of every query patch; return the field and its cost.

    Ties go to the first key. Arguments are those of `cpu.search`. The method takes one product of
    patches for every pair of a query and a key.
    """
    queries, keys = patch_rows(query, patch, periodic), patch_rows(key, patch)
    voxels = first_voxels(key.shape, patch).astype(np.int32)
    field = np.empty(len(queries), np.int32)
    cost = np.empty(len(queries), np.float32)
    if weights is not None:
        weights = rules.as_weights(weights)
        forbidden = np.isinf(weights.reshape(-1))
        factors = np.where(forbidden, 1, weights.reshape(-1))
    rows = max(1, CHUNK // len(keys))
    for start in range(0, len(queries), rows):
        poll()
        part = slice(start, start + rows)
        distance = squared_distances(queries[part], keys)
        if weights is not None:
            distance *= factors
            distance = np.where(forbidden, np.inf, distance)
        np.take(voxels, distance.argmin(axis=1), out=field[part])
        cost[part] = distance.min(axis=1)
    cost = rules.finish_cost(cost, rules.value_count(patch, key.shape[3]), alpha)
    grid = rules.patch_grid(query.shape, patch, periodic)
    return field.reshape(grid), cost.reshape(grid)


def nearest_other_distance(video, patch, sample: int = 1000) -> float:
    """Mean Euclidean distance between a patch and the nearest other patch of the same video.

    The mean is over all patches or, if there are more than `sample`, over about `sample` evenly
    spaced ones. It is 0 if there is only one patch.
    """
    patches = patch_rows(video, patch)
    if len(patches) == 1:
        return 0.0
    chosen = np.arange(0, len(patches), max(1, len(patches) // sample), like=patches)
    total = np.zeros((), np.int64, like=patches)  # sums of integers do not depend on their order
    rows = max(1, CHUNK // len(patches))
    for start in range(0, len(chosen), rows):
        poll()
        some = chosen[start : start + rows]
        distance = squared_distances(patches[some], patches)
        distance[np.arange(len(some), like=patches), some] = np.inf
        nearest = np.sqrt(distance.min(axis=1))
        total += np.rint(nearest * UNITS).astype(np.int64).sum()
    return float(total) / UNITS / len(chosen)
