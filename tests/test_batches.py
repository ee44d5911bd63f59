"""Jobs on the processes of this machine: results, failures, deaths, interrupts, threads."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numba
import pytest
from batch_jobs import Complain, Die, Tell

from patchvid import InvalidInput, WorkerError, batch
from patchvid.batches.workers import usable_cores

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


def test_results_come_with_their_jobs_and_warnings_and_failures_stop_nothing() -> None:
    jobs: list[Any] = [Complain(fails=True), Complain(), Tell()]
    told: list[tuple[float, str]] = []
    with ThreadPoolExecutor(1) as executor:
        results = [*batch(jobs, executor, progress=lambda *step: told.append(step))]
        ((_, n_threads),) = (result.value for result in batch([Tell()], executor, threads=2))
        assert n_threads == min(2, numba.config.NUMBA_NUM_THREADS)
        assert executor.submit(int).result() == 0  # it is the caller's, and goes on
    assert [result.job for result in results] == jobs
    failed, done, one_thread = results
    assert isinstance(failed.error, InvalidInput)
    assert (failed.value, str(failed.error)) == (None, "this is wrong")
    assert (done.error, done.value, done.warnings) == (None, "done", ("this is",))
    assert done.seconds > 0
    assert one_thread.value == (os.getpid(), 1)
    assert told[0] == (1 / 3, "1 of 3 jobs, 1 failed")
    assert told[-1] == (1, "3 of 3 jobs, 1 failed")


def test_no_jobs_have_no_results() -> None:
    assert [*batch([])] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([[1]], r"a job needs a method run\(\), got 1"),
        ([[Tell()], "dask"], "executor must be a concurrent.futures.Executor, got 'dask'"),
    ],
)
def test_wrong_arguments_are_named_at_once(arguments: list[Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        batch(*arguments)


def test_wrong_numbers_of_workers_are_named_at_once() -> None:
    with pytest.raises(InvalidInput, match="workers"):
        batch([Tell()], workers=0)
    with pytest.raises(InvalidInput, match="threads"):
        batch([Tell()], threads=0)
    with ThreadPoolExecutor(1) as executor, pytest.raises(InvalidInput, match="leave workers out"):
        batch([Tell()], executor, workers=2)


def test_an_executor_that_breaks_fails_its_jobs_and_hangs_nobody(tmp_path: Path) -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as executor:
        results = [*batch([Die(tmp_path, 1), Tell()], executor)]
    assert all(isinstance(result.error, WorkerError) for result in results)


@pytest.mark.slow
@POSIX
def test_a_dead_worker_is_replaced_and_its_job_tried_once_more(tmp_path: Path) -> None:
    once, always = tmp_path / "once", tmp_path / "always"
    once.mkdir()
    always.mkdir()
    others = [Tell(str(number)) for number in range(2)]
    results = {r.job: r for r in batch([Die(once, 1), Die(always, 9), *others], workers=2)}
    assert len(results) == 4
    assert results[Die(once, 1)].value == 1
    assert len([*always.iterdir()]) == 2  # two tries
    error = results[Die(always, 9)].error
    assert isinstance(error, WorkerError)
    assert "its worker died, and so did the next one" in str(error)
    assert not [results[job].error for job in others if results[job].error]


@pytest.mark.slow
def test_workers_share_the_cores() -> None:
    for workers in (1, 2):
        jobs = [Tell(str(number)) for number in range(4)]
        values = [result.value for result in batch(jobs, workers=workers)]
        assert len({process for process, _ in values}) <= workers
        assert {threads for _, threads in values} == {max(1, usable_cores() // workers)}


@pytest.mark.slow
def test_a_script_without_a_main_block_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import patchvid\n"
        "jobs = [patchvid.Job('gen', 'a.mp4', f'{n}.mp4') for n in range(50)]\n"
        "print({str(result.error) for result in patchvid.batch(jobs, workers=1)})\n"
    )
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1].endswith(
        "must call patchvid.batch below if __name__ == '__main__':"
    )
    assert run.stdout == ""


INTERRUPTED = """
import signal, sys
from pathlib import Path
import patchvid
from batch_jobs import Write

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = Path(sys.argv[1])
    jobs = [Write(folder / f"{n}.bin", folder / f"{n}.note") for n in range(3)]
    print([*patchvid.batch(jobs, workers=2)])
"""


@pytest.mark.slow
@POSIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_their_parent_and_leave_nothing(tmp_path: Path, number: int) -> None:
    script, folder = tmp_path / "script.py", tmp_path / "out"
    script.write_text(INTERRUPTED)
    folder.mkdir()
    path = os.pathsep.join([str(Path(__file__).parent / "support"), str(Path(__file__).parents[1])])
    parent = subprocess.Popen(
        [sys.executable, script, folder], env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    notes = [folder / f"{n}.note" for n in range(3)]
    wait_until(lambda: sum(note.exists() for note in notes) == 2)
    workers = [int(note.read_text()) for note in notes if note.exists()]
    if number == signal.SIGINT:
        os.killpg(parent.pid, number)  # as a terminal does
    else:
        parent.send_signal(number)
    _, told = parent.communicate(timeout=60)
    wait_until(lambda: not any(map(is_alive, workers)))
    assert not [*folder.glob("*.bin"), *folder.glob(".*")]
    assert sum(note.exists() for note in notes) == 2  # the third has not begun
    assert told.count("Traceback") == (number == signal.SIGINT)


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    try:  # a process whose parent has not yet asked for its end is dead all the same
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return Path("/proc/self").exists() is False
