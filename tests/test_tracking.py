"""Tracking: known masks of drawn things, corrections, what is lost, errors, the command."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from drawn import Drawn, Pose, draw, iou, paste, texture

from patchvid import read_video, track, write_video
from patchvid.cli.track import track as command
from patchvid.errors import InvalidInput, PatchvidError
from patchvid.motion.layer_motion import layer_motion

LONG = draw("moves", 25, (64, 96))
SHORT = Drawn(LONG.clip[:5], LONG.mask[:5], LONG.without[:5])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "size", "numbers", "least"),
    [
        ("moves", (90, 120), (0,), 0.95),
        ("grows", (90, 120), (0,), 0.94),
        ("turns", (90, 120), (0, 15, 30), 0.97),
        ("hides", (90, 120), (0,), 0.93),
        ("hides", (90, 120), (0, 15, 30), 0.95),
    ],
)
def test_a_thing_is_followed_from_one_mask_or_three(
    kind: str, size: tuple[int, int], numbers: tuple[int, ...], least: float
) -> None:
    drawn = draw(kind, size=size)
    found = track(drawn.clip, {n: drawn.mask[n] for n in numbers}, flow="classical")
    assert iou(found, drawn.mask).mean() >= least


def test_a_thing_of_one_colour_is_followed_where_flow_tells_nothing() -> None:
    clip, masks = np.repeat(LONG.without[:1], 5, axis=0).astype(float), []
    red, post = np.full((20, 20, 3), (210.0, 60, 40)), np.full((20, 20, 3), 60.0)
    for t, frame in enumerate(clip):
        mask = paste(frame, red, Pose(32, 30 + 4 * t), (10, 14), 2)
        masks.append(mask & ~paste(frame, post, Pose(32, 48), (64, 3), 20))
    found = track(clip.astype(np.uint8), {0: masks[0]}, flow="classical")
    assert iou(found, np.array(masks)).min() > 0.9


def test_a_thing_that_comes_in_leaves_no_trail_at_the_border() -> None:
    clip, masks = np.repeat(LONG.without[:1], 7, axis=0).astype(float), []
    skin = 0.8 * texture(40, 40, 6)[..., ::-1] + (40.0, 0.0, -20.0)
    for t, frame in enumerate(clip):
        masks.append(paste(frame, skin, Pose(32, 2 + 5 * t), (12, 18), 2))
    found = track(clip.astype(np.uint8), {0: masks[0]}, flow="classical")
    assert iou(found, np.array(masks)).min() > 0.9


def test_a_thing_is_followed_in_both_directions() -> None:
    for number in (0, 2, 4):
        found = track(SHORT.clip, {number: SHORT.mask[number]}, flow="classical")
        assert found.dtype == bool
        np.testing.assert_array_equal(found[number], SHORT.mask[number])
        assert iou(found, SHORT.mask).min() > 0.85


def test_a_later_mask_is_a_correction() -> None:
    wrong = np.zeros_like(SHORT.mask[0])
    wrong[4:14, 4:14] = True
    corrected = track(SHORT.clip, {0: wrong, 2: SHORT.mask[2]}, flow="classical")
    np.testing.assert_array_equal(corrected[0], wrong)
    assert iou(corrected[2:], SHORT.mask[2:]).min() > 0.85
    none = np.zeros_like(wrong)
    gone = track(SHORT.clip, {0: SHORT.mask[0], 3: none}, flow="classical")
    assert iou(gone[:3], SHORT.mask[:3]).min() > 0.85
    assert not gone[3:].any()


def test_what_is_lost_is_said() -> None:
    clip = SHORT.clip.copy()
    clip[2:] = SHORT.without[2:]
    with pytest.warns(UserWarning, match=r"the object is lost in \d frames, .*: if it is visible"):
        track(clip, {0: SHORT.mask[0]}, flow="classical")


def test_the_bytes_are_the_same_again() -> None:
    one, two = (track(SHORT.clip, {0: SHORT.mask[0]}, flow="classical") for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_grey_floats_and_single_frames_work() -> None:
    grey = SHORT.clip.mean(axis=3) / 255
    found = track(grey, {0: SHORT.mask[0]}, flow="classical")
    assert iou(found, SHORT.mask).min() > 0.85
    np.testing.assert_array_equal(track(grey[:1], {0: SHORT.mask[0]}), SHORT.mask[:1])


def test_the_motion_of_a_layer_goes_on_where_it_is_hidden() -> None:
    y, x = np.indices((40, 60)).astype(np.float32)
    turning = np.stack([0.1 * (y - 20) + 2, -0.1 * (x - 30) - 1], axis=2)
    seen = (np.abs(x - 30) < 12) & (np.abs(y - 20) < 12)
    mixed = np.where(seen[..., None], turning, 0)
    mixed[10:16, 22:30] = 0  # something else in front of it
    motion = layer_motion(mixed, seen, seen)
    apart = np.abs(motion.flow - turning).max(axis=2)
    assert apart[5:35, 10:50][~seen[5:35, 10:50]].max() < 1


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ({}, "masks must map one or more frame numbers to masks"),
        (SHORT.mask, "masks must map one or more"),
        ({5: SHORT.mask[0]}, "a mask for frame 5, but the clip has frames 0 to 4"),
        ({-1: SHORT.mask[0]}, "the frame of a mask must be a whole number of at least 0, got -1"),
        ({0: SHORT.mask[0].T}, "the mask of frame 0 must have the size of the clip"),
        ({0: SHORT.mask[0] & False}, "white where the object is, got only black"),
    ],
)
def test_track_names_what_is_wrong(masks: Any, message: str) -> None:
    with pytest.raises(PatchvidError, match=message) as error:
        track(SHORT.clip, masks, flow="classical")
    assert "\n" not in str(error.value)


@pytest.fixture
def here(here: Path) -> Path:
    """Change to a folder with the clip and two masks in it."""
    np.savez("clip.npz", video=SHORT.clip)
    for number in (0, 3):
        white = np.where(SHORT.mask[number], np.uint8(255), np.uint8(0))
        write_video(f"mask{number}.png", white[None, ..., None])
    return here


def test_command_follows_a_mask(here: Path) -> None:
    options = ["clip.npz", "--flow", "classical", "-o", "found.npz", "--overwrite"]
    done = CliRunner().invoke(command, [*options, "--mask", "0=mask0.png", "--mask", "3=mask3.png"])
    assert done.output == "found.npz: 5x64x96\n"
    expected = track(SHORT.clip, {n: SHORT.mask[n] for n in (0, 3)}, flow="classical")
    np.testing.assert_array_equal(read_video("found.npz")[0][..., 0] > 0, expected)
    done = CliRunner().invoke(command, [*options, "--mask", "3=mask3.png", "--frames", "2:"])
    assert done.exit_code == 0, done.output
    expected = track(SHORT.clip[2:], {1: SHORT.mask[3]}, flow="classical")
    np.testing.assert_array_equal(read_video("found.npz")[0][..., 0] > 0, expected)


def test_command_names_what_is_wrong(here: Path) -> None:
    for words, message in (
        (["--mask", "mask0.png"], "is not FRAME=FILE, such as 0=mask.png"),
        (["--mask", "9=mask0.png"], "frame 9 is not in use; 'clip.npz' has frames 0 to 4"),
        ([], "Missing option '--mask'"),
    ):
        result = CliRunner().invoke(command, ["clip.npz", *words])
        assert result.exit_code == 2
        assert message in " ".join(result.output.split())
    np.save("wrong.npy", SHORT.mask[0].T)
    words = ["clip.npz", "--mask", "0=wrong.npy"]
    with pytest.raises(InvalidInput, match="the size of the clip"):
        CliRunner().invoke(command, words, catch_exceptions=False)
