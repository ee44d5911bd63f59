"""Split the work of a CPU kernel over threads, in a way that can be interrupted.

Kernels release the GIL, and each call works on rows that no other call touches, so plain threads
suffice. Numba's ``prange`` would compile every kernel several times, which takes seconds.

Between two ranges the calling thread may be interrupted: by Ctrl-C, or by the function given to
`polling`. After an exception no thread takes another range.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

INTERVAL = 0.25  # seconds from one call of a polled function to the next


class _Polled:
    """A function to call whenever its last call was a while ago."""

    def __init__(self, function: Callable[[], object]) -> None:
        self._function, self._due = function, time.monotonic() + INTERVAL

    def poll(self) -> None:
        if time.monotonic() >= self._due:
            self._function()
            self._due = time.monotonic() + INTERVAL


_polled: ContextVar[_Polled | None] = ContextVar("_polled", default=None)


@contextmanager
def polling(function: Callable[[], object]) -> Iterator[None]:
    """Call a function on this thread several times a second while kernels run.

    A context inside another one calls the function of the outer one.
    """
    if _polled.get() is not None:
        yield
        return
    token = _polled.set(_Polled(function))
    try:
        yield
    finally:
        _polled.reset(token)


def poll() -> None:
    """Call the function given to `polling`, if it is due. It may raise an exception."""
    polled = _polled.get()
    if polled is not None:
        polled.poll()


@cache
def _helpers() -> ThreadPoolExecutor:
    import numba  # a GPU needs none

    return ThreadPoolExecutor(max(1, numba.config.NUMBA_NUM_THREADS - 1), "patchvid")


if hasattr(os, "register_at_fork"):  # a forked process has no threads
    os.register_at_fork(after_in_child=_helpers.cache_clear)


def parallel_range(work: Callable[[int, int], None], count: int, grain: int = 1) -> None:
    """Call ``work(first, stop)`` for ranges of `grain` that cover [0, count), on all threads.

    Each thread takes the next range when it is free. If all ranges are taken before a thread
    begins, nothing waits for it. ``numba.set_num_threads`` sets the number of threads.
    """
    starts = iter(range(0, count, grain))

    def run() -> None:
        try:
            for start in starts:
                poll()
                work(start, min(start + grain, count))
        except BaseException:
            deque(starts, maxlen=0)  # no thread takes another range
            raise

    import numba  # a GPU needs none

    n_threads = min(numba.get_num_threads(), -(-count // grain))
    helping = [_helpers().submit(run) for _ in range(n_threads - 1)]
    try:
        run()
    finally:
        begun = [helper for helper in helping if not helper.cancel()]
        wait(begun)
        for helper in begun:
            helper.result()


@contextmanager
def limited_threads(n_threads: int) -> Iterator[None]:
    """Compute with at most `n_threads` in this thread; also in BLAS, OpenMP and OpenCV."""
    import cv2
    import numba
    from threadpoolctl import threadpool_limits

    before = numba.get_num_threads(), cv2.getNumThreads()
    numba.set_num_threads(min(n_threads, numba.config.NUMBA_NUM_THREADS))
    cv2.setNumThreads(n_threads)
    try:
        with threadpool_limits(n_threads):
            yield
    finally:
        numba.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
