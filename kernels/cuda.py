"""The CUDA back end: the functions of `cpu`, for CuPy arrays, with the same results.

Channels of 8 bits are compared as words of four. Nothing waits for the device: launches go to
CuPy's current stream, and the cost threshold of a search stays on the device for the next one.
"""

import math
from functools import cache, lru_cache
from importlib import import_module

import cupy
import numpy as np

from patchvid.kernels import THREADS, cuda_form, cuda_memory, rules
from patchvid.kernels.cuda_memory import check_memory as check_memory
from patchvid.kernels.cuda_memory import devices_of as devices_of
from patchvid.kernels.cuda_memory import footprint as footprint
from patchvid.kernels.cuda_memory import record_event as record_event
from patchvid.kernels.cuda_memory import samples_at_once as samples_at_once
from patchvid.kernels.cuda_memory import seconds_between as seconds_between
from patchvid.kernels.cuda_memory import synchronize as synchronize
from patchvid.kernels.cuda_memory import to_device as to_device
from patchvid.kernels.cuda_memory import to_host as to_host
from patchvid.kernels.cuda_memory import upload
from patchvid.kernels.cuda_memory import use_device as use_device
from patchvid.kernels.rules import Prepared, make_geometry, value_count
from patchvid.kernels.rules import patch_grid as patch_grid

DEVICE, xp = "cuda", cupy

launches = import_module(f"patchvid.kernels.{cuda_form()}_cuda")

LEAST_THREADS = 1 << 16  # of an exact search, if there is as much to do
MOST_TAPS = 216  # of a value that is resampled along several axes in one pass


def indices(mask):
    """Flat indices where a mask is True, in order, and then all other indices.

    The size of the result is known without waiting for the device.
    """
    mask = mask.reshape(-1)
    marked = mask.cumsum(dtype=np.int32)
    others = marked[-1] + (~mask).cumsum(dtype=np.int32)
    found = cupy.empty(mask.size, np.int64)
    found[cupy.where(mask, marked, others) - 1] = cupy.arange(mask.size)
    return found


def select(mask, ranks):
    """Flat indices where a mask is True, by their ranks in order."""
    return indices(mask)[ranks]


def prepare(video, *, patch, periodic=(False, False, False), few=False, votes=None):
    """Bring a video into the layout in which its patches are compared, for several searches.

    It is padded along periodic axes; four channels of 8 bits become a word. That serves `few`
    patches as well as many. Words of 8 bits that vote, `votes`, are compared as they are.
    """
    if isinstance(video, Prepared):
        return video
    if isinstance(votes, Prepared) and votes.dtype == video.dtype == np.uint8 != votes.layout.dtype:
        return votes._replace(layout=_samples(votes.layout, 4))
    padded = rules.pad_periodic(video, patch, periodic)
    words = _pack(padded) if video.dtype == np.uint8 else cupy.ascontiguousarray(padded)
    writable = video.dtype == np.uint8 and not any(periodic)
    return Prepared(_samples(words, 4), video.shape[-4:], video.dtype, writable=writable)


def prepare_value(value, *, reduce="median"):
    """Bring a video into the layout in which its patches vote, for several votes."""
    if isinstance(value, Prepared):
        return value
    votes = _pack(value) if reduce == "median" else value
    return Prepared(votes, value.shape, value.dtype)


def _pack(video):
    """The channels of every voxel as words."""
    voxels = cupy.ascontiguousarray(video).reshape(-1, video.shape[-1])
    return launches.pack(voxels).reshape(*video.shape[:-1], -1)


def _samples(array, ndim):
    """The arrays of all samples, with `ndim` axes each, or the only one."""
    return array.reshape(-1, *array.shape[-ndim:])


@cache
def _none(dtype, device):
    """An empty array on a device."""
    return cupy.empty((0, 0, 0), dtype)


@cache
def _totals(device, stream, n):
    """Zeros for the sums of `n` searches; every search on this stream leaves them at zero."""
    return cupy.zeros((n, 2 * THREADS + 1), np.uint64)


