"""The CUDA back end: the functions of `cpu`, for CuPy arrays, with the same results.

Channels of 8 bits are compared as words of four. Nothing waits for the device: launches go to
CuPy's current stream, and the cost threshold of a search stays on the device for the next one.
"""

import math
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from itertools import cycle

import cupy
import numpy as np

from patchvid.kernels import THREADS, cuda_form, is_on_gpu, rules
from patchvid.kernels.exact import search_exact as search_exact
from patchvid.kernels.ordinals import from_ordinals, to_ordinals
from patchvid.kernels.rules import Prepared, make_geometry, value_count
from patchvid.kernels.rules import patch_grid as patch_grid

DEVICE, xp = "cuda", cupy

launches = import_module(f"patchvid.kernels.{cuda_form()}_cuda")

STREAMS = 4  # number of streams for work that overlaps
BETWEEN = 32 << 20  # bytes that resampling may hold between its passes; at least one row


def to_device(array):
    """Copy an array to the device unless it is already there."""
    speaks_cuda = hasattr(array, "__cuda_array_interface__")
    return cupy.from_dlpack(array) if is_on_gpu(array) and not speaks_cuda else cupy.asarray(array)


def to_host(array):
    """Copy an array to the host unless it is already there."""
    return cupy.asnumpy(array)


@cache
def _streams(device):
    """Streams to take in turn. They are kept, because CuPy reuses freed memory per stream."""
    return cycle([cupy.cuda.Stream(non_blocking=True) for _ in range(STREAMS)])


@contextmanager
def side_stream():
    """Open a context with another stream, which first waits for all earlier launches."""
    before = cupy.cuda.get_current_stream().record()
    with next(_streams(cupy.cuda.Device().id)) as stream:
        stream.wait_event(before)
        yield


def devices_of(arrays):
    """Numbers of the GPUs that hold some arrays; without arrays, that of the current GPU."""
    return {to_device(array).device.id for array in arrays} or {cupy.cuda.Device().id}


def use_device(number):
    """Open a context in which a GPU is the current one."""
    return cupy.cuda.Device(number)


def synchronize():
    """Wait until the device has done all work."""
    cupy.cuda.Device().synchronize()


def record_event():
    """Record an event after all earlier launches, for `seconds_between`."""
    return cupy.cuda.get_current_stream().record()


def seconds_between(begin, end):
    """Seconds from one event to another. Waits for the second one."""
    end.synchronize()
    return cupy.cuda.get_elapsed_time(begin, end) / 1e3


_reserved: dict[tuple[int, int], int] = {}  # bytes, by device and stream


def _reserve(size):
    """Make CuPy's pool hold one block for the current stream, from which it cuts all later ones.

    Without it, the pool would keep blocks for the sizes of every level. Results still in use may
    lie in the block, so a new block is allocated only if it is larger than all before.
    """
    place = cupy.cuda.Device().id, cupy.cuda.get_current_stream().ptr
    if size > _reserved.get(place, 0):
        cupy.cuda.alloc(size)
        _reserved[place] = size


def check_memory(size):
    """Why `size` bytes plus those for resampling are not free, in one line; empty if they are.

    Running work holds memory, so if there is too little, this waits for the work to end.
    """
    size += BETWEEN
    free, _ = cupy.cuda.Device().mem_info
    if size > free:
        synchronize()
        cupy.get_default_memory_pool().free_all_blocks()
        free, _ = cupy.cuda.Device().mem_info
    if size <= free:
        _reserve(size)
        return ""
    return (
        f"the GPU has {free / 2**30:.1f} GiB of memory free, but about {size / 2**30:.1f} GiB "
        "are needed; make the clip smaller or shorter, or use device 'cpu'"
    )


def footprint(n_keys, n_queries, channels, itemsize):
    """Most bytes that a level takes in addition to its value."""
    # Field, cost, and 8-bit words of query, key and value; memory for votes, and the output.
    return max(n_keys, n_queries) * (20 + channels * (8 * itemsize - 4))


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


def prepare(video, *, patch, periodic=(False, False, False), few=False):
    """Bring a video into the layout in which its patches are compared, for several searches.

    It is padded along periodic axes; four channels of 8 bits become a word. That serves `few`
    patches as well as many.
    """
    if isinstance(video, Prepared):
        return video
    padded = rules.pad_periodic(video, patch, periodic)
    words = launches.pack(padded) if video.dtype == np.uint8 else cupy.ascontiguousarray(padded)
    return Prepared(words, video.shape, video.dtype)


def prepare_value(value, *, reduce="median"):
    """Bring a video into the layout in which its patches vote, for several votes."""
    if isinstance(value, Prepared):
        return value
    votes = launches.pack(to_ordinals(value)) if reduce == "median" else value
    return Prepared(votes, value.shape, value.dtype)


@cache
def _none(dtype, device):
    """An empty array on a device."""
    return cupy.empty((0, 0, 0), dtype)


@cache
def _totals(device, stream):
    """Zeros for the sums of a search; every search on this stream leaves them at zero."""
    return cupy.zeros(2 * THREADS + 1, np.uint64)


def _scene(query, key, patch, periodic):
    """Query and key as words or floats, the geometry of a search, and the divisor of its costs."""
    query, key = prepare(query, patch=patch, periodic=periodic), prepare(key, patch=patch)
    geometry = make_geometry(query.shape, key.shape, patch, periodic)
    return query.layout, key.layout, geometry, float(value_count(patch, key.shape[3]))


