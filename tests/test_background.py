"""What other frames show behind a hole: pans, still shots, what cannot be found, light, sources."""

import numpy as np
import pytest
from drawn import Drawn, draw, draw_pan, texture

from patchvid import inpaint, rearrange
from patchvid.apps.background import seen_elsewhere
from patchvid.apps.holes import dilate

STILL = draw("moves", 13, (64, 96))


def grown(drawn: Drawn) -> np.ndarray:
    return dilate(drawn.mask.astype(np.float32), 2) > 0


def decibels(made: np.ndarray, drawn: Drawn, hole: np.ndarray) -> float:
    error = ((made[hole].astype(float) - drawn.without[hole]) ** 2).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


@pytest.mark.parametrize("speed", [(0, 2), (0.3, 1.3)], ids=["whole pixels", "parts of pixels"])
def test_the_background_of_a_pan_comes_back(speed: tuple[float, float]) -> None:
    drawn = draw_pan(speed)
    hole = grown(drawn)
    made = inpaint(drawn.clip, hole, seed=0)
    np.testing.assert_array_equal(made[~hole], drawn.clip[~hole])
    assert decibels(made, drawn, hole) >= 35


def test_a_still_background_comes_back_as_it_is() -> None:
    made = inpaint(STILL.clip, STILL.mask, grow=2, seed=0)
    np.testing.assert_array_equal(made, STILL.without)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64])
def test_other_values_come_back_too(dtype: type) -> None:
    scale = 257 if dtype is np.uint16 else 1 / 255
    made = inpaint((STILL.clip.astype(float) * scale).astype(dtype), STILL.mask, grow=2, seed=0)
    expected: np.ndarray = (STILL.without.astype(float) * scale).astype(dtype)
    np.testing.assert_allclose(made, expected, rtol=1e-6, atol=1e-6)


def test_a_change_of_light_leaves_no_seam() -> None:
    light = np.linspace(0, 8, len(STILL.clip))[:, None, None, None]
    clip, without = (np.rint(video * 0.9 + light).astype(np.uint8) for video in STILL[::2])
    hole = grown(STILL)
    made = inpaint(clip, hole, seed=0)
    assert np.abs(made[hole].astype(int) - without[hole]).mean() < 2


def test_what_changes_is_not_taken_from_other_frames() -> None:
    restless = np.stack([texture(64, 96, 50 + t) for t in range(13)]).astype(np.uint8)
    clip = np.where(STILL.mask[..., None], STILL.clip, restless)
    hole = grown(STILL)
    seen, _, _ = seen_elsewhere(clip, hole, ~hole)
    assert seen.sum() < 0.05 * hole.sum()


def test_what_is_never_seen_is_left_to_patches() -> None:
    hole = np.zeros(STILL.mask.shape, bool)
    hole[:, 20:30, 40:50] = True
    assert not seen_elsewhere(STILL.without, hole, ~hole)[0].any()


def test_sources_may_be_excluded() -> None:
    hole = grown(STILL)
    source = np.ones_like(hole)
    source[:6] = False
    seen, _, places = seen_elsewhere(STILL.clip, hole, source)
    assert seen.any()
    assert (np.unravel_index(places, hole.shape)[0] >= 6).all()


@pytest.mark.slow
def test_patches_come_from_the_source() -> None:
    clip = np.full((6, 40, 64, 3), 90, np.uint8)
    clip[:, 4:14, 4:14] = clip[:, 24:34, 24:34] = (220, 60, 20)  # one of two is removed
    clip[:, 5:13, 44:60] = (60, 90, 160)
    hole, source = np.zeros((2, 40, 64), bool)
    hole[22:36, 22:36] = source[:, 16:42] = True
    made = inpaint(clip, hole, source=source, seed=0)
    assert (made[:, hole] == 90).all()


def test_layers_follow_what_was_found() -> None:
    made = inpaint(STILL.clip, STILL.mask, grow=2, seed=0, details=True)
    moved = rearrange(STILL.clip, made.field)
    hole = grown(STILL)
    assert np.abs(moved[hole].astype(int) - made.video[hole]).mean() < 4
