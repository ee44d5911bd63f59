"""Fields as pictures: every place has its colour, and every pixel its place."""

from typing import Any

import numpy as np
import pytest
import standin
from hypothesis import given
from hypothesis import strategies as st

from patchvid import generate, sample_clip, search, vote
from patchvid.display.field_maps import field_to_color, pixel_sources
from patchvid.errors import InvalidInput


def places(*shape: int) -> Any:
    """List the voxels of a clip, each at its own place: (t, y, x, 3)."""
    return np.moveaxis(np.indices(shape), 0, -1)


def test_places_that_differ_have_colours_that_differ() -> None:
    shape = (3, 6, 8)
    colours = field_to_color(places(*shape), shape)
    assert colours.shape == (*shape, 3)
    assert len(np.unique(colours.reshape(-1, 3), axis=0)) == 3 * 6 * 8


def test_brightness_is_time_and_colours_change_smoothly() -> None:
    colours = field_to_color(places(5, 40, 60), (5, 40, 60, 3)).astype(int)
    assert (np.diff(colours.sum(axis=-1), axis=0) > 0).all()
    for axis in (1, 2):
        assert abs(np.diff(colours, axis=axis)).max() <= 8


@pytest.mark.parametrize("shape", [(1, 4, 5), (3, 1, 5), (3, 4, 1), (1, 1, 1)])
def test_flat_clips_have_colours_too(shape: tuple[int, ...]) -> None:
    colours = field_to_color(places(*shape), shape)
    assert colours[-1].max() > 200  # the last frame is bright, be it the only one


def test_any_number_of_axes() -> None:
    nnf = places(3, 4, 5)
    colours = field_to_color(nnf, (3, 4, 5))
    np.testing.assert_array_equal(field_to_color(nnf[1, 2, 3], (3, 4, 5)), colours[1, 2, 3])
    np.testing.assert_array_equal(field_to_color(nnf[None], (3, 4, 5)), colours[None])


@given(
    patch=st.tuples(*[st.integers(1, 4)] * 3),
    shift=st.tuples(*[st.integers(0, 3)] * 3),
    extra=st.tuples(*[st.integers(0, 5)] * 3),
)
def test_pixels_of_a_cutout_come_from_where_it_was(
    patch: tuple[int, ...], shift: tuple[int, ...], extra: tuple[int, ...]
) -> None:
    grid = tuple(1 + n for n in extra)
    size = tuple(n + k - 1 for n, k in zip(grid, patch))
    np.testing.assert_array_equal(pixel_sources(places(*grid) + shift, size), places(*size) + shift)


def test_sources_look_like_what_was_made() -> None:
    clip = sample_clip()[:6, ::4, ::4]
    query, patch = clip[1:, 3:, :-4], (3, 5, 5)
    nnf, _ = search(query, clip, patch=patch, seed=0)
    t, y, x = np.moveaxis(pixel_sources(nnf, query.shape), -1, 0)
    error = abs(clip[t, y, x].astype(int) - vote(clip, nnf, patch=patch)).mean()
    assert error < 3


@pytest.mark.slow
def test_axes_that_go_around() -> None:
    made = generate(sample_clip()[:6, :32, :40], loop=True, tile="x", seed=0, details=True)
    sources = pixel_sources(made.nnf, made.video.shape)
    assert sources.shape == made.video.shape
    np.testing.assert_array_equal(sources[:, 3:-3][..., [0, 2]], made.nnf[..., [0, 2]])
    assert field_to_color(sources, (6, 32, 40)).shape == made.video.shape


@pytest.mark.usefixtures("gpu")
def test_fields_on_a_gpu_have_colours_and_sources_there() -> None:
    nnf = places(2, 3, 4)
    for function, size in ((field_to_color, (2, 3, 4)), (pixel_sources, (4, 5, 6))):
        made = function(standin.wrap(nnf), size)
        assert isinstance(made, standin.DeviceArray)
        np.testing.assert_array_equal(standin.to_plain(made), function(nnf, size))


@pytest.mark.parametrize(
    ("nnf", "shape", "message"),
    [
        (places(2, 3, 4)[..., :2], (2, 3, 4), r"\(\.\.\., 3\), got int64 of shape \(2, 3, 4, 2\)"),
        (places(2, 3, 4) / 1, (2, 3, 4), "whole numbers, .* got float64"),
        (places(2, 3, 4), (2, 3, 3), "some lie outside"),
        (places(2, 3, 4) - 1, (2, 3, 4), "some lie outside"),
        (places(2, 3, 4), (2, 3), "shape must be three whole numbers"),
    ],
)
def test_colours_name_what_is_wrong(nnf: Any, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        field_to_color(nnf, shape)


@pytest.mark.parametrize("nnf", [places(2, 3, 5), places(2, 3), places(2, 0, 4)])
def test_sources_name_what_is_wrong(nnf: Any) -> None:
    with pytest.raises(InvalidInput, match="nnf must"):
        pixel_sources(nnf, (2, 3, 4))
