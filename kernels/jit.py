"""Compile kernels for the CPU, and cache them for the next start of Python.

Numba caches compiled kernels in ``NUMBA_CACHE_DIR``, beside their source, or in the user's cache
folder. Where it can write to none of these, as in a read-only container, kernels are compiled at
every start.
"""

import warnings
from functools import cache

from numba import njit

inlined = njit(inline="always")


def kernel(function):
    """Compile a function that loops over rows, which runs without the GIL, and cache it.

    Numba notices no change in the functions that a cached one calls, so cache only functions that
    Python calls. Two wraps of one function would share a cache entry, so wrap each function once.
    """
    compiled = njit(nogil=True, error_model="numpy")(function)
    try:
        compiled.enable_caching()
    except RuntimeError:  # Numba found no folder that it may write to
        _warn_uncached()
    return compiled


@cache
def _warn_uncached():
    warnings.warn(
        "there is no writable folder for compiled kernels, so every start compiles them anew, "
        "which takes some seconds; set NUMBA_CACHE_DIR to a folder that you can write to",
        stacklevel=4,
    )
