"""Measure a GPU: ``python benchmarks/gpu.py [--quick] [--device cpu] [--published CHECKOUT]``.

Writes ``results/<gpu>-<date>.json`` and a Markdown file of the same name, both again after every
case, so that nothing is lost. See README.md.
"""

import re
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import click
import imageio.v3 as iio
from environment import describe, load, name_results
from gpu_cases import breakdown, kernels_at, launches, rates
from harness import HERE, MissingDataError, Options, Row, Rows, arguments, timed
from numpy.typing import NDArray
from result_files import write
from speed_cases import _row, _size

import patchvid
from patchvid._device import backend
from patchvid.data.sample_clip import sample_clip

N_FRAMES = 13
LIMITS = {  # by height of the frames, for one sample: seconds and GB, at most and aim
    144: ((0.2, 0.05), ()),
    360: ((), ()),
    720: ((1.5, 0.6), ()),
    1080: ((3, 1), (4, 2)),
    2160: ((), ()),
}
SAMPLES, QUICK_SAMPLES = (1, 8), (1, 2)
QUICK = (4, 18, 32)  # frames, rows, columns
TO_PUBLISHED = (1 / 50, 1 / 300)


class Bench(NamedTuple):
    """The settings from the command line, and the time by which the run must end."""

    options: Options
    device: str
    published: Path | None
    end: float

    @property
    def kernels(self) -> ModuleType:
        """The back end that is measured."""
        return backend(self.device)

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.end - time.perf_counter()

    def some(self, heights: Iterable[int]) -> list[int]:
        """Return all heights, or in a quick run the first."""
        return list(heights)[: 1 if self.options.quick else None]

    def clip(self, height: int) -> tuple[str, Any]:
        """Return a name and 13 frames of 16:9 on the device.

        Without shared data, these are frames of the sample clip. In a quick run they are few and
        small.
        """
        large = height > 144
        name = f"clips/{'large/balloons_1080p' if large else 'generation/air_ballons_cut'}.mp4"
        try:
            video, _ = patchvid.read_video(self.options.data(name))
        except MissingDataError:
            name, video = "sample clip", sample_clip()
        size = QUICK if self.options.quick else (N_FRAMES, height, height * 16 // 9)
        return Path(name).stem, patchvid.resize(self.kernels.to_device(video[: size[0]]), size)


def tests(bench: Bench) -> Rows:
    """The tests that need a GPU."""
    if bench.device == "cpu":
        yield _left_out("tests", "they need a GPU")
        return
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "tests"]
    run = subprocess.run(
        command, cwd=HERE.parent, capture_output=True, text=True, check=False, timeout=bench.left
    )
    if run.returncode:
        click.echo(run.stdout + run.stderr, err=True)
    closing = (run.stdout.strip().splitlines() or [run.stderr.strip()])[-1]
    yield "tests", {"command": "pytest -m gpu", "exit status": run.returncode, "result": closing}


def agreement(bench: Bench) -> Rows:
    """Check whether the same seed gives the same bytes on the CPU and the device."""
    for name, clip in (bench.clip(144), ("sample clip", sample_clip())):
        video = bench.kernels.to_host(clip)
        if bench.options.quick:
            video = video[:4, :18, :32]
        one, other = (
            patchvid.generate(video, seed=0, device=device) for device in ("cpu", bench.device)
        )
        row: Row = {
            "case": f"generate, {name}, {_size(video)}, cpu and {bench.device}",
            "same bytes": one.tobytes() == other.tobytes(),
            "equal values, %": 100 * float((one == other).mean()),
        }
        yield "agreement", row


def kernels(bench: Bench) -> Rows:
    """Time every kernel in both forms."""
    if bench.device == "cpu":
        yield _left_out("kernels", "they need a GPU; measure.py has those of the CPU")
        return
    yield from rates()
    for height in bench.some((144, 720)):
        _, clip = bench.clip(height)
        yield from kernels_at(clip, _size(clip))


def published(bench: Bench) -> Rows:
    """Time the published code in PyTorch on the same clip; its own clock leaves out its start."""
    if bench.published is None:
        yield _left_out("published", "no --published CHECKOUT was given")
        return
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
    """Measure time and memory per sample, without the first call."""
    a_voxel = 0.0
    for height in bench.some(LIMITS):
        name, clip = bench.clip(height)
        for samples in QUICK_SAMPLES if bench.options.quick else SAMPLES:
            case = f"generate, {name}, {_size(clip)}, {samples} sample{'s'[: samples > 1]}"
            n_voxels = clip.size / clip.shape[3] * samples
            if 2 * a_voxel * n_voxels > bench.left:
                yield _left_out(case, f"{bench.left:.0f} s are left for it")
                continue
            seconds = yield from _times(bench, clip, case, samples, *LIMITS[height])
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
    """Make samples and copy them to the host, which waits until they are done."""
    made = patchvid.generate(clip, seed=1, samples=samples, device=bench.device)
    return bench.kernels.to_host(made)


@contextmanager
def pool() -> Iterator[SimpleNamespace]:
    """Watch CuPy's pool: the memory that it holds at the end, and the most that was in use."""
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


def _left_out(case: str, why: str) -> tuple[str, Row]:
    return "left out", {"case": case, "why": why}


CASES: tuple[Callable[[Bench], Rows], ...] = (tests, agreement, kernels, published, times)


@click.command()
@click.option("--device", type=click.Choice(["cuda", "cpu"]), default="cuda", help="cpu: a trial.")
@click.option(
    "--published",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Checkout of the paper's code; its requirements have to be installed.",
)
@click.option("--minutes", default=9.0, show_default=True, help="When to leave out what remains.")
@arguments
def main(
    options: Options, results: Path, device: str, published: Path | None, minutes: float
) -> None:
    """Run all cases, one after another."""
    bench = Bench(options, device, published, time.perf_counter() + 60 * minutes)
    about = _describe(bench)
    ending = ("" if device == "cuda" else "-no-gpu") + ("-quick" if options.quick else "")
    target = name_results(results, about, ending).with_suffix(".json")
    tables: dict[str, list[Row]] = {}

    def add(table: str, row: Row) -> None:
        tables.setdefault(table, []).append(row)
        click.echo(f"{table}: {row}", err=True)

    for case in CASES:
        try:
            for table, row in case(bench):
                add(table, row)
        except Exception as error:  # whatever fails on a card, the other cases still run
            traceback.print_exc()
            add(*_left_out(case.__name__, f"{type(error).__name__}: {error}"))
        about["load average, end"] = load()
        write(target, {"about": about, "tables": tables})
    click.echo(target)


def _describe(bench: Bench) -> dict[str, str]:
    about = describe()
    if bench.device == "cpu":
        return about
    import cupy

    name = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode()
    return {**about, "machine": name, "host": about["machine"]}


if __name__ == "__main__":
    main()
