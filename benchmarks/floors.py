"""The rates of this machine, from which the floors of the kernels are computed.

Memory is measured by copying and by reading at random, among as many bytes as the kernel uses.
Arithmetic is measured by the kernels' own innermost loops, on data that stay in the first-level
cache. All rates are per second, on all threads that Numba uses.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np
from harness import timed
from numba import njit

from patchvid.kernels import rules
from patchvid.kernels.resample import _blend_rows
from patchvid.kernels.simd_distance import OVERREAD, rows_ssd
from patchvid.kernels.simd_voting import WORDS, median_of_lanes
from patchvid.kernels.threads import parallel_range

LINE = 64  # bytes that are fetched from memory at once
IN_L1 = 16 << 10  # bytes per thread that fit into any first-level cache
REPEATS = 5

loop = njit(nogil=True, error_model="numpy")
mix = njit(rules.mix)


def _rate(amount: float, work: Callable[[int], object]) -> float:
    """Return the rate per second when each thread calls ``work(thread)``, which does `amount`."""
    threads = numba.get_num_threads()

    def run(first: int, stop: int) -> None:
        work(first)

    return threads * amount / min(timed(lambda: parallel_range(run, threads), REPEATS))


@loop
def _copy(pair: Any, rounds: int) -> None:
    for i in range(rounds):
        target, source = i & 1, 1 - (i & 1)
        for j in range(pair.shape[1]):
            pair[target, j] = pair[source, j]


@cache
def copy_rate(n_bytes: int) -> float:
    """Bytes that a copy reads and writes, where both make up `n_bytes`."""
    threads = numba.get_num_threads()
    count = max(n_bytes // threads // 16, 1)
    pairs = [np.ones((2, count), np.int64) for _ in range(threads)]
    rounds = max((1 << 28) // n_bytes, 1)
    return _rate(16 * count * rounds, lambda thread: _copy(pairs[thread], rounds))


@loop
def _read_lines(table: Any, rounds: int, seed: int) -> int:
    total = 0
    for i in range(rounds):
        total += table[((mix(seed + i) * len(table)) >> 32), 0]
    return total


@cache
def line_rate(n_bytes: int) -> float:
    """Cache lines read from random places among `n_bytes`, many of them at the same time."""
    table = np.ones((n_bytes // LINE, LINE // 8), np.int64)
    rounds = 1_000_000
    return _rate(rounds, lambda thread: _read_lines(table, rounds, thread * rounds))


@loop
def _distances(a: Any, b: Any, length: int, rows: int, rounds: int) -> int:
    total = 0
    for i in range(rounds):
        total += rows_ssd(a, i % LINE, length, b, i * 7 % LINE, length, length, rows)
    return total


@cache
def distance_rate(length: int, rows: int) -> float:
    """Distances of 8-bit patches of `rows` rows with `length` values each."""
    patches = np.zeros((2, length * rows + LINE + OVERREAD), np.uint8)
    rounds = 500_000
    return _rate(rounds, lambda _: _distances(*patches, length, rows, rounds))


@loop
def _medians(votes: Any, ranks: Any, medians: Any, n_votes: int, rounds: int) -> None:
    for _ in range(rounds):
        median_of_lanes(votes, 0, len(ranks), n_votes, ranks, 0, medians, 0)


@cache
def median_rate(n_votes: int, itemsize: int) -> float:
    """Medians of `n_votes` words of 32 bits, each of which holds 1, 2 or 4 channels of a voxel."""
    words = np.random.default_rng(0).integers(0, 1 << 32, n_votes * WORDS, dtype=np.uint32)
    votes = words.view(f"u{itemsize}")
    ranks = np.full(WORDS * 4 // itemsize, n_votes // 2, np.int32)
    results = np.zeros((numba.get_num_threads(), len(ranks)), votes.dtype)
    rounds = 5_000
    work = lambda thread: _medians(votes, ranks, results[thread], n_votes, rounds)  # noqa: E731
    return _rate(rounds * WORDS, work)


@loop
def _blends(rows: Any, weights: Any, out: Any, rounds: int) -> None:
    for _ in range(rounds):
        _blend_rows(rows, 0, rows.shape[2], weights, 0, rows.shape[2], out)


@cache
def blend_rate() -> float:
    """Multiplications, each with an addition, of 8-bit values that are blended along rows."""
    taps, width = 16, 512
    rows = np.zeros((1, taps, width), np.uint8)
    weights = np.ones((1, taps), np.float32)
    results = np.zeros((numba.get_num_threads(), width), np.float32)
    rounds = 5_000
    return _rate(rounds * taps * width, lambda i: _blends(rows, weights, results[i], rounds))
