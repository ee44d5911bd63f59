"""Retargeting: shape and pace, regions to keep, errors, the command."""

from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
import slow
from click.testing import CliRunner
from numpy.typing import NDArray
from scipy import ndimage

from patchvid import resize, sample_clip, search
from patchvid.apps.retargeting import retarget
from patchvid.cli.retarget import retarget as command
from patchvid.errors import PatchvidError
from patchvid.io.reading import read_video
from patchvid.results import Result

Array = NDArray[Any]


def waves(*shape: int, dtype: Any = np.uint8) -> Array:
    """Make a texture that repeats itself in all directions, and moves."""
    t, y, x, c = np.indices(shape)
    values = np.sin(2 * np.pi * (x / 8 + t / 4)) * np.cos(2 * np.pi * y / 6 + c)
    if np.dtype(dtype).kind == "u":
        return np.rint((0.5 + 0.45 * values) * np.iinfo(dtype).max).astype(dtype)
    return (values * 4 - 1).astype(dtype)


def discs() -> Array:
    """Make four discs that move slowly to the right, on a plain ground."""
    clip = np.full((6, 48, 80, 3), 110, np.uint8)
    y, x = np.indices(clip.shape[1:3])
    colours = ((220, 30, 30), (30, 40, 220), (240, 230, 40), (10, 10, 10))
    for t, frame in enumerate(clip):
        for colour, row, column in zip(colours, (14, 34, 12, 33), (12, 30, 46, 65)):
            frame[(y - row) ** 2 + (x - column - t) ** 2 < 32] = colour
    return clip


def disc_alone() -> Array:
    """Make a disc that moves slowly to the right, below a sky that gets lighter."""
    clip = np.empty((16, 40, 64, 3), np.uint8)
    clip[:] = np.linspace(80, 150, 40).astype(np.uint8)[:, None, None]
    y, x = np.indices(clip.shape[1:3])
    for t, frame in enumerate(clip):
        frame[(y - 20) ** 2 + (x - 24 - t) ** 2 < 64] = (220, 60, 30)
    return clip


def seam(video: Array, clip: Array, axis: int) -> float:
    """Measure the cost of patches across the ends of an axis, relative to the others."""
    periodic = (axis == 0, axis == 1, axis == 2)
    cost = np.moveaxis(search(video, clip, periodic=periodic, seed=0)[1], axis, 0)
    across = (3, 7, 7)[axis] - 1
    return float(cost[-across:].mean()) / max(float(cost[:-across].mean()), 1e-3)


def noisy(*shape: int) -> Array:
    random = np.random.default_rng(0)
    coarse = random.random((shape[0], shape[1] // 3, shape[2] // 3, shape[3]))
    return np.rint(np.clip(resize(coarse, shape[:3]), 0, 1) * 255).astype(np.uint8)


CLIP = noisy(5, 24, 36, 3)
KEEP = np.zeros((24, 36), bool)
KEEP[8:16, 20:31] = True


# Shape and pace


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
def test_the_same_size_gives_the_clip(dtype: Any) -> None:
    clip = waves(4, 24, 40, 2, dtype=dtype)
    same = retarget(clip, scale=(1, 1, 1), seed=0)
    assert same.dtype == dtype
    single = clip.astype(np.float32) if dtype == np.float64 else clip
    np.testing.assert_array_equal(same, single.astype(dtype))


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({"scale": (1, 1, 0.5)}, (5, 24, 18)),
        ({"scale": (2, 1, 1)}, (10, 24, 36)),
        ({"scale": (0.7, 1.4, 1.01)}, (4, 34, 37)),
        ({"size": (5, 24, 100)}, (5, 24, 100)),
        ({"size": np.array([3, 60, 15])}, (3, 60, 15)),
    ],
)
def test_output_has_the_size_asked_for(arguments: Any, shape: tuple[int, ...]) -> None:
    made = retarget(CLIP, seed=1, iterations=1, details=True, **arguments)
    assert isinstance(made, Result)
    assert made.video.shape == (*shape, 3)
    assert made.nnf.shape == (shape[0] - 2, shape[1] - 6, shape[2] - 6, 3)
    assert made.levels[-1].shape == shape


@pytest.mark.parametrize(
    "scale",
    slow.but_the_first(
        [(1, 1, 0.6), (1, 1, 1.5), (1, 0.6, 1), (0.6, 1, 1), (2, 1, 1), (1, 1.3, 1.4)]
    ),
)
def test_a_texture_keeps_its_scale_and_its_pace(scale: tuple[float, ...]) -> None:
    clip = waves(10, 40, 56, 3)
    made = retarget(clip, scale=scale, seed=0)
    cost = search(made, clip, seed=0)[1]
    stretched = search(resize(clip, made.shape[:3]), clip, seed=0)[1]
    assert cost.mean() < 0.25 * stretched.mean()


