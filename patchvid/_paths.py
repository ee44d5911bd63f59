"""Paths and system errors, as messages show them."""

import errno
import os
from pathlib import Path
from typing import Any

from patchvid.errors import InvalidInput
from patchvid.kernels.user_cache import user_cache as user_cache

StrPath = str | os.PathLike[str]


def as_path(path: Any) -> Path:
    """Convert a string or a path to a path."""
    try:
        return Path(path)
    except TypeError:
        raise InvalidInput(f"a path is needed, got {type(path).__name__}") from None


def quoted(path: StrPath) -> str:
    """A path in quotes, on one line."""
    return repr(os.fspath(path))


def raise_if_out_of_memory(error: BaseException) -> None:
    """Raise MemoryError if a library's error says that memory ran out, so that no file is blamed.

    If the system refuses to map memory, the error is an OSError; onnxruntime and OpenCV have errors
    of their own.
    """
    of_system = getattr(error, "errno", None) == errno.ENOMEM
    text = str(error)
    of_library = "Failed to allocate" in text or "bad alloc" in text or "nsufficient memory" in text
    if isinstance(error, MemoryError) or of_system or of_library:
        raise MemoryError(reason(error)) from error


def reason(error: BaseException) -> str:
    """The first line of a library's error message, or the name of the error's type."""
    error = error.__cause__ or error  # imageio hides Pillow's message behind its own
    text = getattr(error, "strerror", None) or str(error)
    return next(iter(str(text).strip().splitlines()), type(error).__name__)
