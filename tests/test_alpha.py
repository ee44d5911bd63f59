"""Clips with alpha: colours of transparent pixels take no part, and edges have no fringes."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from patchvid import analogy, build_pyramid, generate, inpaint, resize, retarget
from patchvid._alpha import is_translucent, premultiply, straight

Array = NDArray[Any]

SMALL: dict[str, Any] = {"coarsest": (3, 12), "iterations": 2, "seed": 1}
MOST = {np.uint8: 255, np.uint16: 65535, np.float32: 1}
GREEN = np.array([0, 1, 0])
NOISE = np.random.default_rng(0).random((4, 32, 48, 3))


def disk(hidden: Any, dtype: Any = np.uint8) -> Array:
    """A red disk with a soft edge that moves over transparent pixels of a hidden colour."""
    y, x = np.mgrid[:32, :48]
    distance = np.stack([np.hypot(y - 16, x - 16 - 3 * t) for t in range(4)])
    alpha = np.clip(10.5 - distance, 0, 1)[..., None]
    clip = np.concatenate([np.where(alpha > 0, (1, 0, 0), hidden), alpha], axis=3)
    return (clip * MOST[dtype]).astype(dtype)


def shown(video: Array) -> Array:
    """The video with black under its transparent pixels."""
    return np.where(video[..., 3:] > 0, video, 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_straight_colours_come_back_exactly(dtype: Any) -> None:
    random = np.random.default_rng(0)
    video = random.integers(0, MOST[dtype] + 1, (3, 20, 30, 4), dtype)
    video[0, :5, :, 3] = 1
    np.testing.assert_array_equal(straight(premultiply(video), dtype), shown(video))


def test_what_counts_as_alpha() -> None:
    clip = disk(GREEN)
    assert is_translucent(clip)
    assert is_translucent(disk(GREEN, np.float32))
    clip[..., 3] = 255
    assert not is_translucent(clip)
    assert not is_translucent(clip[..., :3])
    assert not is_translucent(disk(GREEN, np.float32) * 300)  # a field of four quantities


@pytest.mark.parametrize("dtype", MOST)
def test_hidden_colours_never_leak_into_a_resized_clip(dtype: Any) -> None:
    clip = disk(GREEN, dtype)
    for small in (resize(clip, (4, 20, 31)), build_pyramid(clip)[-3]):
        seen = small[..., 3] > MOST[dtype] / 50
        assert 0.05 < seen.mean() < 0.5
        assert small[seen][:, 1].max() <= 1e-5 * MOST[dtype]
        assert small[seen][:, 0].min() >= (1 - 1e-5) * MOST[dtype]


def test_the_resized_mean_is_that_of_what_is_seen() -> None:
    """Two pixels become one: full red and nothing are half of full red, and not of dark red."""
    bars = np.array([[[(200, 0, 0, 255), (0, 90, 0, 0)] * 16] * 2], np.uint8)
    half = resize(bars, (1, 1, 4))[0, :, 1:-1].reshape(-1, 4)
    np.testing.assert_array_equal(half[:, :3], [(200, 0, 0)] * 2)
    np.testing.assert_allclose(half[:, 3], 127.5, atol=3)


@pytest.mark.parametrize(
    ("dtype", "reduce"),
    [
        (np.uint8, "median"),
        pytest.param(np.uint16, "mean", marks=pytest.mark.slow),
        pytest.param(np.float32, "median", marks=pytest.mark.slow),
    ],
)
def test_hidden_colours_change_nothing(dtype: Any, reduce: Any) -> None:
    clip, other = disk(GREEN, dtype), disk(NOISE, dtype)
    assert (clip != other).any()
    made = generate(clip, reduce=reduce, **SMALL)
    np.testing.assert_array_equal(made, generate(other, reduce=reduce, **SMALL))
    seen = made[..., 3] > MOST[dtype] / 100
    assert made.dtype == dtype
    assert seen.any()
    assert made[seen][:, 1:3].max() <= 1e-5 * MOST[dtype]  # only red is seen


@pytest.mark.slow
def test_hidden_colours_change_nothing_in_any_application() -> None:
    clip, other = disk(GREEN), disk(NOISE)
    mask = np.zeros(clip.shape[:3], bool)
    mask[:, 12:20, 20:30] = True
    keep = np.roll(mask, -10, axis=2)
    for made in (
        lambda video: retarget(video, scale=(1, 1, 0.7), **SMALL),
        lambda video: shown(retarget(video, scale=(1, 1, 0.7), keep=keep, **SMALL)),
        lambda video: analogy(NOISE, video, structure="luma", **SMALL),
        lambda video: inpaint(video, mask, seed=1, iterations=2)[mask],
    ):
        np.testing.assert_array_equal(made(clip), made(other))


def test_nothing_changes_outside_of_a_hole_not_even_what_is_hidden() -> None:
    clip, mask = disk(NOISE), np.zeros((32, 48), bool)
    mask[10:18, 16:26] = True
    filled = inpaint(clip, mask, seed=1, iterations=2)
    np.testing.assert_array_equal(filled[:, ~mask], clip[:, ~mask])


@pytest.mark.parametrize("dtype", MOST)
def test_an_erased_region_is_a_hole(dtype: Any) -> None:
    stripes = np.tile([0.0, 0, 0.5, 0.5], (4, 20, 8))[..., None] * np.ones(3) + 0.1
    whole = np.concatenate([stripes, np.ones((4, 20, 32, 1))], axis=3)
    whole = (whole * MOST[dtype]).astype(dtype)
    erased = whole.copy()
    erased[:, 5:12, 9:17] = 0  # colours too
    np.testing.assert_array_equal(inpaint(erased, seed=0), whole)
    soft = whole.copy()  # an eraser with a soft edge: the clip lies over what is made
    soft[:, 5:12, 9:17, 3] //= 2
    made = inpaint(soft, seed=0)
    np.testing.assert_allclose(made, whole, atol=1e-5 * MOST[dtype])
