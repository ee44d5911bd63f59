"""Measures of generated videos against their source, without learned weights.

How much of a video is the source's (coherence), how much of the source it shows (completeness), how
alike their patches are as a whole (sliced Wasserstein), how far apart several videos are (diversity
index), and in how large pieces a video has been copied (diversity of its field).

Values are measured on the scale of 8 bits, 0 to 255: uint8 as it is, uint16 divided by 257, floats
with the source's least value as 0 and its greatest as 255. Patches have 3 frames of 7x7 pixels, and
1 frame where one of the two videos has no more.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from patchvid.checks import Triple, as_patch, as_size, as_video, as_whole
from patchvid.errors import InvalidInput
from patchvid.matching import search

Floats = NDArray[np.float32]

PATCH: Triple = (3, 7, 7)

# Videos of at most so many patches are searched exactly. In others PatchMatch makes so many sweeps,
# and so many patches are searched for exactly, to tell how far above the truth its costs are.
EXACT_PATCHES, SWEEPS, SAMPLE = 7000, 4, 128
CHUNK = 1 << 13  # patches unfolded at once: 14 MB

SCALES, DIRECTIONS, PROJECTED = 3, 512, 1 << 14  # of the sliced Wasserstein distance

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


class Estimate(NamedTuple):
    """A measure and its standard error; 0 where everything was measured and nothing sampled."""

    value: float
    error: float = 0.0


class NnfDiversity(NamedTuple):
    """What `nnf_diversity` returns."""

    largest_piece: float
    mean_piece: float
    longest_run: int


class Scores(NamedTuple):
    """The measures of one video, named after their functions or after what those return."""

    coherence: Estimate
    completeness: Estimate
    swd: Estimate
    largest_piece: Estimate
    mean_piece: Estimate
    longest_run: Estimate


class Evaluation(NamedTuple):
    """What `evaluate` returns: a row for each video, their mean, and the set's diversity index."""

    scores: list[Scores]
    mean: Scores
    diversity: float | None


def coherence(
    source: NDArray[Any],
    output: NDArray[Any],
    *,
    patch: Triple = PATCH,
    seed: int = 0,
    device: str = "auto",
) -> Estimate:
    """Mean squared difference between a patch of `output` and the nearest one of `source`.

    Parameters
    ----------
    source, output
        (t, y, x, c) of any sizes and the same number of channels; see the module for values.
    patch
        Frames, rows and columns of a patch.
    seed
        Of what is sampled. The same seed gives the same result, but for rounding.
    device
        Where to search: "cpu", or "auto".

    Returns
    -------
    Mean over all patches, per value: 0 for a video made of patches of `source`, at most 255**2;
    less is better, but a copy is best. Exact if neither video has more than 7000 patches. Else it
    has a standard error, of 0.3 to 3 % on real clips.

    Raises
    ------
    InvalidInput
        For videos that cannot be compared, or are smaller than a patch.

    Notes
    -----
    One of the two terms of bidirectional similarity [1]_. In large videos PatchMatch gives every
    patch a cost that is a few percent too high. Of 128 patches, drawn with chances in proportion to
    that cost, the exact cost is found by comparison with every patch of the other video. The mean
    of the ratios of both corrects the mean cost, without bias [2]_, and the scatter of the ratios,
    which are between 0 and 1, is its error. Time is in proportion to the number of patches: 0.8 s a
    video of 13x144x256 on two cores.

    References
    ----------
    .. [1] D. Simakov et al., "Summarizing visual data using bidirectional similarity", CVPR 2008;
       in the form of N. Granot et al., "Drop the GAN" (GPNN), CVPR 2022, and N. Haim et al.,
       "Diverse generation from a single video made possible" (VGPNN), ECCV 2022.
    .. [2] M. H. Hansen and W. N. Hurwitz, "On the theory of sampling from finite populations",
       Ann. Math. Statist. 14(4), 1943: sampling with probability proportional to size.

    Examples
    --------
    >>> clip = np.random.default_rng(0).integers(0, 250, (4, 16, 20, 3), dtype=np.uint8)
    >>> coherence(clip, clip[1:, 2:, :-3])
    Estimate(value=0.0, error=0.0)
    """
    source, output, patch = _as_pair(source, output, patch)
    return _mean_cost(output, source, patch, seed, device)[0]


