"""Masks of every kind and from every file, regions on coarser levels, and smooth filling."""

import warnings
from pathlib import Path
from typing import Any

import imageio.v3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from patchvid._masks import box_mask, check_soft_mask
from patchvid.apps.holes import coarse_region, dilate, fill_smoothly
from patchvid.core.pyramid import plan_levels
from patchvid.errors import InvalidInput, VideoError
from patchvid.io.masks import read_mask, read_masks
from patchvid.io.writing import write_video

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
    with pytest.warns(UserWarning, match="mask is mostly between black and white: its greys blend"):
        soft = check_soft_mask("mask", ramp, SHAPE)
    np.testing.assert_allclose(soft[2, 5, 1:15], ramp[5, 1:15] / 255, atol=1e-6)
    constant = np.full((12, 16), 0.5)
    np.testing.assert_array_equal(check_soft_mask("mask", constant, SHAPE), 0.5)


# Labels, paint and erased parts, on 96x128 pixels


OBJECT = np.zeros((96, 128), bool)
OBJECT[20:60, 30:80] = True
OTHER = np.zeros((96, 128), bool)
OTHER[70:90, 90:120] = True
BOTH = OBJECT | OTHER


def photo(frames: int = 1) -> Array:
    """Frames with many colours, as a camera has them."""
    t, y, x, k = np.ogrid[:frames, :96, :128, :3]
    wave = 120 + 60 * np.sin(0.07 * x * (1 + k) + 0.05 * y + 0.3 * t + k)
    return (wave + np.random.default_rng(0).normal(0, 6, (frames, 96, 128, 3))).astype(np.uint8)


def labelled(first: Any, second: Any) -> Array:
    """Two objects with labels on black, (1, y, x, c)."""
    mask = np.zeros((1, 96, 128, np.size(first)), np.uint8)
    mask[:, OBJECT], mask[:, OTHER] = first, second
    return mask


def on(pixels: Array, colour: Any) -> Array:
    """The pixels with an object painted on them."""
    painted = pixels.copy()
    painted[:, OBJECT] = colour
    return painted


def with_alpha(pixels: Array, alpha: Array) -> Array:
    return np.concatenate([pixels, np.broadcast_to(alpha, pixels.shape[:3])[..., None]], axis=3)


@pytest.mark.parametrize(
    ("mask", "white", "words"),
    [
        (labelled(1, 2), BOTH, "labels, 1, 2: all but 0"),
        (labelled(1, 255), BOTH, "labels, 1, 255: all but 0"),
        (labelled(3, 3), BOTH, "labels, 3: all but 0"),
        (labelled(128, 128), BOTH, "labels, 128: all but black"),
        (labelled(128, 255), BOTH, "labels, 128: all but black"),
        (labelled(100, 38).astype(np.int64), BOTH, "labels, 38, 100: all but black"),
        (labelled(128, 64).astype(np.uint16) * 257, BOTH, "labels, 64, 128: all but black"),
        (labelled(2, 1).astype(np.uint16), BOTH, "labels, 1, 2: all but 0"),
        ((5 * OBJECT + 300 * OTHER)[None].astype(np.uint16), BOTH, "labels, 1, 19: all but 0"),
        (labelled((128, 0, 0), (0, 128, 0)), BOTH, "coloured labels: all but black"),
        (labelled((236, 95, 99), (255, 255, 255)), BOTH, "coloured labels: all but black"),
        (labelled((255, 0, 0), (255, 0, 0)), BOTH, "coloured labels: all but black"),
        (on(photo(), (255, 0, 0)), OBJECT, "a picture with red paint: only the paint"),
        (on(photo(4), (254, 2, 1)), OBJECT, "a picture with red paint: only the paint"),
        (on(photo(), (0, 255, 0)), OBJECT, "a picture with green paint: only the paint"),
        (on(photo(), (255, 0, 255)), OBJECT, "a picture with magenta paint: only the paint"),
        (
            with_alpha(photo(), ~OBJECT * np.uint8(255)),
            OBJECT,
            "with transparent parts",
        ),
        (with_alpha(photo() * 0, OBJECT * np.uint8(255)), OBJECT, "black paint on transparent"),
        (with_alpha(on(photo(), (255, 0, 0)), OBJECT * np.uint8(255)), OBJECT, "coloured labels"),
    ],
)
def test_what_is_not_black_and_white_is_understood(mask: Array, white: Array, words: str) -> None:
    with pytest.warns(UserWarning, match=f"^mask .*{words}") as shown:
        read = check_soft_mask("mask", mask, (len(mask), 96, 128, 3))
    assert len(shown) == 1
    np.testing.assert_array_equal(read, np.broadcast_to(white, read.shape))


