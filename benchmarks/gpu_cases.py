"""Every kernel of the CUDA back end, in both of its forms, against the floor that the card sets.

The rate of memory is that of a copy of as many bytes as the kernel uses. The rate of arithmetic is
that of the kernel's own innermost operations, on words in registers. Times are taken on the device,
from one event to another. The device waits first, so that the host can launch everything ahead.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from importlib import import_module
from math import prod
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch as replaced

import numpy as np
from harness import Row, Rows
from kernel_cases import PATCH, SWEEPS, count_work

from patchvid import plan_levels, resize
from patchvid.core.fields import Grid, carry_field, random_field

FORMS = ("raw_cuda", "numba_cuda")
REPEATS = 5
WORD = 4  # bytes, of four channels
BITS = 8  # passes over the votes of a median
VOTES = prod(PATCH)
COPIED = 4 << 20, 1 << 30  # bytes: they fit in the second-level cache, and they do not
WAIT = 4_000_000  # cycles that launches may take the host, some milliseconds

CEILINGS = r"""
extern "C" __global__ void wait(long long cycles)
{
    const long long stop = clock64() + cycles;
    while (clock64() < stop);
}

#define CHAINS 8

#define MEASURE(OPERATION)                                      \
{                                                               \
    unsigned int s[CHAINS], total = 0;                          \
    for (int k = 0; k < CHAINS; ++k)                            \
        s[k] = threadIdx.x + k;                                 \
    _Pragma("unroll 8")                                         \
    for (int i = 0; i < rounds; ++i)                            \
        for (int k = 0; k < CHAINS; ++k)                        \
            s[k] = OPERATION;                                   \
    for (int k = 0; k < CHAINS; ++k)                            \
        total += s[k];                                          \
    out[blockIdx.x * blockDim.x + threadIdx.x] = total;         \
}

__device__ __forceinline__ unsigned int compared(unsigned int s, unsigned int b)
{
    const unsigned int difference = __vabsdiffu4(s, b);
    return __dp4a(difference, difference, s);
}

extern "C" __global__ void dp4a(unsigned int *out, unsigned int b, int rounds)
MEASURE(__dp4a(s[k], b, s[k]))

extern "C" __global__ void compare(unsigned int *out, unsigned int b, int rounds)
MEASURE(compared(s[k], b))

