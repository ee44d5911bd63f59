"""Loops of given clips, on clips whose right answer is known."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from patchvid import (
    InvalidInput,
    LoopResult,
    loop,
    read_field,
    read_video,
    rearrange,
    resize,
    search,
    write_field,
    write_video,
)
from patchvid.cli.main import main
from patchvid.core.jumps import Jump, jump_costs
from patchvid.core.routes import Spacing, find_route

Video = NDArray[np.uint8]


def steps(video: NDArray[Any], *, wraps: bool = True) -> NDArray[np.float64]:
    """Mean squared difference of every frame and the next; at the end the first is the next."""
    rows = video.astype(np.float64).reshape(len(video), -1)
    apart = np.square(np.roll(rows, -1, axis=0) - rows).mean(axis=1)
    return apart if wraps else apart[:-1]


def make_periodic(period: int, n_frames: int, height: int = 24) -> Video:
    turn = np.random.default_rng(3).integers(0, 256, (period, height, 32, 3), dtype=np.uint8)
    return turn[np.arange(n_frames) % period]


def make_waterfall(n_frames: int) -> Video:
    """Water that falls by two pixels a frame, between banks that stand still."""
    random = np.random.default_rng(1)
    drops = random.integers(0, 256, (1, 5 + n_frames // 4, 4, 3), dtype=np.uint8)
    water = resize(drops, (1, 40 + 2 * n_frames, 20))[0]
    video = np.empty((n_frames, 32, 48, 3), np.uint8)
    video[:] = resize(random.integers(0, 256, (1, 8, 12, 3), dtype=np.uint8), (1, 32, 48))
    for t in range(n_frames):
        begin = 2 * (n_frames - t)
        video[t, :, 14:34] = water[begin : begin + 32]
    return video


def make_passing(n_frames: int, arrives: int, leaves: int) -> Video:
    """A square that crosses a still ground once."""
    ground = np.random.default_rng(2).integers(0, 100, (24, 48, 3), dtype=np.uint8)
    video = np.repeat(ground[None], n_frames, axis=0)
    for t in range(arrives, leaves):
        left = round(40 * (t - arrives) / (leaves - arrives - 1))
        video[t, 8:16, left : left + 8] = 250
    return video


def test_a_periodic_clip_is_cut_and_nothing_changes() -> None:
    clip = make_periodic(17, 40)
    result = loop(clip, seed=0, details=True)
    (jump,) = result.jumps
    assert len(result.video) == jump.length == 34
    assert np.array_equal(result.video, clip[jump.first : jump.last + 1])
    assert jump.cost == 0
    assert result.levels == []


def test_a_waterfall_has_no_seam_and_keeps_its_other_frames() -> None:
    clip = make_waterfall(30)
    result = loop(clip, seed=0, details=True)
    (jump,) = result.jumps
    stretch = clip[jump.first : jump.last + 1]
    assert len(stretch) >= 15
    step = steps(clip, wraps=False).mean()
    around = np.roll(result.video, 8, axis=0)[:16]  # the join, with two frames on both sides
    _, seam = search(around, clip, seed=0)
    assert seam.mean() <= 1.1 * step
    cut = steps(stretch)[-1]
    assert cut > 10 * step  # so there is something to mend
    assert steps(result.video).max() < 0.4 * cut
    assert np.array_equal(result.video[6:-6], stretch[6:-6])


def test_banks_stand_still_across_the_jump() -> None:
    clip = make_waterfall(30)
    banks = loop(clip, seed=0)[:, :, 40:]
    assert np.abs(banks.astype(int) - clip[0, :, 40:]).mean() < 0.5


def test_what_passes_once_passes_in_the_middle() -> None:
    clip = make_passing(40, arrives=14, leaves=26)
    video = loop(clip, seed=0)
    bright = (video[..., 0] == 250).sum(axis=(1, 2))
    assert sorted(set(bright.tolist())) == [0, 64]  # it never fades
    assert (bright > 0).sum() == 12
    assert bright[0] == bright[-1] == 0


@pytest.mark.slow
def test_what_is_always_there_moves_back_and_does_not_vanish() -> None:
    ground = resize(
        np.random.default_rng(5).integers(60, 100, (1, 8, 12, 1), dtype=np.uint8), (1, 48, 72)
    )
    clip = np.repeat(ground, 30, axis=0)
    for t in range(30):
        clip[t, 18:30, 10 + t : 26 + t] = 240
    video = loop(clip, seed=0, length=30)
    bright = (video > 170).sum(axis=(1, 2, 3))
    assert bright.min() > 0.4 * 192


@pytest.mark.slow
@pytest.mark.parametrize("length", [14, 17, 45, 130])
def test_loops_have_the_length_that_is_asked_for(length: int) -> None:
    clip = make_waterfall(30)[:, ::2, ::2]
    result = loop(clip, seed=0, length=length, details=True)
    assert result.video.shape == (length, *clip.shape[1:])
    assert len(result.order) == length


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length() -> None:
    clip = make_waterfall(20)[:, ::2, ::2]
    short, long = (loop(clip, seed=0, length=n, details=True) for n in (200, 4000))
    assert len(long.order) == 4000
    assert len(long.frames) < 2 * len(short.frames)


@pytest.mark.slow
def test_long_loops_differ_by_seed_and_go_on_without_a_period() -> None:
    clip = make_waterfall(20)[:, ::2, ::2]
    one, other = (loop(clip, seed=seed, length=300, details=True) for seed in (1, 2))
    assert len({tuple(jump) for jump in one.jumps}) >= 4
    assert one.jumps != other.jumps


@pytest.mark.slow
def test_a_seed_gives_the_same_bytes() -> None:
    clip = make_waterfall(20)[:, ::2, ::2]
    one, other = (loop(clip, seed=7, length=70) for _ in range(2))
    assert np.array_equal(one, other)


def test_routes_play_forward_but_for_their_jumps() -> None:
    costs = jump_costs(make_waterfall(24).astype(np.float32))
    spacing = Spacing(half=3, gap=2)
    route = find_route(costs, 333, spacing, seed=4)
    positions = {position % 333: jump for position, jump in route.jumps}
    for place, frame in enumerate(route.frames):
        before = route.frames[place - 1]
        if jump := positions.get(place):
            assert (before, frame) == (jump.last, jump.first)
        else:
            assert frame == before + 1
    places = sorted(positions)
    gaps = np.diff([*places, places[0] + 333])
    assert gaps.min() >= spacing.shortest


def test_costs_are_those_of_frames_around_a_jump() -> None:
    clip = make_periodic(5, 12).astype(np.float32)
    costs = jump_costs(clip)
    assert costs[4, 0] == costs[9, 5] == costs[9, 0] == 0
    assert costs[3, 0] > 0.5
    assert Jump(9, 0, 0).length == 10


@pytest.mark.slow
def test_layers_follow_a_loop(tmp_path: Path) -> None:
    clip = make_waterfall(20)[:, ::2, ::2]
    result = loop(clip, seed=0, length=50, details=True)
    assert isinstance(result, LoopResult)
    assert np.array_equal(rearrange(clip, result.field), result.video)
    write_field(tmp_path / "field.npz", result.field)
    assert np.array_equal(rearrange(clip, read_field(tmp_path / "field.npz")), result.video)
    assert result.nnf.shape == (50, 10, 18, 3)


@pytest.mark.parametrize("dtype", ["uint16", "float32", "bool"])
def test_dtype_and_axes_are_kept(dtype: str) -> None:
    clip = (make_waterfall(12)[..., 0] > 128).astype(dtype)
    made = loop(clip, seed=0)
    assert made.dtype == dtype
    assert made.shape[1:] == clip.shape[1:]
    assert set(np.unique(made)) <= {0, 1}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"length": 5}, "must have 8 frames or more, got a length of 5"),
        ({"length": 0}, "length must be a whole number of at least 1"),
        ({"join": 6}, "needs a clip of 16 frames or more, got 12"),
        ({"join": 0}, "join must be a whole number of at least 1"),
        ({"patch": (1, 99, 7)}, "smaller than the patch"),
    ],
)
def test_errors_say_what_to_do(settings: dict[str, Any], words: str) -> None:
    clip = make_periodic(6, 12)
    if "length" in settings:
        settings = {"join": 3, **settings}
    with pytest.raises(InvalidInput, match=words):
        loop(clip, seed=0, **settings)


def test_a_length_that_cannot_be_made_is_refused_with_another() -> None:
    clip = make_waterfall(6)
    with pytest.raises(InvalidInput, match=r"no loop of 7 frames .* such as 6"):
        loop(clip, seed=0, length=7)
    assert len(loop(clip, seed=0, length=6)) == 6


def test_frames_are_written_in_an_order(tmp_path: Path) -> None:
    clip, order = make_periodic(4, 4), [3, 0, 0, 2, 1, 3]
    for name in ("film.mkv", "frames", "pages.tif", "array.npy", "moving.png"):
        codec = "ffv1" if name.endswith("mkv") else None
        write_video(tmp_path / name, clip, order=order, codec=codec)
        assert np.array_equal(read_video(tmp_path / name)[0], clip[order]), name
    for wrong in ([], [4], [-1], [0.5], [[0]]):
        with pytest.raises(InvalidInput, match="order must"):
            write_video(tmp_path / "wrong.mp4", clip, order=wrong)  # type: ignore[arg-type]


def test_the_command_writes_a_loop(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mkv"
    write_video(clip, make_periodic(6, 16), fps=8, codec="ffv1")
    run = CliRunner().invoke(
        main, ["loop", str(clip), "-o", str(tmp_path / "out.mkv"), "--codec", "ffv1", "--json"]
    )
    assert run.exit_code == 0, run.output
    (made,) = json.loads(run.stdout)["files"]
    assert made["shape"][0] == 12
    assert made["jumps"] == [{"last": 11, "first": 0, "cost": 0.0}]
    video, fps = read_video(tmp_path / "out.mkv")
    assert fps == 8
    assert np.array_equal(video, make_periodic(6, 12))


@pytest.mark.parametrize(("length", "n_frames"), [("3s", 24), ("0.05m", 24), ("24", 24)])
def test_the_command_takes_frames_seconds_and_minutes(
    tmp_path: Path, length: str, n_frames: int
) -> None:
    clip, out = tmp_path / "clip.mkv", tmp_path / "out.mkv"
    write_video(clip, make_periodic(6, 16), fps=8, codec="ffv1")
    run = CliRunner().invoke(main, ["loop", str(clip), "-o", str(out), "--length", length])
    assert run.exit_code == 0, run.output
    assert f"{n_frames}x24x32" in run.stdout
    assert len(read_video(out)[0]) == n_frames


@pytest.mark.slow
def test_the_command_writes_layers_a_field_and_a_report(tmp_path: Path) -> None:
    clip, depth = tmp_path / "clip.npy", tmp_path / "depth.npy"
    waterfall = make_waterfall(16)[:, ::2, ::2]
    np.save(clip, waterfall)
    np.save(depth, waterfall[..., 0])
    out, field, page = tmp_path / "out.npy", tmp_path / "field.npz", tmp_path / "page.html"
    words = [
        *("loop", str(clip), "-o", str(out), "--layer", str(depth), "--length", "40"),
        *("--save-field", str(field), "--report", str(page), "--seed", "1"),
    ]
    run = CliRunner().invoke(main, words)
    assert run.exit_code == 0, run.output
    made = np.load(out)
    assert made.shape == (40, 16, 24, 3)
    assert np.array_equal(np.load(tmp_path / "out_depth.npy")[..., 0], made[..., 0])
    assert np.array_equal(rearrange(waterfall, read_field(field)), made)
    assert "40 frames" in page.read_text("utf-8")
    again = CliRunner().invoke(main, words)
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr
