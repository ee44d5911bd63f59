"""Compile kernels for the CPU, and keep them for the next start of Python.

Compiled kernels are kept in ``NUMBA_CACHE_DIR``, or in the user's cache folder: never beside their
source, where an uninstall would leave them. If neither can be written, as in a read-only container,
every start compiles them again, with a warning.
"""

import hashlib
import tempfile
import warnings
from functools import cache
from pathlib import Path

from numba import config, njit
from numba.core.caching import FunctionCache

from patchvid.kernels.user_cache import user_cache

inlined = njit(inline="always")

_problems: list[str] = []


def kernel(function):
    """Compile a function that loops over rows to run without the GIL, and keep the result.

    Wrap each function only once: two wraps would share one file.
    """
    compiled = njit(nogil=True, error_model="numpy")(function)
    if _can_write():
        before, config.CACHE_DIR = config.CACHE_DIR, str(_folder())
        try:
            compiled._cache = _KernelCache(function)
        finally:
            config.CACHE_DIR = before
    return compiled


class _KernelCache(FunctionCache):
    """Numba's files of one kernel. Failing to read or write a file is not an error."""

    def load_overload(self, sig, target_context):
        """Return the compiled kernel, or None if no usable one is kept."""
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # a damaged file can raise anything
            _warn(f"{type(error).__name__} in {_folder()}: {error}")
        try:
            self.flush()
        except OSError:
            self.disable()
        return None

    def save_overload(self, sig, data):
        """Write the compiled kernel, if possible."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _warn(f"{error.strerror or error} in {_folder()}")


@cache
def _folder():
    """Name a folder for the present sources.

    Numba notices changes to the file of a kernel, but not to those of functions that it calls.
    """
    sources = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        sources.update(path.read_bytes())
    home = Path(config.CACHE_DIR) if config.CACHE_DIR else user_cache() / "kernels"
    return home / sources.hexdigest()[:16]


@cache
def _can_write():
    try:
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        _warn(str(error))
        return False
    return True


def _warn(problem):
    """Warn of the first problem only: the others have the same cause."""
    if _problems:
        return
    _problems.append(problem)
    warnings.warn(
        f"compiled kernels cannot be kept ({problem}), so every start compiles them again, "
        "which takes some seconds; set NUMBA_CACHE_DIR to a folder that you can write to",
        stacklevel=2,
    )
