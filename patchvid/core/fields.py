"""Fields: which key patch each query patch matches, as a flat index.

Kernels work on flat indices ``(t * height + y) * width + x`` (int32); users see first voxels
(t, y, x), called an nnf (nearest-neighbour field).
"""

import math
from collections.abc import Sequence
from functools import reduce
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patchvid._validation import Axes, Triple, as_array, contiguous
from patchvid.errors import InvalidInput
from patchvid.kernels import rng, rules

NOT_PERIODIC: Axes = (False, False, False)

DRAWN = 1 << 19  # random keys that are drawn at once, which takes 25 MB

Field = NDArray[np.int32]
PatchMask = NDArray[np.bool_]
Window = tuple[slice, slice, slice]
Seeds = int | tuple[int, ...]  # of one sample, or of each of several that are made at once


class Grid(NamedTuple):
    """The patches of a query, which may be a window of a larger video.

    Attributes
    ----------
    shape
        Number of patches along t, y and x.
    first
        The first voxel of the first one, in the larger video.
    size
        (t, y, x) of the larger video.
    """

    shape: Triple
    first: Triple
    size: Triple


def other_seed(seed: Seeds) -> Seeds:
    """Another seed, or another one for each sample."""
    if isinstance(seed, tuple):
        return tuple(map(rules.random_stream, seed))
    return rules.random_stream(seed)


def from_nnf(
    kernels: ModuleType,
    nnf: ArrayLike,
    grid: Triple | None,
    key_shape: Sequence[int],
    patch: Triple,
) -> Field:
    """The field of an nnf (t', y', x', 3), which must fit a grid of query patches if given."""
    nnf = contiguous(kernels.to_device(as_array(nnf)))
    if nnf.ndim != 4 or nnf.shape[3] != 3 or grid not in (None, nnf.shape[:3]):
        wanted = "(t', y', x', 3)" if grid is None else (*grid, 3)
        raise InvalidInput(f"nnf must have shape {wanted}, got {nnf.shape}")
    if nnf.dtype.kind not in "iu":
        raise InvalidInput(f"nnf must hold whole numbers, got {nnf.dtype}")
    key_grid = kernels.patch_grid(key_shape, patch)
    if (nnf < 0).any() or any((nnf[..., axis] >= n).any() for axis, n in enumerate(key_grid)):
        raise InvalidInput(f"nnf must point to first voxels below {key_grid}; some lie outside")
    t, y, x = (nnf[..., axis].astype(np.int64) for axis in range(3))
    field: Field = ((t * key_shape[1] + y) * key_shape[2] + x).astype(np.int32)
    return field


