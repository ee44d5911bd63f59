"""Squeezing where little is shown: widths of objects, regions that keep theirs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from patchvid import resize
from patchvid._device import backend
from patchvid.core.squeezing import squeeze

Video = NDArray[np.uint8]

RED = (220, 30, 30)


def bars(*columns: int, width: int = 8) -> Video:
    """Make a grey clip with red bars of a width, which begin in these columns."""
    clip = np.full((3, 60, 120, 3), 110, np.uint8)
    for column in columns:
        clip[:, 20:40, column : column + width] = RED
    return clip


def squeezed(
    clip: Video, shape: tuple[int, int, int], spans: list[tuple[float, float]] | None = None
) -> Video:
    """Squeeze a clip, of which a detailed version is itself."""
    return squeeze(backend("cpu"), clip, shape, clip, spans)


def red(video: Video) -> NDArray[np.float64]:
    """Measure the share of red in every column of the rows of bars."""
    shade = video[0, 30, :, 0].astype(float)
    return (shade - 110) / (RED[0] - 110)


def middle(video: Video) -> float:
    """Measure where the red of a video has its middle, as a fraction of its width."""
    share = red(video)
    return float((share * (np.arange(len(share)) + 0.5)).sum() / share.sum() / len(share))


@pytest.mark.parametrize("width", [60, 84])
def test_objects_keep_their_width(width: int) -> None:
    small = squeezed(bars(30, 80), (3, 60, width))
    assert small.shape == (3, 60, width, 3)
    assert red(small).sum() == pytest.approx(16, rel=0.15)
    assert red(resize(bars(30, 80), (3, 60, width))).sum() < 12


def test_the_height_is_squeezed_as_the_width_is() -> None:
    clip = bars(30, 80)
    expected = squeezed(clip, (3, 60, 72))
    turned = squeezed(np.ascontiguousarray(clip.swapaxes(1, 2)), (3, 72, 60))
    np.testing.assert_array_equal(turned.swapaxes(1, 2), expected)


def test_what_touches_the_border_is_not_cut() -> None:
    small = squeezed(bars(1, 60), (3, 60, 72))
    assert red(small)[:12].sum() == pytest.approx(8, rel=0.15)


def test_a_region_keeps_its_width_and_its_middle() -> None:
    clip = bars(10, 20, 30, 90)
    span = (84 / 120, 104 / 120)
    small = squeezed(clip, (3, 60, 72), spans=[(0.0, 1.0), (0.0, 1.0), span])
    kept = small.copy()
    kept[:, :, :40] = 110
    assert red(kept).sum() == pytest.approx(8, rel=0.15)
    assert middle(kept) == pytest.approx(94 / 120, abs=0.02)


def test_without_detail_all_shrinks_alike() -> None:
    ramp = np.tile(np.arange(100, dtype=np.uint8)[:, None], (2, 30, 1, 1))
    small = squeezed(ramp, (2, 30, 50))
    steps = np.diff(small[0, 0, :, 0].astype(int))
    assert steps.min() >= 1
    assert steps.max() <= 3


@given(
    arrays(np.uint8, (2, 12, 17, 2)), st.integers(3, 20), st.integers(3, 20),
    st.floats(0, 0.7), st.floats(0.05, 0.3),
)  # fmt: skip
def test_any_clip_is_squeezed(
    clip: Video, height: int, width: int, begin: float, length: float
) -> None:
    span = (begin, begin + length)
    for spans in (None, [span] * 3):
        small = squeezed(clip, (2, height, width), spans=spans)
        assert small.shape == (2, min(height, 12), min(width, 17), 2)
        assert small.min() >= clip.min()
        assert small.max() <= clip.max()
