"""Arrays from files; files that appear only when complete, and replace others only if wanted."""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid.errors import PatchvidError, VideoError
from patchvid.io.ffmpeg import StrPath, quoted


def load_array(path: StrPath, *names: str) -> NDArray[Any]:
    """The array in a ``.npy`` file; in an ``.npz`` file the one of such a name, or the only one.

    Raises
    ------
    FileNotFoundError
        If there is no file.
    ValueError
        If the array is not to be had from it.
    """
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            held = loaded.files
            named = [name for name in names if name in held]
            if named or len(held) == 1:
                return loaded[(named or held)[0]]
    except FileNotFoundError:
        raise
    except Exception:  # damaged archives raise nearly anything; NumPy advises to run what they hold
        raise ValueError("it holds no array of numbers, or is cut short") from None
    got = ", ".join(map(repr, held)) or "none"
    raise ValueError(f"it must hold an array named {names[0]!r} or one array only, got {got}")


def obstacle(target: Path, *, overwrite: bool, folder: bool = False) -> str | None:
    """What stands against writing a file, or a folder of numbered pictures, and the remedy."""
    if not target.parent.is_dir():
        return f"there is no folder {quoted(target.parent)}; create it first"
    if not os.access(target.parent, os.W_OK | os.X_OK):
        return f"no permission to write in {quoted(target.parent)}; choose another folder"
    exists = target.exists()
    if target.is_dir():
        names = os.listdir(target)
        exists = bool(names)
        if not folder or not all(re.fullmatch(r"\d+\.png", name) for name in names):
            return "it is a folder of other things; choose another name"
    elif exists and folder:
        return "it is a file; choose another name for the folder"
    if exists and not overwrite:
        return "it exists; choose another name, or replace it with --overwrite"
    return None


@contextmanager
def complete_or_nothing(target: Path) -> Iterator[Path]:
    """Yield a hidden name beside `target`; move it there at the end, remove it if that fails."""

    def hidden() -> Path:
        return target.with_name(f".patchvid-{secrets.token_hex(4)}{target.suffix}")

    target = target.resolve()  # a link stays one
    part = hidden()
    try:
        yield part
        if target.is_dir():
            old = hidden()
            os.rename(target, old)
            try:
                os.rename(part, target)
            except BaseException:
                os.rename(old, target)
                raise
            shutil.rmtree(old)
        else:
            os.replace(part, target)
    except BaseException:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)
        raise


@contextmanager
def unwritable(path: StrPath) -> Iterator[None]:
    """Turn what the system complains about while `path` is written into one line that names it."""
    try:
        yield
    except PatchvidError:
        raise
    except OSError as error:
        raise VideoError(f"cannot write {quoted(path)}: {reason(error)}") from error


def reason(error: BaseException) -> str:
    """What a library's error says, on one line."""
    error = error.__cause__ or error  # imageio hides Pillow's words behind its own
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0]
