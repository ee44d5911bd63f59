"""Masks of every kind and from every file, regions on coarser levels, and smooth filling."""

from pathlib import Path
from typing import Any

import imageio.v3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from patchvid._masks import box_mask, check_soft_mask
from patchvid.apps.holes import coarse_region, dilate, fill_smoothly
from patchvid.core.pyramid import plan_levels
from patchvid.errors import InvalidInput, VideoError
from patchvid.io.masks import read_mask, read_masks
from patchvid.io.video import write_video

Array = NDArray[Any]

SHAPE = (4, 12, 16, 3)
HARD = np.zeros((12, 16), bool)
HARD[3:8, 5:11] = True


@pytest.mark.parametrize(
    "mask",
    [
        HARD,
        HARD.astype(np.uint8),
        HARD * np.uint8(255),
        HARD * np.uint16(65535),
        HARD * 255,
        HARD.astype(np.float64),
        HARD[None],
        HARD[None, ..., None],
        np.repeat(HARD[None], 4, axis=0),
        np.repeat(HARD[..., None], 3, axis=2)[None] * np.uint8(255),
        np.dstack([HARD, HARD, HARD, np.ones_like(HARD)])[None],
        np.dstack([np.ones((12, 16, 3), bool), HARD])[None],  # white on nothing
        HARD * 0.97 + 0.01,  # black and white as lossy files have them
    ],
)
def test_white_is_white_in_every_type(mask: Array) -> None:
    soft = check_soft_mask("mask", mask, SHAPE)
    assert soft.dtype == np.float32
    np.testing.assert_array_equal(soft, np.broadcast_to(HARD, SHAPE[:3]))


def test_grey_stays_grey() -> None:
    ramp = np.tile(np.linspace(0, 255, 16).astype(np.uint8), (12, 1))
    soft = check_soft_mask("mask", ramp, SHAPE)
    np.testing.assert_allclose(soft[2, 5, 1:15], ramp[5, 1:15] / 255, atol=1e-6)
    colour = np.zeros((1, 12, 16, 3), np.uint8)
    colour[..., 0], colour[..., 1] = 255, 127
    np.testing.assert_allclose(check_soft_mask("mask", colour, SHAPE), 382 / 765, atol=1e-6)


