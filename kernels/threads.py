"""Sharing the rows of a kernel out to threads.

Kernels release the GIL and work on a range of rows that no other range touches, so plain threads
serve; ``prange`` would compile every kernel several times over, which takes seconds at first use.
"""

from collections import deque
from collections.abc import Callable
from threading import Thread

import numba


def share(work: Callable[[int, int], None], count: int, grain: int = 1) -> None:
    """Call ``work(first, stop)`` for ranges of `grain` that make up [0, count), on all threads.

    Ranges are handed out as threads become free; ``numba.set_num_threads`` says how many there are.
    """
    starts = iter(range(0, count, grain))
    failures: list[BaseException] = []

    def run() -> None:
        try:
            for start in starts:
                work(start, min(start + grain, count))
        except BaseException as error:
            failures.append(error)
            deque(starts, maxlen=0)  # nothing more to hand out

    n_threads = min(numba.get_num_threads(), -(-count // grain))
    helpers = [Thread(target=run, daemon=True) for _ in range(n_threads - 1)]
    for helper in helpers:
        helper.start()
    run()
    for helper in helpers:
        helper.join()
    if failures:
        raise failures[0]
