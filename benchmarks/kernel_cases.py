"""Every kernel against its floor: what arithmetic and memory allow on this machine."""

from collections.abc import Callable
from functools import partial
from math import ceil, prod
from types import FunctionType
from typing import Any, NamedTuple

import numba
import numpy as np
from floors import IN_L1, LINE, blend_rate, copy_rate, distance_rate, line_rate, median_rate
from harness import Options, Row, Rows, allocated, timed
from numba import njit

from patchvid import Level, build_pyramid, plan_levels, resize
from patchvid._validation import Triple
from patchvid.core.fields import Grid, carry_field, random_field
from patchvid.data.sample_clip import sample_clip
from patchvid.kernels import cpu, rules
from patchvid.kernels.jit import inlined
from patchvid.kernels.simd_distance import OVERREAD, rows_ssd

PATCH = (3, 7, 7)
N_CHANNELS = 3
LENGTH = PATCH[0] * PATCH[2] * N_CHANNELS  # values in a row of a patch
SWEEPS = 4

SIZES = {"144p": (13, 144, 256), "1080p": (8, 1080, 1920)}
QUICK_SIZES = {"72p": (7, 72, 128)}


def kernels(options: Options) -> Rows:
    """Time all kernels on the sample clip and its mirror image, and list the floors' rates."""
    for size, shape in (QUICK_SIZES if options.quick else SIZES).items():
        yield from _kernels_at(size, shape, options.repeats(2 if size == "1080p" else 5))
    yield from _rates()