def test_a_mask_may_move() -> None:
    moving = np.stack([np.roll(HARD, t, axis=1) for t in range(4)])
    np.testing.assert_array_equal(check_soft_mask("mask", moving, SHAPE), moving)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (HARD.T, "mask must have the size of the clip, 4x12x16, or one frame of it, got 1x16x12"),
        (np.repeat(HARD[None], 3, axis=0), "4x12x16, or one frame of it, got 3x12x16"),
        (HARD[0], "got 16"),
        (HARD[:0], "must be a filled array"),
        (HARD.astype(complex), "must be a filled array of bool, whole numbers or floats"),
        (HARD * 1.5, "mask must be from 0, black, to 1, white, got 0 to 1.5"),
        (HARD - 1.0, "got -1 to 0"),
        (np.where(HARD, np.nan, 0), "got nan to nan"),
        (HARD * 256, "to 255, white, got 0 to 256"),
    ],
)
def test_what_is_no_mask_is_named(mask: Array, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as error:
        check_soft_mask("mask", mask, SHAPE)
    assert "\n" not in str(error.value)


def test_boxes() -> None:
    np.testing.assert_array_equal(box_mask(SHAPE, (5, 3, 6, 5)), HARD[None])
    corner = box_mask(SHAPE, (-2, -3, 5, 5))
    assert corner.sum() == 3 * 2
    assert corner[0, :2, :3].all()
    for box in ((16, 0, 4, 4), (0, -4, 5, 4), (3, 3, 0, 5)):
        with pytest.raises(InvalidInput, match="lies outside of the clip, which is 16 pixels wide"):
            box_mask(SHAPE, box)


@given(st.integers(0, 9), st.integers(0, 2**32 - 1))
def test_dilation_goes_to_all_sides_within_a_frame(radius: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(1, 12, 3))
    mask = random.random(shape, np.float32) * (random.random(shape) < 0.1)
    size = 2 * radius + 1
    expected = ndimage.maximum_filter(mask, (1, size, size), mode="constant")
    np.testing.assert_array_equal(dilate(mask, radius), expected)


# Files


@pytest.mark.parametrize(
    "name", ["a.png", "a.npy", "a.npz", "bool.npy", "still.npz", "a.jpg", "frames"]
)
def test_every_kind_of_file(tmp_path: Path, name: str) -> None:
    path, white = tmp_path / name, HARD * np.uint8(255)
    if name == "bool.npy":
        np.save(path, HARD)
    elif name == "still.npz":
        np.savez(path, hole=HARD[None])
    elif name == "a.jpg":
        imageio.v3.imwrite(path, np.kron(white, np.ones((8, 8), np.uint8)), quality=95)
        wide = check_soft_mask("mask", read_mask(path), (4, 96, 128, 3))
        np.testing.assert_array_equal(wide[1, 4::8, 4::8], HARD)
        return
    elif name == "a.png":
        imageio.v3.imwrite(path, white)
    else:
        write_video(path, white[None, ..., None])
    np.testing.assert_array_equal(
        check_soft_mask("mask", read_mask(path), SHAPE), np.broadcast_to(HARD, SHAPE[:3])
    )


def test_frames_are_those_of_the_clip_unless_there_is_only_one(tmp_path: Path) -> None:
    moving = np.stack([np.roll(HARD, t, axis=1) for t in range(6)])
    np.save(tmp_path / "moving.npy", moving)
    np.save(tmp_path / "still.npy", HARD)
    np.testing.assert_array_equal(read_mask(tmp_path / "moving.npy", (2, 6)), moving[2:])
    np.testing.assert_array_equal(read_mask(tmp_path / "still.npy", (2, 6)), HARD)
    with pytest.raises(InvalidInput, match="has no frame 6"):
        read_mask(tmp_path / "moving.npy", (6, None))


def test_several_masks_and_boxes_are_one(tmp_path: Path) -> None:
    moving = np.stack([np.roll(HARD, t, axis=1) for t in range(4)])
    np.save(tmp_path / "moving.npy", moving)
    np.save(tmp_path / "still.npy", HARD[::-1])
    paths = [tmp_path / "moving.npy", tmp_path / "still.npy"]
    union = read_masks("mask", paths, [(0, 0, 2, 2)], SHAPE, (0, None))
    expected = moving | HARD[::-1]
    expected[:, :2, :2] = True
    assert union is not None
    np.testing.assert_array_equal(union[..., 0], expected * 255)
    assert read_masks("mask", [], [], SHAPE, (0, None)) is None


def test_files_that_hold_no_mask(tmp_path: Path) -> None:
    (tmp_path / "broken.npy").write_bytes(b"no array")
    np.savez(tmp_path / "two.npz", a=HARD, b=HARD)
    np.save(tmp_path / "objects.npy", np.array([None]))
    why = {
        "broken.npy": "it holds no array of numbers",
        "objects.npy": "it holds no array of numbers",
        "two.npz": "an array named 'mask' or one array only, got 'a', 'b'",
    }
    for name, reason in why.items():
        with pytest.raises(VideoError, match=rf"cannot read .*{name}.*{reason}"):
            read_mask(tmp_path / name)
    for name in ("missing.npy", "missing.png"):
        with pytest.raises(VideoError, match=r"there is no .*missing.*; check the name"):
            read_mask(tmp_path / name)


# Levels


@given(st.integers(0, 20), st.integers(0, 28), st.integers(1, 8), st.integers(1, 8))
def test_a_region_is_not_lost_on_the_next_level(y: int, x: int, height: int, width: int) -> None:
    region = np.zeros((4, 24, 32), bool)
    region[:, y : y + height, x : x + width] = True
    level = plan_levels(region.shape)[-2]
    coarse = coarse_region(region, level)
    assert coarse.shape == level.shape
    middles = [(np.array(sizes) - 1) / 2 for sizes in (region.shape[1:], level.shape[1:])]
    places = (np.argwhere(region[0]) - middles[0]) * level.scale[1:] + middles[1]
    nearest = np.clip(np.rint(places).astype(int), 0, np.array(level.shape[1:]) - 1)
    assert coarse[:, nearest[:, 0], nearest[:, 1]].all()


def test_filling_keeps_what_is_known_and_invents_nothing() -> None:
    random = np.random.default_rng(0)
    video = random.random((5, 21, 30, 2), dtype=np.float32)
    hole = np.zeros(video.shape[:3], bool)
    hole[:, 4:17, 9:30] = True
    filled = fill_smoothly(video, hole)
    np.testing.assert_array_equal(filled[~hole], video[~hole])
    video[hole] = 1e6
    np.testing.assert_array_equal(fill_smoothly(video, hole), filled)  # without the hole
    assert -0.2 < filled.min() < filled.max() < 1.2
    assert filled[hole].std() < 0.5 * filled[~hole].std()


def test_filling_goes_on_as_the_surroundings_do() -> None:
    ramp = np.broadcast_to(
        np.linspace(0, 100, 40, dtype=np.float32)[None, None, :, None], (3, 30, 40, 1)
    )
    hole = np.zeros(ramp.shape[:3], bool)
    hole[:, 10:20, 12:28] = True
    assert np.abs(fill_smoothly(ramp, hole) - ramp).max() < 12
    constant = np.full_like(ramp, 7)
    np.testing.assert_allclose(fill_smoothly(constant, hole), 7, rtol=1e-5)