def search(
    query, key, field, *, patch, weights=None, query_mask=None, periodic=(False, False, False),
    sweeps, first_sweep=0, search_radius=None, cost_threshold=None, seed=0, alpha=None,
):  # fmt: skip
    """Improve `field` in place by PatchMatch, as `cpu.search` does."""
    query, key, geometry, divisor = _scene(query, key, patch, periodic)
    device = cupy.cuda.Device().id
    cost, mean = cupy.empty(field.shape, np.float32), cupy.empty(1, np.float32)
    totals = _totals(device, cupy.cuda.get_current_stream().ptr)
    counted = _none(np.int64, device)
    if query_mask is not None:
        cost.fill(np.nan)
        counted = query_mask.sum(dtype=np.int64).reshape(1)
    weights = _none(np.float32, device) if weights is None else rules.as_weights(weights)
    query_mask = _none(np.bool_, device) if query_mask is None else query_mask
    threshold = _none(np.float32, device) if cost_threshold is None else cost_threshold
    unfinished = 1.0, float(rules.NO_ALPHA)
    finished = divisor, unfinished[1] if alpha is None else alpha
    for number, step in enumerate(rules.plan_steps(sweeps, first_sweep, search_radius)):
        plans = [
            rules.plan_sweep(
                first_sweep + number, parity, number == 0, step, search_radius, seed, key.shape
            )
            for parity in (0, 1)
        ]
        launches.sweep(
            query, key, weights, query_mask, field, cost, threshold, mean, totals, counted,
            geometry, plans, *(finished if number == sweeps - 1 else unfinished),
        )  # fmt: skip
        threshold = mean
    return cost, mean


def patch_distance(query, key, field, *, patch, periodic=(False, False, False)):
    """Mean squared difference (float32) of every query patch and its key patch."""
    query, key, geometry, divisor = _scene(query, key, patch, periodic)
    cost = cupy.empty(field.shape, np.float32)
    launches.distance(query, key, field, cost, geometry, divisor)
    return cost


def carry(field, near, key_shape, fine_query_shape, fine_key_shape, *, patch):
    """Scale the field of a coarser level to a finer one: nearest patch, scaled key."""
    fine = cupy.empty(tuple(map(len, near)), np.int32)
    launches.carry(
        field, tuple(_upload(near)), fine,
        key_shape[:3], fine_query_shape[:3], fine_key_shape[:3], patch,
    )  # fmt: skip
    return fine


def _upload(arrays):
    """Copy arrays from the host to the device at once. Arrays with larger items must come first."""
    joined = cupy.asarray(np.concatenate([array.reshape(-1).view(np.uint8) for array in arrays]))
    stops = np.cumsum([array.nbytes for array in arrays])
    return [
        joined[stop - array.nbytes : stop].view(array.dtype).reshape(array.shape)
        for array, stop in zip(arrays, stops.tolist())
    ]


def vote(value, field, *, patch, update_mask=None, periodic=(False, False, False), reduce="median"):
    """Reconcile the patches that cover each voxel by their lower median or their mean."""
    value = prepare_value(value, reduce=reduce)
    shape = (*rules.output_shape(field.shape, patch, periodic), value.shape[3])
    if update_mask is None:
        update_mask = _none(np.bool_, cupy.cuda.Device().id)
    settings = value.shape[:3], patch, periodic
    if reduce == "mean":
        voted = cupy.empty(shape, value.dtype)
        launches.mean(value.layout, field, update_mask, voted, *settings)
        return voted
    voted = cupy.empty(shape, np.uint32 if value.dtype == np.float32 else value.dtype)
    launches.median(value.layout, field, update_mask, voted, *settings)
    return from_ordinals(voted, value.dtype)


def apply_taps(video, tables, out):
    """Resample `video` into `out` by the tables of the axes t, y and x, as on the CPU.

    It works in bands of rows, to need little memory between the three passes.
    """
    new_size, channels = out.shape[:3], out.shape[3]
    top = int(np.iinfo(out.dtype).max) if out.dtype.kind == "u" else 0
    row = video.shape[0] * (video.shape[2] + new_size[2]) * channels * 4
    band = min(max(1, BETWEEN // row), new_size[1])
    starts, weights = zip(*tables)
    on_device = _upload([*starts, *weights])
    axes = list(zip(on_device[:3], on_device[3:]))
    # An axis that does not change needs no pass, but at least one pass must run.
    changed = [axis for axis in (1, 2, 0) if tables[axis][1].shape != (video.shape[axis], 1)]
    if band < new_size[1] and 1 not in changed:
        changed.insert(0, 1)
    changed = changed or [0]
    for first in range(0, new_size[1], band):
        n_rows = min(band, new_size[1] - first)
        part = out
        if n_rows < new_size[1]:
            part = cupy.empty((new_size[0], n_rows, *out.shape[2:]), out.dtype)
        source, size = video, [*video.shape[:3]]
        for axis in changed:
            starts, weights = axes[axis]
            if axis == 1:
                starts, weights = starts[first : first + n_rows], weights[first : first + n_rows]
            outer, inner = math.prod(size[:axis]), math.prod(size[axis + 1 :]) * channels
            shape = outer, len(starts), inner
            is_last = axis == changed[-1]
            target = part.reshape(shape) if is_last else cupy.empty(shape, np.float32)
            source = source.reshape(outer, size[axis], inner)
            launches.blend(source, starts, weights, target, top if is_last else 0)
            source, size[axis] = target, len(starts)
        if part is not out:
            out[:, first : first + n_rows] = part
