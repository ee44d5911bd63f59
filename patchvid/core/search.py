"""Search: for every query patch the nearest key patch.

Reference: Barnes et al., "PatchMatch" (2009).
"""

from types import ModuleType
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patchvid._device import backend, on_device
from patchvid._validation import (
    COMPARABLE,
    Axes,
    Seed,
    Triple,
    as_array,
    check_axes,
    check_choice,
    check_integer,
    check_mask,
    check_patch,
    check_seed,
    check_video,
    contiguous,
)
from patchvid.core.fields import (
    NOT_PERIODIC,
    Field,
    PatchMask,
    from_nnf,
)
from patchvid.core.matcher import SWEEPS, Matcher, Operand, comparable_dtype
from patchvid.errors import InvalidInput
from patchvid.results import to_nnf


@on_device("query", "key", "nnf", "weights", "key_mask", "query_mask")
def search(
    query: NDArray[Any],
    key: NDArray[Any],
    *,
    patch: Triple = (3, 7, 7),
    nnf: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    key_mask: ArrayLike | None = None,
    query_mask: ArrayLike | None = None,
    periodic: Axes = NOT_PERIODIC,
    method: Literal["patchmatch", "exact"] = "patchmatch",
    sweeps: int = SWEEPS,
    seed: Seed = None,
    device: str = "auto",
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Find the nearest patch of `key` for every patch of `query`.

    Parameters
    ----------
    query, key : array
        (t, y, x, c) with the same number of channels, or (t, y, x). Two uint8 arrays are compared
        in integers, which is exact and fastest; anything else as float32.
    patch : tuple of int
        Frames, rows and columns of a patch, odd or even.
    nnf : array of int, optional
        Nearest-neighbour field to start from, as returned. By default it is random. Keys that
        `key_mask` forbids are replaced by random ones.
    weights : array, optional
        Positive factor of the cost of every key patch, (t', y', x'). The smaller its weight, the
        more often a patch is chosen.
    key_mask : array of bool, optional
        Which key patches are allowed, (t', y', x').
    query_mask : array of bool, optional
        Which query patches to search for, (t', y', x'). The others keep the keys of `nnf`, which
        their neighbours try, and have a cost of NaN.
    periodic : tuple of bool
        Axes (t, y, x) along which `query` is periodic: a patch may begin at its last voxel.
    method : {"patchmatch", "exact"}
        "patchmatch" is approximate; its time grows in proportion to the number of voxels. The time
        of "exact" grows with the product of the numbers of patches; it ignores `nnf`, `query_mask`,
        `sweeps` and `seed`.
    sweeps : int
        Passes over the field, at least 1. From a random start the mean cost is about 1.06 times
        the exact one after five, and 1.02 times after eight.
    seed : int or numpy.random.Generator, optional
        The same seed gives the same field, on every device and with any number of threads. None
        picks one at random.
    device : {"auto", "cpu", "cuda"}
        "auto" uses a GPU if one works. Arrays on a GPU stay there, and so does the result.

    Returns
    -------
    nnf : array of int32
        (t', y', x', 3): the first voxel (t, y, x) of the key patch for every query patch, which is
        indexed by its own first voxel. An axis of n voxels has n - patch + 1 patches, or n if it is
        periodic.
    cost : array of float32
        (t', y', x'): mean squared difference per value, times the key's weight.

    Raises
    ------
    InvalidInput
        If the arrays do not fit together, or hold NaN.
    DeviceError
        If the device cannot be used.

    References
    ----------
    .. [1] C. Barnes et al., "PatchMatch: a randomized correspondence algorithm for structural image
       editing", ACM Trans. Graph. 28(3), 2009.

    Examples
    --------
    >>> video = np.random.default_rng(0).integers(0, 256, (4, 12, 16, 3), dtype=np.uint8)
    >>> nnf, cost = search(video[:, 2:], video, patch=(2, 3, 3), method="exact")
    >>> nnf[0, 0, 0], float(cost.max())
    (array([0, 2, 0], dtype=int32), 0.0)
    """
    kernels = backend(device)
    check_choice("method", method, "patchmatch", "exact")
    sweeps, seed = check_integer("sweeps", sweeps, 1), check_seed(seed)
    operands = check_operands(
        kernels, query, key, patch=patch, periodic=periodic, nnf=nnf, key_mask=key_mask,
        query_mask=query_mask,
    )  # fmt: skip
    query, key, patch, periodic, field, allowed, searched = operands
    factors = _check_weights(kernels, weights, kernels.patch_grid(key.shape, patch))
    matcher = Matcher(kernels, seed, field=field, method=method, sweeps=sweeps)
    found, cost = matcher.find(
        Operand(kernels, query, patch, periodic), Operand(kernels, key, patch), weights=factors,
        key_mask=allowed, query_mask=searched,
    )  # fmt: skip
    return to_nnf(found, key.shape), cost


@on_device("query", "key", "nnf")
def patch_distance(
    query: NDArray[Any],
    key: NDArray[Any],
    nnf: ArrayLike,
    *,
    patch: Triple = (3, 7, 7),
    periodic: Axes = NOT_PERIODIC,
    device: str = "auto",
) -> NDArray[np.float32]:
    """Mean squared difference per value between query patches and the key patches of a field.

    Parameters
    ----------
    query, key : array
        (t, y, x, c), as for `search`.
    nnf : array of int
        (t', y', x', 3): the first voxel in `key` for every patch of `query`, as from `search`.
    patch : tuple of int
        Frames, rows and columns of a patch.
    periodic : tuple of bool
        Axes (t, y, x) along which `query` is periodic.
    device : {"auto", "cpu", "cuda"}
        As for `search`.

    Returns
    -------
    array of float32
        (t', y', x').

    Raises
    ------
    InvalidInput
        If the arrays do not fit together, or the field points outside of `key`.
    DeviceError
        If the device cannot be used.

    Examples
    --------
    >>> video = np.zeros((3, 5, 5, 3), np.uint8)
    >>> itself = np.stack(np.indices((1, 3, 3)), axis=-1)
    >>> float(patch_distance(video + np.uint8(2), video, itself, patch=(3, 3, 3)).max())
    4.0
    """
    kernels = backend(device)
    query, key, patch, periodic, field, _, _ = check_operands(
        kernels, query, key, patch=patch, periodic=periodic, nnf=nnf
    )
    if field is None:
        raise InvalidInput("nnf must be an array of indices, got None")
    dtype = comparable_dtype(query, key, patch)
    query, key = (video.astype(dtype, copy=False) for video in (query, key))
    return kernels.patch_distance(query, key, field, patch=patch, periodic=periodic)


class Operands(NamedTuple):
    """The arguments of a search, checked and on the device."""

    query: NDArray[Any]
    key: NDArray[Any]
    patch: Triple
    periodic: Axes
    field: Field | None
    key_mask: PatchMask | None
    query_mask: PatchMask | None


def check_operands(
    kernels: ModuleType,
    query: Any,
    key: Any,
    *,
    patch: Any,
    periodic: Any,
    nnf: ArrayLike | None = None,
    key_mask: ArrayLike | None = None,
    query_mask: ArrayLike | None = None,
) -> Operands:
    """Check the arguments of a search."""
    query, key = check_video("query", query, COMPARABLE), check_video("key", key, COMPARABLE)
    patch = check_patch(patch, query.shape, key.shape)
    periodic = check_axes("periodic", periodic)
    if query.shape[3] != key.shape[3]:
        raise InvalidInput(
            "query and key must have the same number of channels, "
            f"got {query.shape[3]} and {key.shape[3]}"
        )
    query, key = _without_offset(query, key)
    query_grid = kernels.patch_grid(query.shape, patch, periodic)
    key_grid = kernels.patch_grid(key.shape, patch)
    field = None if nnf is None else from_nnf(kernels, nnf, query_grid, key.shape, patch)
    allowed = searched = None
    if key_mask is not None:
        allowed = check_mask("key_mask", kernels.to_device(as_array(key_mask)), key_grid)
        if not allowed.any():
            raise InvalidInput("key_mask must allow at least one patch, got none")
    if query_mask is not None:
        searched = check_mask("query_mask", kernels.to_device(as_array(query_mask)), query_grid)
    return Operands(query, key, patch, periodic, field, allowed, searched)


def _without_offset(query: NDArray[Any], key: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Remove a large common offset from doubles, so that float32 can hold the differences."""
    if np.float64 not in (query.dtype, key.dtype):
        return query, key
    low, high = float(key.min()), float(key.max())
    middle = low + (high - low) / 2
    if abs(middle) <= high - low:
        return query, key
    return query - middle, key - middle


def _check_weights(
    kernels: ModuleType, weights: ArrayLike | None, grid: Triple
) -> NDArray[np.float32] | None:
    if weights is None:
        return None
    factors = contiguous(kernels.to_device(as_array(weights)))
    if factors.dtype.kind not in "buif":
        raise InvalidInput(f"weights must be numbers, got {factors.dtype}")
    factors = factors.astype(np.float32)
    if factors.shape != grid:
        raise InvalidInput(f"weights must have shape {grid}, one per patch, got {factors.shape}")
    if not ((factors > 0) & (factors < np.inf)).all():
        raise InvalidInput(
            f"weights must be above 0 and finite, got {factors.min():g} to {factors.max():g}; "
            "forbid patches with key_mask"
        )
    return factors
