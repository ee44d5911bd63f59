"""Compile and launch the kernels in CUDA C, once for each patch size and type of voxels.

This form runs by default. Patch sizes are constants, so votes stay in registers and inner loops are
unrolled; two instructions compare four channels of 8 bits. A launch by CuPy also takes the host
less time than one by Numba. ``python tests/support/cuda_compiled.py`` counts the instructions of
both forms.
"""

import math
import struct
from functools import cache, lru_cache
from pathlib import Path

import cupy
import numpy as np

from patchvid.kernels import THREADS, rules

_TYPES = {
    "uint8": "unsigned char",
    "uint16": "unsigned short",
    "uint32": "unsigned int",
    "float32": "float",
}


def source_of(name):
    """CUDA C code of a file of kernels."""
    folder = Path(__file__).parent
    return "".join((folder / part).read_text("utf-8") for part in ("coordinates.cu", f"{name}.cu"))


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


def _launch(name, kernel, options, count, *arguments):
    """Run a kernel with at least `count` threads on CuPy's current stream."""
    found = _find(cupy.cuda.Device().id, name, options, kernel)
    found((-(-count // THREADS),), (THREADS,), arguments)


@lru_cache(maxsize=1024)
def _sizes(*parts):
    """Pack integers, and tuples of them, into a struct: one argument costs less than many."""
    numbers = [n for part in parts for n in (part if isinstance(part, tuple) else (part,))]
    return np.void(struct.pack(f"{len(numbers)}i", *numbers))


def _search_sizes(geometry):
    """The `Geometry` of `search.cu`."""
    query_size, query_grid, key_size, key_grid, _, periodic, _ = geometry
    return _sizes(query_size[1:], query_grid, key_size[1:], key_grid, periodic)


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
    divisor, alpha,
):  # fmt: skip
    """Improve the patches of even t + y + x, then the odd ones; write the mean cost, (1,).

    Most arguments are those of `rules.improver`. `threshold` may be empty, which means 0, or the
    same array as `mean`. `totals` has two zeros for each thread of a block, and one more; they are
    zero again afterwards. `counted` is the number of patches in `query_mask`, if that excludes any.
    The last sweep applies `rules.finish_cost` to the costs.
    """
    n_t, n_y, n_x = field.shape
    options = search_options(query.shape[3], query.dtype, geometry[4])
    for plan in plans:
        _launch(
            "search", "sweep_kernel", options, n_t * n_y * ((n_x + 1) // 2),
            query, key, weights, query_mask, field, cost, threshold, mean, totals, counted,
            np.int32(field.size), _search_sizes(geometry),
            np.void(struct.pack("4iI2f", *plan, divisor, alpha)),
        )  # fmt: skip


def distance(query, key, field, cost, geometry, divisor):
    """Write the distance of every query patch to its key patch, divided by `divisor`."""
    options = search_options(query.shape[3], query.dtype, geometry[4])
    _launch(
        "search", "distance_kernel", options, field.size,
        query, key, field, cost, _search_sizes(geometry), np.float32(divisor),
    )  # fmt: skip


def median(value, field, update_mask, voted, key_size, patch, periodic):
    """Write the lower median of the votes on every voxel; votes are words of unsigned integers."""
    options = vote_options(voted.dtype, patch)
    *shape, channels = voted.shape
    n_words = value.shape[3]
    for plane in range(n_words):
        _launch(
            "vote", "median_kernel", options, math.prod(shape), value, field, update_mask, voted,
            *map(np.int32, (n_words, plane, channels)),
            _sizes(field.shape, tuple(shape), key_size[1:], periodic),
        )  # fmt: skip


def mean(value, field, update_mask, voted, key_size, patch, periodic):
    """Write the mean of the votes on every voxel; integers are rounded, halves up."""
    options = vote_options(value.dtype, patch)
    *shape, channels = voted.shape
    _launch(
        "vote", "mean_kernel", options, voted.size, value, field, update_mask, voted,
        np.int32(channels), _sizes(field.shape, tuple(shape), key_size[1:], periodic),
    )  # fmt: skip


def pack(values):
    """Pack the channels of each voxel into words, the last one filled with zeros: (t, y, x, n)."""
    *shape, channels = values.shape
    n_words = -(-channels * values.dtype.itemsize // 4)
    n_voxels = math.prod(shape)
    words = cupy.empty((*shape, n_words), np.uint32)
    _launch(
        "pack", "pack_kernel", pack_options(values.dtype), n_voxels,
        cupy.ascontiguousarray(values), words, *map(np.int32, (n_voxels, channels, n_words)),
    )  # fmt: skip
    return words


def carry(coarse, near, fine, key_size, fine_query_size, fine_key_size, patch):
    """Write the field of a finer level; `near` is the result of `carrying.near_tables`."""
    _launch(
        "carry", "carry_kernel", (), fine.size, coarse, *near, fine,
        _sizes(coarse.shape[1:], fine.shape, key_size, fine_query_size, fine_key_size, patch),
    )  # fmt: skip


def blend(source, starts, weights, out, top):
    """Resample the middle axis of three. `top` is the largest integer, or 0 for floats."""
    _launch(
        "blend", "blend_kernel", blend_options(source.dtype, out.dtype), out.size,
        source, starts, weights, out,
        *map(np.int32, (out.size, source.shape[1], *out.shape[1:], weights.shape[1])),
        np.float32(top),
    )  # fmt: skip
