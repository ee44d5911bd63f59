"""Compile and launch the kernels in CUDA C, once for each patch size and type of voxels.

This form runs by default. Patch sizes are constants, so votes stay in registers and inner loops are
unrolled; two instructions compare four channels of 8 bits. A launch by CuPy also takes the host
less time than one by Numba. ``python tests/support/cuda_compiled.py`` counts the instructions of
both forms.
"""

import math
import struct
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path

import cupy
import numpy as np

from patchvid.kernels import THREADS, rules

_TYPES = {
    "uint8": "unsigned char",
    "uint16": "unsigned short",
    "float32": "float",
}


def source_of(name):
    """CUDA C code of a file of kernels."""
    folder = Path(__file__).parent
    return "".join((folder / part).read_text("utf-8") for part in ("common.cu", f"{name}.cu"))


def definitions(patch, **others):
    """Compiler options that define the extent of a patch and other names."""
    names = dict(zip(("DEPTH", "ROWS", "COLUMNS"), patch)) | others
    return tuple(f"-D{name}={value}" for name, value in names.items())


@cache
def _compile(device, name, options):
    """Compile a file of kernels for the current device."""
    return cupy.RawModule(code=source_of(name), options=("-std=c++17", *options))


@cache
def _find(device, name, options, kernel):
    """Find a kernel in a file, once: CuPy would look it up at every call."""
    return _compile(device, name, options).get_function(kernel)


