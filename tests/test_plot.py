"""Figures show the pixels they are asked to."""

import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import matplotlib
import numpy as np
import pytest
import standin
from matplotlib import pyplot

from patchvid import InvalidInput, PatchvidError, plot
from patchvid.display.field_maps import field_to_color

CLIP = np.random.default_rng(0).integers(0, 256, (7, 12, 16, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def no_window() -> Iterator[None]:
    matplotlib.use("agg")
    yield
    pyplot.close("all")


def pixels(ax: Any, number: int = 0) -> Any:
    return ax.images[number].get_array()


def test_film_strip_has_the_frames() -> None:
    ax = plot.film_strip(CLIP, frames=[0, 4, 6])
    for number, frame in enumerate((0, 4, 6)):
        assert np.array_equal(pixels(ax, number), CLIP[frame])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "4", "6"]
    edges = [image.get_extent()[:2] for image in ax.images]
    assert all(right < left for (_, right), (left, _) in pairwise(edges))


def test_more_frames_than_there_are_is_all_of_them() -> None:
    assert len(plot.film_strip(CLIP, frames=99).images) == len(CLIP)


def test_frames_of_floats_share_their_colours() -> None:
    ramp = np.arange(4 * 6 * 5, dtype=np.float32).reshape(4, 6, 5, 1)
    limits = {image.get_clim() for image in plot.film_strip(ramp).images}
    assert limits == {(0, 119)}


def test_time_slice_is_a_row_or_a_column_over_time() -> None:
    assert np.array_equal(pixels(plot.time_slice(CLIP)), CLIP[:, 6])
    assert np.array_equal(pixels(plot.time_slice(CLIP, y=3)), CLIP[:, 3])
    assert np.array_equal(pixels(plot.time_slice(CLIP, x=0)), CLIP[:, :, 0])


def test_field_map_has_the_field_and_the_source_in_colours() -> None:
    shape = (7, 12, 16)
    nnf = np.random.default_rng(0).integers(0, 6, (5, 6, 10, 3))
    ax = plot.field_map(nnf, shape, frame=4)
    assert np.array_equal(pixels(ax), field_to_color(nnf, shape)[4])
    (legend,) = ax.child_axes
    source = np.moveaxis(np.indices((1, 12, 16)), 0, -1)
    source[..., 0] += 3
    assert np.array_equal(pixels(legend), field_to_color(source, shape)[0])


def test_side_by_side_has_a_column_a_video() -> None:
    other = CLIP[:5, :, :8]
    axes = plot.side_by_side(CLIP, other, labels=["a", "b"], frames=2)
    assert [[pixels(ax).shape[1] for ax in row] for row in axes] == [[16, 8], [16, 8]]
    assert np.array_equal(pixels(axes[1][0]), CLIP[6])
    assert np.array_equal(pixels(axes[1][1]), other[4])
    assert [ax.get_title() for ax in axes[0]] == ["a", "b"]


def test_side_by_side_has_as_many_rows_as_the_shortest_video() -> None:
    for videos in ((CLIP, CLIP[:2]), (CLIP[:2], CLIP)):
        axes = plot.side_by_side(*videos, frames=4)
        assert len(axes) == 2
        first, last = (row[0].get_ylabel() for row in axes)
        assert (first, last) == ("frame 0", f"frame {len(videos[0]) - 1}")
        assert axes[1][1].get_ylabel() == f"frame {len(videos[1]) - 1}"


@pytest.mark.usefixtures("gpu")
def test_arrays_of_a_gpu_are_drawn() -> None:
    clip, nnf = standin.wrap(CLIP), standin.wrap(np.zeros((2, 3, 3, 3), int))
    assert np.array_equal(pixels(plot.film_strip(clip, frames=[3])), CLIP[3])
    assert np.array_equal(pixels(plot.time_slice(clip)), CLIP[:, 6])
    assert np.array_equal(pixels(plot.side_by_side(clip, frames=[3])[0][0]), CLIP[3])
    expected = field_to_color(standin.to_plain(nnf), (4, 9, 9))[1]
    assert np.array_equal(pixels(plot.field_map(nnf, (4, 9, 9))), expected)


@pytest.mark.parametrize("draw", [plot.film_strip, plot.time_slice])
def test_draws_into_the_axes_it_is_given(draw: Callable[..., Any]) -> None:
    _, ax = pyplot.subplots()
    assert draw(CLIP, ax=ax) is ax
    assert len(pyplot.get_fignums()) == 1


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plot.film_strip(CLIP[..., :2]), "must have 1, 3 or 4 channels"),
        (lambda: plot.film_strip(CLIP, frames=[7]), "frames must be below 7"),
        (lambda: plot.time_slice(CLIP, y=12), "y must be below 12"),
        (lambda: plot.time_slice(CLIP, y=1, x=1), "got both"),
        (lambda: plot.field_map(np.zeros((2, 3, 3, 3), int), (4, 9, 9), frame=2), "below 2"),
        (lambda: plot.field_map(np.zeros((3, 3), int), (4, 9, 9)), r"got shape \(3, 3\)"),
        (lambda: plot.side_by_side(), "needs one or more videos"),
        (lambda: plot.side_by_side(CLIP, labels=["a", "b"]), "labels must be one for each"),
    ],
)
def test_what_cannot_be_drawn(draw: Callable[[], Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        draw()


def test_without_matplotlib_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(PatchvidError, match=r"pip install 'patchvid\[plot\]'"):
        plot.film_strip(CLIP)
