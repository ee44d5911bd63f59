"""How fast a GPU is: samples of every size, the published code beside them, and every kernel."""

import re
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

from gpu_bench import Bench, left_out
from gpu_cases import breakdown, kernels_at, launches, rates
from harness import Row, Rows, timed
from numpy.typing import NDArray
from speed_cases import _row, _size

import patchvid

LIMITS = {  # by height of the frames, for one sample: seconds and GB, at most and aim
    144: ((0.1, 0.03), ()),
    360: ((), ()),
    720: ((), ()),
    1080: ((0.5, 0.2), (4, 2)),
    2160: ((), ()),
}
SAMPLES, QUICK_SAMPLES = (1, 8), (1, 2)
SMALL_BATCH = (0.02, 0.01)  # seconds for each of eight small samples: at most and aim
TO_PUBLISHED = (1 / 100, 1 / 500)


def kernels(bench: Bench) -> Rows:
    """Every kernel, in its forms."""
    if bench.device == "cpu":
        yield left_out("kernels", "they need a GPU; measure.py has those of the CPU")
        return
    yield from rates()
    for height in bench.options.some((144, 720)):
        _, clip = bench.clip(height)
        yield from kernels_at(clip, _size(clip))


def published(bench: Bench) -> Rows:
    """The published code in PyTorch on the same clip, by its own clock, which starts late."""
    if bench.published is None:
        yield left_out("published", "no --published CHECKOUT was given")
        return
    import imageio.v3 as iio

    name, clip = bench.clip(144)
    case = f"{name}, {_size(clip)}"
    with TemporaryDirectory() as folder:
        for number, frame in enumerate(bench.kernels.to_host(clip), 1):
            iio.imwrite(Path(folder, f"{number}.png"), frame)
        settings = {
            "frames_dir": folder, "start_frame": 1, "end_frame": len(clip), "sthw": "(1,1,1)",
            "max_size": clip.shape[1], "results_dir": folder, "save_intermediate": "false",
        }  # fmt: skip
        options = [f"--{name}={value}" for name, value in settings.items()]
        run = subprocess.run(
            [sys.executable, "run_generation.py", *options], cwd=bench.published.resolve(),
            stdout=subprocess.PIPE, text=True, check=True, timeout=bench.left / 2,
        )  # fmt: skip
    hours, minutes, seconds = re.findall(r"TOTAL TIME: (\d+):(\d+):([\d.]+)", run.stdout)[-1]
    theirs = timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds))
    ours = median(timed(partial(_make, bench, clip), 4)[1:])
    row = partial(_row, bench.options)
    yield row(f"published code, {case}", theirs.total_seconds(), "s")
    yield row(f"ours / published, {case}", ours / theirs.total_seconds(), "", *TO_PUBLISHED)


def times(bench: Bench) -> Rows:
    """Time and memory a sample, from the second call on: clip on the device, result on the host."""
    a_voxel = 0.0
    for height in bench.options.some(LIMITS):
        name, clip = bench.clip(height)
        for samples in QUICK_SAMPLES if bench.options.quick else SAMPLES:
            case = f"generate, {name}, {_size(clip)}, {samples} sample{'s'[: samples > 1]}"
            n_voxels = clip.size / clip.shape[3] * samples
            if 2 * a_voxel * n_voxels > bench.left:
                yield left_out(case, f"{bench.left:.0f} s are left for it")
                continue
            limits, memory_limits = LIMITS[height]
            if samples > 1:
                limits = SMALL_BATCH if height == 144 else ()
            seconds = yield from _times(bench, clip, case, samples, limits, memory_limits)
            a_voxel = seconds * samples / n_voxels


def _times(
    bench: Bench, clip: Any, case: str, samples: int,
    limits: tuple[float, ...], memory_limits: tuple[float, ...],
) -> Generator[tuple[str, Row], None, float]:  # fmt: skip
    row = partial(_row, bench.options)
    make = partial(_make, bench, clip, samples)
    if bench.device == "cpu":
        seconds = timed(make, 2)[-1] / samples
        yield row(case, seconds, "s a sample")
        return seconds
    with pool() as memory, launches() as count:
        (first,) = timed(make, 1)
    repeats = 3 if 5 * first < bench.left / 4 else 1
    seconds = median(timed(make, repeats)) / samples
    yield row(case, seconds, "s a sample", *limits)
    memory_limits = memory_limits if samples == 1 else ()
    yield row(f"{case}, memory taken from the device", memory.taken / 1e9, "GB", *memory_limits)
    yield row(f"{case}, memory in use, at most", memory.used / 1e9, "GB")
    yield row(f"{case}, kernels launched", count[0] / samples, "a sample")
    if samples == 1:
        yield from breakdown(make, _size(clip), seconds)
    return seconds


def _make(bench: Bench, clip: Any, samples: int = 1) -> NDArray[Any]:
    """Samples on the host, which is when they are done."""
    made = patchvid.generate(clip, seed=1, samples=samples, device=bench.device)
    return bench.kernels.to_host(made)


@contextmanager
def pool() -> Iterator[SimpleNamespace]:
    """What CuPy's pool has of the device's memory at the end, and what was in use, at most."""
    import cupy

    pool = cupy.get_default_memory_pool()
    pool.free_all_blocks()
    memory = SimpleNamespace(now=pool.used_bytes(), used=0, taken=0)

    class Watch(cupy.cuda.MemoryHook):
        name = "patchvid"

        def malloc_postprocess(self, **call: Any) -> None:
            memory.now += call["mem_size"]
            memory.used = max(memory.used, memory.now)

        def free_postprocess(self, **call: Any) -> None:
            memory.now -= call["mem_size"]

    with Watch():
        yield memory
    memory.taken = pool.total_bytes()