@lru_cache
def _streams(seed):
    """Random bits of the seed of each sample."""
    return tuple(map(rules.random_stream, (seed,) if isinstance(seed, int) else seed))


def _scene(query, key, patch, periodic):
    """Query and key as words or floats, the geometry of a search, and the divisor of its costs."""
    query, key = prepare(query, patch=patch, periodic=periodic), prepare(key, patch=patch)
    geometry = make_geometry(query.shape, key.shape, patch, periodic)
    return query.layout, key.layout, geometry, float(value_count(patch, key.shape[3]))


def search(
    query, key, field, *, patch, weights=None, query_mask=None, periodic=(False, False, False),
    sweeps, first_sweep=0, search_radius=None, cost_threshold=None, seed=0, alpha=None,
):  # fmt: skip
    """Improve `field` in place by PatchMatch, as `cpu.search` does for a single sample."""
    query, key, geometry, divisor = _scene(query, key, patch, periodic)
    device, streams = cupy.cuda.Device().id, _streams(seed)
    shape, field = field.shape, _samples(field, 3)
    cost, mean = cupy.empty(field.shape, np.float32), cupy.empty(len(streams), np.float32)
    totals = _totals(device, cupy.cuda.get_current_stream().ptr, len(streams))
    counted = _none(np.int64, device)
    if query_mask is not None:
        cost.fill(np.nan)
        counted = query_mask.sum(dtype=np.int64).reshape(1)
    if weights is None:
        weights = _none(np.float32, device)
    else:
        weights = _samples(rules.as_weights(weights), 3)
    query_mask = _none(np.bool_, device) if query_mask is None else query_mask
    threshold = _none(np.float32, device) if cost_threshold is None else cost_threshold
    unfinished = 1.0, float(rules.NO_ALPHA)
    finished = divisor, unfinished[1] if alpha is None else alpha
    for number, step in enumerate(rules.plan_steps(sweeps, first_sweep, search_radius)):
        plans = [
            rules.plan_sweep(parity, number == 0, step, search_radius, key.shape[1:])
            for parity in (0, 1)
        ]
        launches.sweep(
            query, key, weights, query_mask, field, cost, threshold, mean, totals, counted,
            geometry, plans, first_sweep + number, streams,
            *(finished if number == sweeps - 1 else unfinished),
        )  # fmt: skip
        threshold = mean
    return cost.reshape(shape), mean


