"""The pyramid against published levels, and resizing against its formula."""

import json
import math
from pathlib import Path
from typing import Any

import av
import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from patchvid import build_pyramid, level_shapes, plan_levels, resize
from patchvid.errors import InvalidInput

Floats = NDArray[np.float64]


def naive_weights(n: int, size: int, scale: float) -> Floats:
    """Compute the matrix (size, n) of a cubic resize of one axis, entry by entry."""
    matrix = np.zeros((size, n))
    shrink = min(scale, 1.0)
    for i in range(size):
        centre = (i + 0.5 - size / 2) / scale + n / 2 - 0.5
        centre = min(max(centre, -0.5), n - 0.5)
        for k in range(n):
            d = abs(k - centre) * shrink
            if d < 1:
                matrix[i, k] = 1.5 * d**3 - 2.5 * d**2 + 1
            elif d < 2:
                matrix[i, k] = -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    matrix /= matrix.sum(axis=1, keepdims=True)
    return matrix


def naive_resize(video: NDArray[Any], size: tuple[int, ...], scale: tuple[float, ...]) -> Floats:
    t, y, x = map(naive_weights, video.shape, size, scale)
    resized: Floats = np.einsum("at,by,cx,tyxk->abck", t, y, x, video.astype(float), optimize=True)
    return resized


def noise(shape: tuple[int, ...], dtype: Any = np.uint8, seed: int = 0) -> NDArray[Any]:
    values = np.random.default_rng(seed).random(shape)
    top = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    return (values * top).astype(dtype)


# Levels


def golden_meta(shared: Path) -> Any:
    return json.loads((shared / "golden" / "pyramid_meta.json").read_text())


def test_half_floats_stay_finite() -> None:
    video = np.where(np.indices((2, 9, 12, 1)).sum(axis=0) % 5 < 2, 65000, -65000)
    assert np.isfinite(resize(video.astype(np.float16), (3, 14, 17))).all()


def test_levels_are_the_published_ones(shared: Path) -> None:
    meta = golden_meta(shared)
    levels = plan_levels((13, 144, 256))
    assert [list(level.shape) for level in levels] == meta["v_out_shapes"]
    assert level_shapes((13, 144, 256)) == [level.shape for level in levels]
    scales = np.array([level.scale for level in levels])
    np.testing.assert_allclose(scales, meta["downscales"], rtol=1e-6)
    np.testing.assert_allclose(scales[1:] / scales[:-1], meta["upscale_factors"][1:], rtol=1e-6)


shapes = st.tuples(st.integers(1, 90), st.integers(1, 1200), st.integers(1, 1200))
factors = st.tuples(st.floats(0.2, 0.95), st.floats(0.2, 0.95))
minima = st.tuples(st.integers(1, 9), st.integers(1, 40))


@given(shapes, factors, minima)
def test_levels_fall_to_the_minimum_and_no_further(
    shape: tuple[int, int, int], factor: tuple[float, float], coarsest: tuple[int, int]
) -> None:
    levels = plan_levels(shape, factor=factor, coarsest=coarsest)
    assert levels[-1] == (shape, (1.0, 1.0, 1.0))
    sides = [(t, min(y, x)) for (t, y, x), _ in levels]
    assert sides[0] == (min(shape[0], coarsest[0]), min(*shape[1:], coarsest[1]))
    assert all(side > sides[0] for side in sides[1:])
    for (shape_n, scale_n), (coarser, coarser_scale) in zip(levels[1:], levels[:-1], strict=True):
        assert all(a <= b for a, b in zip(coarser, shape_n, strict=True))
        assert coarser_scale[1] == pytest.approx(coarser_scale[2])
        for ratio, rule in zip(
            np.divide(coarser_scale, scale_n), (factor[0], factor[1], factor[1]), strict=True
        ):
            assert rule * (1 - 1e-9) <= ratio <= 1
        assert coarser == tuple(
            max(1, math.ceil(n * s - 1e-5)) for n, s in zip(shape, coarser_scale, strict=True)
        )


