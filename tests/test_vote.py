"""Median and mean votes, against votes that are collected one by one."""

from pathlib import Path
from typing import Any, NamedTuple

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from patchvid import vote
from patchvid.errors import DeviceError, InvalidInput

Array = NDArray[Any]
modest = settings(derandomize=True, max_examples=100)


class Case(NamedTuple):
    """The arguments of a vote."""

    value: Array
    nnf: Array
    patch: tuple[int, int, int]
    periodic: tuple[bool, bool, bool]


def field(value: Array, grid: tuple[int, ...], patch: tuple[int, ...], seed: int) -> Array:
    """Draw a field of random patches of `value`."""
    random = np.random.default_rng(seed)
    sizes = [size - extent + 1 for size, extent in zip(value.shape[:3], patch, strict=True)]
    return np.stack([random.integers(0, size, grid) for size in sizes], axis=-1)


def noise(shape: tuple[int, ...], dtype: Any, n_values: int = 256, seed: int = 0) -> Array:
    """Draw equally spaced numbers over the whole range of integers, and on both sides of zero."""
    steps = np.random.default_rng(seed).integers(0, n_values, shape)
    if np.dtype(dtype).kind == "u":
        return (steps * (np.iinfo(dtype).max / (n_values - 1))).astype(dtype)
    return (steps - n_values // 2).astype(dtype) / 8


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw small outputs, down to one patch, and periodic ones smaller than a patch."""
    patch = draw(st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 9)))
    periodic = draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
    grid = draw(st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 12)))
    shape = (draw(st.integers(n, n + 4)) for n in patch)
    channels = draw(st.integers(1, 9))
    dtype = draw(st.sampled_from([np.uint8, np.uint16, np.float32]))
    seed = draw(st.integers(0, 2**32 - 1))
    value = noise((*shape, channels), dtype, draw(st.sampled_from([2, 256])), seed)
    return Case(value, field(value, grid, patch, seed), patch, periodic)


@modest
@given(cases())
def test_median_is_that_of_all_votes(case: Case) -> None:
    voted = vote(case.value, case.nnf, patch=case.patch, periodic=case.periodic)
    assert voted.dtype == case.value.dtype
    np.testing.assert_array_equal(voted, naive.vote(*case))


@modest
@given(cases())
def test_mean_is_that_of_all_votes(case: Case) -> None:
    voted = vote(case.value, case.nnf, patch=case.patch, periodic=case.periodic, reduce="mean")
    assert voted.dtype == case.value.dtype
    np.testing.assert_allclose(
        voted, naive.vote(*case, reduce="mean"), rtol=0 if voted.dtype.kind == "u" else 1e-5,
        atol=1e-5,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("reduce", ["median", "mean"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_many_votes_are_all_counted(dtype: Any, reduce: Any) -> None:
    patch = (3, 10, 10)  # 300 votes: more than a lane of 8 bits can count
    value = noise((4, 12, 13, 2), dtype)
    if reduce == "median":
        value[value < value.max()] = value.min()  # nearly all are below any pivot
    for periodic in [(False, False, False), (True, True, True)]:
        nnf = field(value, (3, 10, 11), patch, seed=1)
        voted = vote(value, nnf, patch=patch, periodic=periodic, reduce=reduce)
        expected = naive.vote(value, nnf, patch, periodic, reduce)
        np.testing.assert_allclose(voted, expected, rtol=0, atol=1e-4 if dtype == np.float32 else 0)


@pytest.mark.parametrize("width", [63, 64, 65, 71, 128, 135])
@pytest.mark.parametrize("periodic_x", [False, True])
def test_wide_rows_are_voted_in_full(width: int, periodic_x: bool) -> None:
    periodic = (False, False, periodic_x)
    value = noise((2, 4, 12, 3), np.uint8)
    nnf = field(value, (2, 2, width), (1, 2, 8), seed=width)
    voted = vote(value, nnf, patch=(1, 2, 8), periodic=periodic)
    np.testing.assert_array_equal(voted, naive.vote(value, nnf, (1, 2, 8), periodic))


@pytest.mark.parametrize("patch", [(1, 1, 80), (2, 80, 1)])
def test_patches_may_be_longer_than_what_is_gathered_at_once(patch: tuple[int, int, int]) -> None:
    value = noise((3, 84, 85, 1), np.uint8)
    nnf = field(value, (1, 3, 4), patch, seed=0)
    np.testing.assert_array_equal(vote(value, nnf, patch=patch), naive.vote(value, nnf, patch))


def test_the_mean_of_many_large_numbers_is_exact() -> None:
    value = np.full((5, 15, 15, 1), 65535, np.uint16)
    nnf = np.zeros((5, 15, 15, 3), int)  # 1125 votes in the middle
    voted = vote(value, nnf, patch=(5, 15, 15), reduce="mean")
    np.testing.assert_array_equal(voted, np.full((9, 29, 29, 1), 65535))


def test_floats_keep_their_order_and_their_bits() -> None:
    tiny = np.finfo(np.float32).smallest_subnormal
    top = np.finfo(np.float32).max
    numbers = np.array([-top, -1, -tiny, 0, tiny, 1, top], np.float32)
    random = np.random.default_rng(0)
    value = random.choice(numbers, (5, 12, 14, 2))
    nnf = field(value, (3, 8, 9), (2, 4, 5), seed=0)
    np.testing.assert_array_equal(
        vote(value, nnf, patch=(2, 4, 5)), naive.vote(value, nnf, (2, 4, 5))
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_floats_come_back_as_they_were(dtype: Any) -> None:
    value = noise((4, 8, 9, 3), dtype)
    nnf = field(value, (3, 5, 6), (2, 3, 4), seed=0)
    voted = vote(value, nnf, patch=(2, 3, 4))
    assert voted.dtype == dtype
    np.testing.assert_array_equal(voted, naive.vote(value, nnf, (2, 3, 4)))


def test_every_number_of_a_median_stands_in_the_value() -> None:
    value = np.random.default_rng(0).random((4, 8, 9, 1)).astype(np.float32)
    nnf = field(value, (3, 5, 6), (2, 3, 4), seed=0)
    assert np.isin(vote(value, nnf, patch=(2, 3, 4)), value).all()


@pytest.mark.parametrize("reduce", ["median", "mean"])
def test_a_video_voted_from_itself_is_the_video(reduce: Any) -> None:
    for dtype in (np.uint8, np.uint16, np.float32):
        value = noise((4, 20, 90, 3), dtype)
        itself = np.moveaxis(np.indices((2, 14, 84)), 0, -1)
        np.testing.assert_array_equal(vote(value, itself, reduce=reduce), value)
        looped = np.concatenate([value, value[:, :, :6]], axis=2)
        itself = np.moveaxis(np.indices((2, 14, 90)), 0, -1)
        voted = vote(looped, itself, periodic=(False, False, True), reduce=reduce)
        np.testing.assert_array_equal(voted, value)


def test_strided_views_are_read_as_they_look() -> None:
    value = noise((8, 20, 20, 4), np.uint8)[::-2, 1::2, 2:, 1:]
    nnf = field(value, (3, 5, 16), (2, 3, 4), seed=0)
    voted = vote(value, np.asfortranarray(nnf), patch=(2, 3, 4))
    np.testing.assert_array_equal(voted, naive.vote(value, nnf, (2, 3, 4)))


def test_votes_are_the_published_ones(shared: Path) -> None:
    """The medians are exact, so this may never change."""
    with np.load(shared / "golden" / "vote_level06.npz") as data:
        np.testing.assert_array_equal(vote(data["value"], data["nnf"]), data["voted"])


# Errors

VALUE = np.zeros((3, 9, 9, 3), np.uint8)
NNF = np.zeros((1, 3, 3, 3), int)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"value": VALUE[0, 0]}, "value must be a filled"),
        ({"value": VALUE.astype(complex)}, "value must hold integers or floats, got complex128"),
        ({"value": np.full((3, 9, 9, 3), np.inf)}, "value must be finite"),
        ({"value": VALUE[:2]}, "a video of 2 frames, 9x9 pixels is smaller than the patch 3x7x7"),
        ({"nnf": NNF[0]}, "nnf must have shape"),
        ({"nnf": NNF[..., :2]}, "nnf must have shape"),
        ({"nnf": NNF + np.array([0, 0, 3])}, "some lie outside"),
        ({"nnf": NNF - 1}, "some lie outside"),
        ({"patch": (3, 7)}, "patch must be three whole numbers"),
        ({"periodic": (True, True)}, "periodic must"),
        ({"periodic": "yes"}, "periodic must"),
        ({"reduce": "mode"}, "reduce must be 'median' or 'mean', got 'mode'"),
        ({"device": "tpu"}, "device must be 'auto', 'cpu' or 'cuda', got 'tpu'"),
    ],
)
def test_vote_names_what_is_wrong(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as error:
        vote(**{"value": VALUE, "nnf": NNF, **arguments})
    assert "\n" not in str(error.value)


def test_a_device_that_is_not_there_is_an_error() -> None:
    with pytest.raises(DeviceError, match="device 'cuda'"):
        vote(VALUE, NNF, device="cuda")
