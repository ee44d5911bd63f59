"""Launch the numba.cuda kernels, the second form, chosen by ``PATCHVID_CUDA=numba``.

It gives the same bytes as the kernels in CUDA C, and compiles the same rules as the CPU's loops.
"""

import cupy
import numpy as np
from numba import cuda
from numba.cuda import dispatcher

from patchvid.kernels import THREADS, numba_kernels


def _launch(kernel, count, *arguments):
    """Run a kernel with at least `count` threads on CuPy's current stream."""
    stream = cuda.external_stream(cupy.cuda.get_current_stream().ptr)
    # With `sync` Numba would wait for all earlier launches.
    taken = [
        cuda.as_cuda_array(argument, sync=False) if isinstance(argument, cupy.ndarray) else argument
        for argument in arguments
    ]
    dispatcher.config.CUDA_LOW_OCCUPANCY_WARNINGS = 0  # small levels have few blocks
    kernel[-(-count // THREADS), THREADS, stream](*taken)


def sweep(
    query, key, weights, query_mask, field, cost, threshold, mean, totals, counted, geometry, plans,
    divisor, alpha,
):  # fmt: skip
    """Improve the patches of even t + y + x, then the odd ones; write the mean cost, (1,)."""
    n_t, n_y, n_x = field.shape
    kernel, _ = numba_kernels.SEARCH[query.dtype.name]
    threshold = threshold if threshold.size else cupy.zeros(1, np.float32)
    for plan in plans:
        _launch(
            kernel, n_t * n_y * ((n_x + 1) // 2), query.reshape(-1), key.reshape(-1), weights,
            query_mask, field, cost, threshold, totals,
            _in_words(geometry, query), plan, np.float32(divisor), np.float32(alpha),
        )  # fmt: skip
    _launch(numba_kernels.settle_kernel, 1, totals, counted.reshape(-1), mean, field.size)


def distance(query, key, field, cost, geometry, divisor):
    """Write the distance of every query patch to its key patch, divided by `divisor`."""
    _, kernel = numba_kernels.SEARCH[query.dtype.name]
    _launch(
        kernel, field.size, query.reshape(-1), key.reshape(-1), field, cost,
        _in_words(geometry, query), np.float32(divisor),
    )  # fmt: skip


def _in_words(geometry, query):
    """The geometry of a search with words per voxel in place of channels."""
    return (*geometry[:-1], query.shape[3])


def median(value, field, update_mask, voted, key_size, patch, periodic):
    """Write the lower median of the votes on every voxel; votes are words of unsigned integers."""
    votes, bits = value.reshape(-1, value.shape[3]), 8 * voted.dtype.itemsize
    _launch(
        numba_kernels.median_kernel, voted.size,
        votes, field, update_mask, voted, key_size, patch, periodic, bits,
    )  # fmt: skip


def mean(value, field, update_mask, voted, key_size, patch, periodic):
    """Write the mean of the votes on every voxel; integers are rounded, halves up."""
    votes, whole = value.reshape(-1, value.shape[3]), value.dtype.kind == "u"
    _launch(
        numba_kernels.mean_kernel, voted.size,
        votes, field, update_mask, voted, key_size, patch, periodic, whole,
    )  # fmt: skip


def pack(values):
    """Pack the channels of each voxel into words, the last one filled with zeros: (t, y, x, n)."""
    *shape, channels = values.shape
    words = cupy.empty((*shape, -(-channels * values.itemsize // 4)), np.uint32)
    flat = [cupy.ascontiguousarray(array).reshape(-1, array.shape[3]) for array in (values, words)]
    _launch(numba_kernels.pack_kernel, words.size, *flat)
    return words


def carry(coarse, near, fine, key_size, fine_query_size, fine_key_size, patch):
    """Write the field of a finer level; `near` is the result of `carrying.near_tables`."""
    _launch(
        numba_kernels.carry_kernel, fine.size, coarse, *near, fine, key_size, fine_query_size,
        fine_key_size, patch,
    )  # fmt: skip


def blend(source, starts, weights, out, top):
    """Resample the middle axis of three. `top` is the largest integer, or 0 for floats."""
    _launch(numba_kernels.blend_kernel, out.size, source, starts, weights, out, top)
