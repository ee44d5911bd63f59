"""Kernels of the CUDA back end in CUDA C, compiled by CuPy for one patch and kind of voxel each.

They take the place of those of `numba_cuda` with the same names and arguments. Patches have
constant sizes, and four channels of 8 bits are compared by two instructions: for each value that it
loads, an innermost loop takes 2 to 4 instructions where Numba's takes 21 to 140, and votes stay in
registers (``python tests/cuda_compiled.py`` counts them). And a launch by CuPy takes the host less
time than one by Numba, 25 against 200 microseconds when Numba's maintainers measured it
(numba/numba#3003), which counts where there are many.
"""

import math
from functools import cache
from pathlib import Path

import cupy
import numpy as np

from patchvid.kernels import rules

THREADS = 128  # of a block

_TYPES = {
    "uint8": "unsigned char",
    "uint16": "unsigned short",
    "uint32": "unsigned int",
    "float32": "float",
}


def source_of(name):
    """The CUDA C code of a kernel file."""
    folder = Path(__file__).parent
    return "".join((folder / part).read_text("utf-8") for part in ("coordinates.cu", f"{name}.cu"))


def definitions(patch, **others):
    """What a kernel file is compiled with."""
    names = dict(zip(("DEPTH", "ROWS", "COLUMNS"), patch)) | others
    return tuple(f"-D{name}={value}" for name, value in names.items())


@cache
def _compile(device, name, options):
    """A module for the device that is in use."""
    return cupy.RawModule(code=source_of(name), options=("-std=c++17", *options))


@cache
def _find(device, name, options, kernel):
    """A kernel of a module; CuPy makes it anew whenever it is asked for it."""
    return _compile(device, name, options).get_function(kernel)


def _launch(name, kernel, options, count, *arguments):
    sizes = [np.int32(a) if isinstance(a, (int, np.integer)) else a for a in arguments]
    found = _find(cupy.cuda.Device().id, name, options, kernel)
    found((-(-count // THREADS),), (THREADS,), tuple(sizes))


@cache
def search_options(channels, dtype, patch):
    """What `search.cu` is compiled with for patches of so many words, or floats, a voxel."""
    kind = {"FLOATS": 1} if np.dtype(dtype) == np.float32 else {}
    return definitions(
        patch, CHANNELS=channels, FIRST_ROWS=rules.FIRST_ROWS,
        MOST=f"{rules.MOST}f", UNITS=f"{rules.UNITS}f", **kind,
    )  # fmt: skip


@cache
def word_options(dtype):
    """What `pack.cu` is compiled with for values of a type."""
    return f"-DSOURCE={_TYPES[np.dtype(dtype).name]}", f"-DLANES={4 // np.dtype(dtype).itemsize}"


@cache
def blend_options(dtype, target):
    """What `resample.cu` is compiled with for values of a type that make others."""
    return f"-DSOURCE={_TYPES[np.dtype(dtype).name]}", f"-DMADE={_TYPES[np.dtype(target).name]}"


def sweep(
    query, key, weights, query_mask, field, cost, threshold, totals, counted, geometry, plans
):  # fmt: skip
    """Improve the patches of one colour, then those of the other, and return the mean cost, (1,).

    Most arguments are those of `rules.improver`. `totals` are zeros of uint64, one for each thread
    of a block, and are zeros afterwards; `counted` (1,) is how many patches are query_mask, if not
    all are.
    """
    query_size, query_grid, key_size, key_grid, patch, periodic, _ = geometry
    n_t, n_y, n_x = query_grid
    options = search_options(query.shape[3], query.dtype, patch)
    for plan in plans:
        _launch(
            "search", "patchvid_sweep", options, n_t * n_y * ((n_x + 1) // 2),
            query, key, weights, query_mask, field, cost, threshold, totals, *query_size[1:],
            *query_grid, *key_size[1:], *key_grid, *periodic, *plan[:4], np.uint32(plan[4]),
        )  # fmt: skip
    cost_threshold = cupy.empty(1, np.float32)
    _launch(
        "search", "patchvid_settle", options, 1, totals, counted, cost_threshold, totals.size,
        field.size,
    )  # fmt: skip
    return cost_threshold


def distance(query, key, field, cost, geometry):
    """Fill in the squared distance of every patch to its key."""
    query_size, query_grid, key_size, _, patch, _, _ = geometry
    options = search_options(query.shape[3], query.dtype, patch)
    _launch(
        "search", "patchvid_distance", options, field.size,
        query, key, field, cost, *query_size[1:], *query_grid, *key_size[1:],
    )  # fmt: skip


def median(value, field, update_mask, voted, key_size, patch, periodic):
    """Fill in the lower median of the votes on every voxel, of unsigned integers."""
    lanes = 4 // value.dtype.itemsize
    words = to_words(value)
    *shape, channels = voted.shape
    for plane in range(words.shape[3]):
        _launch(
            "vote", "patchvid_median", definitions(patch, LANES=lanes), math.prod(shape),
            words, field, update_mask, voted, words.shape[3], plane, channels,
            *field.shape, *shape, *key_size[1:], *periodic,
        )  # fmt: skip


def to_words(values):
    """(t, y, x, n) of uint32: the channels of a voxel, as many to a word as fit, and zeros."""
    channels, lanes = values.shape[3], 4 // values.dtype.itemsize
    words = cupy.empty((*values.shape[:3], -(-channels // lanes)), np.uint32)
    _launch(
        "words", "patchvid_pack", word_options(values.dtype), words.size,
        cupy.ascontiguousarray(values), words, words.size, channels, words.shape[3],
    )  # fmt: skip
    return words


def blend(source, starts, weights, out, top):
    """Resample the middle one of three axes; unless `top` is 0, round up to it."""
    _launch(
        "resample", "patchvid_blend", blend_options(source.dtype, out.dtype), out.size,
        source, starts, weights, out, out.size, source.shape[1], *out.shape[1:],
        weights.shape[1], np.float32(top),
    )  # fmt: skip
