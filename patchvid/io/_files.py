"""Files that appear only when they are complete, and replace others only on request."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from patchvid._paths import StrPath, as_path, quoted, reason
from patchvid._validation import check_flag
from patchvid.errors import PatchvidError, TargetExists, VideoError
from patchvid.io._unfinished import delayed_signals, dropped_at_the_end, put_in_place

NUMBERED = r"\d+\.(png|tiff?|exr)"  # pictures that are written to a folder


def check_target_is_free(path: StrPath, *, overwrite: bool, folder: str | None = None) -> None:
    """Raise an error unless a file can be written to `path`, or a folder of pictures.

    `folder` is a regular expression for the names of the pictures; None for a file.

    Raises
    ------
    TargetExists
        If something is there that `overwrite` would replace.
    VideoError
        If `path` cannot be written for another reason.
    """
    as_path(path)
    check_flag("overwrite", overwrite)
    with naming_failures(path):
        if not _is_file_name(path):
            raise cannot_write(path, "this is not a file name; give another")
        target = _follow_links(path)
        parent = target.parent
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
            if folder is None or not all(re.fullmatch(folder, name) for name in names):
                raise cannot_write(path, "it is a folder with other files; choose another name")
            if target.samefile(Path.cwd()) or target.parent == target:
                raise cannot_write(path, "it is the current folder; choose another name")
        elif exists and folder is not None:
            raise cannot_write(path, "it is a file; choose another name for the folder")
        elif exists and not target.is_file():
            raise cannot_write(path, "it is a device or a pipe; choose another name")
        if exists and not overwrite:
            raise TargetExists(os.fspath(path))


def _is_file_name(path: StrPath) -> bool:
    try:
        name = os.fsencode(path)
    except UnicodeEncodeError:
        return False
    return bool(name) and b"\0" not in name


def _follow_links(path: StrPath) -> Path:
    """The file to write: behind a link, the file that it points to, so that the link stays."""
    target = Path(os.path.realpath(path))
    if target.is_symlink():  # the links form a circle
        raise cannot_write(path, "it is a link that leads to itself; choose another name")
    return target


def cannot_write(path: StrPath, problem: str) -> VideoError:
    """The error for a `path` that cannot be written."""
    return VideoError(f"cannot write {quoted(path)}: {problem}")


@contextmanager
def naming_failures(path: StrPath) -> Iterator[None]:
    """Turn system errors in writing `path` into one line that names it."""
    try:
        yield
    except PatchvidError:
        raise
    except OSError as error:
        raise cannot_write(path, reason(error)) from error


@contextmanager
def complete_or_nothing(target: Path, *, folder: bool = False) -> Iterator[Path]:
    """Yield a hidden, empty file or folder; move it to `target` at the end, or remove it.

    It is next to `target`. However the process ends, `target` is the old file or the complete new
    one, and the hidden file is removed; after a kill, the next process that writes there removes
    it. The new file gets the permissions of the one that it replaces.
    """
    target = _follow_links(target)
    with dropped_at_the_end(target, folder=folder) as part:
        yield part
        with delayed_signals():
            put_in_place(part, target)