@pytest.mark.parametrize(
    "soft",
    [
        ndimage.gaussian_filter(BOTH * 255.0, 2),  # a feather
        ndimage.zoom(BOTH[::4, ::4] * 255.0, 4, order=1),
        np.tile(np.linspace(0, 255, 128), (96, 1)),  # from black to white
        np.tile(np.repeat(np.arange(16) * 17, 8), (96, 1)),  # the same in 16 greys
    ],
)
def test_soft_greys_stay_as_they_are(soft: Array) -> None:
    mask = np.clip(soft, 0, 255).astype(np.uint8)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "mask is mostly between black and white")
        read = check_soft_mask("mask", mask, (3, 96, 128, 3))
    grey = (mask > 13) & (mask < 242)
    np.testing.assert_allclose(read[1][grey], mask[grey] / 255, atol=1e-6)


def test_hard_masks_say_nothing() -> None:
    jpeg = np.clip(BOTH * 250 + np.random.default_rng(0).integers(0, 6, BOTH.shape), 0, 255)
    rounded = ndimage.zoom(OBJECT * 1.0, 0.5, order=1) * 255  # with grey edges
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for mask in (BOTH, BOTH * np.uint8(255), jpeg.astype(np.uint8)):
            read = check_soft_mask("mask", mask, (1, 96, 128, 3))
            np.testing.assert_array_equal(read[0], BOTH)
        check_soft_mask("mask", rounded.astype(np.uint8), (1, 48, 64, 3))


def test_a_picture_is_no_mask() -> None:
    with pytest.raises(InvalidInput, match="mask looks like a picture, not like a mask; make the"):
        check_soft_mask("mask", photo(), (1, 96, 128, 3))


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".gif", ".webp"])
@pytest.mark.parametrize(
    ("mask", "white"),
    [
        (labelled(255, 255), BOTH),
        (labelled(128, 128), BOTH),
        (labelled((128, 0, 0), (0, 128, 0)), BOTH),
        (on(photo(), (255, 0, 0)), OBJECT),
    ],
    ids=["white", "grey", "labels", "paint"],
)
def test_masks_survive_lossy_films(tmp_path: Path, mask: Array, white: Array, suffix: str) -> None:
    film = np.repeat(np.broadcast_to(mask, (*mask.shape[:3], 3)), 5, axis=0)
    write_video(tmp_path / f"mask{suffix}", film)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = check_soft_mask("mask", read_mask(tmp_path / f"mask{suffix}"), (5, 96, 128, 3))
    inner, outer = ndimage.binary_erosion(white, None, 2), ndimage.binary_dilation(white, None, 2)
    assert (read[:, inner] == 1).all()
    assert (read[:, ~outer] == 0).mean() > 0.999


def test_the_palettes_of_data_sets(tmp_path: Path) -> None:
    """DAVIS, and a palette of greys whose first labels cannot be told from black by eye."""
    for name, colours in {
        "davis.png": [0, 0, 0, 128, 0, 0, 0, 128, 0],
        "greys.png": [0, 0, 0, 1, 1, 1, 2, 2, 2],
    }.items():
        picture = Image.fromarray(labelled(1, 2)[0, ..., 0], "L").convert("P")
        picture.putdata(labelled(1, 2)[0, ..., 0].ravel())
        picture.putpalette(colours)
        picture.save(tmp_path / name)
        with Image.open(tmp_path / name) as saved:
            assert saved.mode == "P"
        with pytest.warns(UserWarning, match="labels"):
            read = check_soft_mask("mask", read_mask(tmp_path / name), (2, 96, 128, 3))
        np.testing.assert_array_equal(read[1], BOTH)


@pytest.mark.parametrize(
    ("name", "quality"), [("a.jpg", 50), ("a.jpg", 70), ("a.webp", 80), ("a.mp4", 35)]
)
def test_labels_of_grey_survive_compression(tmp_path: Path, name: str, quality: int) -> None:
    mask = labelled(170, 85)
    if name == "a.mp4":
        write_video(tmp_path / name, mask, quality=quality)
    else:
        Image.fromarray(mask[0, ..., 0]).save(tmp_path / name, quality=quality)
    with pytest.warns(UserWarning, match="mask holds labels, [0-9, ]+: all but black counts"):
        read = check_soft_mask("mask", read_mask(tmp_path / name), (1, 96, 128, 3))
    assert np.mean(read[0] != BOTH) < 0.01


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
    np.save(tmp_path / "number.npy", np.array(1))
    with pytest.raises(InvalidInput, match=r"the size of the clip, .*, got a single value"):
        read_masks("mask", [tmp_path / "number.npy"], [], SHAPE, (0, None))


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
