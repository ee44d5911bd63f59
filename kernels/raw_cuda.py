"""Kernels of the CUDA back end in CUDA C, compiled by CuPy for one patch and kind of voxel each.

They take the place of those of `numba_cuda` with the same names and arguments. Four channels of
8 bits are compared, and voted on, by one instruction each, and patches have constant sizes.
"""

from functools import lru_cache
from pathlib import Path

import cupy
import numpy as np

from patchvid.kernels import rules

THREADS = 128  # of a block


def source_of(name):
    """The CUDA C code of a kernel file."""
    folder = Path(__file__).parent
    return "".join((folder / part).read_text("utf-8") for part in ("places.cu", f"{name}.cu"))


def definitions(patch, **others):
    """What a kernel file is compiled with."""
    names = dict(zip(("DEPTH", "ROWS", "COLUMNS"), patch)) | others
    return tuple(f"-D{name}={value}" for name, value in names.items())


@lru_cache(maxsize=64)
def _compile(device, name, options):
    """A module for the device that is in use."""
    return cupy.RawModule(code=source_of(name), options=("-std=c++17", *options))


def _launch(name, kernel, options, count, *arguments):
    module = _compile(cupy.cuda.Device().id, name, options)
    sizes = [np.int32(a) if isinstance(a, (int, np.integer)) else a for a in arguments]
    module.get_function(kernel)((-(-count // THREADS),), (THREADS,), tuple(sizes))


def _search_options(array, patch):
    kind = {"FLOATS": 1} if array.dtype == np.float32 else {}
    first = rules.FIRST_ROWS
    return definitions(patch, CHANNELS=array.shape[3], FIRST_ROWS=first, **kind)


def sweep(query, key, weights, updated, field, cost, threshold, geometry, plan):
    """Improve the patches of one colour; the arguments are those of `rules.improver`."""
    query_size, query_grid, key_size, key_grid, patch, periodic, _ = geometry
    n_t, n_y, n_x = query_grid
    _launch(
        "search", "patchvid_sweep", _search_options(query, patch), n_t * n_y * ((n_x + 1) // 2),
        query, key, weights, updated, field, cost, threshold, *query_size[1:], *query_grid,
        *key_size[1:], *key_grid, *periodic, *plan[:4], np.uint32(plan[4]),
    )  # fmt: skip


def distance(query, key, field, cost, geometry):
    """Fill in the squared distance of every patch to its key."""
    query_size, query_grid, key_size, _, patch, _, _ = geometry
    _launch(
        "search", "patchvid_distance", _search_options(query, patch), field.size,
        query, key, field, cost, *query_size[1:], *query_grid, *key_size[1:],
    )  # fmt: skip


def median(value, field, made, voted, key_size, patch, periodic):
    """Fill in the lower median of the votes on every voxel, of unsigned integers."""
    lanes = 4 // value.dtype.itemsize
    words = to_words(value)
    made_words = cupy.empty((*voted.shape[:3], words.shape[3]), np.uint32)
    for plane in range(words.shape[3]):
        some = cupy.empty(voted.shape[:3], np.uint32)
        _launch(
            "vote", "patchvid_median", definitions(patch, LANES=lanes), some.size,
            cupy.ascontiguousarray(words[..., plane]), field, made, some,
            *field.shape, *voted.shape[:3], *key_size[1:], *periodic,
        )  # fmt: skip
        made_words[..., plane] = some
    voted[...] = made_words.view(value.dtype)[..., : voted.shape[3]]


def to_words(values):
    """(t, y, x, n) of uint32: the channels of a voxel, as many to a word as fit, and zeros."""
    lanes = 4 // values.dtype.itemsize
    n_words = -(-values.shape[3] // lanes)
    padded = cupy.zeros((*values.shape[:3], n_words * lanes), values.dtype)
    padded[..., : values.shape[3]] = values
    return padded.view(np.uint32)
