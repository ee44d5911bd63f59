"""Means over all patches of two videos, from samples where the videos are large.

Values are on the scale of 8 bits.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from patchvid.checks import Triple, as_whole
from patchvid.matching import search

Floats = NDArray[np.float32]

# Videos of at most so many patches are searched exactly. In others PatchMatch makes so many sweeps,
# and so many patches are searched for exactly, to tell how far above the truth its costs are.
EXACT_PATCHES, SWEEPS, SAMPLE = 7000, 4, 128
CHUNK = 1 << 13  # patches unfolded at once: 14 MB

SCALES, DIRECTIONS, PROJECTED = 3, 512, 1 << 14  # of the sliced Wasserstein distance


class Estimate(NamedTuple):
    """A measure and its standard error; 0 where everything was measured and nothing sampled."""

    value: float
    error: float = 0.0


def _unfold(video: NDArray[Any], patch: Triple) -> Floats:
    """A view of all patches, (t', y', x', kt, ky, kx, c), of values around 0 to round little."""
    centred = np.subtract(video, 127.5, dtype=np.float32)
    return np.moveaxis(sliding_window_view(centred, patch, (0, 1, 2)), 3, -1)


def _rows(unfolded: Floats, places: NDArray[np.int64]) -> Floats:
    """Copies of patches, by their numbers."""
    return unfolded[np.unravel_index(places, unfolded.shape[:3])].reshape(len(places), -1)


def _count(unfolded: Floats) -> int:
    return math.prod(unfolded.shape[:3])


def mean_cost(
    query: NDArray[Any], key: NDArray[Any], patch: Triple, seed: int, device: str
) -> tuple[Estimate, NDArray[np.int32]]:
    """Mean cost of the nearest neighbours of the patches of `query`, and their field."""
    seed = as_whole("seed", seed, 0)
    queries, keys = _unfold(query, patch), _unfold(key, patch)
    if max(_count(queries), _count(keys)) <= EXACT_PATCHES:
        nnf, cost = search(query, key, patch=patch, method="exact", device=device)
        return Estimate(float(cost.mean(dtype=np.float64))), nnf
    nnf, cost = search(query, key, patch=patch, sweeps=SWEEPS, seed=seed, device=device)
    cumulated = cost.cumsum(dtype=np.float64)
    if cumulated[-1] == 0:
        return Estimate(0.0), nnf
    strata = np.arange(SAMPLE) + np.random.default_rng(seed).random(SAMPLE)
    drawn = np.searchsorted(cumulated[:-1], strata / SAMPLE * cumulated[-1], side="right")
    found = cost.ravel()[drawn]
    ratios = np.minimum(_least_cost(_rows(queries, drawn), keys), found) / found
    mean = cumulated[-1] / cost.size
    error = mean * ratios.std(ddof=1) / math.sqrt(SAMPLE)
    return Estimate(float(mean * ratios.mean()), float(error)), nnf


def _least_cost(rows: Floats, keys: Floats) -> Floats:
    """Mean squared difference per value of each patch to the nearest one of all keys."""
    least = np.full(len(rows), np.inf, np.float32)
    nearest = np.zeros(len(rows), np.int64)
    for first in range(0, _count(keys), CHUNK):
        some = _rows(keys, np.arange(first, min(first + CHUNK, _count(keys))))
        distance = (-2 * rows) @ some.T + np.einsum("ij,ij->i", some, some)
        place = distance.argmin(axis=1)
        distance = distance[np.arange(len(rows)), place]
        nearest = np.where(distance < least, first + place, nearest)
        least = np.minimum(distance, least)
    return ((rows - _rows(keys, nearest)) ** 2).mean(axis=1)  # the product has rounded


def sliced_wasserstein(
    source: NDArray[Any], output: NDArray[Any], patch: Triple, seed: int
) -> Estimate:
    random = np.random.default_rng(as_whole("seed", seed, 0))
    n_values = math.prod(patch) * source.shape[3]
    normal = random.standard_normal((n_values, min(n_values, DIRECTIONS)))
    directions = np.linalg.qr(normal)[0].astype(np.float32)
    distances = []
    for scale in range(SCALES):
        if scale:
            source, output = _halve(source), _halve(output)
        both = (source, output)
        if scale and any(n <= k for v in both for n, k in zip(v.shape[1:3], patch[1:])):
            break
        patches = [_unfold(video, patch) for video in both]
        number = min(PROJECTED, *map(_count, patches))
        projected = [
            np.sort(directions.T @ _rows(some, _spread(_count(some), number, seed)).T, axis=1)
            for some in patches
        ]
        distances.append(np.abs(projected[0] - projected[1]).mean(axis=1, dtype=np.float64))
    distance = np.mean(distances, axis=0)
    return Estimate(float(distance.mean()), float(distance.std() / math.sqrt(len(distance))))


def _spread(count: int, number: int, seed: int) -> NDArray[np.int64]:
    """So many places out of `count`, one drawn from each of as many stretches."""
    edges = np.arange(number + 1) * count // number
    return np.random.default_rng(seed).integers(edges[:-1], edges[1:])


def _halve(video: NDArray[Any]) -> Floats:
    """Means of 2x2 pixels; an odd row or column is left out."""
    n_frames, height, width, channels = video.shape
    height, width = height // 2, width // 2
    even = video[:, : 2 * height, : 2 * width]
    blocks = even.reshape(n_frames, height, 2, width, 2, channels)
    return blocks.mean(axis=(2, 4), dtype=np.float32)