def check_field(field: NDArray[Any], key_shape: Sequence[int], patch: Triple) -> Field:
    """Check a field (t', y', x') of flat indices: each must be a patch of the key."""
    if field.ndim != 3 or field.dtype.kind not in "iu" or 0 in field.shape:
        raise InvalidInput(
            f"the places of a field must be whole numbers (t', y', x'), got {field.dtype} of shape "
            f"{field.shape}"
        )
    n_frames, height, width = key_shape[:3]
    if field.min() < 0 or field.max() >= n_frames * height * width:
        raise InvalidInput("the places of a field must be voxels of its clip; some lie outside")
    rows = field // width
    for places, n, extent in zip((rows // height, rows % height, field % width), key_shape, patch):
        if places.max() > n - extent:
            raise InvalidInput(
                "the places of a field must begin whole patches; some patches reach out of the clip"
            )
    return contiguous(field.astype(np.int32, copy=False))


def random_field(
    kernels: ModuleType,
    grid: Triple,
    key_shape: Sequence[int],
    key_grid: Triple,
    key_mask: PatchMask | None,
    seed: Seeds,
) -> Field:
    """A field of independent random keys, or one for each sample; a mask may restrict them."""
    count, samples = math.prod(grid), (len(seed),) if isinstance(seed, tuple) else ()
    field: Field = kernels.xp.empty((*samples, count), np.int32)
    for first in range(0, count, DRAWN):
        places = kernels.xp.arange(first, min(first + DRAWN, count))
        keys = _random_keys(kernels, places, key_shape, key_grid, key_mask, seed)
        field[..., first : first + DRAWN] = keys
    return field.reshape(*samples, *grid)


def replace_forbidden(
    kernels: ModuleType,
    field: Field,
    key_shape: Sequence[int],
    key_mask: PatchMask | None,
    seed: Seeds,
    query_mask: PatchMask | None,
) -> None:
    """Replace keys of `field` that `key_mask` does not allow by random ones.

    Patches outside of `query_mask` do not change.
    """
    if key_mask is None:
        return
    if isinstance(seed, tuple):
        for one, own in zip(field, seed, strict=True):
            replace_forbidden(kernels, one, key_shape, key_mask, own, query_mask)
        return
    missing = [(0, n - count) for n, count in zip(key_shape, key_mask.shape)]
    forbidden = ~np.pad(key_mask, missing).ravel()[field]
    if query_mask is not None:
        forbidden &= query_mask
    places = kernels.indices(forbidden)
    others = _random_keys(kernels, places, key_shape, key_mask.shape, key_mask, seed)
    flat = field.reshape(-1)
    flat[places] = np.where(forbidden.reshape(-1)[places], others, flat[places])


def carry_field(
    kernels: ModuleType,
    field: Field,
    coarse: tuple[Grid, Triple],
    fine: tuple[Grid, Triple],
    patch: Triple,
) -> Field:
    """Carry the field of a coarser level to a finer one, from query patches and key size of both.

    A fine patch gets the key of the nearest coarse patch, scaled to the finer level.
    """
    (grid, key_size), (fine_grid, fine_key_size) = coarse, fine
    firsts, sizes = (grid.first, fine_grid.first), (grid.size, key_size)
    carried: Field = kernels.carry(
        field, fine_grid.shape, firsts, sizes, (fine_grid.size, fine_key_size), patch=patch
    )
    return carried


def are_few(count: int, value: NDArray[Any], patch: Triple) -> bool:
    """Whether so many patches have fewer voxels than the clip they are taken from."""
    return count * math.prod(patch) < math.prod(value.shape[:3])


def named_patches(value: NDArray[Any], field: Field, patch: Triple) -> tuple[NDArray[Any], Field]:
    """The patches that a field names, one after the other as a clip, and a field that names those.

    If they are few, votes then take less memory than with the clip in the layout of a back end.
    """
    voxels = [np.arange(n, dtype=np.int32, like=field) for n in patch]
    _, height, width, channels = value.shape
    offsets = (voxels[0][:, None, None] * height + voxels[1][:, None]) * width + voxels[2]
    index = field.reshape(-1, 1, 1, 1) + offsets
    pieces = value.reshape(-1, channels)[index].reshape(-1, *patch[1:], channels)
    places = np.arange(field.size, dtype=np.int32, like=field) * offsets.size
    return pieces, places.reshape(field.shape)


def _random_keys(
    kernels: ModuleType,
    places: NDArray[np.int64],
    key_shape: Sequence[int],
    key_grid: Sequence[int],
    key_mask: PatchMask | None,
    seed: Seeds,
) -> Field:
    """Independent random keys for some patches of a field, by their flat indices."""
    if key_mask is None:
        drawn = rng.below(math.prod(key_grid), places, seed)
    else:
        count = key_mask.sum(dtype=np.uint64)
        ranks = rng.below(count, places, seed)
        drawn = kernels.select(key_mask, ranks).reshape(ranks.shape)
    keys: Field = rules.first_voxel(drawn, key_grid, key_shape).astype(np.int32)
    return keys


def patches_within(
    mask: NDArray[np.bool_], patch: Triple, periodic: Axes = NOT_PERIODIC
) -> PatchMask:
    """Which patches lie entirely inside a mask (t, y, x), indexed by their first voxels."""
    mask = rules.pad_periodic(mask, patch, periodic)
    for axis, extent in enumerate(patch):
        n_patches = mask.shape[axis] - extent + 1
        before = (slice(None),) * axis
        # Whole planes at a time. CuPy's `sliding_window_view` would wait for the GPU.
        planes = (mask[*before, d : d + n_patches] for d in range(extent))
        mask = reduce(np.logical_and, planes)
    return mask
