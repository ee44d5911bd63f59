"""The short set, for every Python and every choice of packages: all formats and all commands."""

import importlib.metadata
import json
import platform
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import commands
import numpy as np
import pytest
from numpy.typing import NDArray

import patchvid

Video = NDArray[Any]

FPS = 10
HOLE = 10, 6, 12, 10  # x, y, width, height


class Loss(NamedTuple):
    """How much values may differ after a file: on average, and in the mean of a channel."""

    mean: float
    bias: float


NONE, FILM, PALETTE = Loss(0, 0), Loss(4, 0.6), Loss(2, 0.3)  # films halve the size of chroma
FORMATS = {
    **dict.fromkeys([".mp4", ".mov", ".mkv", ".webm"], FILM),
    ".gif": PALETTE,
    **dict.fromkeys([".webp", ".png", ".apng", ".tif", ".tiff", ".npy", ".npz", ""], NONE),
}


@pytest.fixture(scope="module")
def clip() -> Video:
    """Cut a part in which things move out of the sample clip, (4, 24, 40, 3)."""
    return patchvid.sample_clip()[:4, 20:44, 44:84]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change to an empty folder, from which the installed command runs."""
    monkeypatch.chdir(tmp_path)


def run(*words: str) -> str:
    """Run the installed command, and return what it prints."""
    command = shutil.which("patchvid", path=sysconfig.get_path("scripts"))
    assert command, "patchvid is not installed; run: pip install -e '.[test]'"
    made = subprocess.run([command, *words], capture_output=True, text=True, check=False)
    assert (made.returncode, made.stderr) == (0, ""), made.stdout + made.stderr
    return made.stdout


def test_every_format_is_in_the_set(tmp_path: Path, clip: Video) -> None:
    with pytest.raises(patchvid.VideoError) as error:
        patchvid.write_video(tmp_path / "clip.unknown", clip)
    assert set(re.findall(r"\.\w+(?=, | or )", str(error.value))) | {""} == {*FORMATS, ".exr"}


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_clip_comes_back_as_it_was_written(tmp_path: Path, clip: Video, suffix: str) -> None:
    patchvid.write_video(tmp_path / f"clip{suffix}", clip, fps=FPS)
    read, fps = patchvid.read_video(tmp_path / f"clip{suffix}")
    assert read.dtype == np.uint8
    assert read.shape == clip.shape
    error = read.astype(float) - clip
    loss = FORMATS[suffix]
    assert np.abs(error).mean() <= loss.mean
    assert np.abs(error.mean(axis=(0, 1, 2))).max() <= loss.bias
    if suffix in ("", ".npy", ".npz", ".tif", ".tiff"):
        assert fps is None
    else:
        assert fps == pytest.approx(FPS, rel=0.01)


def test_info(here: None) -> None:
    told = json.loads(run("info", "--json"))
    assert told["patchvid"] == patchvid.__version__
    assert told["python"] == platform.python_version()
    for package in ("numpy", "numba", "av"):
        assert told[package] == importlib.metadata.version(package)
    assert re.search(r"\d+ threads", told["cpu"])
    assert told["cuda"]


COMMANDS: dict[str, tuple[list[str], Callable[[Video, Video], Any]]] = {
    "gen": (
        ["clip.mp4"],
        lambda clip, style: patchvid.generate(clip, seed=1),
    ),
    "analogy": (
        ["clip.mp4", "style.mp4", "--flow", "classical"],
        lambda clip, style: patchvid.analogy(clip, style, flow="classical", seed=1),
    ),
    "retarget": (
        ["clip.mp4", "--scale", "1,1,0.75"],
        lambda clip, style: patchvid.retarget(clip, scale=(1, 1, 0.75), seed=1),
    ),
    "inpaint": (
        ["clip.mp4", "--box", ",".join(map(str, HOLE))],
        lambda clip, style: patchvid.inpaint(clip, hole(clip), seed=1),
    ),
}


def hole(clip: Video) -> NDArray[np.bool_]:
    x, y, width, height = HOLE
    mask = np.zeros(clip.shape[1:3], bool)
    mask[y : y + height, x : x + width] = True
    return mask


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_write_what_the_functions_return(here: None, clip: Video, command: str) -> None:
    patchvid.write_video("clip.mp4", clip, fps=FPS)
    patchvid.write_video("style.mp4", clip[:, ::-1, ::-1], fps=FPS)
    words, function = COMMANDS[command]
    words = [command, *words, "-o", "made.npz", "--seed", "1"]
    told = run(*words) if command == "gen" else "\n".join(commands.succeed(*words))
    assert told.startswith("made.npz: 4x24x")
    made, _ = patchvid.read_video("made.npz")
    expected = function(patchvid.read_video("clip.mp4")[0], patchvid.read_video("style.mp4")[0])
    np.testing.assert_array_equal(made, expected)
    assert made.std() > 10  # there is something to see


def test_eval(here: None, clip: Video) -> None:
    patchvid.write_video("clip.npz", clip)
    patchvid.write_video("turned.npz", clip[:, ::-1, ::-1])
    lines = commands.succeed("eval", "clip.npz", "clip.npz", "turned.npz", "--json")
    told = json.loads("\n".join(lines))
    same, turned = (file["coherence"]["value"] for file in told["files"])
    assert same == 0 < turned
    assert told["diversity"] > 0
