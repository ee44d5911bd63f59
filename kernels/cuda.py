"""The CUDA back end: the functions of `cpu`, for CuPy arrays, with the same results.

Bytes are compared as words of four channels. Nothing waits for the device: launches go to CuPy's
current stream, and what one search hands to the next stays there.
"""

from contextlib import contextmanager
from functools import cache
from itertools import cycle

import cupy
import numpy as np

from patchvid.errors import DeviceError, InvalidInput
from patchvid.kernels import is_on_gpu, numba_cuda, raw_cuda, rules
from patchvid.kernels.exact import search_exact as search_exact
from patchvid.kernels.raw_cuda import THREADS
from patchvid.kernels.rules import make_geometry
from patchvid.kernels.rules import patch_grid as patch_grid
from patchvid.kernels.voting import from_ordinals, to_ordinals

DEVICE, xp = "cuda", cupy

STREAMS = 4  # that work goes to beside each other
BETWEEN = 256 << 20  # bytes between the passes of resampling, where a row is not larger


def to_device(array):
    """The array on the device, where it may be already."""
    speaks_cuda = hasattr(array, "__cuda_array_interface__")
    return cupy.from_dlpack(array) if is_on_gpu(array) and not speaks_cuda else cupy.asarray(array)


def to_host(array):
    """The array on the host."""
    return cupy.asnumpy(array)


@cache
def _streams(device):
    """Streams to take in turn. They last: CuPy keeps what each has freed for it alone."""
    return cycle([cupy.cuda.Stream(non_blocking=True) for _ in range(STREAMS)])


@contextmanager
def beside():
    """Launch within on a stream of its own, behind what has been launched before."""
    before = cupy.cuda.get_current_stream().record()
    with next(_streams(cupy.cuda.Device().id)) as stream:
        stream.wait_event(before)
        yield


def device_of(arrays):
    """A context in which the GPU that holds the arrays is in use."""
    numbers = {to_device(array).device.id for array in arrays}
    if len(numbers) > 1:
        raise InvalidInput(
            f"arrays must be on one GPU, got some on {' and '.join(map(str, sorted(numbers)))}; "
            "copy them to one"
        )
    return cupy.cuda.Device(*numbers)


def finish():
    """Wait for all that was launched."""
    cupy.cuda.Device().synchronize()


def now():
    """When what has been launched is done."""
    return cupy.cuda.get_current_stream().record()


def seconds_between(one, other):
    """The time from one `now` to another, which is waited for."""
    other.synchronize()
    return cupy.cuda.get_elapsed_time(one, other) / 1e3


def make_room(size):
    """Wait until so many bytes, and what resampling takes, are free for work to be launched."""
    size += BETWEEN
    free, _ = cupy.cuda.Device().mem_info
    if size > free:  # what is in flight holds some
        finish()
        cupy.get_default_memory_pool().free_all_blocks()
        free, _ = cupy.cuda.Device().mem_info
    if size > free:
        raise DeviceError(
            f"the GPU has {free / 2**30:.1f} GiB of memory free, and about {size / 2**30:.1f} GiB "
            "are needed; make the clip smaller or shorter, or work on the host, by device 'cpu'"
        )


def indices(mask):
    """Flat indices of what a mask marks, in order, and behind them all others.

    And so nobody has to wait until it is known how many there are.
    """
    mask = mask.reshape(-1)
    marked = mask.cumsum(dtype=np.int32)
    others = marked[-1] + (~mask).cumsum(dtype=np.int32)
    found = cupy.empty(mask.size, np.int64)
    found[cupy.where(mask, marked, others) - 1] = cupy.arange(mask.size)
    return found


def _comparable(query, key, patch, periodic):
    """Query, continued around its periodic axes, and key, as what kernels compare."""
    query = rules.continued(query, patch, periodic)
    if query.dtype == np.uint8:
        return raw_cuda.to_words(query), raw_cuda.to_words(key)
    return cupy.ascontiguousarray(query), cupy.ascontiguousarray(key)


def _none(dtype):
    return cupy.empty((0, 0, 0), dtype)


