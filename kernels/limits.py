"""Limits of memory: a job that does not fit in memory works in files.

Within `limited`, the first check that finds too little memory for what is needed begins to put
large arrays into files, see `scratch`. The job is refused only if that does not help either.
"""

import mmap
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from patchvid.kernels import cpu_memory, scratch
from patchvid.kernels.cpu_memory import GIB

LEAST = 2**27  # bytes of memory without which work in files would mostly wait for the disk
FREE_SHARE = 0.75  # of the free memory, if a job takes what it needs
PER_BYTE = 7  # bytes that a job needs at least for each one of its clip


class Limit:
    """A limit of memory for a job.

    Parameters
    ----------
    memory : int or None
        Bytes that the process may use. None: what is free.
    tell : callable
        Called with one line when the job begins to use files.
    stack : ExitStack
        Ends when the job ends.

    Attributes
    ----------
    files : Files or None
        The files, if any are in use.
    """

    def __init__(self, memory: int | None, tell: Callable[[str], object], stack: ExitStack) -> None:
        self.memory = memory
        self.files: scratch.Files | None = None
        self._tell, self._stack = tell, stack
        self._mapped: list[mmap.mmap] = []

    def check(self, size: int) -> str:
        """Why `size` more bytes do not fit, not even with files, in one line; or nothing."""
        if self.files is not None:
            return ""
        least, used = cpu_memory.room(), scratch.resident() or 0
        free = size if least is None else least.free
        allowed = free if self.memory is None else min(self.memory - used, free)
        if size <= allowed:
            return ""
        problem = cpu_memory.check_room(size) or (
            f"about {size / GIB:.1f} GiB of memory are needed, but the limit leaves "
            f"{max(allowed, 0) / GIB:.1f} of {(used + allowed) / GIB:.1f} GiB"
        )
        allowed = min(allowed, int(FREE_SHARE * free))
        if allowed < LEAST:
            return f"{problem}; at least {LEAST / GIB:.1f} must be left"
        if least is not None and size > free and "RLIMIT_AS" in least.setter:
            return problem  # it counts maps, too
        place = scratch.folder()
        room = shutil.disk_usage(place).free
        if size > room:
            return f"{problem}, and {place} has {room / GIB:.1f} GiB for files"
        self.files = self._stack.enter_context(scratch.in_files(used + allowed, self._mapped))
        self._tell(
            f"the work does not fit in memory: it takes up to {(used + allowed) / GIB:.1f} GiB, "
            f"and files in {place} for the rest"
        )
        return ""

    def expect(self, array: Any) -> None:
        """Begin to use files if the work on an array, such as a clip, needs them."""
        self.check(PER_BYTE * array.nbytes)
        while isinstance(array, np.ndarray):
            base: Any = array.base
            if isinstance(base, mmap.mmap) and getattr(array, "mode", "c") != "c":
                self._mapped.append(base)  # pages of a private copy must not be dropped
            array = base


_current: ContextVar[Limit | None] = ContextVar("_current", default=None)


@contextmanager
def limited(
    memory: int | None, tell: Callable[[str], object] = lambda line: None
) -> Iterator[Limit]:
    """Open a context with a `Limit`. Inside another such context, that one's limit holds."""
    if (outer := _current.get()) is not None:
        yield outer
        return
    with ExitStack() as stack:
        limit = Limit(memory, tell, stack)
        token = _current.set(limit)
        try:
            yield limit
        except MemoryError:
            if limit.files is not None and limit.files.problem:
                raise MemoryError(limit.files.problem) from None
            raise
        finally:
            _current.reset(token)


def current() -> Limit | None:
    """The limit of the job that is running, if any."""
    return _current.get()


def check_memory(size):
    """Why `size` bytes are not available, in one line; empty if they are."""
    limit = _current.get()
    problem = cpu_memory.check_room(size) if limit is None else limit.check(size)
    return f"{problem}; make the clip or the output smaller or shorter" if problem else ""