@pytest.mark.parametrize("width", [56, 120])
def test_things_keep_their_shape(width: int) -> None:
    clip = discs()
    made = retarget(clip, size=(6, 48, width), seed=0)
    labels, count = ndimage.label((made != 110).any(axis=3)[3])
    assert count >= 3
    sides = [
        (y.stop - y.start, x.stop - x.start)
        for y, x in ndimage.find_objects(labels)
        if x.start > 0 and x.stop < width and y.stop - y.start > 2
    ]
    assert len(sides) >= 3
    assert np.median([across / along for along, across in sides]) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_alone_is_neither_torn_nor_doubled(seed: int) -> None:
    clip = disc_alone()
    made = retarget(clip, scale=(1, 1, 1.5), seed=seed)
    sizes = [np.count_nonzero((video == (220, 60, 30)).all(axis=3)) for video in (clip, made)]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.1)  # with alpha=15 it is 1.3 times as large


@pytest.mark.parametrize("seed", range(2))
def test_an_object_does_not_vanish_midway(seed: int) -> None:
    grass = np.random.default_rng(seed).integers(90, 130, (40, 140, 1)) * [0, 1, 0]
    colors = np.array([(230, 230, 30), (240, 240, 240), (40, 40, 220)])
    clip = np.stack([np.roll(grass, -t // 2, axis=1)[:, :96] for t in range(24)]).astype(np.uint8)
    for t, frame in enumerate(clip):
        for color, x, y in zip(colors, (34 - t // 4, 70 - t // 2, 48 - t // 2), (14, 16, 27)):
            frame[y : y + 6, x : x + 4] = color
    narrower = retarget(clip, scale=(1, 1, 0.6), seed=seed).astype(int)
    for color in colors:
        is_like = (np.abs(narrower - color) < 40).all(axis=3)
        assert is_like.sum(axis=(1, 2)).min() >= 12


@pytest.mark.parametrize("seed", range(2))
def test_objects_side_by_side_stay_whole_where_there_is_room(seed: int) -> None:
    clip = np.full((6, 60, 100, 3), (20, 70, 50), np.uint8)
    y, x = np.indices(clip.shape[1:3])
    colours = (
        (220, 40, 40), (240, 150, 30), (30, 40, 200), (250, 250, 240), (20, 20, 20), (130, 70, 20),
        (240, 230, 40),
    )  # fmt: skip
    places = ((16, 50), (30, 42), (30, 58), (44, 35), (44, 50), (44, 65), (37, 22))
    for colour, (row, column) in zip(colours, places):
        clip[:, (y - row) ** 2 + (x - column) ** 2 < 49] = colour
    narrower = retarget(clip, scale=(1, 1, 0.7), seed=seed)
    for colour in colours:
        n_pixels = [(np.abs(v.astype(int) - colour).sum(-1) < 30).sum() for v in (narrower, clip)]
        assert n_pixels[0] > 0.75 * n_pixels[1]


def test_what_is_longer_goes_on_at_the_same_pace() -> None:
    clip = discs()
    longer = retarget(clip, scale=(2, 1, 1), seed=0)
    cost = search(longer, clip, seed=0)[1]
    slowed = search(resize(clip, longer.shape[:3]), clip, seed=0)[1]
    assert cost.mean() < 0.3 * slowed.mean()


@pytest.mark.parametrize("seed", range(2))
def test_what_came_one_after_the_other_is_shown_at_once(seed: int) -> None:
    clip = np.full((24, 40, 64, 3), 110, np.uint8)
    colours = ((220, 60, 30), (40, 60, 220))
    for t, frame in enumerate(clip):
        frame[6:14, 4 + 3 * min(t, 11) :][:, :8] = colours[0]
        frame[26:34, 4 + 3 * max(t - 12, 0) :][:, :8] = colours[1]
    summary = retarget(clip, scale=(0.5, 1, 1), seed=seed)
    for colour in colours:
        near = np.abs(summary.astype(int) - colour).max(axis=3) < 60
        places = [np.flatnonzero(frame.any(axis=0)).mean() for frame in near]
        assert np.mean(np.diff(places) > 2) > 0.8  # 3 in the clip, where it stands half of the time


def test_an_image_is_retargeted_too() -> None:
    image = waves(1, 40, 56, 3)
    made = retarget(image, scale=(1, 1, 1.5), seed=0)
    assert made.shape == (1, 40, 84, 3)
    cost = search(made, image, patch=(1, 7, 7), seed=0)[1]
    stretched = search(resize(image, made.shape[:3]), image, patch=(1, 7, 7), seed=0)[1]
    assert cost.mean() < 0.2 * stretched.mean()


@pytest.mark.parametrize(
    "scale",
    slow.but_the_first([(1, 1, 0.6), (0.6, 1, 1), (1.5, 1, 1), (1, 1, 1)]),
)
def test_a_loop_has_no_seam(scale: tuple[float, ...]) -> None:
    clip = resize(sample_clip(), (12, 40, 70))
    loop = retarget(clip, scale=scale, loop=True, seed=0)
    assert loop.shape[:3] == tuple(np.ceil(np.multiply(scale, clip.shape[:3]) - 1e-5))
    assert seam(loop, clip, 0) < 1.1
    assert seam(retarget(clip, scale=scale, seed=0), clip, 0) > 2


@pytest.mark.parametrize("tile", slow.but_the_first(["xy", "x", "y"]))
def test_a_tile_has_no_seam(tile: str) -> None:
    clip = resize(sample_clip()[:6], (6, 48, 84))
    made = retarget(clip, scale=(1, 0.8, 0.8), tile=tile, seed=0)
    for axis in map("tyx".index, tile):
        assert seam(made, clip, axis) < 1.1
        assert seam(retarget(clip, scale=(1, 0.8, 0.8), seed=0), clip, axis) > 2


def test_the_seed_and_only_the_seed_decides() -> None:
    made = retarget(CLIP, scale=(1, 1, 1.5), details=True)
    again = retarget(CLIP, scale=(1, 1, 1.5), seed=made.seed)
    np.testing.assert_array_equal(made.video, again)


def test_bytes_do_not_depend_on_the_number_of_threads() -> None:
    if numba.get_num_threads() < 2:
        pytest.skip("this machine runs one thread only (NUMBA_NUM_THREADS)")
    clip, before, results = noisy(6, 45, 60, 3), numba.get_num_threads(), []
    keep = np.zeros(clip.shape[1:3], bool)
    keep[20:30, 20:30] = True
    try:
        for threads in (1, 2):
            numba.set_num_threads(threads)
            results.append(retarget(clip, scale=(1.5, 1, 0.7), seed=5, keep=keep))
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(results[0], results[1])


def test_progress_goes_from_the_coarsest_level_to_one() -> None:
    calls: list[tuple[float, str]] = []
    made = retarget(
        CLIP, scale=(1, 1, 0.5), seed=1, details=True, progress=lambda *call: calls.append(call)
    )
    fractions, messages = zip(*calls, strict=True)
    n_levels = len(made.levels)
    assert (messages[0], messages[-1]) == (f"level 1/{n_levels}", f"level {n_levels}/{n_levels}")
    assert (np.diff(fractions) > 0).all()
    assert fractions[-1] == pytest.approx(1)


# Regions to keep


@pytest.mark.parametrize(
    ("size", "place"),
    [
        ((5, 24, 54), (slice(None), slice(8, 16), slice(33, 44))),
        ((5, 24, 24), (slice(None), slice(8, 16), slice(12, 23))),
        ((5, 24, 15), (slice(None), slice(8, 16), slice(4, 15))),  # as far right as it goes
        ((5, 36, 36), (slice(None), slice(14, 22), slice(20, 31))),
        ((9, 24, 36), (slice(2, 7), slice(8, 16), slice(20, 31))),
    ],
)
def test_what_is_kept_is_in_the_output_as_it_is(size: Any, place: tuple[slice, ...]) -> None:
    made = retarget(CLIP, size=size, keep=KEEP, seed=1, iterations=2)
    assert made.shape == (*size, 3)
    np.testing.assert_array_equal(made[place], CLIP[:, 8:16, 20:31])


def test_what_is_kept_may_move() -> None:
    clip = discs()
    red = (clip == (220, 30, 30)).all(axis=3)
    made = retarget(clip, size=(6, 48, 100), keep=red, seed=0)
    moved = np.zeros(made.shape[:3], bool)
    columns = np.flatnonzero(red.any(axis=(0, 1)))
    shift = round((columns[0] + columns[-1] + 1) / 2 * 100 / 80 - len(columns) / 2) - columns[0]
    moved[:, :, shift : shift + 80] = red
    np.testing.assert_array_equal(made[moved], clip[red])


def test_what_is_partly_kept_is_blended() -> None:
    soft = np.where(KEEP, 1, 0).astype(np.float32)
    soft[8:16, 18:20] = 0.5
    made = retarget(CLIP, size=(5, 24, 54), keep=soft, seed=1, iterations=2)
    middle = made[:, 8:16, 30:43]  # 13 columns around 24.5 * 1.5
    np.testing.assert_array_equal(middle[:, :, 2:], CLIP[:, 8:16, 20:31])


def test_what_is_kept_fits_in_without_a_seam() -> None:
    clip = waves(8, 40, 56, 3)
    keep = np.zeros(clip.shape[1:3], bool)
    keep[12:28, 20:36] = True
    made = retarget(clip, size=(8, 40, 80), keep=keep, seed=0)
    np.testing.assert_array_equal(made[:, 12:28, 32:48], clip[:, 12:28, 20:36])
    around = search(made[:, 5:35, 25:55], clip, seed=0)[1]
    pasted = resize(clip, made.shape[:3])
    pasted[:, 12:28, 32:48] = clip[:, 12:28, 20:36]
    assert around.mean() < 0.25 * search(pasted[:, 5:35, 25:55], clip, seed=0)[1].mean()


def test_what_is_kept_is_in_a_loop_of_tiles_as_it_is() -> None:
    made = retarget(CLIP, size=(5, 24, 54), keep=KEEP, loop=True, tile="xy", seed=1, iterations=2)
    np.testing.assert_array_equal(made[:, 8:16, 33:44], CLIP[:, 8:16, 20:31])


# Errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": None}, "retarget needs a size or a scale, got neither"),
        ({"scale": (1, 1, 0.3)}, "by factors from 0.4 to 3, got 1, 1, 0.306; make larger"),
        ({"size": (16, 24, 36), "scale": None}, "by factors from 0.4 to 3, got 3.2, 1, 1;"),
        ({"size": (5, 24, 30)}, "either scale or size"),
        ({"scale": (1, 1)}, "scale must be three numbers above 0"),
        ({"scale": (1, -1, 1)}, "scale must be three numbers above 0"),
        ({"scale": (0.4, 1, 1)}, "2 frames, .* smaller than the patch 3x7x7"),
        ({"keep": KEEP.T}, "keep must have the size of the clip, 5x24x36, .* got 1x36x24"),
        ({"keep": KEEP & ~KEEP}, "keep must be white where .* got only black"),
        ({"keep": KEEP | True}, "spans 36 pixels of the width of the clip and .* fit into 18"),
        ({"keep": KEEP, "scale": (0.6, 1, 1)}, "spans 5 frames of the clip and .* fit into 3"),
        ({"video": CLIP[0, 0]}, "video must be a filled"),
        ({"coarsest": (0, 15)}, "coarsest must be"),
        ({"alpha": 0}, "alpha must be above 0"),
        ({"iterations": 0}, "iterations must be"),
        ({"tile": "z"}, "tile must be"),
        ({"video": CLIP[:1], "loop": True}, "a single frame makes no loop"),
        ({"device": "tpu"}, "device must be"),
    ],
)
def test_retarget_names_what_is_wrong(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(PatchvidError, match=message) as error:
        retarget(**{"video": CLIP, "scale": (1, 1, 0.5), "seed": 1, **arguments})
    assert "\n" not in str(error.value)


# The command


@pytest.fixture
def here(here: Path) -> Path:
    """Change to a folder with the clip in it."""
    np.savez("clip.npz", video=CLIP)
    return here


def run(*args: object) -> str:
    result = CliRunner().invoke(command, [str(arg) for arg in args], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_command_changes_the_size(here: Path) -> None:
    line = run("clip.npz", "--scale", "1,1,1.5", "--seed", 3)
    assert line.startswith("clip_retarget.npz: 5x24x54, seed 3, ")
    expected = retarget(CLIP, scale=(1, 1, 1.5), seed=3)
    np.testing.assert_array_equal(read_video("clip_retarget.npz")[0], expected)
    run("clip.npz", "--size", "5,24,54", "--seed", 3, "-o", "a.npz")
    assert Path("a.npz").read_bytes() == Path("clip_retarget.npz").read_bytes()


def test_command_keeps_what_it_is_told(here: Path) -> None:
    np.save("keep.npy", KEEP)
    options = ("--size", "5,24,54", "--iterations", 1, "--seed", 3)
    run("clip.npz", "--keep", "keep.npy", *options, "-o", "a.npz")
    run("clip.npz", "--box", "20,8,11,8", *options, "-o", "b.npz")
    assert Path("a.npz").read_bytes() == Path("b.npz").read_bytes()
    np.testing.assert_array_equal(read_video("a.npz")[0][:, 8:16, 33:44], CLIP[:, 8:16, 20:31])


def test_command_makes_loops_and_tiles_of_any_size(here: Path) -> None:
    run("clip.npz", "--loop", "--tile", "x", "--iterations", 1, "--seed", 3)
    expected = retarget(CLIP, scale=(1, 1, 1), loop=True, tile="x", iterations=1, seed=3)
    np.testing.assert_array_equal(read_video("clip_retarget.npz")[0], expected)


def test_command_needs_a_size(here: Path) -> None:
    result = CliRunner().invoke(command, ["clip.npz"])
    assert result.exit_code == 2
    assert "Give the new size with --scale or --size." in result.output
    result = CliRunner().invoke(command, ["clip.npz", "--scale", "1,1,1"])
    assert result.exit_code == 2
    assert "--scale 1,1,1 keeps the size; give another, --loop or --tile." in result.output