def completeness(
    source: NDArray[Any],
    output: NDArray[Any],
    *,
    patch: Triple = PATCH,
    seed: int = 0,
    device: str = "auto",
) -> Estimate:
    """Mean squared difference between a patch of `source` and the nearest one of `output`.

    0 where everything in `source` is also in `output`. Everything else is as for `coherence`.

    Examples
    --------
    >>> clip = np.random.default_rng(0).integers(0, 250, (4, 16, 20, 3), dtype=np.uint8)
    >>> completeness(clip, clip).value, completeness(clip, clip[1:, 2:, :-3]).value > 1000
    (0.0, True)
    """
    source, output, patch = _as_pair(source, output, patch)
    return _mean_cost(source, output, patch, seed, device)[0]


def sliced_wasserstein(
    source: NDArray[Any], output: NDArray[Any], *, patch: Triple = PATCH, seed: int = 0
) -> Estimate:
    """Distance between the patches of two videos as distributions, at three scales.

    Parameters
    ----------
    source, output, patch, seed
        As for `coherence`.

    Returns
    -------
    0 to about 255 times the square root of the number of values in a patch; less is better. The
    error is that of directions drawn one by one; orthogonal ones do better, by a factor of two and
    more.

    Raises
    ------
    InvalidInput
        As `coherence`.

    Notes
    -----
    Patches are projected on random unit vectors. Along each, the Wasserstein-1 distance is the mean
    difference between the sorted projections of as many patches of either video. The mean is taken
    over the directions [1]_ and over the scales: full size, and half and a quarter of height and
    width, by means of 2x2 pixels; a scale with fewer than two patches along a side is left out.
    There are 512 directions, or as many as a patch has values if that is less, which are orthogonal
    to each other [2]_. Of larger numbers of patches 16384 are taken, spread evenly and in the same
    places if the sizes are equal: identical videos are at 0, and what differs by less than 0.1 or
    0.2 may not be told apart.

    References
    ----------
    .. [1] J. Rabin et al., "Wasserstein barycenter and its application to texture mixing", SSVM
       2011; S. Kolouri et al., "Generalized sliced Wasserstein distances", NeurIPS 2019.
    .. [2] M. Rowland et al., "Orthogonal estimation of Wasserstein distances", AISTATS 2019.

    Examples
    --------
    >>> clip = np.random.default_rng(0).integers(0, 250, (4, 16, 20, 1), dtype=np.uint8)
    >>> sliced_wasserstein(clip, clip).value
    0.0
    """
    return _sliced_wasserstein(*_as_pair(source, output, patch), seed)


def diversity(source: NDArray[Any], outputs: Sequence[NDArray[Any]]) -> float:
    """Diversity index of a set of videos: how much a voxel varies from one to the next.

    Parameters
    ----------
    source
        (t, y, x, c), for the scale.
    outputs
        Two or more, of the same height and width. Longer ones are cut to the length of the
        shortest.

    Returns
    -------
    Standard deviation of a grey voxel over the videos, averaged over all voxels and divided by the
    standard deviation of all voxels of `source`: 0 for equal videos; many that have nothing in
    common come to about 1. Grey is the luma (Rec. 601) of three channels, which are taken as RGB,
    and the mean of any other number.

    Raises
    ------
    InvalidInput
        For less than two videos, different heights or widths, and a source of one grey.

    References
    ----------
    .. [1] T. R. Shaham et al., "SinGAN", ICCV 2019; for videos N. Haim et al. (VGPNN),
       ECCV 2022, supplement.

    Examples
    --------
    >>> clip = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    >>> diversity(clip, [clip, clip]), round(diversity(clip, [clip, clip[:, ::-1]]), 2)
    (0.0, 0.87)
    """
    if len(outputs) < 2:
        raise InvalidInput(f"outputs must be at least two videos, got {len(outputs)}")
    pairs = [
        _as_pair(source, output, (1, 1, 1), f"outputs[{i}]") for i, output in enumerate(outputs)
    ]
    if len({output.shape[1:] for _, output, _ in pairs}) > 1:
        raise InvalidInput("outputs must have the same height and width; evaluate others apart")
    contrast = _grey(pairs[0][0]).std(dtype=np.float64)
    if contrast == 0:
        raise InvalidInput("source must show more than one grey, to measure diversity by")
    n_frames = min(len(output) for _, output, _ in pairs)
    greys = np.stack([_grey(output[:n_frames]) for _, output, _ in pairs])
    return float(greys.std(axis=0).mean(dtype=np.float64) / contrast)


