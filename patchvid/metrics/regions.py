"""In how large pieces an output has been copied from its source: what its field tells."""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from patchvid._device import backend_of
from patchvid._validation import Triple, check_size
from patchvid.core.search import patch_distance
from patchvid.errors import InvalidInput

FREQUENT = 4  # shifts that are preferred among equally near patches


class NnfDiversity(NamedTuple):
    """What `nnf_diversity` returns."""

    largest_piece: float
    mean_piece: float
    longest_run: int


def nnf_diversity(nnf: ArrayLike, *, patch: Triple = (3, 7, 7)) -> NnfDiversity:
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
    equals, and a copy may seem to be made of small pieces; `evaluate` takes the most frequent
    shifts among equals first.

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
    nnf = np.asarray(backend_of(nnf).to_host(nnf))
    if nnf.ndim != 4 or nnf.shape[3] != 3 or 0 in nnf.shape or nnf.dtype.kind not in "iu":
        raise InvalidInput(
            f"nnf must be whole numbers (t, y, x) of shape (t', y', x', 3), "
            f"got {nnf.dtype} {nnf.shape}"
        )
    n_frames, _, _ = check_size("patch", patch)
    shifts = _number_shifts(nnf)
    shares = _region_sizes(shifts) / shifts.size
    longest_run = _longest_run(shifts) + n_frames - 1
    return NnfDiversity(float(shares.max()), float((shares**2).sum()), longest_run)


def among_equals(
    output: NDArray[Any], source: NDArray[Any], nnf: NDArray[np.int32], patch: Triple, device: str
) -> NDArray[np.int32]:
    """The field `nnf` from `output` to `source` with frequent shifts where they cost no more.

    Where the source repeats itself, and be it because it stands still, many patches are equally
    near, and a search takes any of them.
    """
    kernels = backend_of(nnf)
    on_host = kernels.to_host(nnf)
    places = np.moveaxis(np.indices(on_host.shape[:3], np.int32), 0, -1)
    shifts = (on_host - places).reshape(-1, 3)
    _, first, counts = np.unique(_number_shifts(on_host), return_index=True, return_counts=True)
    frequent = shifts[first[np.argsort(counts, kind="stable")[-FREQUENT:]]]
    grid = np.array([n - extent + 1 for n, extent in zip(source.shape, patch)], np.int32)
    places, frequent, grid = map(kernels.to_device, (places, frequent, grid))
    cost = patch_distance(output, source, nnf, patch=patch, device=device)
    for shift in frequent:
        key = places + shift
        there = ((key >= 0) & (key < grid)).all(axis=-1)
        key = np.where(there[..., None], key, nnf)
        other = patch_distance(output, source, key, patch=patch, device=device)
        nnf = np.where((other <= cost)[..., None], key, nnf)
        cost = np.minimum(cost, other)
    return nnf


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
