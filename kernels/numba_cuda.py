"""Launch the numba.cuda kernels, the second form, chosen by ``PATCHVID_CUDA=numba``.

It gives the same bytes as the kernels in CUDA C, and compiles the same rules as the CPU's loops.
"""

import cupy
import numpy as np
from numba import cuda
from numba.cuda import dispatcher

from patchvid.kernels import THREADS, numba_exact, numba_kernels, rules
from patchvid.kernels.ordinals import from_ordinals, to_ordinals


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
    number, streams, divisor, alpha,
):  # fmt: skip
    """Improve the patches of even t + y + x, then the odd ones; write the mean costs, (n,)."""
    n, n_t, n_y, n_x = field.shape
    kernel, _ = numba_kernels.SEARCH[query.dtype.name]
    threshold = threshold if threshold.size else cupy.zeros(n, np.float32)
    for i, stream in enumerate(streams):
        bits = rules.mix(stream ^ number)
        for plan in plans:
            _launch(
                kernel, n_t * n_y * ((n_x + 1) // 2), _own(query, i).reshape(-1),
                _own(key, i).reshape(-1), _own(weights, i) if weights.size else weights, query_mask,
                field[i], cost[i], threshold[i : i + 1], totals[i], _in_words(geometry, query),
                (*plan, bits), np.float32(divisor), np.float32(alpha),
            )  # fmt: skip
        _launch(
            numba_kernels.settle_kernel, 1, totals[i], counted.reshape(-1), mean[i : i + 1],
            field[i].size,
        )  # fmt: skip


def _own(arrays, number):
    """The array of a sample, or the one that all samples share."""
    return arrays[number if len(arrays) > 1 else 0]


def distance(query, key, field, cost, geometry, divisor):
    """Write the distance of every query patch to its key patch, divided by `divisor`."""
    _, kernel = numba_kernels.SEARCH[query.dtype.name]
    for i in range(len(field)):
        _launch(
            kernel, field[i].size, _own(query, i).reshape(-1), _own(key, i).reshape(-1), field[i],
            cost[i], _in_words(geometry, query), np.float32(divisor),
        )  # fmt: skip


def exact(query, key, weights, least, found, field, cost, geometry, divisor, alpha):
    """Write the nearest key of every query patch, found in each part of the keys, and its cost."""
    for i, of_parts in enumerate(zip(least, found)):
        factors = _own(weights, i) if weights.size else weights
        _launch(
            numba_exact.EXACT[query.dtype.name], least[i].size, _own(query, i).reshape(-1),
            _own(key, i).reshape(-1), factors.reshape(-1), *of_parts, _in_words(geometry, query),
        )  # fmt: skip
        _launch(
            numba_exact.nearest_kernel, field[i].size, *of_parts, field[i].reshape(-1),
            cost[i].reshape(-1), geometry[2], geometry[3], np.float32(divisor), np.float32(alpha),
        )  # fmt: skip


def _in_words(geometry, query):
    """The geometry of a search with words per voxel in place of channels."""
    return (*geometry[:-1], query.shape[4])


def median(value, field, update_mask, voted, channels, key_size, patch, periodic):
    """Write the lower median of the votes on every voxel; votes are words as from `pack`."""
    votes, bits = value.reshape(-1, value.shape[3]), 8 * voted.dtype.itemsize
    medians = voted.view(f"u{voted.dtype.itemsize}")
    for places, made in zip(field, medians):
        _launch(
            numba_kernels.median_kernel, made[..., :channels].size,
            votes, places, update_mask, made, channels, key_size, patch, periodic, bits,
        )  # fmt: skip
    if voted.dtype == np.float32:
        voted[:] = from_ordinals(medians, voted.dtype)


def mean(value, field, update_mask, voted, key_size, patch, periodic):
    """Write the mean of the votes on every voxel; integers are rounded, halves up."""
    votes, whole = value.reshape(-1, value.shape[3]), value.dtype.kind == "u"
    for places, made in zip(field, voted):
        _launch(
            numba_kernels.mean_kernel, made.size,
            votes, places, update_mask, made, key_size, patch, periodic, whole,
        )  # fmt: skip


def pack(values):
    """Pack the channels of each voxel into words, the last one filled with zeros: (voxels, n)."""
    values = to_ordinals(values)
    n_voxels, channels = values.shape
    words = cupy.empty((n_voxels, -(-channels * values.itemsize // 4)), np.uint32)
    _launch(numba_kernels.pack_kernel, words.size, values, words)
    return words


def carry(field, fine_field, firsts, coarse_sizes, fine_sizes, patch):
    """Write the field of a finer level."""
    for places, carried in zip(field, fine_field):
        _launch(
            numba_kernels.carry_kernel, carried.size, places, carried,
            firsts, coarse_sizes, fine_sizes, patch,
        )  # fmt: skip


def blend(source, starts, weights, out, top):
    """Resample a clip along t, y and x. `top` is the largest integer, or 0 for floats."""
    for clip, made in zip(source, out):
        _launch(numba_kernels.blend_kernel, made.size, clip, *starts, *weights, made, top)
