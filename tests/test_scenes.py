"""Cuts are found, motion is none, and a command takes one scene."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from patchvid import InvalidInput, find_cuts, read_video, sample_clip, write_video
from patchvid.cli.main import main

KOI = sample_clip()[:12, :72, :120]
RANDOM = np.random.default_rng(0)
BLOCKS = np.kron(RANDOM.integers(0, 256, (9, 40, 3), np.uint8), np.ones((16, 16, 1), np.uint8))
PAN = np.stack([BLOCKS[:, 24 * t : 24 * t + 160] for t in range(12)])


def test_every_scene_begins_at_a_cut() -> None:
    assert not find_cuts(KOI)
    assert find_cuts(np.concatenate([KOI, PAN[:5, :72, :120], 255 - KOI[:7]])) == [12, 17]


def test_fast_motion_and_flashes_are_no_cuts() -> None:
    assert not find_cuts(PAN)
    flash = KOI.copy()
    flash[5:7] = 250
    assert not find_cuts(flash)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.int16])
def test_any_type_and_any_channels_will_do(dtype: Any) -> None:
    video: NDArray[Any] = np.concatenate([KOI, PAN[:, :72, :120]]) / 255 * 999
    video = video.astype(dtype)
    assert find_cuts(video) == find_cuts(video[..., :2]) == find_cuts(video[..., 0]) == [12]


def test_hidden_colours_are_no_scenes() -> None:
    alpha = np.zeros((*KOI.shape[:3], 1), np.uint8)
    alpha[:, :36] = 255
    clip = np.concatenate([KOI, alpha], axis=3)
    clip[6:, 36:, :, :3] = 200
    assert not find_cuts(clip)


def test_short_clips_have_one_scene() -> None:
    assert not find_cuts(np.concatenate([KOI[:2], 255 - KOI[:2]]))
    with pytest.raises(InvalidInput, match="video must be"):
        find_cuts(KOI[0])


@pytest.mark.slow
def test_a_command_takes_one_scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    clip = np.concatenate([KOI[:5], 255 - KOI[:6], KOI[:7]])[:, :32, :48]
    write_video("cut.mp4", clip)

    def run(*words: str) -> Any:
        return CliRunner().invoke(main, [*words, "--seed", "1", "--iterations", "1", "--overwrite"])

    told = "cut.mp4 has 3 scenes (frames 0:5, 5:11, 11:18), and new frames may mix them"
    assert told in run("gen", "cut.mp4").stderr
    assert "scene" not in run("gen", "cut.mp4", "--scene", "2", "-o", "a.npy").stderr
    assert "scene" not in run("gen", "cut.mp4", "--frames", "5:11", "-o", "b.npy").stderr
    assert Path("a.npy").read_bytes() == Path("b.npy").read_bytes()
    run("gen", "cut.mp4", "--frames", "7:", "--scene", "2", "-o", "c.npy")
    assert len(read_video("c.npy")[0]) == 7
    refused = run("gen", "cut.mp4", "--frames", "3:", "--scene", "4")
    assert "cut.mp4 has 3 scenes (frames 3:5, 5:11, 11:18)." in refused.stderr
