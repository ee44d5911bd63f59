"""Arrays, events and memory of a GPU: how much is free, and how much a level needs."""

from functools import lru_cache

import cupy
import numpy as np

from patchvid.kernels import is_on_gpu

BETWEEN = 32 << 20  # bytes that resampling may hold between its passes; at least one row
AT_ONCE = 1 << 30  # bytes that several samples may take: with as many, a GPU has enough to do


def to_device(array):
    """Copy an array to the device unless it is already there."""
    speaks_cuda = hasattr(array, "__cuda_array_interface__")
    return cupy.from_dlpack(array) if is_on_gpu(array) and not speaks_cuda else cupy.asarray(array)


def to_host(array):
    """Copy an array to the host unless it is already there."""
    return cupy.asnumpy(array)


def devices_of(arrays):
    """Numbers of the GPUs that hold some arrays; without arrays, that of the current GPU."""
    return {to_device(array).device.id for array in arrays} or {cupy.cuda.Device().id}


def use_device(number):
    """Open a context in which a GPU is the current one."""
    return cupy.cuda.Device(number)


class _Table:
    """An array on the host as the key of a cache: equal only to itself."""

    def __init__(self, array):
        self.array = array

    def __hash__(self):
        return id(self.array)

    def __eq__(self, other):
        return self.array is other.array


def upload(arrays):
    """Copy tables from the host to the device, once. Those with larger items must come first."""
    stream = cupy.cuda.get_current_stream().ptr
    return _uploaded(cupy.cuda.Device().id, stream, *map(_Table, arrays))


@lru_cache(maxsize=256)
def _uploaded(device, stream, *tables):
    arrays = [table.array for table in tables]
    joined = cupy.asarray(np.concatenate([array.reshape(-1).view(np.uint8) for array in arrays]))
    stops = np.cumsum([array.nbytes for array in arrays])
    return tuple(
        joined[stop - array.nbytes : stop].view(array.dtype).reshape(array.shape)
        for array, stop in zip(arrays, stops.tolist())
    )


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


def samples_at_once(size):
    """How many samples to make at once, if each takes `size` bytes."""
    return max(1, AT_ONCE // size)


def footprint(n_keys, n_queries, channels, itemsize):
    """Most bytes that a level takes in addition to its value."""
    # Field and cost; words of query and key; field and output of the coarser level. Values of more
    # than 8 bits are copied several times on their way to words.
    if itemsize == 1:
        a_voxel = 8 + 8 * -(-channels // 4) + 2 * channels
    else:
        a_voxel = 12 + channels * (6 + 2 * itemsize)
    return max(n_keys, n_queries) * a_voxel
