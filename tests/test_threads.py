"""Ranges of work on several threads: each is done once, and errors are raised."""

import multiprocessing
import threading
import time
from collections.abc import Iterator

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patchvid.kernels.forks import unforked
from patchvid.kernels.threads import parallel_range


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """Use all threads, whatever number another test has set."""
    before = numba.get_num_threads()
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    yield
    numba.set_num_threads(before)


@settings(derandomize=True)
@given(st.integers(0, 50), st.integers(1, 20))
def test_every_piece_is_worked_on_once(count: int, grain: int) -> None:
    done: list[int] = []
    parallel_range(lambda first, stop: done.extend(range(first, stop)), count, grain)
    assert sorted(done) == list(range(count))


def test_a_failure_ends_it() -> None:
    begun: list[int] = []

    def work(first: int, stop: int) -> None:
        begun.append(first)
        raise ValueError(f"range {first}")

    with pytest.raises(ValueError, match="range"):
        parallel_range(work, 1000)
    assert len(begun) <= numba.get_num_threads()
    parallel_range(lambda first, stop: begun.append(-1), 1)
    assert begun[-1] == -1


def test_nobody_works_on_when_it_has_failed() -> None:
    ended = threading.Event()

    def work(first: int, stop: int) -> None:
        if first == 0:
            raise ValueError("early")
        time.sleep(0.2)
        ended.set()

    n_threads = numba.get_num_threads()
    begun = threading.Barrier(n_threads)

    def together(first: int, stop: int) -> None:
        begun.wait(timeout=60)
        work(first, stop)

    with pytest.raises(ValueError, match="early"):
        parallel_range(together, n_threads)
    assert ended.is_set() or n_threads == 1


def count_threads(_: object = None) -> int:
    """Count the threads in work where each range waits for all others."""
    taking_part: set[int] = set()
    everyone = threading.Barrier(numba.get_num_threads())

    def work(first: int, stop: int) -> None:
        taking_part.add(threading.get_ident())
        everyone.wait(timeout=60)

    parallel_range(work, numba.get_num_threads())
    return len(taking_part)


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own() -> None:
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("this system does not fork processes")
    assert count_threads() == numba.get_num_threads()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        (inside,) = pool.map_async(count_threads, [None]).get(timeout=120)
    assert inside == numba.get_num_threads()


def multiply(_: object = None) -> float:
    matrix = np.ones((200, 200))
    with unforked():
        return float((matrix @ matrix).sum())


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_process_may_fork_while_other_threads_multiply() -> None:
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("this system does not fork processes")
    ended = threading.Event()

    def go_on() -> None:
        while not ended.is_set():
            multiply()

    busy = threading.Thread(target=go_on, daemon=True)
    busy.start()
    try:
        for _ in range(12):
            with multiprocessing.get_context("fork").Pool(1) as pool:
                assert pool.map_async(multiply, [None]).get(timeout=120) == [200.0**3]
    finally:
        ended.set()
        busy.join()
