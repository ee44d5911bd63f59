"""Whether a GPU works: facts, every command, the bytes of the CPU, tests, NVIDIA's checker."""

import platform
import re
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from importlib import metadata
from typing import Any

import click
import numpy as np
from environment import describe
from gpu_bench import N_FRAMES, QUICK, Bench, left_out
from harness import HERE, Row, Rows
from speed_cases import _size

import patchvid
from patchvid.data.sample_clip import sample_clip


def facts(bench: Bench) -> Rows:
    """The machine, its driver and its packages."""
    rows = describe()
    for command in (("nvidia-smi",), ("nvcc", "--version"), ("ptxas", "--version")):
        if bench.device == "cuda" and shutil.which(command[0]):
            run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
            click.echo(run.stdout + run.stderr)
    for distribution in sorted(metadata.distributions(), key=lambda found: found.name):
        if re.search("cu(py|da)|numba|nvidia|llvm|numpy|scipy", distribution.name):
            click.echo(f"{distribution.name} {distribution.version}")
    if bench.device == "cuda":
        import cupy

        device = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)
        versions = cupy.cuda.runtime.driverGetVersion(), cupy.cuda.nvrtc.getVersion()
        rows |= {
            "machine": device["name"].decode(), "host": rows["machine"],
            "driver, nvrtc": f"{versions[0]}, {versions[1]}",
            "multiprocessors": str(device["multiProcessorCount"]),
        }  # fmt: skip
    rows["system"] = platform.platform()
    for fact, value in rows.items():
        yield "about", {"fact": fact, "value": value}


def commands(bench: Bench) -> Rows:
    """What every command calls, once, on small clips; nothing is read or written."""
    height, width = (24, 40) if bench.options.quick else (36, 64)
    clip, longer, other = (
        sample_clip()[first:last, y : y + height, x : x + width]
        for first, last, y, x in ((0, 4, 0, 0), (0, 12, 0, 0), (4, 8, 20, 60))
    )
    hole = np.zeros(clip.shape[1:3], bool)
    hole[10:20, 20:34] = True
    cue = np.where(hole[..., None], np.uint8([250, 20, 10]), clip)
    generate, loop, analogy, retarget, inpaint, evaluate = (
        partial(function, device=bench.device)
        for function in (
            patchvid.generate, patchvid.loop, patchvid.analogy, patchvid.retarget,
            patchvid.inpaint, patchvid.metrics.evaluate,
        )
    )  # fmt: skip
    calls = {
        "gen": partial(generate, clip, seed=1),
        "gen --loop --tile x --samples 2": partial(generate, clip, seed=1, loop=True, samples=2),
        "gen --noise 3, floats": partial(generate, clip / np.float32(255), seed=1, noise=3.0),
        "gen --reduce mean": partial(generate, clip, seed=1, reduce="mean", scale=(1, 1, 1.4)),
        "loop": partial(loop, longer, seed=1),
        "analogy --structure luma": partial(analogy, clip, other, seed=1, structure="luma"),
        "analogy --flow classical": partial(analogy, clip, other, seed=1, flow="classical"),
        "retarget --keep": partial(retarget, clip, seed=1, scale=(1, 1, 0.7), keep=hole),
        "retarget": partial(retarget, clip, seed=1, scale=(1.4, 1, 1)),
        "inpaint": partial(inpaint, clip, hole, seed=1),
        "inpaint --mask --loop": partial(inpaint, clip, hole, seed=1, loop=True),
        "inpaint --cue": partial(inpaint, clip, cue=cue, seed=1),
        "eval": partial(evaluate, clip, [other]),
    }
    for name, call in calls.items():
        yield _tried("commands", "command", name, call)


def _tried(table: str, kind: str, name: str, call: Callable[[], object]) -> tuple[str, Row]:
    """How long a call took, and its error if it failed, with the traceback in the log."""
    start, problem = time.perf_counter(), ""
    try:
        call()
    except Exception as error:  # whatever a card brings up, the next call is worth having
        traceback.print_exc()
        problem = f"{type(error).__name__}: {error}"
    return table, {kind: name, "s": time.perf_counter() - start, "error": problem}


def agreement(bench: Bench) -> Rows:
    """Whether the same seed gives the same bytes on the CPU: every dtype, and what is beside it."""
    for size in bench.options.some(((4, 36, 64), (N_FRAMES, 144, 256))):
        clip = patchvid.resize(sample_clip(), QUICK if bench.options.quick else size)
        for dtype, settings in (
            (np.uint8, {}), (np.uint8, {"samples": 2, "noise": 2.0}), (np.uint8, {"loop": True}),
            (np.float32, {}), (np.uint16, {"tile": "xy"}), (np.uint8, {"reduce": "mean"}),
        ):  # fmt: skip
            if bench.options.quick and settings:
                continue
            video = clip.astype(dtype)
            named = ", ".join(f"{name}={value}" for name, value in settings.items())
            case = f"generate, {np.dtype(dtype).name}, {_size(video)} {named}".strip()
            row: Row = {"same bytes": None}

            def compare(video: Any = video, settings: Any = settings, row: Row = row) -> None:
                one, other = (
                    patchvid.generate(video, seed=0, device=device, **settings)
                    for device in ("cpu", bench.device)
                )
                row["same bytes"] = one.tobytes() == other.tobytes()
                row["equal values, %"] = 100 * float((one == other).mean())

            table, tried = _tried("agreement", "case", case, compare)
            yield table, {**tried, **row}


def tests(bench: Bench) -> Rows:
    """The tests that need a GPU."""
    if bench.device == "cpu":
        yield left_out("tests", "they need a GPU")
        return
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-m", "gpu", "--durations=5"]
    run = subprocess.run(
        [*command, "tests/test_cuda.py"], cwd=HERE.parent, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    click.echo(run.stdout)
    closing = (run.stdout.strip().splitlines() or ["no output"])[-1]
    yield "tests", {"command": "pytest -m gpu", "exit status": run.returncode, "result": closing}


def memory(bench: Bench) -> Rows:
    """The checker of NVIDIA, on one small sample."""
    if bench.device == "cpu" or not shutil.which("compute-sanitizer"):
        yield left_out("memory", "there is no compute-sanitizer")
        return
    code = (
        "import cupy, patchvid\n"
        "patchvid.generate(cupy.asarray(patchvid.sample_clip()[:4, :24, :40]), seed=1, noise=2.0)"
    )
    run = subprocess.run(
        ["compute-sanitizer", "--tool", "memcheck", sys.executable, "-c", code],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    click.echo(run.stdout)
    closing = (run.stdout.strip().splitlines() or ["no output"])[-1]
    yield "memory", {"tool": "memcheck", "exit status": run.returncode, "result": closing}
