"""Films longer than memory: seams, motion, memory, and how they are written."""

import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from patchvid import (
    InvalidInput,
    generate_long,
    read_video,
    resize,
    retarget_long,
    search,
    write_video,
)
from patchvid.apps.films import SHORTEST
from patchvid.cli.main import main

Video = NDArray[Any]


def make_clouds(n_frames: int = 8) -> Video:
    """Soft clouds that drift by a pixel a frame, above ground that stands still."""
    random = np.random.default_rng(1)
    sky = resize(random.integers(0, 256, (1, 6, 14, 3), dtype=np.uint8), (1, 20, 40 + n_frames))
    video = np.empty((n_frames, 28, 40, 3), np.uint8)
    video[:] = resize(random.integers(0, 100, (1, 7, 20, 3), dtype=np.uint8), (1, 28, 40))
    for t in range(n_frames):
        video[t, :20] = sky[0, :, n_frames - t : n_frames - t + 40]
    return video


CLIP = make_clouds()


def film(length: int, **settings: Any) -> Video:
    return np.stack([*generate_long(CLIP, length=length, seed=3, **settings)])


@pytest.fixture(scope="module")
def long_film() -> Video:
    return film(5 * SHORTEST)


def costs(video: Video) -> NDArray[np.float32]:
    """Mean cost of the patches that begin in each frame."""
    _, cost = search(video, CLIP, seed=0)
    return cost.mean(axis=(1, 2))


@pytest.mark.slow
def test_no_seam_can_be_seen(long_film: Video) -> None:
    cost = costs(long_film)
    seams = np.arange(SHORTEST, len(long_film), SHORTEST)
    across = np.zeros(len(cost), bool)
    across[[*(seams - 2), *(seams - 1)]] = True  # patches of three frames
    assert cost[across].mean() <= 1.1 * cost[~across].mean()
    steps = np.abs(np.diff(long_film.astype(float), axis=0)).mean(axis=(1, 2, 3))
    at_seam = np.zeros(len(steps), bool)
    at_seam[seams - 1] = True
    assert steps[at_seam].mean() <= 1.3 * steps[~at_seam].mean()


@pytest.mark.slow
def test_a_film_keeps_moving_and_stays_sharp(long_film: Video) -> None:
    cost = costs(long_film)
    steps = np.abs(np.diff(long_film.astype(float), axis=0)).mean(axis=(1, 2, 3))
    clip_step = np.abs(np.diff(CLIP.astype(float), axis=0)).mean()
    for first in range(0, len(long_film) - SHORTEST, SHORTEST):
        stretch = slice(first, first + SHORTEST - 2)
        assert steps[stretch].mean() > 0.3 * clip_step
        assert cost[stretch].mean() < 2 * cost[:SHORTEST].mean()


@pytest.mark.slow
def test_no_stretch_comes_back(long_film: Video) -> None:
    last = long_film[-SHORTEST:].astype(float)
    distances = [
        np.abs(long_film[first : first + SHORTEST] - last).mean()
        for first in range(len(long_film) - 2 * SHORTEST)
    ]
    step = np.abs(np.diff(long_film.astype(float), axis=0)).mean()
    assert min(distances) > 0.5 * step


@pytest.mark.slow
def test_frames_are_made_when_they_are_needed() -> None:
    told: list[float] = []
    frames = generate_long(
        CLIP, length=10**6, seed=3, iterations=1, progress=lambda share, _: told.append(share)
    )
    assert not told
    assert [frame.shape for frame in islice(frames, 2)] == [(28, 40, 3)] * 2
    assert 0 < told[-1] < 1e-3


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length() -> None:
    peaks = []
    for length in (2 * SHORTEST, 5 * SHORTEST):
        tracemalloc.start()
        for _ in generate_long(CLIP, length=length, seed=3, iterations=1):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.05 * peaks[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dtype", "settings", "shape"),
    [("uint16", {"scale": (1, 1.5)}, (28, 60)), ("float32", {"size": (24, 32)}, (24, 32))],
)
def test_frames_have_the_type_and_the_size_that_is_asked_for(
    dtype: str, settings: Any, shape: tuple[int, int]
) -> None:
    clip = CLIP[..., 0].astype(dtype)
    frames = [*generate_long(clip, length=3, seed=0, iterations=1, **settings)]
    assert [(frame.shape, frame.dtype.name) for frame in frames] == [(shape, dtype)] * 3


