"""``patchvid batch``: clips and lists of jobs, what is told, what is made again."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import commands
import numpy as np
import pytest

TINY = ("--max-size", "24")


@pytest.fixture
def clips(here: Path) -> list[str]:
    """Write two clips with moving stripes."""
    t, y, x = np.ogrid[:3, :20, :30]
    for name, pace in (("a.npy", 1), ("b.npy", 2)):
        stripes = 128 + 90 * np.sin(x / 3 + pace * t) * np.cos(y / 4)
        np.save(name, np.repeat(stripes.astype(np.uint8)[..., None], 3, axis=3))
    return ["a.npy", "b.npy"]


def start(*words: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "patchvid", "batch", *words]
    pipe = subprocess.PIPE
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)  # also where it is ignored
    try:
        return subprocess.Popen(
            command, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )
    finally:
        signal.signal(signal.SIGINT, heard)


def finish(*words: str) -> tuple[int, list[str], list[str]]:
    process = start(*words)
    out, err = process.communicate()
    return process.returncode, out.splitlines(), err.splitlines()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Missing option '-o' / '--output'"),
        (["-o", "new"], "Give CLIPS, or --jobs with a file that lists them."),
        (["-o", "new", "a.npy", "--scael", "2"], "No such option '?--scael"),
        (["-o", "new", "a.npy", "--noise", "-1"], "neither 'auto' nor a number of at least 0"),
        (["-o", "new", "a.npy", "--command", "crop"], "'crop' is not one of 'gen'"),
        (["-o", "new", "a.npy", "--command", "retarget"], "Give the new size with --scale"),
        (["-o", "new", "a.npy", "--command", "gen", "--keep", "x.png"], "No such option '?--keep"),
        (["-o", "new", "a.npy", "--command=analogy"], "takes a 'style'"),
        (["-o", "new", "a.npy", "--style", "b.npy"], "takes a 'style'"),
        (["-o", "new", "a.npy", "--report", "x.html"], "No such option '?--report"),
        (["-o", "new", "a.npy", "x/a.npy"], "'new/a_gen.npy' would be written twice"),
        (["-o", "new", "a.npy", "--workers", "2", "--scheduler", "x"], "leave --workers out"),
        (["-o", "a.npy", "b.npy"], "is a file"),
        (["-o", "new", "--jobs", "no.csv"], "'no.csv' does not exist"),
    ],
)
def test_wrong_use_is_told_before_anything_starts(
    clips: list[str], words: Sequence[str], message: str
) -> None:
    line = commands.fail("batch", *words, exit_code=2)
    assert re.search(message, line), line


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("jobs.txt", "clip\na.npy\n", "neither .csv nor .yaml"),
        ("jobs.csv", "", "lists no jobs"),
        (
            "jobs.csv",
            "clip,seed\na.npy,1\nb.npy\n",
            "jobs.csv, line 3: it must have as many values",
        ),
        ("jobs.csv", "clip,seed\na.npy,1\nb.npy,x\n", "jobs.csv, line 3: .*'x' is not a valid"),
        ("jobs.csv", "clip,scael\na.npy,2\n", "jobs.csv, line 2: No such option '?--scael"),
        ("jobs.csv", "name\na.npy\n", "jobs.csv, line 2: clip is missing"),
        ("jobs.csv", "clip,command\na.npy,crop\n", "jobs.csv, line 2: command must be one of"),
        ("jobs.yaml", "clip: a.npy\n", "must be a list of mappings"),
        ("jobs.yaml", "- {clip: a.npy", "cannot read 'jobs.yaml' as YAML"),
        ("jobs.yaml", "- {clip: a.npy}\n- {clip: b.npy, loop: 3}\n", "jobs.yaml, job 2: "),
    ],
)
def test_wrong_lists_are_told_with_the_line(
    clips: list[str], name: str, text: str, message: str
) -> None:
    Path(name).write_text(text)
    line = commands.fail("batch", "--jobs", name, "-o", "new", exit_code=2)
    assert re.search(message, line), line


def test_help_lists_the_options_of_the_command(here: Path) -> None:
    assert "--novelty" in commands.run("batch", "--help").output
    shown = commands.run("batch", "--command", "inpaint", "--help").output
    assert "--mask" in shown
    assert "--novelty" not in shown
    assert "--report" not in shown


@pytest.mark.slow
def test_clips_and_samples_failures_and_what_is_there(
    clips: list[str], request: pytest.FixtureRequest
) -> None:
    code, out, err = finish(*clips, "no.npy", "-n", "2", "-o", "new", "--workers", "2", *TINY)
    assert code == 1
    assert out[-1] == "4 made, 0 there already, 2 failed"
    assert len(out) == 7
    assert sorted(line.split("] ")[1].split(",")[0] for line in out[:6]) == [
        *("new/a_gen_1.npy: 3x16x24", "new/a_gen_2.npy: 3x16x24"),
        *("new/b_gen_1.npy: 3x16x24", "new/b_gen_2.npy: 3x16x24"),
        *("new/no_gen_1.npy: failed", "new/no_gen_2.npy: failed"),
    ]
    assert [line[:3] for line in out[:6]] == [f"[{n}/" for n in range(1, 7)]
    assert err[0] == "Error: 2 of 6 jobs failed:"
    assert sorted(err[1:]) == [
        f"  new/no_gen_{n}.npy  there is no 'no.npy'; check the name" for n in (1, 2)
    ]
    commands.succeed("gen", "a.npy", "-o", "alone.npy", "--seed", "1", *TINY)
    assert Path("new/a_gen_2.npy").read_bytes() == Path("alone.npy").read_bytes()
    before = {path: path.stat().st_mtime_ns for path in Path("new").iterdir()}

    request.getfixturevalue("in_process")
    out = commands.succeed("batch", *clips, "-n", "3", "-o", "new", "--json", *TINY)
    told = json.loads("\n".join(out))
    assert [file["file"] for file in told["files"]] == ["new/a_gen_3.npy", "new/b_gen_3.npy"]
    assert [file["seed"] for file in told["files"]] == [2, 2]
    assert len(told["there"]) == 4
    assert told["failed"] == []
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.usefixtures("in_process")
def test_lists_of_jobs(clips: list[str]) -> None:
    Path("jobs.csv").write_text(
        'clip, output, command, samples, scale, loop\na.npy, x.npy, gen, 2, "1,1,0.5", yes\n'
        'b.npy, "", retarget, "", "1,0.5,1", no\n'
    )
    Path("jobs.yaml").write_text(
        "- {clip: a.npy, output: y.npy, size: [3, 12, 20]}\n"
        "- {clip: b.npy, command: inpaint, box: [[4, 4, 5, 5], [20, 9, 4, 4]], seed: 5}\n"
    )
    out = commands.succeed("batch", "--jobs", "jobs.csv", "-o", "new", *TINY)
    told = sorted(line.split("] ")[1].split(",")[0] for line in out[:-1])
    assert told == ["new/b_retarget.npy: 3x10x30", "new/x_1.npy: 3x16x12", "new/x_2.npy: 3x16x12"]
    out = commands.succeed("batch", "--jobs", "jobs.yaml", "-o", "new", *TINY)
    told = sorted(line.split("] ")[1] for line in out[:-1])
    assert told[0].startswith("new/b_inpaint.npy: 3x20x30, seed 5")
    assert told[1].startswith("new/y.npy: 3x12x20, seed 0")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_batch_that_was_ended_loses_only_the_job_in_hand(
    clips: list[str], number: int, in_process: None
) -> None:
    words = (*clips, "-n", "4", "-o", "new", "--workers", "1", *TINY)
    first = start(*words)
    assert first.stdout is not None
    for _ in range(2):
        assert first.stdout.readline()
    os.killpg(first.pid, number) if number == signal.SIGINT else first.kill()
    _, err = first.communicate()
    if number == signal.SIGINT:
        assert (first.returncode, err) == (130, "Error: interrupted\n")
    deadline = time.monotonic() + 60
    while [*Path("new").glob(".*")] and time.monotonic() < deadline:
        time.sleep(0.1)  # until the worker has noticed
    before = {path: path.stat().st_mtime_ns for path in Path("new").glob("*.npy")}
    assert len(before) >= 2
    assert not [*Path("new").glob(".*")]
    out = commands.succeed("batch", *words)
    n_again = int(out[-1].split()[0])
    assert 8 - len(before) <= n_again <= 8 - len(before) + 1
    assert len([*Path("new").glob("*.npy")]) == 8
    assert sum(path.stat().st_mtime_ns == then for path, then in before.items()) >= 8 - n_again
