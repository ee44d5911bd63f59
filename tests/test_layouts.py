"""Layouts: what flow matching draws, where places keep things, and which layout is chosen."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import patchvid
from patchvid import InvalidInput, generate
from patchvid.core.flow_matching import _fold, draw_layout
from patchvid.core.layouts import Layouts, _small
from patchvid.core.places import Places
from patchvid.kernels import rng
from patchvid.kernels.exact import patch_rows

RANDOM = np.random.default_rng(0)
TEXTURE = RANDOM.integers(90, 166, (5, 36, 60, 3), dtype=np.uint8)


def noise(*shape: int, seed: int) -> NDArray[np.float32]:
    """The same normal numbers in all frames (t, y, x, c)."""
    return np.repeat(rng.normal(np, (1, *shape[1:]), seed), shape[0], axis=0)


def letterboxed(bar: int = 6) -> NDArray[np.uint8]:
    video = TEXTURE.copy()
    video[:, :bar] = video[:, -bar:] = 0
    return video


def test_patches_of_a_video_fold_into_it() -> None:
    video = RANDOM.integers(0, 256, (4, 9, 11, 3)).astype(float)
    patch = (3, 5, 5)
    np.testing.assert_array_equal(_fold(patch_rows(video, patch), (4, 9, 11), patch), video)


def test_a_clip_of_one_patch_has_one_layout() -> None:
    key = RANDOM.integers(0, 256, (3, 5, 5, 3), dtype=np.uint8)
    np.testing.assert_array_equal(draw_layout(key, noise(3, 5, 5, 3, seed=7), None), key)


def test_a_layout_is_made_of_the_colours_of_the_clip() -> None:
    key = np.zeros((3, 15, 26, 3), np.uint8)
    key[:, :, :13] = 200, 40, 10
    key[:, :, 13:] = 20, 60, 220
    layout = draw_layout(key, noise(3, 15, 40, 3, seed=1), None)
    assert layout.shape == (3, 15, 40, 3)
    near = [np.abs(layout - np.array(colour)).max(axis=3) <= 8 for colour in key[0, 0, [0, -1]]]
    assert min(part.mean() for part in near) > 0.1  # both are there
    assert (near[0] | near[1]).mean() > 0.5  # and little else, but for the edges between them


def test_a_clip_of_one_colour_has_layouts_of_one_colour() -> None:
    key = np.full((3, 15, 20, 1), 77, np.uint8)
    assert (draw_layout(key, noise(3, 15, 30, 1, seed=1), None) == 77).all()


def test_guides_keep_things_in_their_places() -> None:
    key = RANDOM.integers(100, 156, (3, 15, 26, 1), dtype=np.uint8)
    key[:, :5] += 60
    rows = np.broadcast_to(np.where(np.arange(15) < 5, 60, 0)[:, None, None], (3, 15, 26, 1))
    guide = rows.astype(np.uint8)
    errors = {
        name: np.mean([np.abs(draw_layout(key, noise(3, 15, 26, 1, seed=seed), guides)
                              .mean(axis=(0, 2)) - key.mean(axis=(0, 2))).mean()
                       for seed in range(4)])
        for name, guides in (("guided", (guide, guide)), ("free", None))
    }  # fmt: skip
    assert errors["guided"] < errors["free"] / 2


def test_what_explains_nothing_makes_no_places() -> None:
    places = Places.of(TEXTURE, (False, False, False)).visible(1)
    assert places.guide((3, 15, 25), 1).size == 0


@pytest.mark.parametrize("axis", [1, 2], ids=["rows", "columns"])
def test_bars_make_places_along_their_axis_alone(axis: int) -> None:
    video = letterboxed()
    if axis == 2:
        video = video[:, :, :36].swapaxes(1, 2)
    guide = Places.of(video, (False, False, False)).visible(1).guide((3, 15, 25), 1)
    assert guide.shape == (3, 15, 25, 3)  # the colour of a row or of a column, not both
    assert np.ptp(guide.astype(int), axis=axis).max() > 40
    assert np.ptp(guide, axis=3 - axis).max() == 0


def test_a_period_has_no_places() -> None:
    video = letterboxed()
    assert Places.of(video, (False, True, False)).visible(1).guide((3, 15, 25), 1).size == 0
    made = generate(video, tile="y", size=(5, 36, 60), seed=1, iterations=1)
    assert made.shape == video.shape


def test_layouts_of_large_levels_are_drawn_smaller() -> None:
    key, output = _small((3, 360, 640, 3), (3, 360, 1280))
    assert 10 <= key[1] < 60
    assert output[2] / output[1] == pytest.approx(1280 / 360, rel=0.05)
    assert _small((3, 15, 26, 3), (3, 15, 26)) == ((3, 15, 26), (3, 15, 26))
    made = generate(TEXTURE, coarsest=(5, 36), seed=1, iterations=1)
    assert made.shape == TEXTURE.shape


def test_bars_stay_at_the_borders() -> None:
    for video in generate(letterboxed(), seed=0, samples=3):
        assert video[:, :4].max() < 60
        assert video[:, -4:].max() < 60
        assert video[:, 9:-9].mean(axis=2).min() > 60


@pytest.mark.slow
def test_more_novelty_leads_further_away() -> None:
    clip = patchvid.sample_clip()[:6, :64, :96]
    away = [
        np.abs(generate(clip, seed=0, samples=4, novelty=novelty, iterations=1).astype(int)
               - clip).mean()
        for novelty in (0, 1)
    ]  # fmt: skip
    assert all(a <= b for a, b in pairwise(away))
    assert away[-1] > 0


@pytest.mark.slow
def test_a_trial_finds_layouts_that_patches_of_the_clip_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clip = patchvid.sample_clip()[:6]

    def distance() -> float:
        made = (generate(clip, seed=seed) for seed in range(6))
        scores = [patchvid.metrics.sliced_wasserstein(clip, video).value for video in made]
        return float(np.mean(scores))

    chosen = distance()
    monkeypatch.setattr(Layouts, "_scores", lambda _self, _plan, layouts: np.zeros(len(layouts)))
    assert chosen < 0.9 * distance()  # of the first layouts that are novel


@pytest.mark.slow
def test_more_structure_keeps_places() -> None:
    clip = letterboxed()
    made = [
        generate(clip, seed=0, samples=3, structure=structure, iterations=1, details=True)
        for structure in (0, 1, "auto")
    ]
    loose, firm, auto = (
        np.mean([patchvid.metrics.layout_distance(clip, video) for video in each.video])
        for each in made
    )
    assert firm < loose
    assert auto < loose
    assert made[0].structure == [0, 0, 0]
    assert made[1].structure == pytest.approx([1, 1, 1])
    assert all(0 < x < 1 for x in made[2].structure or ())


def test_noise_is_a_layout_of_its_own() -> None:
    options: Any = {"seed": 3, "iterations": 1}
    noisy = generate(TEXTURE, noise=2, **options)
    np.testing.assert_array_equal(noisy, generate(TEXTURE, noise=2, layout="noise", **options))
    assert (noisy != generate(TEXTURE, **options)).any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layout": "random"}, "layout must be 'auto', 'flow' or 'noise', got 'random'"),
        ({"layout": "flow", "noise": 2}, "noise and replicate_noise belong to layout='noise'"),
        ({"novelty": 2}, "novelty must be between 0 and 1, got 2"),
        ({"structure": 1.5}, "structure must be between 0 and 1, got 1.5"),
        ({"structure": "none"}, "structure must be 'auto' or a number, got 'none'"),
        ({"structure": 1, "noise": 2}, "structure belongs to layout='flow', not to noise"),
        ({"novelty": "much"}, "novelty must be between 0 and 1, got 'much'"),
    ],
)
def test_wrong_settings_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        generate(TEXTURE, **settings)
