"""Inpainting: known answers, the unchanged rest, the unused hole, cues, errors, the command."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from click.testing import CliRunner
from drawn import draw
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from patchvid import read_video, resize, sample_clip, search, track, vote, write_video
from patchvid.apps.cues import copy_paint, painted
from patchvid.apps.inpainting import inpaint
from patchvid.apps.painted_frames import cue_of_frames
from patchvid.cli.inpaint import inpaint as command
from patchvid.core.fields import patches_within
from patchvid.errors import InvalidInput, PatchvidError
from patchvid.results import Result

Array = NDArray[Any]


def crossing_square(n_frames: int = 16) -> Array:
    """Make a square that crosses a plain picture, two pixels per frame."""
    clip = np.full((n_frames, 30, 44, 3), 90, np.uint8)
    for t, frame in enumerate(clip):
        frame[10:19, 1 + 2 * t : 10 + 2 * t] = (230, 200, 40)
    return clip


def waves(*shape: int, dtype: Any = np.uint8) -> Array:
    """Make a texture that repeats itself in all directions, and moves."""
    t, y, x, c = np.indices(shape)
    values = np.sin(2 * np.pi * (x / 8 + t / 4)) * np.cos(2 * np.pi * y / 6 + c)
    if np.dtype(dtype).kind == "u":
        return np.rint((0.5 + 0.45 * values) * np.iinfo(dtype).max).astype(dtype)
    return (values * 4 - 1).astype(dtype)


def noisy(*shape: int) -> Array:
    random = np.random.default_rng(0)
    coarse = random.random((shape[0], shape[1] // 3, shape[2] // 3, shape[3]))
    return np.rint(np.clip(resize(coarse, shape[:3]), 0, 1) * 255).astype(np.uint8)


def box(clip: Array, rows: slice, columns: slice) -> Array:
    """Make a mask for all frames, white in a box."""
    mask = np.zeros(clip.shape[:3], bool)
    mask[:, rows, columns] = True
    return mask


CLIP = noisy(5, 27, 36, 3)
HOLE = np.zeros((27, 36), bool)
HOLE[9:17, 12:22] = True


# Known answers


@pytest.mark.parametrize("width", [3, 5, 7])
def test_a_square_comes_back_from_behind_a_bar(width: int) -> None:
    clip = crossing_square()
    hole = np.zeros(clip.shape[1:3], bool)
    hole[:, 20 : 20 + width] = True
    damaged = clip.copy()
    damaged[:, hole] = 0
    made = inpaint(damaged, hole, seed=0)
    np.testing.assert_array_equal(made[:, ~hole], clip[:, ~hole])
    difference = np.abs(made.astype(int) - clip)[:, hole]
    assert difference.mean() < 1


def test_a_moving_mask_takes_a_moving_thing_away() -> None:
    clip = crossing_square()
    mask = (clip != 90).any(axis=3)
    np.testing.assert_array_equal(inpaint(clip, mask, seed=0), np.full_like(clip, 90))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
def test_a_texture_completes_itself(dtype: Any) -> None:
    clip = waves(8, 36, 48, 2, dtype=dtype)
    damaged = clip.copy()
    damaged[:, 12:22, 16:26] = clip.min()
    before = damaged.copy()
    made = inpaint(damaged, box(clip, slice(12, 22), slice(16, 26)), seed=0)
    assert made.dtype == clip.dtype
    np.testing.assert_array_equal(damaged, before)
    span = float(clip.max()) - float(clip.min())
    assert np.abs(made.astype(float) - clip).mean() < 0.002 * span


@pytest.mark.parametrize(
    "place",
    [
        (slice(None), slice(0, 7), slice(0, 9)),
        (slice(None), slice(None), slice(41, 48)),
        (slice(0, 1), slice(10, 20), slice(10, 20)),
        (slice(7, 8), slice(10, 20), slice(10, 20)),
        (slice(3, 5), slice(None), slice(None)),
        (slice(None), slice(17, 18), slice(20, 21)),
    ],
    ids=["corner", "side", "first frame", "last frame", "whole frames", "pixel"],
)
def test_holes_may_be_anywhere(place: tuple[slice, ...]) -> None:
    clip = waves(8, 36, 48, 3)
    mask = np.zeros(clip.shape[:3], bool)
    mask[place] = True
    damaged = np.where(mask[..., None], 0, clip)
    made = inpaint(damaged, mask, seed=0)
    np.testing.assert_array_equal(made[~mask], clip[~mask])
    assert np.abs(made[mask].astype(int) - clip[mask]).mean() < 12


def test_a_disc_on_the_seam_of_a_tile_is_completed_around() -> None:
    clip = np.full((6, 32, 48, 3), 110, np.uint8)
    y, x = np.indices(clip.shape[1:3])
    for row, column in ((9, 15), (22, 30), (16, 0)):
        distance = np.abs(x - column)
        clip[:, (y - row) ** 2 + np.minimum(distance, 48 - distance) ** 2 < 20] = (220, 60, 30)
    hole = box(clip, slice(8, 25), slice(38, 48))
    damaged = np.where(hole[..., None], np.uint8(0), clip)
    errors = []
    for tile in ("x", ""):
        made = inpaint(damaged, hole, tile=tile, seed=0)
        np.testing.assert_array_equal(made[~hole], clip[~hole])
        errors.append(np.abs(made[hole].astype(int) - clip[hole]).mean())
    assert errors[0] < 2
    assert errors[1] > 10  # half of a disc


@pytest.mark.slow
def test_last_frames_that_are_made_lead_to_the_first() -> None:
    clip = resize(sample_clip(), (14, 40, 70))
    hole = np.zeros(clip.shape[:3], bool)
    hole[9:] = True
    seams = []
    for loop in (True, False):
        made = inpaint(clip, hole, loop=loop, seed=0)
        np.testing.assert_array_equal(made[:9], clip[:9])
        cost = search(made, clip, periodic=(True, False, False), seed=0)[1].mean(axis=(1, 2))
        seams.append(cost[-2:].mean())
    assert seams[0] < 0.7 * seams[1]


def test_an_image_is_completed_too() -> None:
    image = waves(1, 40, 48, 3)
    mask = box(image, slice(14, 24), slice(18, 30))
    damaged = np.where(mask[..., None], np.uint8(0), image)
    assert np.abs(inpaint(damaged, mask, seed=0).astype(int) - image).mean() < 1


# The unchanged rest and the unused hole


def test_nothing_of_the_hole_is_looked_at() -> None:
    other = CLIP.copy()
    other[:, HOLE] = np.random.default_rng(1).integers(0, 256, other[:, HOLE].shape)
    made = inpaint(CLIP, HOLE, seed=3)
    np.testing.assert_array_equal(made, inpaint(other, HOLE, seed=3))
    np.testing.assert_array_equal(made[:, ~HOLE], CLIP[:, ~HOLE])
    assert (made[:, HOLE] != CLIP[:, HOLE]).mean() > 0.5


def test_a_hole_may_hold_no_numbers() -> None:
    video = CLIP.astype(np.float32)
    gaps = video.copy()
    gaps[:, HOLE] = np.nan
    np.testing.assert_array_equal(inpaint(gaps, HOLE, seed=3), inpaint(video, HOLE, seed=3))
    gaps[0, 0, 0] = np.nan
    with pytest.raises(InvalidInput, match="video must be finite"):
        inpaint(gaps, HOLE, seed=3)


def shade_apart(voted: Array, made: Result, hole: Array) -> float:
    """By how much shades were corrected after the last vote."""
    return float(np.abs(made.video[hole].astype(int) - voted[hole]).mean())


def test_patches_come_from_outside_of_the_hole() -> None:
    hole = np.broadcast_to(HOLE, CLIP.shape[:3])
    made = inpaint(CLIP, HOLE, seed=3, details=True)
    assert isinstance(made, Result)
    allowed = patches_within(~hole, (3, 7, 7))
    searched = ~patches_within(~hole, (3, 7, 7))
    keys = made.nnf[searched]
    assert allowed[tuple(keys.T)].all()
    assert made.nnf.shape == (*searched.shape, 3)
    assert shade_apart(vote(CLIP, made.nnf), made, hole) < 4


def test_the_field_of_a_loop_holds_patches_of_the_clip() -> None:
    made = inpaint(CLIP, HOLE, seed=3, loop=True, tile="x", details=True)
    assert made.nnf.shape[:3] == (len(CLIP), CLIP.shape[1] - 6, CLIP.shape[2])
    voted = vote(CLIP, made.nnf, periodic=(True, False, True))
    hole = np.broadcast_to(HOLE, CLIP.shape[:3])
    assert shade_apart(voted, made, hole) < 4


def test_a_soft_mask_blends() -> None:
    soft = np.zeros(HOLE.shape, np.float32)
    soft[8:18, 11:23] = 0.5
    soft[HOLE] = 1
    made = inpaint(CLIP, soft > 0, seed=1)
    blended = inpaint(CLIP, soft, seed=1)
    expected = np.rint(made * soft[..., None] + CLIP * (1 - soft[..., None]))
    np.testing.assert_array_equal(blended, expected)


@pytest.mark.parametrize("grow", [0, 3])
def test_growing_is_dilating(grow: int) -> None:
    grown = np.zeros_like(HOLE)
    grown[9 - grow : 17 + grow, 12 - grow : 22 + grow] = True
    made = inpaint(CLIP, HOLE, grow=grow, seed=1)
    np.testing.assert_array_equal(made, inpaint(CLIP, grown, seed=1))
    np.testing.assert_array_equal(made[:, ~grown], CLIP[:, ~grown])


def test_the_seed_and_only_the_seed_decides() -> None:
    made = inpaint(CLIP, HOLE, details=True)
    again = inpaint(CLIP, HOLE, seed=made.seed)
    np.testing.assert_array_equal(made.video, again)


def test_bytes_do_not_depend_on_the_number_of_threads() -> None:
    if numba.get_num_threads() < 2:
        pytest.skip("this machine runs one thread only (NUMBA_NUM_THREADS)")
    clip, before, results = waves(6, 60, 80, 3), numba.get_num_threads(), []
    try:
        for threads in (1, 2):
            numba.set_num_threads(threads)
            results.append(inpaint(clip, box(clip, slice(20, 40), slice(30, 50)), seed=5))
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(results[0], results[1])


def test_progress_goes_from_the_coarsest_level_to_one() -> None:
    calls: list[tuple[float, str]] = []
    made = inpaint(CLIP, HOLE, seed=1, details=True, progress=lambda *call: calls.append(call))
    fractions, messages = zip(*calls, strict=True)
    n_levels = len(made.levels)
    assert (messages[0], messages[-1]) == (f"level 1/{n_levels}", f"level {n_levels}/{n_levels}")
    assert (np.diff(fractions) > 0).all()
    assert fractions[-1] == pytest.approx(1)


# Cues


def with_things() -> Array:
    """Make a grey clip with red and blue discs."""
    clip = np.full((6, 60, 80, 3), 110, np.uint8)
    y, x = np.indices(clip.shape[1:3])
    for t, frame in enumerate(clip):
        frame[(y - 15) ** 2 + (x - 15 - t) ** 2 < 30] = (220, 30, 30)
        frame[(y - 44) ** 2 + (x - 20 + t) ** 2 < 30] = (30, 40, 220)
    return clip


@pytest.mark.parametrize("colour", [(220, 30, 30), (30, 40, 220)])
def test_a_cue_says_what_appears(colour: tuple[int, ...]) -> None:
    clip = with_things()
    cue = clip.copy()
    cue[:, 26:36, 50:60] = colour
    made = inpaint(clip, cue=cue, seed=0)
    changed = (made != clip).any(axis=(0, 3))
    grown = np.zeros_like(changed)
    grown[23:39, 47:63] = True  # a twentieth of 60 around it
    assert not changed[~grown].any()
    appeared = (made[:, grown] == colour).all(axis=2).sum(axis=1)
    assert (appeared > 30).all()  # of the 97 pixels of a disc, in every frame
    other = (220, 30, 30) if colour[0] == 30 else (30, 40, 220)
    assert not (made[:, grown] == other).all(axis=2).any()


@pytest.mark.parametrize("seed", range(2))
def test_a_large_painted_area_becomes_several_objects(seed: int) -> None:
    clip = np.full((8, 200, 260, 3), (70, 95, 140), np.uint8)
    y, x = np.indices(clip.shape[1:3])
    for t, frame in enumerate(clip):
        for number in range(16):
            row, column = 10 + 180 * (number * 0.618 % 1), 10 + 9 * number + 0.7 * t
            frame[((y - row) / 1.7) ** 2 + ((x - column) / 5) ** 2 < 1] = (20, 20, 25)
    cue = clip.copy()
    cue[:, 60:96, 180:240] = 0
    output = inpaint(clip, cue=cue, seed=seed)[:, 45:111, 165:]
    assert all(ndimage.label(frame.max(axis=2) < 60)[1] >= 2 for frame in output)


def test_a_cue_goes_with_any_coarsest_level_and_with_short_clips() -> None:
    clip = with_things()
    cue = clip.copy()
    cue[:, 20:30, 20:34] = (200, 40, 40)
    assert inpaint(clip, cue=cue, seed=0, coarsest=(3, 20)).shape == clip.shape
    assert inpaint(clip[:3], cue=cue[:3], seed=0).shape == (3, *clip.shape[1:])


@pytest.mark.parametrize("size", [(20, 60), (40, 60)])
def test_a_large_painted_area_becomes_birds(shared: Path, size: tuple[int, int]) -> None:
    clip, _ = read_video(shared / "clips" / "inpaint" / "birds_original.mp4")
    cue = clip.copy()
    cue[:, 30 : 30 + size[0], 290 : 290 + size[1]] = 0
    output = inpaint(clip, cue=cue, seed=0)[:, 15:85, 280:370]
    dark = (output.max(axis=3) < 75).sum(axis=(1, 2))
    assert dark.min() > 40  # pixels; a bird has about 40


def test_a_cue_under_a_mask_says_what_is_in_it() -> None:
    clip = with_things()
    cue, mask = clip.copy(), np.zeros(clip.shape[1:3], bool)
    mask[24:38, 48:62] = True
    cue[:, 26:36, 50:60] = (220, 30, 30)
    made = inpaint(clip, mask, cue=cue, seed=0)
    np.testing.assert_array_equal(made[:, ~mask], clip[:, ~mask])
    assert (made[:, mask] == (220, 30, 30)).all(axis=2).any(axis=1).all()


@pytest.mark.parametrize("number", [0, 3])
def test_a_cue_in_one_picture_holds_for_all_frames(number: int) -> None:
    picture, cue = CLIP[number : number + 1].copy(), CLIP.copy()
    picture[:, 3:9, 20:31] = cue[:, 3:9, 20:31] = (7, 200, 9)
    np.testing.assert_array_equal(copy_paint(CLIP, picture), cue)
    made = inpaint(CLIP, cue=picture, seed=0, iterations=1)
    np.testing.assert_array_equal(made, inpaint(CLIP, cue=cue, seed=0, iterations=1))


def test_a_cue_of_one_frame_counts_there_or_follows_its_object() -> None:
    drawn = draw("moves", 25, (48, 64))
    clip, mask = drawn.clip[:3], drawn.mask[1]
    cue = clip.copy()
    cue[1][mask] = (7, 200, 9)
    made = inpaint(clip, cue={1: cue[1]}, seed=0, iterations=1)
    np.testing.assert_array_equal(made, inpaint(clip, cue=cue, seed=0, iterations=1))
    cue[track(clip, {1: mask})] = (7, 200, 9)
    np.testing.assert_array_equal(cue_of_frames(clip, {1: cue[1]}, follow=True), cue)


def test_paint_is_where_the_cue_differs() -> None:
    cue = CLIP.copy()
    cue[1:3, 3:9, 20:31] = (7, 200, 9)
    expected = (cue != CLIP).any(axis=3)
    np.testing.assert_array_equal(painted(CLIP, cue), expected)


@pytest.mark.parametrize("alone", [False, True])
def test_paint_is_found_in_compressed_clips(tmp_path: Path, alone: bool) -> None:
    clip = np.repeat(noisy(1, 90, 120, 3), 6, axis=0) // 2 + 40
    cue, expected = clip.copy(), np.zeros(clip.shape[1:3], bool)
    for place, colour in (((20, 41, 30, 55), (0, 0, 255)), ((70, 90, 80, 104), (255, 255, 255))):
        top, bottom, left, right = place
        cue[:, top:bottom, left:right] = colour
        expected[top:bottom, left:right] = True
    write_video(tmp_path / "clip.mp4", clip)
    write_video(tmp_path / "cue.mp4", cue)
    lossy = read_video(tmp_path / "cue.mp4")[0]
    found = painted(lossy if alone else read_video(tmp_path / "clip.mp4")[0], lossy)
    assert (found[:, expected] == 1).all()
    wider = np.zeros_like(expected)
    wider[18:43, 28:57] = wider[68:90, 78:106] = True
    assert not found[:, ~wider].any()


@pytest.mark.parametrize("ending", ["mp4", "webm", "jpg"])
def test_paint_of_any_shape_is_found_in_compressed_cues(tmp_path: Path, ending: str) -> None:
    clip = np.repeat(noisy(1, 90, 120, 3), 4, axis=0) // 2 + 40
    y, x = np.indices(clip.shape[1:3])
    shape = ((y - 30) / 14) ** 2 + ((x - 40) / 20) ** 2 < 1
    shape |= (x > 80) & (y > 50) & (y - 50 < 110 - x)
    cue = clip.copy()
    cue[:, shape] = (240, 30, 60)
    path = tmp_path / f"cue.{ending}"
    if ending == "jpg":  # one frame, which holds for all
        Image.fromarray(cue[0]).save(path, quality=90)
        found = (copy_paint(clip, read_video(path)[0]) != clip).any(axis=3)
    else:
        write_video(path, cue)
        found = painted(clip, read_video(path)[0]) > 0
    for frame in found:
        assert (frame & shape).sum() > 0.85 * shape.sum()
        assert (frame & ~shape).sum() < 0.1 * shape.sum()


def test_slight_paint_in_a_compressed_cue_needs_a_mask() -> None:
    clip = np.repeat(noisy(1, 60, 80, 3), 4, axis=0) // 2 + 40
    cue = clip + np.random.default_rng(1).integers(0, 6, clip.shape).astype(np.uint8)
    with pytest.raises(InvalidInput, match=r"no area of one colour .* stronger colour, or give a"):
        painted(clip, cue)


def test_paint_that_is_not_certain_needs_a_mask() -> None:
    moving = np.repeat(noisy(1, 60, 80, 3), 5, axis=0) // 2
    for t, frame in enumerate(moving):
        frame[10:20, 5 * t : 5 * t + 10] = 255
    for clip in (CLIP, moving, np.full_like(CLIP, 9)):
        with pytest.raises(InvalidInput, match=r"no flat rectangle .*; give the clip .* or a mask"):
            inpaint(clip, cue=clip, seed=0)


@pytest.mark.parametrize("name", ["soccer", "birds"])
def test_paint_is_found_in_the_paper_s_clips(shared: Path, name: str) -> None:
    folder = shared / "clips" / "inpaint"
    clip, cue = (
        read_video(folder / f"{name}_{kind}.mp4", frames=(0, 4))[0] for kind in ("original", "cued")
    )
    found = painted(clip, cue)
    np.testing.assert_array_equal(painted(cue, cue), found)
    share = {"soccer": 0.0104, "birds": 0.0338}[name]
    assert found.mean() == pytest.approx(share, rel=0.03)


# Errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"mask": None},
            "inpaint needs a mask that is white in the hole, a cue, or a clip that is transparent",
        ),
        ({"mask": HOLE.T}, "mask must have the size of the clip, 5x27x36, .* got 1x36x27"),
        ({"mask": np.repeat(HOLE[None], 4, axis=0)}, "size of the clip, 5x27x36, .* got 4x27x36"),
        ({"mask": ~HOLE & HOLE}, "mask must be white in the hole, got only black"),
        ({"mask": ~HOLE | HOLE}, "no whole patch, 3x7x7, of the clip is left .* smaller"),
        ({"mask": (np.indices((27, 36)) % 6 == 0).any(axis=0)}, "no whole patch"),
        (
            {"cue": CLIP[:4]},
            r"of the clip, \(5, 27, 36, 3\), or one frame of it, got \(4,",
        ),
        ({"cue": CLIP[..., 0]}, "cue must have the shape of the clip"),
        ({"cue": {}}, "cue must map one or more frame numbers to painted copies, got {}"),
        ({"cue": {5: CLIP[0]}}, "a cue for frame 5, but the clip has frames 0 to 4"),
        ({"cue": {0: CLIP}}, "the cue of frame 0 must"),
        ({"cue": CLIP, "follow": True}, "follow needs a cue that gives paint by frame"),
        ({"video": CLIP[0, 0]}, "video must be a filled"),
        ({"grow": -1}, "grow must be a whole number of at least 0, got -1"),
        ({"reduce": "mode"}, "reduce must be"),
        ({"patch": (3, 40, 7)}, "smaller than the patch"),
        ({"tile": "z"}, "tile must be"),
        ({"video": CLIP[:1], "loop": True}, "a single frame makes no loop"),
        ({"seed": -1}, "seed must be"),
        ({"device": "tpu"}, "device must be"),
    ],
)
def test_inpaint_names_what_is_wrong(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(PatchvidError, match=message) as error:
        inpaint(**{"video": CLIP, "mask": HOLE, "seed": 1, **arguments})
    assert "\n" not in str(error.value)


# The command


@pytest.fixture
def here(here: Path) -> Path:
    """Change to a folder with the clip in it."""
    np.savez("clip.npz", video=CLIP)
    np.save("hole.npy", HOLE)
    return here


def run(*args: object) -> str:
    result = CliRunner().invoke(command, [str(arg) for arg in args], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_command_completes_a_hole(here: Path) -> None:
    assert run("clip.npz", "--mask", "hole.npy", "--seed", 3).startswith(
        "clip_inpaint.npz: 5x27x36"
    )
    np.testing.assert_array_equal(read_video("clip_inpaint.npz")[0], inpaint(CLIP, HOLE, seed=3))
    run("clip.npz", "--box", "12,9,10,8", "--seed", 3, "-o", "box.npz")
    assert Path("box.npz").read_bytes() == Path("clip_inpaint.npz").read_bytes()


def test_command_takes_frames_and_sizes_of_all_files(here: Path) -> None:
    np.save("moving.npy", np.repeat(HOLE[None], 5, axis=0))
    options = ("--frames", "1:4", "--max-size", 24, "--seed", 3)
    run("clip.npz", "--mask", "hole.npy", *options, "-o", "still.npz")
    run("clip.npz", "--mask", "moving.npy", *options, "-o", "moving.npz")
    assert read_video("still.npz")[0].shape == (3, 18, 24, 3)
    assert Path("still.npz").read_bytes() == Path("moving.npz").read_bytes()


def test_command_with_a_cue(here: Path) -> None:
    clip = with_things()
    cue = clip.copy()
    cue[:, 26:36, 50:60] = (220, 30, 30)
    np.savez("things.npz", video=clip)
    np.savez("cue.npz", video=cue)
    run("things.npz", "--cue", "cue.npz", "--seed", 3, "-o", "a.npz")
    np.testing.assert_array_equal(read_video("a.npz")[0], inpaint(clip, cue=cue, seed=3))
    run("--cue", "cue.npz", "--seed", 3)
    np.testing.assert_array_equal(read_video("cue_inpaint.npz")[0], inpaint(cue, cue=cue, seed=3))


def test_command_with_cues_of_frames(here: Path) -> None:
    cue = CLIP.copy()
    cue[3, 3:9, 20:31] = (7, 200, 9)
    np.savez("cue.npz", video=cue[3:4])
    options = ("--seed", 3, "--iterations", 1)
    run("clip.npz", "--cue", "3=cue.npz", *options, "--frames", "1:")
    expected = inpaint(CLIP[1:], cue=cue[1:], seed=3, iterations=1)
    np.testing.assert_array_equal(read_video("clip_inpaint.npz")[0], expected)
    for words, message in (
        (["--cue", "9=cue.npz"], "frame 9 is not in use; 'clip.npz' has frames 0 to 4"),
        (["--cue", "3=cue.npz", "--cue", "cue.npz"], "Give one --cue FILE, or only --cue FRAME="),
        (["--cue", "cue.npz", "--follow"], "--follow needs --cue FRAME=FILE"),
    ):
        result = CliRunner().invoke(command, ["clip.npz", *words, "-o", "b.npz"])
        assert result.exit_code == 2
        assert message in result.output


def test_command_completes_a_hole_around(here: Path) -> None:
    run("clip.npz", "--mask", "hole.npy", "--loop", "--tile", "xy", "--seed", 3)
    expected = inpaint(CLIP, HOLE, loop=True, tile="xy", seed=3)
    np.testing.assert_array_equal(read_video("clip_inpaint.npz")[0], expected)


def test_command_names_what_is_wrong(here: Path) -> None:
    np.save("hole.npy", HOLE.T)
    for args, message in (
        (("--mask", "hole.npy"), "size of the clip, 5x27x36, .* got 1x36x27"),
        (("--box", "90,90,5,5"), "lies outside of the clip"),
        ((), "inpaint needs a mask .* got none"),
    ):
        with pytest.raises(PatchvidError, match=message):
            run("clip.npz", *args)
    result = CliRunner().invoke(command, ["clip.npz", "--box", "1,2,3"])
    assert result.exit_code == 2
    assert "not X,Y,W,H" in result.output


# Memory


MEASURED = """
import tracemalloc
import numpy as np
from patchvid import inpaint
hole = np.zeros((240, 360), bool)
hole[20:32, 30:46] = True
clip = np.random.default_rng(0).integers(0, 256, (4, 240, 360, 3), dtype=np.uint8)
inpaint(clip, hole, seed=0, device="cpu")  # compiles, which takes memory too
tracemalloc.start()
inpaint(clip, hole, seed=0, device="cpu")
print(tracemalloc.get_traced_memory()[1] / clip.nbytes)
"""


@pytest.mark.slow
def test_memory_is_that_of_the_clip_if_the_hole_is_small() -> None:
    # In a process of its own: threads of other tests may still allocate.
    command = [sys.executable, "-c", MEASURED]
    peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert float(peak) < 17  # 22 with queries as large as the clip
