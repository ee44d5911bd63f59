"""Run the ranges of a kernel on several threads.

Kernels release the GIL, and each call works on rows that no other call touches, so plain threads
will do. Numba's ``prange`` would compile every kernel several times, which takes seconds.
"""

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache

import numba


@cache
def _helpers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, numba.config.NUMBA_NUM_THREADS - 1), "patchvid")


if hasattr(os, "register_at_fork"):  # a forked process has no threads
    os.register_at_fork(after_in_child=_helpers.cache_clear)


def parallel_range(work: Callable[[int, int], None], count: int, grain: int = 1) -> None:
    """Call ``work(first, stop)`` for ranges of `grain` that cover [0, count), on all threads.

    Each thread takes the next range when it is free. A thread that has not begun when all ranges
    are taken is not waited for. ``numba.set_num_threads`` sets the number of threads.
    """
    starts = iter(range(0, count, grain))

    def run() -> None:
        try:
            for start in starts:
                work(start, min(start + grain, count))
        except BaseException:
            deque(starts, maxlen=0)  # no thread takes another range
            raise

    n_threads = min(numba.get_num_threads(), -(-count // grain))
    helping = [_helpers().submit(run) for _ in range(n_threads - 1)]
    try:
        run()
    finally:
        begun = [helper for helper in helping if not helper.cancel()]
        wait(begun)
        for helper in begun:
            helper.result()
