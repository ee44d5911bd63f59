"""Paths and system errors, as messages show them."""

import os
from pathlib import Path
from typing import Any

from patchvid.errors import InvalidInput

StrPath = str | os.PathLike[str]


def as_path(path: Any) -> Path:
    """A path, from a string or a path."""
    try:
        return Path(os.fsdecode(path))
    except TypeError:
        raise InvalidInput(f"a path is needed, got {type(path).__name__}") from None


def quoted(path: StrPath) -> str:
    """A path in quotes, on one line."""
    return repr(os.fspath(path))


def reason(error: BaseException) -> str:
    """The first line of what a library's error says, or the name of its type."""
    error = error.__cause__ or error  # imageio hides Pillow's words behind its own
    text = getattr(error, "strerror", None) or str(error)
    return next(iter(str(text).strip().splitlines()), type(error).__name__)
