"""How kernels for the CPU are compiled, and kept for the next start of Python.

Numba keeps compiled kernels beside their source, or in the user's cache folder, or in
``NUMBA_CACHE_DIR``. Where none of these can be written to, as for a service without a home in a
read-only container, kernels are compiled anew at every start.
"""

import warnings
from functools import cache

from numba import njit

inlined = njit(inline="always")


def kernel(function):
    """Compile a function that loops over rows, without the GIL, and keep what is compiled.

    Only entry points are kept: Numba would not notice a change in what they call. It keeps two
    wraps of one function in the same place, so wrap each function once.
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
