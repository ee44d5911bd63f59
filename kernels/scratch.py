"""Large arrays in files, for jobs that need more memory than they may use.

Within `in_files`, all large arrays that NumPy makes are maps of files without names, and no other
code changes: the system reads and writes their pages as needed. Pages in use count as memory of the
process until it drops them. A thread does so whenever the process comes near its limit.
"""

import ctypes
import mmap
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from patchvid.kernels.allocator import allocating

SMALLEST = 2**20  # bytes of the smallest array in a file
SHARE = 256  # arrays that take a smaller part of the limit stay in memory
INTERVAL = 0.01  # seconds from one look at the memory in use to the next
BLIND = 0.25  # seconds from one drop to the next where the system does not tell the memory in use
MARGIN, LEAST_MARGIN = 16, 2**25  # pages are dropped this part, and so many bytes, below the limit

_CAN_DROP = hasattr(mmap, "MADV_DONTNEED")  # Windows does by itself


def folder() -> Path:
    """The folder for files: the one that TMPDIR names, or the system's for large ones."""
    large = Path("/var/tmp")  # on a disk, even where /tmp is in memory
    if "TMPDIR" not in os.environ and os.access(large, os.W_OK):
        return large
    return Path(tempfile.gettempdir())


def resident(statm=Path("/proc/self/statm")):
    """Bytes of memory that this process uses; None if the system does not tell."""
    try:
        return int(statm.read_text("ascii").split()[1]) * mmap.PAGESIZE
    except OSError:
        return None


class Files:
    """Files with the content of arrays, and their maps.

    Parameters
    ----------
    limit : int
        Bytes of memory that the process may use.
    others : list of mmap.mmap
        Maps of other files whose pages can be dropped as well.
    """

    def __init__(self, limit: int, others: list[mmap.mmap]) -> None:
        self.limit, self.folder = limit, folder()
        self.problem = ""  # why an array could not be made
        self._maps: dict[int, mmap.mmap] = {}
        self._others = others

    def allocate(self, size: int) -> int:
        """Make a file and its map; return the address of the map, or 0 if there is no room."""
        self.keep_limit()
        try:
            with tempfile.TemporaryFile(prefix="patchvid-", dir=self.folder) as file:
                if hasattr(os, "posix_fallocate"):  # or else a full disk would end the process
                    os.posix_fallocate(file.fileno(), 0, size)
                else:
                    file.truncate(size)
                made = mmap.mmap(file.fileno(), size)
        except OSError as error:
            self.problem = f"an array of {size} bytes does not fit in {self.folder}: {error}"
            return 0
        if hasattr(mmap, "MADV_HUGEPAGE"):  # a fifth of the page faults
            made.madvise(mmap.MADV_HUGEPAGE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(made))
        self._maps[address] = made
        return address

    def extend(self, address: int, size: int) -> int | None:
        """The address of the same content with another size; None if it is not in a file."""
        old = self._maps.get(address)
        if old is None:
            return None
        if size <= len(old):
            return address
        if new := self.allocate(size):
            ctypes.memmove(new, address, len(old))
            self.free(address)
        return new

    def free(self, address: int) -> bool:
        """Remove a map and its file, and return whether there was one."""
        return self._maps.pop(address, None) is not None

    def drop(self) -> None:
        """Drop the pages of all maps from the process. The files still hold them."""
        for mapped in [*self._maps.copy().values(), *self._others] if _CAN_DROP else ():
            mapped.madvise(mmap.MADV_DONTNEED)

    def keep_limit(self) -> None:
        """Drop the pages of all maps if the process is near its limit."""
        used = resident()
        if used is None or used > self.limit - max(self.limit // MARGIN, LEAST_MARGIN):
            self.drop()

    def watch(self, ended: threading.Event) -> None:
        """Keep the limit until an event."""
        interval = BLIND if resident() is None else INTERVAL
        while not ended.wait(interval):
            self.keep_limit()


@contextmanager
def in_files(limit: int, others: list[mmap.mmap]) -> Iterator[Files]:
    """Make large arrays of this thread in files, and keep the process below a limit in bytes.

    Arrays may outlive the context, and so do their files.
    """
    files, ended = Files(limit, others), threading.Event()
    least = max(SMALLEST, limit // SHARE)
    watcher = threading.Thread(target=files.watch, args=(ended,), name="patchvid", daemon=True)
    with allocating(least, files.allocate, files.extend, files.free):
        watcher.start()
        try:
            yield files
        finally:
            ended.set()