def search_exact(
    query, key, *, patch, weights=None, periodic=(False, False, False), alpha=None
):  # fmt: skip
    """Find the nearest key of every query patch; return the field and its cost.

    Ties go to the first key. There is a thread for every query patch and part of the keys.
    """
    samples = max(query.shape[:-4], key.shape[:-4], key=len)
    query, key, geometry, divisor = _scene(query, key, patch, periodic)
    none = _none(np.float32, cupy.cuda.Device().id)
    weights = none if weights is None else _samples(rules.as_weights(weights), 3)
    grid, n, count = geometry[1], math.prod(samples), math.prod(geometry[1])
    parts = min(max(1, LEAST_THREADS // (n * count)), math.prod(geometry[3]))
    least = cupy.empty((n, parts, count), np.float64)
    found = cupy.empty(least.shape, np.int32)
    field, cost = cupy.empty((n, *grid), np.int32), cupy.empty((n, *grid), np.float32)
    launches.exact(
        query, key, weights, least, found, field, cost, geometry, divisor,
        float(rules.NO_ALPHA) if alpha is None else alpha,
    )  # fmt: skip
    return field.reshape(*samples, *grid), cost.reshape(*samples, *grid)


def patch_distance(query, key, field, *, patch, periodic=(False, False, False)):
    """Mean squared difference (float32) of every query patch and its key patch."""
    query, key, geometry, divisor = _scene(query, key, patch, periodic)
    cost = cupy.empty(field.shape, np.float32)
    launches.distance(query, key, _samples(field, 3), _samples(cost, 3), geometry, divisor)
    return cost


def carry(field, fine_grid, firsts, coarse_sizes, fine_sizes, *, patch):
    """Scale the field of a coarser level to a finer one: nearest patch, scaled key."""
    fine_field = cupy.empty((*field.shape[:-3], *fine_grid), np.int32)
    launches.carry(
        _samples(field, 3), _samples(fine_field, 3), firsts, coarse_sizes, fine_sizes, patch
    )
    return fine_field


def vote(
    value, field, *, patch, update_mask=None, periodic=(False, False, False), reduce="median",
    over=None,
):  # fmt: skip
    """Reconcile the patches that cover each voxel by their lower median or their mean.

    Medians of 8 bits go into the words of a query, `over`, which is then the result.
    """
    value = prepare_value(value, reduce=reduce)
    size = rules.output_shape(field.shape[-3:], patch, periodic)
    shape = (*field.shape[:-3], *size, value.shape[3])
    field = _samples(field, 3)
    if update_mask is None:
        update_mask = _none(np.bool_, cupy.cuda.Device().id)
    settings = value.shape[:3], patch, periodic
    may_stay = reduce == "median" and value.dtype == np.uint8 and over is not None
    if may_stay and len(over.layout) == len(field):
        made, voted = over, over.layout.view(np.uint8)
    else:
        made = cupy.empty(shape, value.dtype)
        voted = _samples(made, 4)
    if reduce == "median":
        launches.median(value.layout, field, update_mask, voted, shape[-1], *settings)
    else:
        launches.mean(value.layout, field, update_mask, voted, *settings)
    return made


def apply_taps(video, tables, out):
    """Resample `video` into `out` by the tables of the axes t, y and x, as on the CPU.

    One pass does it, unless a value has so many taps that several passes take less time.
    """
    video, out = _samples(video, 4), _samples(out, 4)
    top = int(np.iinfo(out.dtype).max) if out.dtype.kind == "u" else 0
    starts, weights = zip(*tables, _identity(max(video.shape[1:4] + out.shape[1:4])))
    on_device = upload([*starts, *weights])
    starts, weights = on_device[:4], on_device[4:]
    passes = _passes([table.shape[1] for table in weights])
    if len(passes) == 1:
        launches.blend(video, starts[:3], weights[:3], out, top)
    else:
        _blend_in_bands(video, passes, starts, weights, out, top)


def _passes(taps):
    """The axes of each pass: rows come first, then pixels, then frames."""
    passes = [[1]]
    for axis in (2, 0):
        if taps[axis] * math.prod(taps[other] for other in passes[-1]) <= MOST_TAPS:
            passes[-1].append(axis)
        else:
            passes.append([axis])
    return passes


@lru_cache
def _identity(n):
    """The tables of an axis that does not change, which may be cut to any length up to `n`."""
    return np.arange(n), np.ones((n, 1), np.float32)


def _blend_in_bands(video, passes, starts, weights, out, top):
    """Resample in several passes, and in bands of rows, to need little memory between."""
    n, frames, _, columns, channels = video.shape
    n_rows, row = out.shape[2], n * frames * (columns + out.shape[3]) * channels * 4
    band = min(max(1, cuda_memory.BETWEEN // row), n_rows)
    for first in range(0, n_rows, band):
        rows = slice(first, min(first + band, n_rows))
        source = video
        for axes in passes:
            shape = [*source.shape]
            tables = [(starts[3][: shape[i + 1]], weights[3][: shape[i + 1]]) for i in range(3)]
            for axis in axes:
                part = rows if axis == 1 else slice(None)
                tables[axis] = starts[axis][part], weights[axis][part]
                shape[axis + 1] = len(tables[axis][0])
            is_last = axes is passes[-1]
            target = out
            if not is_last or band < n_rows:
                target = cupy.empty(tuple(shape), out.dtype if is_last else np.float32)
            launches.blend(source, *zip(*tables), target, top if is_last else 0)
            source = target
        if source is not out:
            out[:, :, rows] = source
