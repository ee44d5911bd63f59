"""Unfinished files: hidden while written, then moved into place, or removed on errors and signals.

A part is locked while its process is alive, so that others can tell what a dead one has left. Where
the system has no locks, nothing is taken for left.
"""

import ctypes
import errno
import os
import re
import secrets
import shutil
import signal
import stat
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

from patchvid._paths import quoted, reason

fcntl: Any = import_module("fcntl") if os.name == "posix" else None

_HIDDEN = re.compile(r"\.patchvid-[0-9a-f]{8}(\.|$)")

# What ends a process politely. Python turns SIGINT into an exception, the others it does not.
_ENDING = [
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)
]

_EXCHANGE_ON_LINUX, _EXCHANGE_ON_MACOS = 2, 2  # RENAME_EXCHANGE, RENAME_SWAP
_HERE = -100  # AT_FDCWD


class _Ended(BaseException):
    """A signal that ends the process, as an exception, so that it cleans up."""


@contextmanager
def dropped_at_the_end(target: Path, *, folder: bool) -> Iterator[Path]:
    """Yield a hidden file or folder next to `target`; it is removed at the end, if still there.

    Signals that would end the process end it after that.
    """
    _remove_what_dead_processes_left(target.parent)
    part = lock = None
    with _signals_as_exceptions():
        try:
            with delayed_signals():
                part, lock = _new_part(target, folder=folder)
            yield part
        finally:
            with delayed_signals():
                if part is not None:
                    _remove_or_warn(part)
                if lock is not None:
                    os.close(lock)


def put_in_place(part: Path, target: Path) -> None:
    """Move a part to its target, with the permissions of what it replaces.

    A folder and what it replaces exchange their names, so that there is no moment without either.
    """
    with suppress(FileNotFoundError):
        _copy_permissions(target, part)
    if not target.is_dir():
        os.replace(part, target)
    elif not _exchange(part, target):
        old = _hidden(target)
        os.rename(target, old)
        try:
            os.rename(part, target)
        except BaseException:
            os.rename(old, target)
            raise
        os.rename(old, part)


@contextmanager
def delayed_signals() -> Iterator[None]:
    """Signals that would end the process, or interrupt it, do so at the end."""
    received: list[int] = []

    def remember(number: int, _: FrameType | None) -> None:
        received.append(number)

    with _handlers(remember, lambda handler: callable(handler) or handler == signal.SIG_DFL):
        yield
    for number in received:
        signal.raise_signal(number)


@contextmanager
def _signals_as_exceptions() -> Iterator[None]:
    """Signals for which the process has no handler raise an exception; at the end they end it."""
    received: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        received.append(number)
        if len(received) == 1:
            raise _Ended

    try:
        with _handlers(end, lambda handler: handler == signal.SIG_DFL):
            yield
    except _Ended:
        signal.raise_signal(received[0])  # which has its default handler again
        raise


@contextmanager
def _handlers(
    handle: Callable[[int, FrameType | None], None], which: Callable[[Any], bool]
) -> Iterator[None]:
    """Set a handler for the signals whose handler is of a kind; only the main thread can."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {n: h for n in _ENDING if which(h := signal.getsignal(n))}
    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _new_part(target: Path, *, folder: bool) -> tuple[Path, int | None]:
    """An empty, hidden file or folder next to a target, and its lock."""
    while True:
        part = _hidden(target)
        if folder:
            part.mkdir()
        else:
            part.touch(exist_ok=False)
        lock = _lock(part)
        # Another process may have taken it for left in the moment before it was locked.
        if lock is None or os.path.exists(part):
            return part, lock
        os.close(lock)


def _hidden(target: Path) -> Path:
    return target.with_name(f".patchvid-{secrets.token_hex(4)}{target.suffix}")


def _lock(path: Path) -> int | None:
    """Lock a file or folder; None if it is locked, or cannot be."""
    if fcntl is None:
        return None
    try:
        lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


def _remove_what_dead_processes_left(folder: Path) -> None:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            part = Path(entry.path)
            if _HIDDEN.match(entry.name) and (lock := _lock(part)) is not None:
                with suppress(OSError):  # it may be another user's
                    _remove(part)
                os.close(lock)


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part)
    else:
        part.unlink(missing_ok=True)


def _remove_or_warn(part: Path) -> None:
    try:
        _remove(part)
    except OSError as error:
        problem = f"cannot remove {quoted(part)}: {reason(error)}"
        warnings.warn(f"{problem}; remove it yourself", stacklevel=5)


def _copy_permissions(old: Path, new: Path) -> None:
    """Give a file the owner and permissions of another; to a folder's files those of the other's.

    The owner can be changed by root only, and matters to no one else.
    """
    pairs = [(old, new)]
    if old.is_dir() and new.is_dir():
        kept = next(iter(sorted(old.iterdir())), None)
        pairs += [(kept, file) for file in new.iterdir() if kept is not None]
    for source, target in pairs:
        status = source.stat()
        with suppress(OSError, AttributeError):
            os.chown(target, status.st_uid, status.st_gid)
        target.chmod(stat.S_IMODE(status.st_mode))


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where the system cannot."""
    function = _exchanger()
    if function is None:
        return False
    if function(os.fsencode(one), os.fsencode(other)) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM):
        return False  # the file system cannot
    raise OSError(code, os.strerror(code), os.fspath(other))


@cache
def _exchanger() -> Callable[[bytes, bytes], int] | None:
    """The system's function that exchanges two names; Python has none."""
    library: Any = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
    if sys.platform == "darwin" and hasattr(library, "renamex_np"):
        swap = library.renamex_np
        return lambda one, other: int(swap(one, other, _EXCHANGE_ON_MACOS))
    if hasattr(library, "renameat2"):
        rename = library.renameat2
        return lambda one, other: int(rename(_HERE, one, _HERE, other, _EXCHANGE_ON_LINUX))
    return None
