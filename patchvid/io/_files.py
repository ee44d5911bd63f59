"""Files that appear only when they are complete, and replace others only on request."""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from patchvid._paths import StrPath, quoted, reason
from patchvid.errors import PatchvidError, TargetExists, VideoError


def check_target_is_free(path: StrPath, *, overwrite: bool, folder: bool = False) -> None:
    """Raise an error unless a file can be written to `path`, or a folder of numbered PNGs.

    Raises
    ------
    TargetExists
        If something is there that `overwrite` would replace.
    VideoError
        If `path` cannot be written for another reason.
    """
    target, parent = Path(path), Path(path).parent
    with naming_failures(path):
        if not parent.is_dir():
            raise cannot_write(path, f"there is no folder {quoted(parent)}; create it first")
        if not os.access(parent, os.W_OK | os.X_OK):
            raise cannot_write(
                path, f"no permission to write in {quoted(parent)}; choose another folder"
            )
        exists = target.exists()
        if target.is_dir():
            names = os.listdir(target)
            exists = bool(names)
            if not folder or not all(re.fullmatch(r"\d+\.png", name) for name in names):
                raise cannot_write(path, "it is a folder of other things; choose another name")
        elif exists and folder:
            raise cannot_write(path, "it is a file; choose another name for the folder")
        if exists and not overwrite:
            raise TargetExists(os.fspath(path))


def cannot_write(path: StrPath, problem: str) -> VideoError:
    """The error that says why `path` cannot be written."""
    return VideoError(f"cannot write {quoted(path)}: {problem}")


@contextmanager
def naming_failures(path: StrPath) -> Iterator[None]:
    """Turn errors of the system while `path` is written into one line that names it."""
    try:
        yield
    except PatchvidError:
        raise
    except OSError as error:
        raise cannot_write(path, reason(error)) from error


@contextmanager
def complete_or_nothing(target: Path) -> Iterator[Path]:
    """Yield a hidden path next to `target`; move it to `target` at the end, or remove it."""

    def hidden() -> Path:
        return target.with_name(f".patchvid-{secrets.token_hex(4)}{target.suffix}")

    target = target.resolve()  # a link stays a link
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