def _kernels_at(size: str, shape: Triple, repeats: int) -> Rows:
    key = resize(sample_clip(), shape)
    query = np.ascontiguousarray(key[::-1, :, ::-1])
    grid = cpu.patch_grid(shape, PATCH)
    n_patches, n_voxels = prod(grid), prod(shape)
    start = random_field(cpu, grid, shape, grid, None, seed=0)
    field = start.copy()
    unfolded = cpu.prepare(key, patch=PATCH).layout.nbytes
    searched = allocated(lambda: cpu.search(query, key, field, patch=PATCH, sweeps=1))

    def row(
        name: str, seconds: float, memory_bytes: int, n_bytes: int, arithmetic: float = 0.0
    ) -> tuple[str, Row]:
        memory = n_bytes / copy_rate(n_bytes)
        return "kernels", {
            "kernel": name,
            "size": size,
            "ms": 1e3 * seconds,
            "arithmetic ms": 1e3 * arithmetic,
            "memory ms": 1e3 * memory,
            "time / floor": seconds / max(arithmetic, memory),
            "bytes a voxel": memory_bytes / n_voxels,
        }

    def measured(
        name: str, call: Callable[[], object], n_bytes: int, arithmetic: float = 0.0
    ) -> tuple[str, Row]:
        return row(name, min(timed(call, repeats)), allocated(call), n_bytes, arithmetic)

    yield measured("unfold", lambda: cpu.prepare(key, patch=PATCH), key.nbytes + unfolded)

    moved = query.nbytes + key.nbytes + 3 * field.nbytes  # field in and out, cost out
    seconds = time_sweeps(query, key, start, repeats)
    work_before = Work(0, 0)
    for sweeps in (1, SWEEPS):
        n = 1 if sweeps == 1 else SWEEPS - 1
        name = "first" if sweeps == 1 else f"2 to {SWEEPS}"
        each = sum(seconds[sweeps - n : sweeps]) / n
        work = count_work(query, key, start, sweeps)
        candidates, rows = ((a - b) / n for a, b in zip(work, work_before))
        work_before = work
        yield row(
            f"search, sweep {name}", each, searched, moved,
            rows / PATCH[1] / distance_rate(LENGTH, PATCH[1]),
        )  # fmt: skip
        scattered = rows * (1 + (LENGTH - 1) / LINE) / line_rate(unfolded)
        tally = {
            "sweep": name,
            "size": size,
            "candidates a patch": candidates / n_patches,
            "rows compared": rows / candidates,
            "ns a candidate": 1e9 * each / candidates,
            "ns to fetch it": 1e9 * scattered / candidates,
        }
        yield "candidates", tally

    yield measured(
        "patch distance", lambda: cpu.patch_distance(query, key, field, patch=PATCH),
        moved - field.nbytes, n_patches / distance_rate(LENGTH, PATCH[1]),
    )  # fmt: skip

    for value in (key, key.astype(np.float32)):
        n_votes = prod(PATCH)
        n_words = n_voxels * -(-N_CHANNELS * value.itemsize // 4)
        counting = n_words / median_rate(n_votes, value.itemsize)
        adding = 4 * n_votes * n_words / copy_rate(IN_L1 * numba.get_num_threads())
        for reduce, arithmetic in (("median", counting), ("mean", adding)):
            yield measured(
                f"vote, {reduce}, {value.dtype}",
                partial(cpu.vote, value, field, patch=PATCH, reduce=reduce),
                field.nbytes + 2 * value.nbytes, arithmetic,
            )  # fmt: skip

    levels = plan_levels(shape)
    coarse = levels[-2].shape
    coarse_grid = cpu.patch_grid(coarse, PATCH)
    carried = random_field(cpu, coarse_grid, coarse, coarse_grid, None, seed=0)
    queries, fine_queries = (Grid(cpu.patch_grid(n, PATCH), (0, 0, 0), n) for n in (coarse, shape))
    pair = (queries, coarse), (fine_queries, shape)
    yield measured(
        "carry", lambda: carry_field(cpu, carried, *pair, PATCH),
        carried.nbytes + field.nbytes,
    )  # fmt: skip

    outputs = sum(prod(level.shape) for level in levels[:-1]) * N_CHANNELS
    yield measured(
        "resize, all levels", lambda: build_pyramid(key),
        (len(levels) - 1) * key.nbytes + outputs,
        sum(_n_products(shape, level) for level in levels[:-1]) / blend_rate(),
    )  # fmt: skip


def _n_products(shape: Triple, level: Level) -> int:
    """Count the multiplications that a level takes along y, x and t, in this order."""
    sizes = list(shape)
    total = 0
    for axis in (1, 2, 0):
        taps = min(sizes[axis], ceil(4 / level.scale[axis])) if level.scale[axis] < 1 else 1
        sizes[axis] = level.shape[axis]
        total += taps * prod(sizes) * N_CHANNELS
    return total


def _rates() -> Rows:
    """The rates that the floors are made of."""
    n_votes = prod(PATCH)
    for rate, value, unit in (
        ("copy in first-level cache", copy_rate(IN_L1 * numba.get_num_threads()) / 1e9, "GB/s"),
        ("copy of 4 MB", copy_rate(4 << 20) / 1e9, "GB/s"),
        ("copy of 256 MB", copy_rate(256 << 20) / 1e9, "GB/s"),
        ("random cache lines of 4 MB", line_rate(4 << 20) / 1e6, "M/s"),
        ("random cache lines of 256 MB", line_rate(256 << 20) / 1e6, "M/s"),
        ("distances of 8-bit patches", distance_rate(LENGTH, PATCH[1]) / 1e6, "M/s"),
        ("medians of 8-bit voxels", median_rate(n_votes, 1) / 1e6, "M/s"),
        ("medians of float channels", median_rate(n_votes, 4) / 1e6, "M/s"),
        ("products of a resize", blend_rate() / 1e9, "G/s"),
    ):
        row: Row = {"rate": rate, "value": value, "unit": unit}
        yield "rates", row


def time_sweeps(query: Any, key: Any, start: Any, repeats: int) -> list[float]:
    """Time each sweep of a search, without the unfolding before it; the best of some repeats."""
    runs = []
    for _ in range(repeats):
        seconds: list[float] = []

        def parallel_range(*arguments: Any, seconds: list[float] = seconds, **options: Any) -> None:
            seconds.extend(timed(lambda: cpu.parallel_range(*arguments, **options), 1))

        search = _with_globals(cpu.search, parallel_range=parallel_range)
        search(query, key, start.copy(), patch=PATCH, sweeps=SWEEPS)
        runs.append([even + odd for even, odd in zip(seconds[::2], seconds[1::2])])
    return [min(times) for times in zip(*runs)]


# ---------------------------------------------------------------------------------------------
# How many candidates a search compares, counted by a copy of the kernel that keeps a tally
# ---------------------------------------------------------------------------------------------


class Work(NamedTuple):
    """The number of candidates in a search, and of rows of patches compared for them."""

    candidates: int
    rows: int


@njit(inline="always")
def _tallied_rows_ssd(
    query: Any, query_start: int, query_row: int, key: Any, key_start: int, key_row: int,
    length: int, rows: int,
) -> Any:  # fmt: skip
    # The tally is kept after the end of the query, where values are read but not used. The first
    # call for a candidate compares two rows, the second one the others.
    tally = query[len(query) - OVERREAD :].view(np.int64)
    tally[0] += rows == 2
    tally[1] += rows
    return rows_ssd(query, query_start, query_row, key, key_start, key_row, length, rows)


def _with_globals(function: Any, **names: Any) -> Any:
    """Copy a function, with other values for some of its global names."""
    scope = {**function.__globals__, **names}
    copy = FunctionType(function.__code__, scope, function.__name__, function.__defaults__)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


_tallied_distance = njit(inline="always")(
    _with_globals(cpu._distance.py_func, rows_ssd=_tallied_rows_ssd)
)
_tallied_sweep = njit(error_model="numpy")(
    _with_globals(
        cpu._sweep.py_func,
        _improve=rules.improver(inlined, _tallied_distance, cpu._weight_at),
    )
)


def count_work(query: Any, key: Any, start: Any, sweeps: int) -> Work:
    """Count the work of `cpu.search` in some sweeps from a field, which is not changed."""
    pair = [cpu.prepare(video, patch=PATCH) for video in (query, key)]
    tally = pair[0].layout[-OVERREAD:]
    tally[:] = 0
    search = _with_globals(cpu.search, _sweep=_tallied_sweep)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)  # two threads would lose counts
    try:
        search(*pair, start.copy(), patch=PATCH, sweeps=sweeps)
    finally:
        numba.set_num_threads(threads)
    candidates, rows, *_ = tally.view(np.int64)
    return Work(int(candidates), int(rows))