@pytest.mark.parametrize(
    ("clip", "settings", "message"),
    [
        (CLIP[:1], {"length": 9}, "a single frame makes no film; give a clip of at least two"),
        (CLIP, {"length": 0}, "length must be a whole number of at least 1"),
        (CLIP, {"length": 9, "scale": (1, 1, 1)}, "scale must be two numbers above 0"),
        (CLIP, {"length": 9, "size": (0, 4)}, "size must be two whole numbers of at least 1"),
        (CLIP, {"length": 9, "structure": "firm"}, "structure must be 'auto' or a number"),
    ],
)
def test_wrong_arguments_are_named_at_once(clip: Video, settings: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        generate_long(clip, **settings)


@pytest.mark.slow
def test_a_longer_film_shows_more_of_the_same() -> None:
    made = np.stack([*retarget_long(CLIP, length=4 * SHORTEST, seed=0)])
    assert made.shape == (4 * SHORTEST, *CLIP.shape[1:])
    seams = SHORTEST * np.arange(1, 4)
    across = np.zeros(len(made) - 2, bool)
    across[[*(seams - 2), *(seams - 1)]] = True
    cost = costs(made)
    assert cost[across].mean() <= 1.1 * cost[~across].mean()
    step, clip_step = (np.abs(np.diff(v.astype(float), axis=0)).mean() for v in (made, CLIP))
    assert step > clip_step / 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"length": 7}, "length must be a whole number of at least 8"),
        ({"length": 90, "scale": (4, 1)}, "can change by factors from 0.4 to 3"),
    ],
)
def test_wrong_arguments_of_longer_films(settings: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        retarget_long(CLIP, **settings)


NOISE = np.random.default_rng(0).integers(0, 256, (5, 32, 48, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "a.png", "a.tif", "a.npy", "a.npz", "a"])
def test_an_iterator_is_written_like_an_array(tmp_path: Path, name: str) -> None:
    one, other = tmp_path / "one" / name, tmp_path / "other" / name
    for path, video in ((one, NOISE), (other, iter(NOISE))):
        path.parent.mkdir()
        write_video(path, video, fps=10)
    pairs = zip(*(sorted(p for p in at.parent.rglob("*") if p.is_file()) for at in (one, other)))
    assert all(a.name == b.name and a.read_bytes() == b.read_bytes() for a, b in pairs)


def test_transparent_frames_of_an_iterator(tmp_path: Path) -> None:
    clear = np.full((5, 32, 48, 4), 255, np.uint8)
    clear[4, :16, :, 3] = 0  # later than the frames by which the format is chosen
    write_video(tmp_path / "a.webm", iter(clear), fps=10)
    video, _ = read_video(tmp_path / "a.webm")
    assert video.shape[3] == 4
    assert video[4, 4, 4, 3] < 10


@pytest.mark.parametrize(
    ("frames", "settings", "message"),
    [
        ([], {}, "video must have at least one frame"),
        ([NOISE[0], NOISE[1, :16]], {}, "all frames must be like the first"),
        ([NOISE[0]], {"order": [0]}, "order needs an array of frames, got an iterator"),
    ],
)
def test_wrong_iterators_leave_nothing(
    tmp_path: Path, frames: Any, settings: Any, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        write_video(tmp_path / "a.mp4", iter(frames), **settings)
    assert not os.listdir(tmp_path)


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_video("clip.npz", CLIP)
    return Path("clip.npz")


def run(*words: object, exit_code: int = 0) -> str:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == exit_code, result.output
    return result.output


@pytest.mark.slow
def test_the_command_writes_what_python_makes_with_this_seed(clip: Path) -> None:
    words = ["--length", "1.3s", "--fps", "20", "--seed", "3", "--iterations", "1", "--json"]
    printed = run("gen", clip, *words)
    assert json.loads(printed)["files"][0]["shape"] == [26, 28, 40, 3]
    made = film(26, iterations=1)
    np.testing.assert_array_equal(read_video("clip_gen.npz")[0], made)
    other = next(generate_long(CLIP, length=26, seed=4, iterations=1))
    assert (made[0] != other).any()


@pytest.mark.slow
def test_scales_above_3_make_films(clip: Path) -> None:
    printed = run("retarget", clip, "--scale", "3.1,1,0.9", "--seed", "0", "--json")
    assert json.loads(printed)["files"][0]["shape"] == [25, 28, 36, 3]
    made = np.stack([*retarget_long(CLIP, length=25, size=(28, 36), seed=0)])
    np.testing.assert_array_equal(read_video("clip_retarget.npz")[0], made)
    refused = run("retarget", clip, "--scale", "9,1,1", "--box", "0,0,9,9", exit_code=2)
    assert "--keep and --box do not go with --scale above 3 in time" in refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--loop"], "--loop does not go with --length"),
        (["--layout", "noise"], "--layout does not go with --length"),
        (["--size", "9,28,40"], "--size does not go with --length"),
        (["--save-field", "a.npz"], "--save-field does not go with --length"),
        (["--scale", "2,1,1"], "--length sets the number of frames; let --scale begin with 1"),
        (["-o", "-", "--json"], "--length writes a film while it is made"),
        (["--length", "long"], "is not a number of frames"),
    ],
)
def test_options_that_do_not_go_with_a_length(clip: Path, options: list[str], message: str) -> None:
    assert message in run("gen", clip, "--length", "9", *options, exit_code=2)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs SIGINT")
def test_an_interrupted_film_leaves_nothing(clip: Path) -> None:
    listening = "import signal, runpy; signal.signal(signal.SIGINT, signal.default_int_handler); "
    script = listening + "runpy.run_module('patchvid', run_name='__main__')"
    words = ["gen", str(clip), "--length", "99999", "-o", "frames", "--iterations", "1"]
    command = [sys.executable, "-c", script, *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as job:
        while job.poll() is None and not [*Path().glob(".patchvid-*/00009.png")]:
            time.sleep(0.01)
        job.send_signal(signal.SIGINT)
        _, error = job.communicate()
    assert (job.returncode, error) == (130, "Error: interrupted\n")
    assert os.listdir() == ["clip.npz"]