@given(shapes, shapes, factors, minima)
def test_levels_of_another_size_follow_those_of_the_clip(
    shape: tuple[int, int, int],
    size: tuple[int, int, int],
    factor: tuple[float, float],
    coarsest: tuple[int, int],
) -> None:
    source = plan_levels(shape, factor=factor, coarsest=coarsest)
    output = plan_levels(shape, size=size, factor=factor, coarsest=coarsest)
    assert len(output) == len(source)
    assert output[-1] == (size, (1.0, 1.0, 1.0))
    assert plan_levels(shape, size=shape, factor=factor, coarsest=coarsest) == source
    side = min(*shape[1:], coarsest[1])
    minimum = (min(shape[0], coarsest[0]), side, side)
    for out, src in zip(output, source, strict=True):
        for axis in range(3):
            assert out.shape[axis] >= min(size[axis], minimum[axis])
            if size[axis] >= shape[axis]:
                assert out.scale[axis] == pytest.approx(src.scale[axis])


def test_an_image_has_a_pyramid_in_space() -> None:
    assert level_shapes((1, 60, 40), factor=(0.5, 0.5)) == [
        (1, 23, 15),
        (1, 30, 20),
        (1, 60, 40),
    ]


@pytest.mark.parametrize("shape", [(1, 9, 12), (3, 15, 15), (2, 4, 300)])
def test_a_small_clip_is_its_only_level(shape: tuple[int, int, int]) -> None:
    assert plan_levels(shape) == [(shape, (1.0, 1.0, 1.0))]


def test_a_shorter_output_keeps_the_least_number_of_frames() -> None:
    assert [shape[0] for shape in level_shapes((13, 144, 256), size=(10, 144, 256))] == [
        *(3, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 10),
    ]


# Resizing against the published levels. Borders are left out, because their weights differ.


def interior(n: int, size: int, scale: float) -> slice:
    """Mark output entries whose support is inside the input, by more than float32's rounding."""
    support = 4 / min(scale, 1)
    centre = (np.arange(size) - (size - 1) / 2) / scale + (n - 1) / 2
    first = np.ceil(centre - support / 2 + 1e-4)
    inside = np.flatnonzero((first >= 0) & (first + math.ceil(support) <= n))
    return slice(inside[0], inside[-1] + 1)


@pytest.fixture(scope="module")
def balloons(shared: Path) -> Floats:
    """The clip of the published pyramid, decoded with FFmpeg's defaults like the original."""
    with av.open(shared / "clips" / "generation" / "air_ballons_cut.mp4") as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return np.stack(frames).astype(np.float64) / 127.5 - 1


@pytest.mark.parametrize("level", range(4, 12))
def test_pyramid_agrees_with_the_published_one(shared: Path, balloons: Floats, level: int) -> None:
    golden = np.load(shared / "golden" / "pyramid_air_ballons_cut.npz")[f"level{level:02d}"]
    shape, scale = plan_levels(balloons.shape[:3])[level]
    ours = resize(balloons, shape, scale=scale)
    assert ours.shape == golden.shape
    inside = tuple(map(interior, balloons.shape[:3], shape, scale))
    np.testing.assert_allclose(ours[inside], golden[inside], rtol=0, atol=1e-4)


def test_upscaling_agrees_with_the_published_one(shared: Path) -> None:
    golden = np.load(shared / "golden" / "upscale_05_to_06.npz")
    scale = golden_meta(shared)["upscale_factors"][6]
    coarse, fine = golden["coarse"], golden["fine"]
    ours = resize(coarse, fine.shape[:3], scale=scale)
    inside = tuple(map(interior, coarse.shape[:3], fine.shape[:3], scale))
    np.testing.assert_allclose(ours[inside], fine[inside], rtol=0, atol=1e-4)


# Resize against its formula


@given(
    shape=st.tuples(*(st.integers(1, n) for n in (6, 50, 40, 6))),
    size=st.tuples(*(st.integers(1, n) for n in (8, 30, 40))),
    stretch=st.none() | st.tuples(*[st.floats(0.7, 1.4)] * 3),
    dtype=st.sampled_from([np.uint8, np.uint16, np.float16, np.float32, np.float64]),
    seed=st.integers(0, 99),
)
def test_resize_is_its_formula(
    shape: tuple[int, ...],
    size: tuple[int, int, int],
    stretch: tuple[float, ...] | None,
    dtype: Any,
    seed: int,
) -> None:
    video = noise(shape, dtype, seed)
    if shape[3] == 4:  # opaque: see test_alpha.py for other pixels
        video[..., 3] = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    scale = tuple(m / n * s for m, n, s in zip(size, shape, stretch or (1, 1, 1), strict=False))
    ours = resize(video, size, scale=scale if stretch else None)
    expected = naive_resize(video, size, scale)
    assert ours.dtype == dtype
    if np.dtype(dtype).kind == "u":
        expected = np.clip(expected, 0, np.iinfo(dtype).max)
        tolerance = 0.5 + 1e-6 * np.iinfo(dtype).max
    else:
        tolerance = 2e-3 if dtype is np.float16 else 2e-6
    np.testing.assert_allclose(ours.astype(np.float64), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("size", [(13, 60, 80), (5, 37, 211), (1, 3, 2)])
@pytest.mark.parametrize("value", [0, 1, 200, 255])
def test_a_constant_stays_constant(size: tuple[int, int, int], value: int) -> None:
    video = np.full((7, 45, 66, 3), value, np.uint8)
    assert (resize(video, size) == value).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32])
