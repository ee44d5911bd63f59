"""Batches on Dask clusters: in this process, and started from the command line."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import commands
import numpy as np
import pytest
from batch_jobs import Complain, Nothing, Tell

from patchvid import Job, batch

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals"),
]
ROOT = Path(__file__).parents[1]

# The address of a scheduler, and its workers.
Cluster = tuple[str, list["subprocess.Popen[bytes]"]]


@pytest.fixture
def clip(here: Path) -> Path:
    """Write a clip with moving stripes."""
    t, y, x = np.ogrid[:3, :20, :30]
    stripes = 128 + 90 * np.sin(x / 3 + t) * np.cos(y / 4)
    np.save("a.npy", np.repeat(stripes.astype(np.uint8)[..., None], 3, axis=3))
    return Path("a.npy")


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Start a scheduler and two workers, as the user of a cluster does, in another folder."""
    pytest.importorskip("distributed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])
    started: list[subprocess.Popen[bytes]] = []

    def start(*words: str) -> None:
        log = open(elsewhere / "log.txt", "ab")  # noqa: SIM115
        process = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]],
            cwd=elsewhere, stdout=log, stderr=log,
            env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
        started.append(process)

    start("dask_scheduler", "--host", address, "--no-dashboard")
    for _ in range(2):
        start("dask_worker", address, "--nthreads", "1", "--no-dashboard", "--no-nanny")
    yield address, started[1:]
    for process in started:
        process.kill()
        process.wait()


def test_jobs_run_on_the_processes_of_a_cluster(clip: Path, scheduler: Cluster) -> None:
    import distributed

    address, _ = scheduler
    with distributed.Client(address) as client:
        client.wait_for_workers(2)
        video = Job("gen", clip, "new.npy", {"seed": 1, "iterations": 1}).absolute()
        jobs: list[Any] = [video, Complain(fails=True), Tell("a"), Tell("b")]
        results = {result.job: result for result in batch(jobs, client.get_executor(), threads=1)}
        assert results[video].value.seed == 1
        assert str(results[jobs[1]].error) == "this is wrong"
        processes = {results[job].value[0] for job in jobs[2:]}
        assert os.getpid() not in processes
        assert results[jobs[2]].value[1] == 1
        (again,) = batch([video], client.get_executor())
        assert (again.error, again.value) == (None, None)
        # Ten thousand clips are ten thousand tasks: what they cost must be small.
        start = time.perf_counter()
        assert len([*batch([Nothing(n) for n in range(100)], client.get_executor())]) == 100
        assert time.perf_counter() - start < 20
    commands.succeed("gen", clip, "-o", "alone.npy", "--seed", "1", "--iterations", "1")
    assert Path("new.npy").read_bytes() == Path("alone.npy").read_bytes()


def test_a_batch_ends_complete_though_a_worker_is_killed(clip: Path, scheduler: Cluster) -> None:
    address, workers = scheduler
    fast = ["--iterations", "1"]
    words = ["batch", str(clip), "missing.npy", "-n", "6", "-o", "new", *fast]
    process = subprocess.Popen(
        [sys.executable, "-m", "patchvid", *words, "--scheduler", address],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    first = [process.stdout.readline() for _ in range(2)]
    assert all(first)
    workers[0].send_signal(signal.SIGKILL)
    out, err = process.communicate()
    assert process.returncode == 1
    assert out.splitlines()[-1].endswith(" there already, 6 failed")
    assert "Error: 6 of 12 jobs failed:" in err
    assert len([*Path("new").glob("a_gen_*.npy")]) == 6
    assert len([*Path("new").glob("*.json")]) == 6
    commands.succeed("gen", clip, "-o", "alone.npy", "--seed", "5", *fast)
    assert Path("new/a_gen_6.npy").read_bytes() == Path("alone.npy").read_bytes()


def test_a_scheduler_that_is_not_there_is_told_in_a_line(clip: Path) -> None:
    result = commands.run("batch", clip, "-o", "new", "--scheduler", "nonsense://here")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: cannot reach the scheduler 'nonsense://here': ")
    assert len(result.stderr.splitlines()) == 1