def search(
    query, key, field, *, patch, weights=None, updated=None, periodic=(False, False, False),
    sweeps, past=0, reach=None, settled=None, seed=0,
):  # fmt: skip
    """Improve `field` in place by PatchMatch, as `cpu.search` does."""
    geometry = make_geometry(query.shape, key.shape, patch, periodic)
    query, key = _comparable(query, key, patch, periodic)
    geometry = (*geometry[:-1], key.shape[3])
    cost = cupy.empty(field.shape, np.float32)
    if updated is not None:
        cost.fill(np.nan)
    counted = cupy.empty(0, np.int64) if updated is None else updated.sum(dtype=np.int64).reshape(1)
    weights = _none(np.float32) if weights is None else weights
    updated = _none(np.bool_) if updated is None else updated
    settled = cupy.zeros(1, np.float32) if settled is None else settled
    totals = cupy.zeros(THREADS, np.uint64)
    for number, jump in enumerate(rules.plan_jumps(sweeps, past, reach)):
        plans = [
            rules.plan_sweep(past + number, colour, number == 0, jump, reach, seed, key.shape)
            for colour in (0, 1)
        ]
        settled = raw_cuda.sweep(
            query, key, weights, updated, field, cost, settled, totals, counted, geometry, plans
        )
    return cost, settled


def patch_distance(query, key, field, *, patch, periodic=(False, False, False)):
    """Squared distance (float32) of every query patch to the key patch its field names."""
    geometry = make_geometry(query.shape, key.shape, patch, periodic)
    query, key = _comparable(query, key, patch, periodic)
    cost = cupy.empty(field.shape, np.float32)
    raw_cuda.distance(query, key, field, cost, (*geometry[:-1], key.shape[3]))
    return cost


def carry(
    field, query_shape, key_shape, fine_query_shape, fine_key_shape, *, patch,
    periodic=(False, False, False),
):  # fmt: skip
    """The field of a coarser level as the start of a finer one: nearest patch, scaled key."""
    fine = cupy.empty(patch_grid(fine_query_shape, patch, periodic), np.int32)
    near = rules.near_tables(fine.shape, patch, query_shape, fine_query_shape, field.shape)
    numba_cuda.carry(
        field, _upload(near), fine, key_shape[:3], fine_query_shape[:3], fine_key_shape[:3], patch
    )
    return fine


def _upload(arrays):
    """Arrays of the host, of which those with the largest items come first, by a single copy."""
    joined = cupy.asarray(np.concatenate([array.reshape(-1).view(np.uint8) for array in arrays]))
    stops = np.cumsum([array.nbytes for array in arrays])
    return [
        joined[stop - array.nbytes : stop].view(array.dtype).reshape(array.shape)
        for array, stop in zip(arrays, stops.tolist())
    ]


def vote(value, field, *, patch, made=None, periodic=(False, False, False), reduce="median"):
    """Every voxel from the patches that cover it: their lower median or their mean."""
    shape = rules.covered(field.shape, patch, periodic)
    made = _none(np.bool_) if made is None else made
    lanes = to_ordinals(value) if reduce == "median" else value
    voted = cupy.empty((*shape, value.shape[3]), lanes.dtype)
    cast = raw_cuda.median if reduce == "median" else numba_cuda.mean
    cast(lanes, field, made, voted, value.shape[:3], patch, periodic)
    return from_ordinals(voted, value.dtype) if reduce == "median" else voted


def apply_taps(video, tables, out):
    """Write to `out` what the tables of the axes t, y and x make of `video`, as on the CPU.

    In bands of rows, so that what lies between the three passes takes little memory.
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
        raw_cuda.blend(flat, starts, weights, rows, 0)
        pixels = cupy.empty((frames * n_rows, new_width, channels), np.float32)
        raw_cuda.blend(rows.reshape(frames * n_rows, width, channels), *x, pixels, 0)
        made = out
        if n_rows < new_height:
            made = cupy.empty((new_frames, n_rows, new_width, channels), out.dtype)
        raw_cuda.blend(pixels.reshape(1, frames, -1), *t, made.reshape(1, new_frames, -1), top)
        if made is not out:
            out[:, first : first + n_rows] = made
