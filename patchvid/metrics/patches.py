"""Means over all patches or voxels of videos, from samples where the videos are large.

Values are on the scale of 8 bits. Arrays of a GPU are worked on there; random numbers are drawn on
the host, so that the same places and directions are taken on every device.
"""

import math
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from patchvid._convert import Floats, to_grey
from patchvid._device import backend
from patchvid._validation import Triple, check_integer
from patchvid.core.search import search
from patchvid.errors import InvalidInput
from patchvid.kernels.threads import parallel_range
from patchvid.metrics.comparison import Pair

PATCH: Triple = (3, 7, 7)

# Videos of at most so many patches are searched exactly. In others PatchMatch makes so many sweeps,
# and some patches are searched for exactly, to tell how far above the truth its costs are: as many
# as make so many pairs with all others, in these limits.
EXACT_PATCHES, SWEEPS = 7000, 4
PAIRS, SAMPLE = 1 << 28, (64, 128)
CHUNK = 1 << 13  # patches unfolded at once: 14 MB

SCALES, DIRECTIONS, PROJECTED = 3, 512, 1 << 14  # of the sliced Wasserstein distance


class Estimate(NamedTuple):
    """A measure and its standard error; 0 where everything was measured and nothing sampled."""

    value: float
    error: float = 0.0


def _middle(video: NDArray[Any]) -> Any:
    """Half way between the least and the greatest value: what is left of all others is small."""
    return (video.min().astype(np.float32) + video.max()) / np.float32(2)


def _unfold(video: NDArray[Any], patch: Triple, middle: Any) -> Floats:
    """A view of all patches, (t', y', x', kt, ky, kx, c), of values around 0 to round little."""
    centred = np.subtract(video, middle, dtype=np.float32)
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
    seed = check_integer("seed", seed, 0)
    kernels = backend(device)
    queries, keys = (_unfold(video, patch, _middle(key)) for video in (query, key))
    if max(_count(queries), _count(keys)) <= EXACT_PATCHES:
        nnf, cost = search(query, key, patch=patch, method="exact", device=device)
        return Estimate(float(cost.mean(dtype=np.float64))), nnf
    nnf, cost = search(query, key, patch=patch, sweeps=SWEEPS, seed=seed, device=device)
    cumulated = cost.cumsum(dtype=np.float64)
    if cumulated[-1] == 0:
        return Estimate(0.0), nnf
    n_drawn = int(np.clip(PAIRS // _count(keys), *SAMPLE))
    strata = np.arange(n_drawn) + np.random.default_rng(seed).random(n_drawn)
    strata = kernels.to_device(strata / n_drawn)
    drawn = np.searchsorted(cumulated[:-1], strata * cumulated[-1], side="right")
    found = cost.ravel()[drawn]
    ratios = np.minimum(_least_cost(_rows(queries, drawn), keys), found) / found
    mean = float(cumulated[-1]) / cost.size
    error = mean * float(ratios.std(ddof=1)) / math.sqrt(n_drawn)
    return Estimate(mean * float(ratios.mean()), error), nnf


def _least_cost(rows: Floats, keys: Floats) -> Floats:
    """Mean squared difference per value of each patch to the nearest one of all keys."""
    least = np.full(len(rows), np.inf, np.float32, like=rows)
    nearest = np.zeros(len(rows), np.int64, like=rows)
    n_frames, height, width = keys.shape[:3]
    band = max(1, CHUNK // width)
    for t, y in product(range(n_frames), range(0, height, band)):
        some = keys[t, y : y + band].reshape(-1, rows.shape[1])
        distance = (-2 * rows) @ some.T
        distance += np.einsum("ij,ij->i", some, some)
        found = distance.min(axis=1)
        place = distance.argmin(axis=1) + (t * height + y) * width
        nearest = np.where(found < least, place, nearest)
        least = np.minimum(found, least)
    return ((rows - _rows(keys, nearest)) ** 2).mean(axis=1)  # the product has rounded


def sliced_wasserstein(
    source: NDArray[Any],
    output: NDArray[Any],
    patch: Triple,
    seed: int,
    device: str,
    known: dict[Any, Floats] | None = None,
) -> Estimate:
    """Distance between the patches of two videos as distributions, at all scales together.

    `known` keeps what was made of the source for the next one with the same source and seed.
    """
    known = {} if known is None else known
    random = np.random.default_rng(check_integer("seed", seed, 0))
    kernels = backend(device)
    n_values = math.prod(patch) * source.shape[3]
    normal = random.standard_normal((n_values, min(n_values, DIRECTIONS)))
    directions = kernels.to_device(np.linalg.qr(normal)[0].T.astype(np.float32))

    def project(video: NDArray[Any], middle: Any, count: int, number: int) -> Floats:
        places = kernels.to_device(_spread(count, number, seed))
        projected: Floats = directions @ _rows(_unfold(video, patch, middle), places).T
        if kernels.DEVICE == "cpu":
            parallel_range(
                lambda first, stop: projected[first:stop].sort(axis=1), len(projected), grain=32
            )
        else:
            projected.sort(axis=1)
        return projected

    distances = []
    for scale in range(SCALES):
        if scale:
            source, output = _halve(source), _halve(output)
        both = (source, output)
        if scale and any(n <= k for v in both for n, k in zip(v.shape[1:3], patch[1:])):
            break
        counts = [math.prod(kernels.patch_grid(video.shape, patch)) for video in both]
        number = min(PROJECTED, *counts)
        middle = _middle(source)
        if (scale, patch, number) not in known:
            known[scale, patch, number] = project(source, middle, counts[0], number)
        apart = np.abs(known[scale, patch, number] - project(output, middle, counts[1], number))
        apart = apart.mean(axis=1, dtype=np.float64)
        distances.append(kernels.to_host(apart))
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


def diversity_index(pairs: Sequence[Pair]) -> float:
    """Spread of a grey voxel over the outputs, relative to that of all voxels of the source."""
    if len({pair.output.shape[1:] for pair in pairs}) > 1:
        raise InvalidInput("outputs must have the same height and width; evaluate others apart")
    contrast = float(to_grey(pairs[0].source).std(dtype=np.float64))
    if contrast == 0:
        raise InvalidInput("source must show more than one grey, to measure diversity by")
    n_frames = min(len(pair.output) for pair in pairs)
    greys = np.stack([to_grey(pair.output[:n_frames]) for pair in pairs])
    return float(greys.std(axis=0).mean(dtype=np.float64)) / contrast
