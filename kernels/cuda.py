"""The CUDA back end: the functions of `cpu`, for CuPy arrays, with the same results.

Channels of 8 bits are compared as words of four. Nothing waits for the device: launches go to
CuPy's current stream, and the cost threshold of a search stays on the device for the next one.
"""

from contextlib import contextmanager
from functools import cache
from importlib import import_module
from itertools import cycle

import cupy
import numpy as np

from patchvid.kernels import THREADS, cuda_form, is_on_gpu, rules
from patchvid.kernels.exact import search_exact as search_exact
from patchvid.kernels.ordinals import from_ordinals, to_ordinals
from patchvid.kernels.rules import make_geometry
from patchvid.kernels.rules import patch_grid as patch_grid

DEVICE, xp = "cuda", cupy

launches = import_module(f"patchvid.kernels.{cuda_form()}_cuda")

STREAMS = 4  # on which work overlaps
BETWEEN = 256 << 20  # bytes that resampling may hold between its passes, or else one row


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


def check_memory(size):
    """Why so many bytes, and those for resampling, are not free, in one line; empty if they are.

    Running work holds memory, so if there is too little, this waits for the work to end.
    """
    size += BETWEEN
    free, _ = cupy.cuda.Device().mem_info
    if size > free:
        synchronize()
        cupy.get_default_memory_pool().free_all_blocks()
        free, _ = cupy.cuda.Device().mem_info
    if size <= free:
        return ""
    return (
        f"the GPU has {free / 2**30:.1f} GiB of memory free, and about {size / 2**30:.1f} GiB "
        "are needed; make the clip smaller or shorter, or work on the host, by device 'cpu'"
    )


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


def _comparable(query, key, patch, periodic):
    """Query, padded along periodic axes, and key, both as words or as contiguous floats."""
    query = rules.pad_periodic(query, patch, periodic)
    if query.dtype == np.uint8:
        return launches.pack(query), launches.pack(key)
    return cupy.ascontiguousarray(query), cupy.ascontiguousarray(key)


def _none(dtype):
    return cupy.empty((0, 0, 0), dtype)


def search(
    query, key, field, *, patch, weights=None, query_mask=None, periodic=(False, False, False),
    sweeps, first_sweep=0, search_radius=None, cost_threshold=None, seed=0,
):  # fmt: skip
    """Improve `field` in place by PatchMatch, as `cpu.search` does."""
    geometry = make_geometry(query.shape, key.shape, patch, periodic)
    query, key = _comparable(query, key, patch, periodic)
    geometry = (*geometry[:-1], key.shape[3])
    cost = cupy.empty(field.shape, np.float32)
    if query_mask is not None:
        cost.fill(np.nan)
    counted = (
        cupy.empty(0, np.int64) if query_mask is None else query_mask.sum(dtype=np.int64).reshape(1)
    )
    weights = _none(np.float32) if weights is None else weights
    query_mask = _none(np.bool_) if query_mask is None else query_mask
    cost_threshold = cupy.zeros(1, np.float32) if cost_threshold is None else cost_threshold
    totals = cupy.zeros(THREADS, np.uint64)
    for number, step in enumerate(rules.plan_steps(sweeps, first_sweep, search_radius)):
        plans = [
            rules.plan_sweep(
                first_sweep + number, colour, number == 0, step, search_radius, seed, key.shape
            )
            for colour in (0, 1)
        ]
        cost_threshold = launches.sweep(
            query, key, weights, query_mask, field, cost, cost_threshold, totals, counted, geometry,
            plans,
        )  # fmt: skip
    return cost, cost_threshold


def patch_distance(query, key, field, *, patch, periodic=(False, False, False)):
    """Squared distance (float32) of every query patch to its key patch."""
    geometry = make_geometry(query.shape, key.shape, patch, periodic)
    query, key = _comparable(query, key, patch, periodic)
    cost = cupy.empty(field.shape, np.float32)
    launches.distance(query, key, field, cost, (*geometry[:-1], key.shape[3]))
    return cost


def carry(
    field, query_shape, key_shape, fine_query_shape, fine_key_shape, *, patch,
    periodic=(False, False, False),
):  # fmt: skip
    """Scale the field of a coarser level to a finer one: nearest patch, scaled key."""
    fine = cupy.empty(patch_grid(fine_query_shape, patch, periodic), np.int32)
    near = rules.near_tables(fine.shape, patch, query_shape, fine_query_shape, field.shape)
    launches.carry(
        field, tuple(_upload(near)), fine,
        key_shape[:3], fine_query_shape[:3], fine_key_shape[:3], patch,
    )  # fmt: skip
    return fine


def _upload(arrays):
    """Copy arrays of the host to the device at once. Arrays with larger items must come first."""
    joined = cupy.asarray(np.concatenate([array.reshape(-1).view(np.uint8) for array in arrays]))
    stops = np.cumsum([array.nbytes for array in arrays])
    return [
        joined[stop - array.nbytes : stop].view(array.dtype).reshape(array.shape)
        for array, stop in zip(arrays, stops.tolist())
    ]


def vote(value, field, *, patch, update_mask=None, periodic=(False, False, False), reduce="median"):
    """Reconcile the patches that cover each voxel by their lower median or their mean."""
    shape = rules.output_shape(field.shape, patch, periodic)
    update_mask = _none(np.bool_) if update_mask is None else update_mask
    settings = value.shape[:3], patch, periodic
    if reduce == "mean":
        voted = cupy.empty((*shape, value.shape[3]), value.dtype)
        launches.mean(value, field, update_mask, voted, *settings)
        return voted
    ordinals = to_ordinals(value)
    voted = cupy.empty((*shape, value.shape[3]), ordinals.dtype)
    launches.median(ordinals, field, update_mask, voted, *settings)
    return from_ordinals(voted, value.dtype)


def apply_taps(video, tables, out):
    """Resample `video` into `out` by the tables of the axes t, y and x, as on the CPU.

    It goes in bands of rows, so that little memory is needed between the three passes.
    """
    frames, height, width, channels = video.shape
    new_frames, new_height, new_width, _ = out.shape
    starts, weights = zip(*tables)
    on_device = _upload([*starts, *weights])
    t, y, x = zip(on_device[:3], on_device[3:])
    top = int(np.iinfo(out.dtype).max) if out.dtype.kind == "u" else 0
    row = frames * (width + new_width) * channels * 4
    band = max(1, BETWEEN // row)
    for first in range(0, new_height, band):
        n_rows = min(band, new_height - first)
        starts, weights = (table[first : first + n_rows] for table in y)
        rows = cupy.empty((frames, n_rows, width * channels), np.float32)
        flat = video.reshape(frames, height, width * channels)
        launches.blend(flat, starts, weights, rows, 0)
        pixels = cupy.empty((frames * n_rows, new_width, channels), np.float32)
        launches.blend(rows.reshape(frames * n_rows, width, channels), *x, pixels, 0)
        part = out
        if n_rows < new_height:
            part = cupy.empty((new_frames, n_rows, new_width, channels), out.dtype)
        launches.blend(pixels.reshape(1, frames, -1), *t, part.reshape(1, new_frames, -1), top)
        if part is not out:
            out[:, first : first + n_rows] = part
