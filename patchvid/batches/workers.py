"""Worker processes on this machine; a dead one is replaced while the others go on."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import Any

from patchvid.errors import WorkerError


def usable_cores() -> int:
    """Number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Workers(Executor):
    """An executor of several processes.

    When one process of a `ProcessPoolExecutor` dies, the whole executor breaks: all of its jobs
    fail, and nothing tells which one is to blame. So here every process has its own pool, and a
    thread that waits for it. If it dies, one job fails with `BrokenProcessPool`, and the next job
    starts another process.

    Parameters
    ----------
    count : int
        Number of processes. The first is started at once, the others when there is work for them.

    Raises
    ------
    WorkerError
        If a process cannot be started.
    """

    def __init__(self, count: int) -> None:
        self._numbers: dict[ProcessPoolExecutor, int] = {}
        self._changing = threading.Lock()
        self._is_stopped = threading.Event()
        self._idle: SimpleQueue[ProcessPoolExecutor | None] = SimpleQueue()
        self._idle.put(self._start())
        for _ in range(count - 1):
            self._idle.put(None)
        self._threads = ThreadPoolExecutor(count, "patchvid-batch")

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Call a function in a process."""
        return self._threads.submit(self._call, fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes after all calls, or after those that have begun."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        for process in [*self._numbers]:
            process.shutdown(wait)

    def stop(self) -> None:
        """End the processes at once, as SIGTERM does; calls that they have begun fail."""
        with self._changing:
            self._is_stopped.set()
            numbers = [*self._numbers.values()]
        for number in numbers:
            _end(number)
        self.shutdown(cancel_futures=True)

    def _call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        process = self._idle.get()
        try:
            process = process or self._start()
            return process.submit(function, *args, **kwargs).result()
        except BrokenProcessPool:
            with self._changing:
                self._numbers.pop(process, None)  # type: ignore[arg-type]
            process = None
            raise
        finally:
            self._idle.put(process)

    def _start(self) -> ProcessPoolExecutor:
        process = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _prepare)
        try:
            with _interrupts_blocked():
                first = process.submit(os.getpid)
            number = first.result()
        except BrokenProcessPool as error:
            raise WorkerError(
                "a worker cannot start; a script must call patchvid.batch below "
                "if __name__ == '__main__':"
            ) from error
        with self._changing:
            self._numbers[process] = number
        if self._is_stopped.is_set():
            _end(number)
        return process


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Hide Ctrl-C from processes started in this context: this process stops them instead."""
    set_mask: Any = getattr(signal, "pthread_sigmask", None)  # Windows has none
    before = set_mask and set_mask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if set_mask:
            set_mask(signal.SIG_SETMASK, before)


def _prepare() -> None:
    """Make this worker end when its parent does, even if that was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where signals cannot be blocked
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        _end(os.getpid())


def _end(number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(number, signal.SIGTERM)
