"""The CUDA kernels in CUDA C, compiled by CuPy for one patch size and voxel type each.

This form runs by default. Patch sizes are constants, so votes stay in registers and inner loops are
unrolled; four channels of 8 bits are compared by two instructions. A launch by CuPy also takes the
host less time than one by Numba. ``python tests/support/cuda_compiled.py`` counts the instructions
of both forms.
"""

import math
from functools import cache
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
    """A kernel of a file. It is cached here because CuPy would look it up at every call."""
    return _compile(device, name, options).get_function(kernel)


def _launch(name, kernel, options, count, *arguments):
    """Run a kernel with at least `count` threads on CuPy's current stream."""
    sizes = [np.int32(a) if isinstance(a, (int, np.integer)) else a for a in arguments]
    found = _find(cupy.cuda.Device().id, name, options, kernel)
    found((-(-count // THREADS),), (THREADS,), tuple(sizes))


@cache
def search_options(channels, dtype, patch):
    """Compiler options of `search.cu` for so many words, or floats, a voxel."""
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
    query, key, weights, query_mask, field, cost, threshold, totals, counted, geometry, plans
):  # fmt: skip
    """Improve the patches of one colour, then those of the other; return the mean cost, (1,).

    Most arguments are those of `rules.improver`. `totals` has one zero for each thread of a block,
    and is zero again afterwards. `counted` is the number of patches in `query_mask`, if not all
    are.
    """
    query_size, query_grid, key_size, key_grid, patch, periodic, _ = geometry
    n_t, n_y, n_x = query_grid
    options = search_options(query.shape[3], query.dtype, patch)
    for plan in plans:
        _launch(
            "search", "sweep_kernel", options, n_t * n_y * ((n_x + 1) // 2),
            query, key, weights, query_mask, field, cost, threshold, totals, *query_size[1:],
            *query_grid, *key_size[1:], *key_grid, *periodic, *plan[:4], np.uint32(plan[4]),
        )  # fmt: skip
    cost_threshold = cupy.empty(1, np.float32)
    _launch(
        "search", "settle_kernel", options, 1, totals, counted, cost_threshold, totals.size,
        field.size,
    )  # fmt: skip
    return cost_threshold


def distance(query, key, field, cost, geometry):
    """Write the squared distance of every query patch to its key patch."""
    query_size, query_grid, key_size, _, patch, _, _ = geometry
    options = search_options(query.shape[3], query.dtype, patch)
    _launch(
        "search", "distance_kernel", options, field.size,
        query, key, field, cost, *query_size[1:], *query_grid, *key_size[1:],
    )  # fmt: skip


def median(value, field, update_mask, voted, key_size, patch, periodic):
    """Write the lower median of the votes on every voxel, which are unsigned integers."""
    words = pack(value)
    options = vote_options(value.dtype, patch)
    *shape, channels = voted.shape
    for plane in range(words.shape[3]):
        _launch(
            "vote", "median_kernel", options, math.prod(shape),
            words, field, update_mask, voted, words.shape[3], plane, channels,
            *field.shape, *shape, *key_size[1:], *periodic,
        )  # fmt: skip


def mean(value, field, update_mask, voted, key_size, patch, periodic):
    """Write the mean of the votes on every voxel; integers are rounded, halves up."""
    options = vote_options(value.dtype, patch)
    *shape, channels = voted.shape
    _launch(
        "vote", "mean_kernel", options, voted.size, value, field, update_mask, voted, channels,
        *field.shape, *shape, *key_size[1:], *periodic,
    )  # fmt: skip


def pack(values):
    """Pack the channels of each voxel into words, the last one filled with zeros: (t, y, x, n)."""
    channels, lanes = values.shape[3], 4 // values.dtype.itemsize
    words = cupy.empty((*values.shape[:3], -(-channels // lanes)), np.uint32)
    _launch(
        "pack", "pack_kernel", pack_options(values.dtype), words.size,
        cupy.ascontiguousarray(values), words, words.size, channels, words.shape[3],
    )  # fmt: skip
    return words


def carry(coarse, near, fine, key_size, fine_query_size, fine_key_size, patch):
    """Write the field of a finer level; `near` is what `rules.near_tables` returned."""
    _launch(
        "carry", "carry_kernel", (), fine.size, coarse, *near, fine, *coarse.shape[1:],
        *fine.shape, *key_size, *fine_query_size, *fine_key_size, *patch,
    )  # fmt: skip


def blend(source, starts, weights, out, top):
    """Resample the middle axis of three. `top` is the largest integer, or 0 for floats."""
    _launch(
        "blend", "blend_kernel", blend_options(source.dtype, out.dtype), out.size,
        source, starts, weights, out, out.size, source.shape[1], *out.shape[1:],
        weights.shape[1], np.float32(top),
    )  # fmt: skip