extern "C" __global__ void count(unsigned int *out, unsigned int b, int rounds)
MEASURE(s[k] + __vsetltu4(s[k], b))
"""
CHAINS, THREADS, BLOCKS, ROUNDS = 8, 256, 1 << 12, 1 << 10


@cache
def _ceilings() -> Any:
    import cupy

    return cupy.RawModule(code=CEILINGS, options=("-std=c++17",))


def _wait() -> None:
    """Make the device wait while the host launches more."""
    _ceilings().get_function("wait")((1,), (1,), (np.int64(WAIT),))


Span = tuple[str, Any, Any]  # the name of a launch, and the events before and after it


def _span(name: str, call: Callable[[], object]) -> Span:
    import cupy

    stream = cupy.cuda.get_current_stream()
    start, stop = cupy.cuda.Event(), cupy.cuda.Event()
    stream.record(start)
    call()
    stream.record(stop)
    return name, start, stop


def _seconds(span: Span) -> float:
    import cupy

    _, start, stop = span
    stop.synchronize()
    return float(cupy.cuda.get_elapsed_time(start, stop)) / 1e3


def _least(call: Callable[[], object]) -> float:
    """Return the seconds that the launches of a call take on the device."""
    call()
    seconds = []
    for _ in range(REPEATS):
        _wait()
        seconds.append(_seconds(_span("", call)))
    return min(seconds)


@cache
def copy_rate(n_bytes: int) -> float:
    """Return the bytes per second that a copy reads and writes, where both make up `n_bytes`."""
    import cupy

    source, target = cupy.zeros((2, max(n_bytes // 16, 1)), np.int64)
    return float(2 * source.nbytes / _least(lambda: cupy.copyto(target, source)))


@cache
def operation_rate(name: str) -> float:
    """Return the operations per second on words: "dp4a", "compare" two words, or "count" votes."""
    import cupy

    kernel, out = _ceilings().get_function(name), cupy.empty(BLOCKS * THREADS, np.uint32)
    arguments = out, np.uint32(0x01020304), np.int32(ROUNDS)
    return out.size * CHAINS * ROUNDS / _least(lambda: kernel((BLOCKS,), (THREADS,), arguments))


@contextmanager
def clocked(form: str, ahead: bool) -> Iterator[list[Span]]:
    """Collect the spans of all kernels that are launched within, in one form.

    With `ahead`, each is launched while the device waits, so that the host's time is not measured.
    """
    from patchvid.kernels import LAUNCHES, cuda

    spans: list[Span] = []

    def clock(function: Any) -> Any:
        def call(*arguments: Any) -> Any:
            if ahead:
                _wait()
            results: list[Any] = []
            spans.append(_span(function.__name__, lambda: results.append(function(*arguments))))
            return results[0]

        return call

    module = import_module(f"patchvid.kernels.{form}")
    launches = SimpleNamespace(**{name: clock(getattr(module, name)) for name in LAUNCHES})
    with replaced.object(cuda, "launches", launches):
        yield spans


@contextmanager
def launches() -> Iterator[list[int]]:
    """Count the launches of the project's own kernels within, in a list of one number."""
    from patchvid.kernels import cuda

    count = [0]

    def counting(launch: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> None:
            count[0] += 1
            launch(*arguments, **options)

        return call

    with replaced.object(cuda.launches, "_launch", counting(cuda.launches._launch)):
        yield count


def breakdown(make: Callable[[], object], size: str, seconds: float) -> Rows:
    """Divide the time of a sample among the kernels; it takes `seconds` when none is clocked."""
    with clocked("raw_cuda", ahead=False) as spans:
        make()
    for name in dict.fromkeys(name for name, *_ in spans):
        each = [_seconds(span) for span in spans if span[0] == name]
        row: Row = {
            "size": size,
            "kernel": name,
            "launches": len(each),
            "ms": 1e3 * sum(each),
            "share of the time": sum(each) / seconds,
        }
        yield "sample", row


def rates() -> Rows:
    """The rates that the floors are made of."""
    for rate, value, unit in (
        *((f"copy of {n >> 20} MB", copy_rate(n) / 1e9, "GB/s") for n in COPIED),
        ("dp4a", operation_rate("dp4a") / 1e9, "G/s"),
        ("words compared, by vabsdiff4 and dp4a", operation_rate("compare") / 1e9, "G/s"),
        ("words of votes counted, by vsetltu4 and add", operation_rate("count") / 1e9, "G/s"),
    ):
        yield "rates", {"rate": rate, "value": value, "unit": unit}


def kernels_at(key: Any, size: str) -> Rows:
    """Time all kernels on a clip of 8-bit colours on the device, and its mirror image."""
    from patchvid.kernels import cuda

    query = cuda.xp.ascontiguousarray(key[::-1, :, ::-1])
    shape = key.shape[:3]
    grid = cuda.patch_grid(shape, PATCH)
    start = random_field(cuda, grid, shape, grid, None, 0)
    field = start.copy()

    def search() -> None:
        field[...] = start
        cuda.search(query, key, field, patch=PATCH, sweeps=SWEEPS)

    on_host = partial(count_work, *map(cuda.to_host, (query, key, start)))
    rows = [on_host(sweeps).rows for sweeps in (1, SWEEPS)]  # on the GPU they are the same
    first, later = (n * PATCH[0] * PATCH[2] for n in (rows[0], (rows[1] - rows[0]) / (SWEEPS - 1)))
    words = WORD * prod(shape) * 2
    votes = start.size * VOTES
    coarse = plan_levels(shape)[-2].shape
    coarse_grid = cuda.patch_grid(coarse, PATCH)
    carried = random_field(cuda, coarse_grid, coarse, coarse_grid, None, 0)

    def measured(form: str, name: str, call: Callable[[], object]) -> list[float]:
        """Return the seconds of each launch by a function of that name, the best of some calls."""
        runs = []
        for _ in range(1 + REPEATS):  # the first one compiles
            with clocked(form, ahead=True) as spans:
                call()
            runs.append([_seconds(span) for span in spans if span[0] == name])
        return [min(each) for each in zip(*runs[1:])]

    distance = partial(cuda.patch_distance, query, key, field, patch=PATCH)
    vote = partial(cuda.vote, key, field, patch=PATCH)
    coarse_pair, pair = (
        (Grid(cuda.patch_grid(n, PATCH), (0, 0, 0), n), n) for n in (coarse, shape)
    )
    carry = partial(carry_field, cuda, carried, coarse_pair, pair, PATCH)
    for form in FORMS:
        row = partial(_row, size, form)
        sweeps = measured(form, "sweep", search)
        moved = words + 3 * field.nbytes  # field in and out, cost out
        yield row("search, sweep first", sweeps[0], moved, first)
        each = sum(sweeps[1:]) / (SWEEPS - 1)
        yield row(f"search, sweep 2 to {SWEEPS}", each, moved, later)
        seconds = measured(form, "distance", distance)
        yield row("patch distance", sum(seconds), words + 2 * field.nbytes, votes)
        seconds = measured(form, "pack", distance)
        yield row("words of query and key", sum(seconds), words + 2 * key.nbytes)
        seconds = measured(form, "median", vote)
        n_bytes = field.nbytes + 2 * key.nbytes
        yield row("vote, median", sum(seconds), n_bytes, BITS * votes, "count")
        seconds = measured(form, "blend", lambda: resize(key, coarse))
        n_bytes = key.nbytes + prod(coarse) * key.shape[3]
        yield row("blend, three axes to the next level", sum(seconds), n_bytes)
        seconds = measured(form, "mean", partial(vote, reduce="mean"))
        yield row("vote, mean", sum(seconds), field.nbytes + 2 * key.nbytes)
        seconds = measured(form, "carry", carry)
        yield row("carry", sum(seconds), carried.nbytes + field.nbytes)


def _row(
    size: str, form: str, kernel: str, seconds: float, n_bytes: int,
    operations: float = 0, operation: str = "compare",
) -> tuple[str, Row]:  # fmt: skip
    memory = n_bytes / copy_rate(n_bytes)
    arithmetic = operations / operation_rate(operation)
    return "kernels", {
        "kernel": kernel,
        "form": form,
        "size": size,
        "ms": 1e3 * seconds,
        "arithmetic ms": 1e3 * arithmetic,
        "memory ms": 1e3 * memory,
        "time / floor": seconds / max(arithmetic, memory),
        "GB/s": n_bytes / seconds / 1e9,
        "G operations/s": operations / seconds / 1e9 if operations else None,
    }
