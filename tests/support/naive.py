"""Slow, plain references for the kernels. They import nothing from patchvid."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Axes = tuple[bool, bool, bool]
Triple = tuple[int, int, int]


def patches(video: NDArray[Any], patch: Triple, periodic: Axes = (False, False, False)) -> Floats:
    """All patches, (t', y', x', kt, ky, kx, c); at the end of a periodic axis, it begins again."""
    grid = [
        size if wraps else size - extent + 1
        for size, extent, wraps in zip(video.shape[:3], patch, periodic, strict=True)
    ]
    gathered = np.empty((*grid, *patch, video.shape[3]))
    for first in np.ndindex(*grid):
        places = [
            [(at + offset) % size for offset in range(extent)]
            for at, extent, size in zip(first, patch, video.shape[:3], strict=True)
        ]
        gathered[first] = video[np.ix_(*places)]
    return gathered


def patch_distance(
    query: NDArray[Any],
    key: NDArray[Any],
    nnf: NDArray[Any],
    patch: Triple,
    periodic: Axes = (False, False, False),
) -> Floats:
    """Mean squared difference per value between every query patch and its key patch."""
    queries, keys = patches(query, patch, periodic), patches(key, patch)
    cost = np.empty(nnf.shape[:3])
    for at in np.ndindex(*cost.shape):
        t, y, x = nnf[at]
        cost[at] = ((queries[at] - keys[t, y, x]) ** 2).mean()
    return cost


def all_costs(
    query: NDArray[Any],
    key: NDArray[Any],
    patch: Triple,
    *,
    weights: NDArray[Any] | None = None,
    key_mask: NDArray[np.bool_] | None = None,
    periodic: Axes = (False, False, False),
) -> Floats:
    """Cost of every pair, (t', y', x', t'', y'', x''); infinite where the key may not be chosen."""
    query_patches, key_patches = patches(query, patch, periodic), patches(key, patch)
    costs = np.empty(query_patches.shape[:3] + key_patches.shape[:3])
    for at in np.ndindex(*query_patches.shape[:3]):
        costs[at] = ((key_patches - query_patches[at]) ** 2).mean(axis=(3, 4, 5, 6))
    if weights is not None:
        costs *= weights
    if key_mask is not None:
        costs[..., ~key_mask] = np.inf
    return costs


def search(costs: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Find the cheapest key of every query patch, the first one of several, and its cost."""
    by_query = costs.reshape(*costs.shape[:3], -1)
    nearest = np.unravel_index(by_query.argmin(axis=-1), costs.shape[3:])
    return np.stack(nearest, axis=-1), by_query.min(axis=-1)


def vote(
    value: NDArray[Any],
    nnf: NDArray[Any],
    patch: Triple,
    periodic: Axes = (False, False, False),
    reduce: str = "median",
) -> NDArray[Any]:
    """Collect the votes on every voxel one by one, and take their lower median or mean.

    Means of integers are rounded, halves up.
    """
    shape = [
        count if wraps else count + extent - 1
        for count, extent, wraps in zip(nnf.shape[:3], patch, periodic, strict=True)
    ]
    votes: dict[tuple[int, ...], list[Any]] = {voxel: [] for voxel in np.ndindex(*shape)}
    for t, y, x in np.ndindex(*nnf.shape[:3]):
        from_t, from_y, from_x = nnf[t, y, x]
        for dt, dy, dx in np.ndindex(*patch):
            voxel = (t + dt) % shape[0], (y + dy) % shape[1], (x + dx) % shape[2]
            votes[voxel].append(value[from_t + dt, from_y + dy, from_x + dx])
    voted = np.empty((*shape, value.shape[3]), value.dtype)
    for place, cast in votes.items():
        if reduce == "median":
            voted[place] = np.sort(cast, axis=0)[(len(cast) - 1) // 2]
        elif value.dtype.kind == "u":
            total = np.sum(cast, axis=0, dtype=np.int64)
            voted[place] = (2 * total + len(cast)) // (2 * len(cast))
        else:
            voted[place] = np.mean(cast, axis=0, dtype=np.float64)
    return voted
