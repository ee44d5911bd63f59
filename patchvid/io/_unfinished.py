"""Unfinished files: hidden while written, then moved into place, or removed on errors and signals.

A part is locked while its process is alive, so other processes can find and remove the parts of
dead ones. On systems without locks, no part counts as abandoned.
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

# Signals that end a process politely. Of these Python turns only SIGINT into an exception.
_ENDING = [
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)
]

_EXCHANGE_ON_LINUX, _EXCHANGE_ON_MACOS = 2, 2  # RENAME_EXCHANGE, RENAME_SWAP
_HERE = -100  # AT_FDCWD


class _Ended(BaseException):
    """A signal that ends the process, as an exception, so that it cleans up."""


@contextmanager
def dropped_at_the_end(target: Path, *, folder: bool) -> Iterator[Path]:
    """Yield a hidden file or folder next to `target`; remove it at the end, if it is still there.

    Signals that would end the process wait until then.
    """
    _remove_abandoned_parts(target.parent)
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
    """Move a part to its target, with the permissions of the file that it replaces.

    A folder exchanges names with the one that it replaces, so the target exists at every moment.
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
    """Delay signals that would end or interrupt the process to the end of the context."""
    received: list[int] = []

    def remember(number: int, _: FrameType | None) -> None:
        received.append(number)

    with _handlers(remember, lambda handler: callable(handler) or handler == signal.SIG_DFL):
        yield
    for number in received:
        signal.raise_signal(number)


@contextmanager
def _signals_as_exceptions() -> Iterator[None]:
    """Make signals without a handler raise an exception; at the end they end the process."""
    received: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        received.append(number)
        if len(received) == 1:
            raise _Ended

    try:
        with _handlers(end, lambda handler: handler == signal.SIG_DFL):
            yield
    except _Ended:
        signal.raise_signal(received[0])  # its default handler is back
        raise


@contextmanager
def _handlers(
    handle: Callable[[int, FrameType | None], None], which: Callable[[Any], bool]
) -> Iterator[None]:
    """Set a handler for signals whose handler is now of some kind; only the main thread can."""
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
    """Create an empty, hidden file or folder next to a target, and lock it."""
    while True:
        part = _hidden(target)
        if folder:
            part.mkdir()
        else:
            part.touch(exist_ok=False)
        lock = _lock(part)
        # Just before the lock, another process may have taken it for abandoned.
        if lock is None or os.path.exists(part):
            return part, lock
        os.close(lock)


def _hidden(target: Path) -> Path:
    return target.with_name(f".patchvid-{secrets.token_hex(4)}{target.suffix}")


def _lock(path: Path) -> int | None:
    """Lock a file or folder; None if it is locked already, or cannot be locked."""
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


def _remove_abandoned_parts(folder: Path) -> None:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            part = Path(entry.path)
            if _HIDDEN.match(entry.name) and (lock := _lock(part)) is not None:
                with suppress(OSError):  # it may belong to another user
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
    """Give a file or folder the owner and permissions of another; likewise the files in it.

    Only root can change the owner; for other users it is the same.
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
    """Exchange two names in one step; False if the system cannot."""
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