def test_the_same_size_gives_an_equal_copy(dtype: Any) -> None:
    video = noise((3, 11, 17, 3), dtype)
    same = resize(video, (3, 11, 17))
    np.testing.assert_array_equal(same, video)
    assert not np.shares_memory(same, video)


def test_unchanged_axes_are_left_alone() -> None:
    video = noise((6, 20, 30, 3), np.float32)
    longer = resize(video, (11, 20, 30))
    pixel = resize(np.ascontiguousarray(video[:, 7:8, 9:10]), (11, 1, 1))
    np.testing.assert_allclose(longer[:, 7:8, 9:10], pixel, atol=1e-6)


def test_strided_views_are_read_as_they_look() -> None:
    video = noise((9, 40, 50, 4))
    view = video[::-2, ::2, 3:, :3]
    np.testing.assert_array_equal(resize(view, (4, 9, 60)), resize(view.copy(), (4, 9, 60)))


def test_bytes_do_not_depend_on_the_number_of_threads() -> None:
    if numba.get_num_threads() < 2:
        pytest.skip("this machine runs one thread only (NUMBA_NUM_THREADS)")
    video = noise((7, 61, 83, 3), np.float32)
    results = []
    before = numba.get_num_threads()
    try:
        for threads in (1, 2):
            numba.set_num_threads(threads)
            results.append([resize(video, size).tobytes() for size in [(8, 75, 99), (3, 17, 31)]])
    finally:
        numba.set_num_threads(before)
    assert results[0] == results[1]


def test_pyramid_is_the_clip_resized_to_its_levels() -> None:
    video = noise((5, 40, 30, 3))
    pyramid = build_pyramid(video, factor=(0.8, 0.6), coarsest=(3, 10))
    levels = plan_levels(video.shape[:3], factor=(0.8, 0.6), coarsest=(3, 10))
    assert pyramid[-1] is video
    for array, level in zip(pyramid[:-1], levels[:-1], strict=True):
        np.testing.assert_array_equal(array, resize(video, level.shape, scale=level.scale))


# Errors

VIDEO = np.zeros((4, 20, 20, 3), np.uint8)


@pytest.mark.parametrize(
    ("video", "size", "scale", "message"),
    [
        (VIDEO[0], (1, 2, 3), None, "got shape"),
        (VIDEO[:0], (1, 2, 3), None, "got shape"),
        (VIDEO.astype(complex), (1, 2, 3), None, "got complex128"),
        (VIDEO, (1, 2), None, "three whole numbers"),
        (VIDEO, (1, 2, 3.5), None, "three whole numbers"),
        (VIDEO, 7, None, "three whole numbers"),
        (VIDEO, (1, 0, 3), None, "at least 1"),
        (VIDEO, (1, 2, 3), (1, 1), "three numbers above 0"),
        (VIDEO, (1, 2, 3), (1, 0, 1), "three numbers above 0"),
        (VIDEO, (1, 2, 3), (1, math.nan, 1), "three numbers above 0"),
        (VIDEO, (1, 2, 3), 0.5, "three numbers above 0"),
    ],
)
def test_resize_names_what_is_wrong(video: Any, size: Any, scale: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as error:
        resize(video, size, scale=scale)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"factor": (1.0, 0.5)}, "time factor"),
        ({"factor": (0.5, 1.5)}, "space factor"),
        ({"factor": (0.0, 0.5)}, "above 0"),
        ({"factor": 0.5}, "two numbers"),
        ({"coarsest": (0, 15)}, "at least 1"),
        ({"coarsest": (3, 15, 15)}, "two whole numbers"),
        ({"size": (4, 0, 20)}, "at least 1"),
    ],
)
def test_plan_levels_names_what_is_wrong(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as error:
        plan_levels(VIDEO.shape[:3], **arguments)
    assert "\n" not in str(error.value)