def nnf_diversity(nnf: ArrayLike, *, patch: Triple = PATCH) -> NnfDiversity:
    """In how large pieces an output has been copied from its source.

    Neighbouring patches of the output whose nearest patches in the source are neighbours in the
    same way have been copied together. A piece is a connected region, in time and space, of patches
    with one shift between output and source.

    Parameters
    ----------
    nnf
        (t', y', x', 3) int: where in the source (t, y, x) the patch nearest to each patch of the
        output is, as `search(output, source)` returns it, or `generate` with ``details=True``.
    patch
        Frames, rows and columns of a patch.

    Returns
    -------
    largest_piece
        Its share of all patches: 1 for a copy, and next to 0 where nothing is copied.
    mean_piece
        Share of all patches of the piece that a patch is in, averaged over the patches: the sum of
        the squared shares of all pieces. Its inverse is their effective number: as many pieces of
        equal size have the same mean [1]_.
    longest_run
        Longest time, in frames of the output, during which half of the picture goes on as in the
        source: each place keeps its shift, whether or not all have the same one. From the frames of
        a patch, where nothing goes on, to those of the output. (In nearly any video some place goes
        on from the first frame to the last; the longest run of all places would say nothing.)

    Raises
    ------
    InvalidInput
        For an array that is no field.

    Notes
    -----
    Where the source repeats itself, as a still does in time, nearest patches are chosen among
    equals, and a copy may seem to be made of small pieces.

    References
    ----------
    .. [1] M. O. Hill, "Diversity and evenness: a unifying notation and its consequences", Ecology
       54(2), 1973: the number of order 2, for pieces as species.

    Examples
    --------
    >>> nnf = np.stack(np.indices((4, 6, 8)), axis=-1)  # a copy,
    >>> nnf[:, :, 4:, 2] -= 2  # whose right half has moved
    >>> nnf_diversity(nnf)
    NnfDiversity(largest_piece=0.5, mean_piece=0.5, longest_run=6)
    """
    nnf = np.asarray(nnf)
    if nnf.ndim != 4 or nnf.shape[3] != 3 or 0 in nnf.shape or nnf.dtype.kind not in "iu":
        raise InvalidInput(
            f"nnf must be whole numbers (t, y, x) of shape (t', y', x', 3), "
            f"got {nnf.dtype} {nnf.shape}"
        )
    n_frames, _, _ = as_size("patch", patch)
    shifts = _number_shifts(nnf)
    shares = _region_sizes(shifts) / shifts.size
    longest_run = _longest_run(shifts) + n_frames - 1
    return NnfDiversity(float(shares.max()), float((shares**2).sum()), longest_run)


def evaluate(
    source: NDArray[Any],
    outputs: Sequence[NDArray[Any]],
    *,
    patch: Triple = PATCH,
    seed: int = 0,
    device: str = "auto",
) -> Evaluation:
    """Take all measures of videos made from one source.

    Parameters
    ----------
    source
        (t, y, x, c), uint8, uint16 or float.
    outputs
        Videos of any sizes, with as many channels.
    patch, seed, device
        As for `coherence`. All videos are sampled with the same seed, so that their differences are
        more certain than their errors say.

    Returns
    -------
    scores
        One row for each output: `coherence`, `completeness`, `sliced_wasserstein` (``swd``), and
        `nnf_diversity` (``largest_piece``, ``mean_piece``, ``longest_run``).
    mean
        Their means. The errors are means too, which is at most too large. They tell nothing about
        how much other outputs would scatter.
    diversity
        Diversity index of the set, None for a single output and for different heights or widths.

    Raises
    ------
    InvalidInput
        As the measures.

    Notes
    -----
    Measures each output as its own function would, with one search for coherence and field. Time is
    in proportion to the number of voxels: five outputs of 13x144x256 take 8 s on two cores.

    Examples
    --------
    >>> clip = np.random.default_rng(0).integers(0, 250, (4, 16, 20, 3), dtype=np.uint8)
    >>> scores, mean, index = evaluate(clip, [clip, clip[:, :, ::-1]])
    >>> scores[0].completeness.value, scores[0].longest_run.value, mean.largest_piece.value < 1
    (0.0, 4.0, True)
    """
    if not len(outputs):
        raise InvalidInput("outputs must be one or more videos, got none")
    scores = []
    for i, output in enumerate(outputs):
        ours, other, extents = _as_pair(source, output, patch, f"outputs[{i}]")
        coherent, nnf = _mean_cost(other, ours, extents, seed, device)
        complete, _ = _mean_cost(ours, other, extents, seed, device)
        distance = _sliced_wasserstein(ours, other, extents, seed)
        copied = (Estimate(float(value)) for value in nnf_diversity(nnf, patch=extents))
        scores.append(Scores(coherent, complete, distance, *copied))
    means = np.mean(scores, axis=0).tolist()
    alike = len(outputs) > 1 and len({np.shape(output)[1:] for output in outputs}) == 1
    return Evaluation(
        scores,
        Scores(*(Estimate(*mean) for mean in means)),
        diversity(source, outputs) if alike else None,
    )


