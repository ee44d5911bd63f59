"""Sharing the rows of a kernel out to threads.

Kernels release the GIL and work on a range of rows that no other range touches, so plain threads
serve; ``prange`` would compile every kernel several times over, which takes seconds at first use.
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


if hasattr(os, "register_at_fork"):  # threads do not go along
    os.register_at_fork(after_in_child=_helpers.cache_clear)


def parallel_range(work: Callable[[int, int], None], count: int, grain: int = 1) -> None:
    """Call ``work(first, stop)`` for ranges of `grain` that make up [0, count), on all threads.

    Ranges are handed out as threads become free; one that the system is slow to wake up is not
    waited for. ``numba.set_num_threads`` says how many there are.
    """
    starts = iter(range(0, count, grain))

    def run() -> None:
        try:
            for start in starts:
                work(start, min(start + grain, count))
        except BaseException:
            deque(starts, maxlen=0)  # nothing more is handed out
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
