"""Linear light with highlights: compared on a logarithmic scale, and copied as it is."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from patchvid import generate, inpaint, retarget
from patchvid._convert import ValueRange, compress_highlights, has_highlights

Array = NDArray[Any]

SMALL: dict[str, Any] = {"coarsest": (3, 12), "iterations": 3, "seed": 1}


def night(dtype: Any = np.float32) -> Array:
    """Dim stripes, and a small lamp that is ten thousand times brighter."""
    x = np.arange(64)
    clip = np.empty((4, 32, 64, 3), np.float64)
    clip[:] = (0.3 + 0.25 * np.sin(x / 2))[:, None] * (1, 0.8, 0.6)
    for t in range(4):
        clip[t, 8:12, 20 + 4 * t : 24 + 4 * t] = (5000, 4000, 3000)
    return clip.astype(dtype)


def test_what_counts_as_linear_light_with_highlights() -> None:
    clip = night()
    assert has_highlights(clip)
    assert has_highlights(clip[..., :1])
    for other in (
        np.clip(clip, 0, 1),
        np.clip(clip, 0, 1) * 1.5,  # resized, or a little too bright
        np.clip(clip, 0, 1) * 255,
        np.random.default_rng(0).standard_normal(clip.shape),
        np.repeat(clip[..., :1], 2, axis=3),
        (clip * 10).astype(np.uint16),
    ):
        assert not has_highlights(other)


def test_the_curve_keeps_the_order_and_is_applied_once() -> None:
    light = np.concatenate([-np.geomspace(1, 1e-6, 50), [0], np.geomspace(1e-6, 65504, 200)])
    curved = compress_highlights(light)
    assert (np.diff(curved) > 0).all()
    assert not has_highlights(compress_highlights(night()))
    np.testing.assert_array_equal(
        ValueRange.of_values(night()).quantize(night()),
        ValueRange.of_values(compress_highlights(night())).quantize(compress_highlights(night())),
    )


def test_the_rest_keeps_most_of_the_8_bits() -> None:
    clip = night()
    levels = ValueRange.of_values(clip).quantize(clip)
    assert np.ptp(levels[clip < 1]) > 40  # 0 without the curve


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_every_value_comes_out_as_it_was(dtype: Any) -> None:
    clip = night(dtype)
    for made in (
        generate(clip, **SMALL),
        generate(clip, loop=True, **SMALL),
        retarget(clip, scale=(1, 1, 1.3), **SMALL),
    ):
        assert made.dtype == dtype
        assert np.isin(made, clip).all()
        assert made.max() == clip.max()


def test_the_stripes_survive_beside_the_lamp() -> None:
    """Stripes that go on evenly have few values along a row whose neighbours differ much."""
    made = generate(night(), **SMALL)
    dim = np.where(made[..., 0] < 1, made[..., 0], np.nan)
    steps = np.abs(np.diff(dim, axis=2))
    own = np.abs(np.diff(night()[0, 0, :, 0])).max()
    assert np.nanmean(steps > 1.5 * own) < 0.02


def test_a_hole_is_filled_beside_the_lamp_and_nothing_else_changes() -> None:
    clip, mask = night(), np.zeros((32, 64), bool)
    mask[20:28, 10:30] = True
    damaged = clip.copy()
    damaged[:, mask] = 0
    filled = inpaint(damaged, mask, seed=0)
    np.testing.assert_array_equal(filled[:, ~mask], clip[:, ~mask])
    assert np.abs(filled - clip)[:, mask].mean() < 0.02


def test_highlights_and_alpha_go_together() -> None:
    clip = night()
    alpha = np.zeros(clip.shape[:3], np.float32)
    alpha[:, 4:28, 8:56] = 1
    alpha = ndimage.uniform_filter(alpha, (0, 3, 3))
    video = np.concatenate([clip, alpha[..., None]], axis=3)
    made = generate(video, **SMALL)
    whole = made[..., 3] == 1
    assert whole.any()
    np.testing.assert_allclose(made[whole].max(), clip.max(), rtol=1e-6)
    video[alpha == 0, :3] = 9999
    np.testing.assert_array_equal(made, generate(video, **SMALL))