def _launch(name, kernel, options, count, *arguments, rows=1):
    """Run a kernel on CuPy's current stream: rows of blocks with at least `count` threads each."""
    found = _find(cupy.cuda.Device().id, name, options, kernel)
    found((-(-count // THREADS), rows), (THREADS,), arguments)


@lru_cache(maxsize=1024)
def _sizes(*parts):
    """Pack integers, and tuples of them, into a struct: one argument costs less than many."""
    numbers = [n for part in parts for n in (part if isinstance(part, tuple) else (part,))]
    return np.void(struct.pack(f"{len(numbers)}i", *numbers))


@lru_cache(maxsize=1024)
def _search_sizes(geometry, *shared):
    """The `Geometry` of `common.cu`, from the shapes of arrays that samples may share."""
    query_size, query_grid, key_size, key_grid, _, periodic, _ = geometry
    steps = [0 if shape[0] == 1 else math.prod(shape[1:]) for shape in shared]
    parts = query_size[1:], query_grid, key_size[1:], key_grid, periodic
    return np.void(struct.pack("3q13i", *steps, *chain(*parts)))


@lru_cache
def _upload(device, stream, numbers):
    """Copy numbers of 32 bits to the device; launches on this stream may read them."""
    return cupy.asarray(np.array(numbers, np.uint32))


@cache
def search_options(channels, dtype, patch):
    """Compiler options of `search.cu` for a number of words, or floats, per voxel."""
    kind = {"FLOATS": 1} if np.dtype(dtype) == np.float32 else {}
    return definitions(
        patch, CHANNELS=channels, FIRST_ROWS=rules.FIRST_ROWS,
        MOST=f"{rules.MOST}f", UNITS=f"{rules.UNITS}f", **kind,
    )  # fmt: skip


@cache
def vote_options(dtype, patch):
    """Compiler options of `vote.cu` for values of a dtype."""
    return definitions(patch, LANES=4 // np.dtype(dtype).itemsize)


@cache
def pack_options(dtype):
    """Compiler options of `pack.cu` for values of a dtype."""
    return f"-DSOURCE={_TYPES[np.dtype(dtype).name]}", f"-DLANES={4 // np.dtype(dtype).itemsize}"


@cache
def blend_options(source, target):
    """Compiler options of `blend.cu` for input and output values of two dtypes."""
    return f"-DSOURCE={_TYPES[np.dtype(source).name]}", f"-DTARGET={_TYPES[np.dtype(target).name]}"


def sweep(
    query, key, weights, query_mask, field, cost, threshold, mean, totals, counted, geometry, plans,
    number, streams, divisor, alpha,
):  # fmt: skip
    """Improve the patches of even t + y + x, then the odd ones; write the mean costs, (n,).

    Most arguments are those of `rules.improver`. `threshold` may be empty, which means 0, or the
    same array as `mean`. `totals` has two zeros for each thread of a block, and one more; they are
    zero again afterwards. `counted` is the number of patches in `query_mask`, if that excludes any.
    Random bits are those of `number` and of the seed of each sample, `streams`. The last sweep
    applies `rules.finish_cost` to the costs.
    """
    n, n_t, n_y, n_x = field.shape
    options = search_options(query.shape[4], query.dtype, geometry[4])
    sizes = _search_sizes(geometry, query.shape, key.shape, weights.shape)
    bits = _upload(cupy.cuda.Device().id, cupy.cuda.get_current_stream().ptr, streams)
    for plan in plans:
        _launch(
            "search", "sweep_kernel", options, n_t * n_y * ((n_x + 1) // 2),
            query, key, weights, query_mask, field, cost, threshold, mean, bits, totals, counted,
            sizes, np.void(struct.pack("4iI2f", *plan, number, divisor, alpha)), rows=n,
        )  # fmt: skip


def distance(query, key, field, cost, geometry, divisor):
    """Write the distance of every query patch to its key patch, divided by `divisor`."""
    options = search_options(query.shape[4], query.dtype, geometry[4])
    _launch(
        "search", "distance_kernel", options, math.prod(field.shape[1:]), query, key, field, cost,
        _search_sizes(geometry, query.shape, key.shape, (1,)), np.float32(divisor),
        rows=len(field),
    )  # fmt: skip


def exact(query, key, weights, least, found, field, cost, geometry, divisor, alpha):
    """Write the nearest key of every query patch, found in each part of the keys, and its cost.

    Arguments are those of `sweep`. `least` and `found` are for the nearest key of each part.
    """
    options = ("-DFLOATS",) if query.dtype == np.float32 else ()
    sizes = _search_sizes(geometry, query.shape, key.shape, weights.shape)
    n, parts, count = least.shape
    _launch(
        "exact", "compare_kernel", options, parts * count, query, key, weights, least, found, sizes,
        _sizes(geometry[4], query.shape[4]), np.uint32(parts), rows=n,
    )  # fmt: skip
    _launch(
        "exact", "nearest_kernel", options, count, least, found, field, cost, sizes,
        np.uint32(parts), np.float32(divisor), np.float32(alpha), rows=n,
    )  # fmt: skip


def median(value, field, update_mask, voted, channels, key_size, patch, periodic):
    """Write the lower median of the votes on every voxel; votes are words as from `pack`.

    Values after the `channels` of a voxel stay as they are.
    """
    options = vote_options(voted.dtype, patch)
    n, *size, pitch = voted.shape
    n_words = value.shape[3]
    for plane in range(n_words):
        _launch(
            "vote", "median_kernel", options, math.prod(size), value, field, update_mask, voted,
            *map(np.int32, (n_words, plane, channels, pitch)),
            _sizes(field.shape[1:], tuple(size), key_size[1:], periodic), rows=n,
        )  # fmt: skip


def mean(value, field, update_mask, voted, key_size, patch, periodic):
    """Write the mean of the votes on every voxel; integers are rounded, halves up."""
    options = vote_options(value.dtype, patch)
    n, *size, channels = voted.shape
    sizes = field.shape[1:], tuple(size), key_size[1:], periodic
    _launch(
        "vote", "mean_kernel", options, math.prod(voted.shape[1:]), value, field, update_mask,
        voted, np.int32(channels), _sizes(*sizes), rows=n,
    )  # fmt: skip


def pack(values):
    """Pack the channels of each voxel into words, the last one filled with zeros: (voxels, n).

    Floats become integers in the same order.
    """
    n_voxels, channels = values.shape
    n_words = -(-channels * values.dtype.itemsize // 4)
    words = cupy.empty((n_voxels, n_words), np.uint32)
    _launch(
        "pack", "pack_kernel", pack_options(values.dtype), n_voxels,
        values, words, *map(np.int32, (n_voxels, channels, n_words)),
    )  # fmt: skip
    return words


def carry(field, fine_field, firsts, coarse_sizes, fine_sizes, patch):
    """Write the field of a finer level."""
    sizes = field.shape[1:], fine_field.shape[1:], *firsts, *coarse_sizes, *fine_sizes, patch
    _launch(
        "carry", "carry_kernel", (), math.prod(fine_field.shape[1:]), field, fine_field,
        _sizes(*sizes), rows=len(field),
    )  # fmt: skip


def blend(source, starts, weights, out, top):
    """Resample a clip along t, y and x. `top` is the largest integer, or 0 for floats."""
    taps = tuple(table.shape[1] for table in weights)
    _launch(
        "blend", "blend_kernel", blend_options(source.dtype, out.dtype), math.prod(out.shape[2:]),
        source, *starts, *weights, out, _sizes(source.shape[1:4], out.shape[1:], taps),
        np.float32(top), rows=math.prod(out.shape[:2]),
    )  # fmt: skip
