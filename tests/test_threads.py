"""Ranges of work on several threads: each is done once, and errors are raised."""

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import patchvid
from patchvid import metrics
from patchvid.kernels import threads
from patchvid.kernels.fork_safety import unforked
from patchvid.kernels.threads import parallel_range


@pytest.fixture(autouse=True)
def all_threads() -> Iterator[None]:
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


def test_the_calling_thread_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    callers: set[int] = set()
    done: list[int] = []
    monkeypatch.setattr(threads, "INTERVAL", 0)

    def interrupt() -> None:
        callers.add(threading.get_ident())
        if len(done) > 10:
            raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"), threads.polling(interrupt):
        parallel_range(lambda first, stop: done.append(first), 10_000)
    assert callers == {threading.get_ident()}
    assert len(done) < 10_000
    parallel_range(lambda first, stop: done.append(first), 10_000)  # nothing is polled any more
    assert len(done) > 10_000


def test_a_callback_that_raises_ends_a_long_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "INTERVAL", 0.05)
    clip = np.random.default_rng(0).integers(0, 256, (6, 200, 300, 3), dtype=np.uint8)
    told: list[str] = []

    class Enough(Exception):
        pass

    def tell(fraction: float, message: str) -> None:
        told.append(message)
        if len(told) > 1 and told[-1] == told[-2]:  # in the middle of a step
            raise Enough

    with pytest.raises(Enough):
        patchvid.generate(clip, seed=0, iterations=10_000, progress=tell)
    rest = patchvid.generate(clip[:, :40, :40], seed=0, iterations=1, progress=False)
    assert rest.shape == (6, 40, 40, 3)


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


def measure() -> None:
    video = np.random.default_rng(0).integers(0, 256, (4, 24, 24, 3), np.uint8)
    metrics.sliced_wasserstein(video, video[::-1])


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("work", [multiply, pytest.param(measure, marks=pytest.mark.slow)])
def test_a_process_may_fork_while_other_threads_multiply(work: Callable[[], object]) -> None:
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("this system does not fork processes")
    ended = threading.Event()

    def go_on() -> None:
        while not ended.is_set():
            work()

    busy = threading.Thread(target=go_on, daemon=True)
    busy.start()
    try:
        for _ in range(12):
            with multiprocessing.get_context("fork").Pool(1) as pool:
                assert pool.map_async(multiply, [None]).get(timeout=120) == [200.0**3]
    finally:
        ended.set()
        busy.join(120)
    assert not busy.is_alive()
