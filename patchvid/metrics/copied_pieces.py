"""Pieces copied from the source, as regions of a nearest-neighbour field."""

import math
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from patchvid._device import backend_of
from patchvid._validation import MOST_VOXELS, Triple, as_array, check_size
from patchvid.core.search import patch_distance
from patchvid.errors import InvalidInput
from patchvid.metrics._comparison import PATCH

FREQUENT = 4  # shifts that are tried among equally near patches


class CopiedPieces(NamedTuple):
    """The sizes of copied pieces.

    Attributes
    ----------
    largest_piece : float
        Share of all patches in the largest piece: 1 for a copy, near 0 if nothing is copied.
    mean_piece : float
        Share of all patches in the piece of a patch, averaged over all patches. This is the sum of
        the squared shares of all pieces. Its inverse is the effective number of pieces [1]_.
    longest_run : int
        Longest time, in frames of the output, in which half of the picture continues as in the
        source: each place keeps its own shift. It is at least the frames of a patch, and at most
        those of the output. Half of the picture counts because in nearly every video some place
        continues from the first frame to the last.

    References
    ----------
    .. [1] M. O. Hill, "Diversity and evenness: a unifying notation and its consequences", Ecology
       54(2), 1973: the number of order 2, for pieces as species.
    """

    largest_piece: float
    mean_piece: float
    longest_run: int


def copied_pieces(nnf: ArrayLike, *, patch: Triple = PATCH) -> CopiedPieces:
    """Measure the size of the pieces copied from the source.

    Neighbouring patches of the output were copied together if their nearest patches in the source
    are neighbours in the same way. A piece is a connected region, in time and space, of patches
    with the same shift between output and source.

    Parameters
    ----------
    nnf : array of int
        (t', y', x', 3): for each patch of the output, the first voxel (t, y, x) of the nearest
        patch in the source, as from ``search(output, source)`` or from `generate` with
        ``details=True``.
    patch : tuple of int
        Frames, rows and columns of a patch.

    Returns
    -------
    CopiedPieces
        The shares of the largest and of the mean piece, and the longest run.

    Raises
    ------
    InvalidInput
        If the array is not a field.

    Notes
    -----
    If the source repeats itself, as a still does in time, several patches are equally near, and a
    copy may appear to consist of small pieces. `evaluate` prefers the most frequent shifts among
    equally near patches.

    Examples
    --------
    >>> nnf = np.stack(np.indices((4, 6, 8)), axis=-1)  # a copy,
    >>> nnf[:, :, 4:, 2] -= 2  # whose right half has moved
    >>> copied_pieces(nnf)
    CopiedPieces(largest_piece=0.5, mean_piece=0.5, longest_run=6)
    """
    field = as_array(nnf)
    field = backend_of(field).to_host(field)
    if field.ndim != 4 or field.shape[3] != 3 or 0 in field.shape or field.dtype.kind not in "iu":
        raise InvalidInput(
            f"nnf must be whole numbers of shape (t', y', x', 3), got {field.dtype} {field.shape}"
        )
    if field.min() < 0 or math.prod(int(n) + 1 for n in field.max(axis=(0, 1, 2))) > MOST_VOXELS:
        raise InvalidInput(
            "nnf must hold voxels (t, y, x) of a video with fewer than 2**31 voxels, got values "
            f"from {field.min()} to {field.max()}"
        )
    n_frames, _, _ = check_size("patch", patch)
    shifts = _number_shifts(field)
    shares = _region_sizes(shifts) / shifts.size
    longest_run = _longest_run(shifts) + n_frames - 1
    return CopiedPieces(float(shares.max()), float((shares**2).sum()), longest_run)


def prefer_frequent_shifts(
    output: NDArray[Any], source: NDArray[Any], nnf: NDArray[np.int32], patch: Triple, device: str
) -> NDArray[np.int32]:
    """Replace keys of a field from `output` to `source` by frequent shifts that cost no more.

    If the source repeats itself or stands still, many patches are equally near, and a search
    returns any of them.
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
    """(t', y', x'): a number for each shift between output and source."""
    positive = []
    for axis, n in enumerate(nnf.shape[:3]):
        places = np.arange(n).reshape([n if i == axis else 1 for i in range(3)])
        shift = nnf[..., axis].astype(np.int64) - places
        positive.append(shift - shift.min())
    return np.ravel_multi_index(tuple(positive), [int(shift.max()) + 1 for shift in positive])


def _region_sizes(shifts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of patches in each connected region of one shift."""
    starts = np.ones(shifts.shape, bool)
    starts[..., 1:] = shifts[..., 1:] != shifts[..., :-1]
    runs = starts.cumsum(dtype=np.int32).reshape(shifts.shape) - 1  # connected along x
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
    """The longest run of patches in time during which half of the places keep their shift."""
    lasting = np.ones(shifts[0].size, np.int64)
    longest = 1
    for before, now in pairwise(shifts.reshape(len(shifts), -1)):
        lasting = np.where(before == now, lasting + 1, 1)
        longest = max(longest, int(np.partition(lasting, lasting.size // 2)[lasting.size // 2]))
    return longest