def _as_pair(
    source: Any, output: Any, patch: Any, name: str = "output"
) -> tuple[NDArray[Any], NDArray[Any], Triple]:
    """Both videos on the scale of 8 bits, as uint8 or float32, and the patch that they have."""
    source, output = as_video("source", source), as_video(name, output)
    if source.shape[3] != output.shape[3]:
        raise InvalidInput(
            f"{name} must have as many channels as source, "
            f"got {output.shape[3]} and {source.shape[3]}"
        )
    if (source.dtype.kind == "f") != (output.dtype.kind == "f"):
        raise InvalidInput(
            f"{name} must hold {'floats' if source.dtype.kind == 'f' else 'integers'} as source "
            f"does, got {output.dtype}; convert one of them"
        )
    n_frames, height, width = as_size("patch", patch)
    n_frames = 1 if min(len(source), len(output)) == 1 else n_frames
    patch = as_patch((n_frames, height, width), source.shape, output.shape)
    if source.dtype == output.dtype == np.uint8:
        return source, output, patch
    low, high = float(source.min()), float(source.max())  # of floats
    return _to_8_bits(source, low, high), _to_8_bits(output, low, high), patch


def _to_8_bits(video: NDArray[Any], low: float, high: float) -> Floats:
    if video.dtype.kind == "u":
        low, high = 0, np.iinfo(video.dtype).max
    shifted = np.subtract(video, low, dtype=np.result_type(video, np.float32))
    return (shifted * (255 / (high - low or 255))).astype(np.float32, copy=False)


def _unfold(video: NDArray[Any], patch: Triple) -> Floats:
    """A view of all patches, (t', y', x', kt, ky, kx, c), of values around 0 to round little."""
    centred = np.subtract(video, 127.5, dtype=np.float32)
    return np.moveaxis(sliding_window_view(centred, patch, (0, 1, 2)), 3, -1)


def _rows(unfolded: Floats, places: NDArray[np.int64]) -> Floats:
    """Copies of patches, by their numbers."""
    return unfolded[np.unravel_index(places, unfolded.shape[:3])].reshape(len(places), -1)


def _count(unfolded: Floats) -> int:
    return math.prod(unfolded.shape[:3])


def _mean_cost(
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


def _sliced_wasserstein(
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


def _grey(video: NDArray[Any]) -> Floats:
    if video.shape[3] == len(LUMA):
        return video @ LUMA
    return video.mean(axis=3, dtype=np.float32)


def _number_shifts(nnf: NDArray[Any]) -> NDArray[np.int64]:
    """(t', y', x') of a number for each shift between output and source."""
    positive = []
    for axis, n in enumerate(nnf.shape[:3]):
        places = np.arange(n).reshape([n if i == axis else 1 for i in range(3)])
        shift = nnf[..., axis].astype(np.int64) - places
        positive.append(shift - shift.min())
    return np.ravel_multi_index(tuple(positive), [int(shift.max()) + 1 for shift in positive])


def _region_sizes(shifts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Patches in each connected region of one shift."""
    starts = np.ones(shifts.shape, bool)
    starts[..., 1:] = shifts[..., 1:] != shifts[..., :-1]
    runs = starts.cumsum(dtype=np.int32).reshape(shifts.shape) - 1  # along x: what is connected
    edges = []
    for axis in (0, 1):
        shift, run = np.moveaxis(shifts, axis, 0), np.moveaxis(runs, axis, 0)
        same = shift[1:] == shift[:-1]
        edges.append((run[:-1][same], run[1:][same]))
    pairs = np.concatenate(edges, axis=1)
    n_runs = np.count_nonzero(starts)
    graph = coo_array((np.ones(len(pairs[0]), bool), pairs), shape=(n_runs, n_runs))
    labels = connected_components(graph, directed=False)[1]
    return np.bincount(labels[runs.ravel()])


def _longest_run(shifts: NDArray[np.int64]) -> int:
    """Patches in a row, in time, with one shift: as many as half of the places have at once."""
    lasting = np.ones(shifts[0].size, np.int64)
    longest = 1
    for before, now in pairwise(shifts.reshape(len(shifts), -1)):
        lasting = np.where(before == now, lasting + 1, 1)
        longest = max(longest, int(np.partition(lasting, lasting.size // 2)[lasting.size // 2]))
    return longest
