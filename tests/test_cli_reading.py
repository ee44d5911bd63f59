"""Commands on clips that people have: what is said before a job, and the options of reading."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from patchvid import read_video, sample_clip, video_info, write_video
from patchvid.cli import estimate, inputs
from patchvid.cli.inputs import _preview_step
from patchvid.cli.main import main
from patchvid.kernels import cpu_memory
from patchvid.kernels.cpu_memory import Room


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)


BOX = {"inpaint": ["--box", "4,4,5,5"]}


def run(*words: str) -> Result:
    inputs._read.clear()  # as in a new process
    return CliRunner().invoke(main, [*words, "--seed", "1", "--iterations", "1"])


def write_clip(name: str, n_frames: int = 6, fps: float = 12) -> None:
    write_video(name, sample_clip()[:n_frames, 20:52, 40:104], fps=fps)


@pytest.mark.slow
def test_size_and_remedy_are_told_before_a_long_job(monkeypatch: pytest.MonkeyPatch) -> None:
    write_clip("clip.mp4")
    assert not run("gen", "clip.mp4", "-o", "a.npz").stderr
    monkeypatch.setattr(estimate, "LONG", 6 * 32 * 64 - 1)
    told = run("gen", "clip.mp4", "-o", "b.npz").stderr
    assert told.startswith("clip.mp4: 6 frames of 64x32 pixels need about 0.0 GB of memory")
    assert "; --max-size, fewer --frames or --preview makes the job smaller" in told
    assert not run("gen", "clip.mp4", "-o", "c.npz", "--quiet").stderr
    assert not run("gen", "clip.mp4", "-o", "d.npz", "--frames", "0:5").stderr
    needed = 6 * 32 * 64 * 56
    free = Room(int(needed * 1.1), 2**30, "the container (memory.max)")
    monkeypatch.setattr(cpu_memory, "room", lambda: free)
    told = run("gen", "clip.mp4", "-o", "e.npz").stderr
    assert ", and the container (memory.max) leaves 0.0 GB of 1.1 GB; --max-size 47, fewer" in told


def test_what_does_not_fit_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    write_clip("clip.mp4")

    def fail(*_: Any, **__: Any) -> Any:
        raise AssertionError("the clip is read")

    monkeypatch.setattr("patchvid.io.selecting.read_source", fail)
    least = Room(200_000, 700_000_000, "the container (memory.max)")
    monkeypatch.setattr(cpu_memory, "room", lambda: least)
    for words in (["gen"], ["gen", "--quiet"], ["retarget", "--scale", "1,1,2"], ["inpaint"]):
        refused = run(words[0], "clip.mp4", "-o", "f.npz", *words[1:], *BOX.get(words[0], []))
        assert refused.exit_code == 1
        assert refused.stderr.startswith("Error: clip.mp4: 6 frames of 64x32 pixels")
        assert "GB of memory, and the container (memory.max) leaves 0.0 GB of 0.7 GB" in (
            refused.stderr
        )
        assert refused.stderr.count("\n") == 1
    monkeypatch.setattr(cpu_memory, "room", lambda: Room(2**30, 2**34, "this machine"))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=2**30))
    refused = run("gen", "clip.mp4", "-o", "f.npz", "--size", "500,2000,2000")
    assert "and an output of 500x2000x2000 need about" in refused.stderr
    assert "this machine leaves 1.1 GB of 17 GB; a smaller --size" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_folder_of_frames_has_24_frames_a_second_or_those_asked_for() -> None:
    write_clip("frames")
    told = run("gen", "frames", "-o", "a.mp4").stderr
    assert (
        told == "frames has no frame rate; 24 frames a second are used; --fps sets another rate\n"
    )
    assert video_info("a.mp4").fps == 24
    assert not run("gen", "frames", "-o", "b.mp4", "--fps", "12").stderr
    assert video_info("b.mp4").fps == 12
    assert not run("gen", "frames", "-o", "made").stderr


def test_a_rate_that_is_asked_for_keeps_the_pace() -> None:
    write_clip("clip.mp4", 12, fps=24)
    run("gen", "clip.mp4", "-o", "a.mp4", "--fps", "12")
    info = video_info("a.mp4")
    assert (info.frames, info.fps) == (6, 12)


def test_depth_and_size_are_those_asked_for() -> None:
    write_clip("clip.mp4")
    run("gen", "clip.mp4", "-o", "a.npy", "--depth", "16", "--max-size", "32")
    made, _ = read_video("a.npy")
    assert made.dtype == np.uint16
    assert made.shape == (6, 16, 32, 3)


def test_damage_is_told_and_refused_if_strict() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (30, 32, 64, 3), np.uint8)
    write_video("clip.mkv", noise, fps=10)
    whole = Path("clip.mkv").read_bytes()
    Path("clip.mkv").write_bytes(whole[: len(whole) // 2])
    told = run("gen", "clip.mkv", "-o", "a.npz")
    assert told.exit_code == 0
    assert "Warning: 'clip.mkv' is cut short: 1." in told.stderr
    refused = run("gen", "clip.mkv", "-o", "b.npz", "--strict")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: 'clip.mkv' is cut short: 1.")


@pytest.mark.parametrize(
    ("n_frames", "interval", "step"),
    [(3000, 30, 60), (3000, 250, 62), (3000, None, 62), (95, 30, 1), (96, 1, 2), (1, None, 1)],
)
def test_previews_take_frames_that_are_quick_to_decode(
    n_frames: int, interval: int | None, step: int
) -> None:
    assert _preview_step(n_frames, interval) == step


def test_a_preview_of_a_long_clip() -> None:
    write_clip("clip.mp4", 48)
    clip, _ = read_video("clip.mp4")
    np.save("long.npy", np.tile(clip, (4, 1, 1, 1)))
    run("gen", "long.npy", "-o", "a.npy", "--preview")
    assert read_video("a_preview.npy")[0].shape == (48, 32, 64, 3)
