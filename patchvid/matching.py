"""Search and voting on arrays: the two steps of a layer, for anyone's space-time data.

Source: figure 3 of Haim et al., "Diverse Generation from a Single Video Made Possible" (ECCV 2022),
and Barnes et al., "PatchMatch" (2009).
"""

import math
import secrets
from collections.abc import Sequence
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from patchvid.checks import (
    COMPARABLE,
    Axes,
    Triple,
    as_array,
    as_axes,
    as_kernel_dtype,
    as_mask,
    as_patch,
    as_video,
    as_whole,
    contiguous,
)
from patchvid.device import on_device
from patchvid.errors import InvalidInput
from patchvid.kernels import backend, random, rules

NOT_PERIODIC: Axes = (False, False, False)
SWEEPS = 8  # from a random start
MOST_VALUES = (2**31 - 1) // 255**2  # of a patch whose 8-bit distance fits in 32 bits


@on_device("query", "key", "nnf", "weights", "keys", "queries")
def search(
    query: NDArray[Any],
    key: NDArray[Any],
    *,
    patch: Triple = (3, 7, 7),
    nnf: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    keys: ArrayLike | None = None,
    queries: ArrayLike | None = None,
    periodic: Axes = NOT_PERIODIC,
    method: Literal["patchmatch", "exact"] = "patchmatch",
    sweeps: int = SWEEPS,
    seed: int | None = None,
    device: str = "auto",
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Find for every patch of `query` its nearest patch of `key`.

    Parameters
    ----------
    query, key
        (t, y, x, c) with the same number of channels, any number. Two uint8 arrays are compared in
        integers, which is exact and fastest; anything else as float32.
    patch
        Frames, rows and columns of a patch, odd or even.
    nnf
        Field to start from, as returned; by default, and where it points to keys that may not be
        chosen, a random one.
    weights
        Positive factor of the cost of every key patch, (t', y', x'): a patch with a smaller weight
        is taken more often.
    keys
        Which key patches may be chosen, (t', y', x') of bool.
    queries
        Which query patches are searched for, (t', y', x') of bool. The others keep what `nnf`
        says, which propagates to those that are searched, and have a cost of NaN.
    periodic
        Axes (t, y, x) along which `query` continues around, so that every voxel begins a patch.
    method
        "patchmatch" is approximate and takes time in proportion to the number of voxels; "exact"
        takes the product of the numbers of patches, and `nnf`, `queries`, `sweeps` and `seed` play
        no part.
    sweeps
        Passes over the field. From a random start the mean cost is about 1.06 times the exact one
        after five, and 1.02 times after eight.
    seed
        The same seed gives the same field on every device, on any number of threads. None draws
        one.
    device
        "cpu", "cuda", or "auto" for a GPU where one can be used. Arrays that are on a GPU stay
        there, and so does the result.

    Returns
    -------
    nnf
        (t', y', x', 3) int32: first voxel (t, y, x) of the key patch, for every query patch by its
        first voxel. An axis of n voxels has n - patch + 1 patches, or n where it is periodic.
    cost
        (t', y', x') float32: mean squared difference per value, times the key's weight.

    Raises
    ------
    InvalidInput
        For arrays that do not fit together, or hold NaN.

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
    query, key = as_video("query", query, COMPARABLE), as_video("key", key, COMPARABLE)
    weights, keys, queries = (
        None if array is None else kernels.to_device(as_array(array))
        for array in (weights, keys, queries)
    )
    patch = as_patch(patch, query.shape, key.shape)
    periodic = as_axes("periodic", periodic)
    query, key = as_comparable(query, key, patch)
    query_grid = kernels.patch_grid(query.shape, patch, periodic)
    key_grid = kernels.patch_grid(key.shape, patch)
    allowed = _as_allowed(keys, key_grid)
    factors = restrict(_as_weights(weights, key_grid), allowed)
    if method == "exact":
        field, cost = kernels.search_exact(
            query, key, patch=patch, weights=factors, periodic=periodic
        )
    elif method == "patchmatch":
        sweeps = as_whole("sweeps", sweeps, 1)
        seed = secrets.randbits(32) if seed is None else as_whole("seed", seed, 0)
        updated = None if queries is None else as_mask("queries", queries, query_grid)
        if nnf is None:
            field = random_field(kernels, query_grid, key.shape, key_grid, allowed, seed)
        else:
            field = _to_field(kernels, nnf, query_grid, key.shape, key_grid)
            replace_forbidden(kernels, field, key.shape, allowed, seed, updated)
        cost, _ = kernels.search(
            query, key, field, patch=patch, weights=factors, updated=updated,
            periodic=periodic, sweeps=sweeps, seed=seed,
        )  # fmt: skip
    else:
        raise InvalidInput(f"method must be 'patchmatch' or 'exact', got {method!r}")
    cost /= np.float32(math.prod(patch) * key.shape[3])
    return to_nnf(field, key.shape), cost


@on_device("value", "nnf")
def vote(
    value: NDArray[Any],
    nnf: ArrayLike,
    *,
    patch: Triple = (3, 7, 7),
    periodic: Axes = NOT_PERIODIC,
    reduce: Literal["median", "mean"] = "median",
    device: str = "auto",
) -> NDArray[Any]:
    """Put the patches that a field names in their places, and reconcile them where they overlap.

    Parameters
    ----------
    value
        (t, y, x, c), uint8, uint16 or float: where the patches are taken from. Double precision is
        rounded to single.
    nnf
        (t', y', x', 3): first voxel in `value` of the patch for every place, as `search` returns.
    patch
        Frames, rows and columns of a patch.
    periodic
        Axes (t, y, x) along which the result continues around.
    reduce
        "median": of every channel, the lower one of two; keeps edges sharp, and every number in the
        result stands in `value`. "mean": smooth.

    Returns
    -------
    (t' + patch - 1, ..., c) of the dtype of `value`, or (t', ...) along a periodic axis.

    Raises
    ------
    InvalidInput
        For a field that points outside of `value`.

    Examples
    --------
    >>> video = np.arange(5 * 6 * 7, dtype=np.uint8).reshape(5, 6, 7, 1)
    >>> itself = np.stack(np.indices((4, 4, 5)), axis=-1)
    >>> bool((vote(video, itself, patch=(2, 3, 3)) == video).all())
    True
    """
    kernels = backend(device)
    value = as_video("value", value)
    patch = as_patch(patch, value.shape)
    periodic = as_axes("periodic", periodic)
    if reduce not in ("median", "mean"):
        raise InvalidInput(f"reduce must be 'median' or 'mean', got {reduce!r}")
    field = _to_field(kernels, nnf, None, value.shape, kernels.patch_grid(value.shape, patch))
    kept = as_kernel_dtype(value)
    voted = kernels.vote(kept, field, patch=patch, periodic=periodic, reduce=reduce)
    return voted.astype(value.dtype, copy=False)


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

    Parameters and errors are those of `search`. Returns (t', y', x') float32.

    Examples
    --------
    >>> video = np.zeros((3, 5, 5, 3), np.uint8)
    >>> itself = np.stack(np.indices((1, 3, 3)), axis=-1)
    >>> float(patch_distance(video + np.uint8(2), video, itself, patch=(3, 3, 3)).max())
    4.0
    """
    kernels = backend(device)
    query, key = as_video("query", query, COMPARABLE), as_video("key", key, COMPARABLE)
    patch = as_patch(patch, query.shape, key.shape)
    periodic = as_axes("periodic", periodic)
    query, key = as_comparable(query, key, patch)
    query_grid = kernels.patch_grid(query.shape, patch, periodic)
    field = _to_field(kernels, nnf, query_grid, key.shape, kernels.patch_grid(key.shape, patch))
    cost = kernels.patch_distance(query, key, field, patch=patch, periodic=periodic)
    cost /= np.float32(math.prod(patch) * key.shape[3])
    return cost


def as_comparable(
    query: NDArray[Any], key: NDArray[Any], patch: Triple
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both as uint8 if they are and no distance can overflow, else as float32."""
    if query.shape[3] != key.shape[3]:
        raise InvalidInput(
            f"query and key must have as many channels, got {query.shape[3]} and {key.shape[3]}"
        )
    n_values = math.prod(patch) * key.shape[3]
    if query.dtype == key.dtype == np.uint8 and n_values <= MOST_VALUES:
        return query, key
    return query.astype(np.float32, copy=False), key.astype(np.float32, copy=False)


def random_field(
    kernels: ModuleType,
    grid: tuple[int, ...],
    key_shape: Sequence[int],
    key_grid: Triple,
    allowed: NDArray[np.bool_] | None,
    seed: int,
) -> NDArray[np.int32]:
    """A field of independent random keys, of those that are allowed."""
    places = kernels.xp.arange(math.prod(grid))
    return _random_keys(kernels, places, key_shape, key_grid, allowed, seed).reshape(grid)


def replace_forbidden(
    kernels: ModuleType,
    field: NDArray[np.int32],
    key_shape: Sequence[int],
    allowed: NDArray[np.bool_] | None,
    seed: int,
    updated: NDArray[np.bool_] | None = None,
) -> None:
    """Have `field` point to random keys where it points to some that are not allowed.

    Patches that are not `updated` are left alone.
    """
    if allowed is None:
        return
    forbidden = ~_begin_patches(allowed, key_shape)[field]
    if updated is not None:
        forbidden &= updated
    places = kernels.indices(forbidden)
    others = _random_keys(kernels, places, key_shape, allowed.shape, allowed, seed)
    flat = field.reshape(-1)
    flat[places] = np.where(forbidden.reshape(-1)[places], others, flat[places])


def patches_within(
    mask: NDArray[np.bool_], patch: Triple, periodic: Axes = NOT_PERIODIC
) -> NDArray[np.bool_]:
    """Which patches hold no voxel outside of a mask (t, y, x), by their first voxels."""
    mask = rules.continued(mask, patch, periodic)
    for axis, extent in enumerate(patch):
        # Whole planes at a time: over an axis of a few windows NumPy would be slow.
        inside: NDArray[np.bool_] = np.moveaxis(sliding_window_view(mask, extent, axis), -1, 0)
        mask = np.all(inside, axis=0)
    return mask


def restrict(
    weights: NDArray[np.float32] | None, allowed: NDArray[np.bool_] | None
) -> NDArray[np.float32] | None:
    """The weights of the keys, by default 1, with infinite ones for those that are not allowed."""
    if allowed is None:
        return weights
    one = np.float32(1) if weights is None else weights
    return np.where(allowed, one, np.float32(np.inf))


def to_nnf(field: NDArray[np.int32], key_shape: Sequence[int]) -> NDArray[np.int32]:
    """(t', y', x', 3) of first voxels from a field of flat voxel indices."""
    rows, x = field // key_shape[2], field % key_shape[2]
    return np.stack([rows // key_shape[1], rows % key_shape[1], x], axis=-1)


def _random_keys(
    kernels: ModuleType,
    places: NDArray[np.int64],
    key_shape: Sequence[int],
    key_grid: Triple,
    allowed: NDArray[np.bool_] | None,
    seed: int,
) -> NDArray[np.int32]:
    """Independent random keys for some patches of a field, by their flat indices."""
    if allowed is None:
        drawn = random.below(math.prod(key_grid), places, seed)
    else:
        drawn = kernels.indices(allowed)[random.below(allowed.sum(dtype=np.uint64), places, seed)]
    keys: NDArray[np.int32] = rules.first_voxel(drawn, key_grid, key_shape).astype(np.int32)
    return keys


def _begin_patches(patches: NDArray[np.bool_], shape: Sequence[int]) -> NDArray[np.bool_]:
    """Which voxels of a video of this shape, by flat indices, some patches begin with."""
    behind = [(0, n - count) for n, count in zip(shape, patches.shape)]
    return np.pad(patches, behind).ravel()


def _as_weights(weights: NDArray[Any] | None, grid: Triple) -> NDArray[np.float32] | None:
    """Factors of the keys' costs; None if all are 1."""
    if weights is None:
        return None
    factors = contiguous(weights).astype(np.float32)
    if factors.shape != grid or not ((factors > 0) & (factors < np.inf)).all():
        raise InvalidInput(
            f"weights must be positive, of shape {grid} and finite, got shape {factors.shape}"
        )
    return factors


def _as_allowed(keys: NDArray[Any] | None, grid: Triple) -> NDArray[np.bool_] | None:
    """Which keys may be chosen; None if all."""
    if keys is None:
        return None
    allowed = as_mask("keys", keys, grid)
    if not allowed.any():
        raise InvalidInput("keys must allow at least one patch, got none")
    return allowed


def _to_field(
    kernels: ModuleType,
    nnf: ArrayLike,
    grid: Triple | None,
    key_shape: Sequence[int],
    key_grid: Triple,
) -> NDArray[np.int32]:
    nnf = contiguous(kernels.to_device(as_array(nnf)))
    if nnf.ndim != 4 or nnf.shape[3] != 3 or grid not in (None, nnf.shape[:3]):
        wanted = "(t', y', x', 3)" if grid is None else (*grid, 3)
        raise InvalidInput(f"nnf must have shape {wanted}, got {nnf.shape}")
    if nnf.dtype.kind not in "iu":
        raise InvalidInput(f"nnf must hold whole numbers, got {nnf.dtype}")
    if (nnf < 0).any() or any((nnf[..., axis] >= n).any() for axis, n in enumerate(key_grid)):
        raise InvalidInput(f"nnf must point to first voxels below {key_grid}; some lie outside")
    t, y, x = (nnf[..., axis].astype(np.int64) for axis in range(3))
    field: NDArray[np.int32] = ((t * key_shape[1] + y) * key_shape[2] + x).astype(np.int32)
    return field
