"""Rules for one patch or voxel, against their formulas."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from numpy.typing import NDArray
from scipy.stats import kstest

from patchvid.kernels import carrying, cpu, rng, rules

modest = settings(derandomize=True)
words = st.integers(0, 2**32 - 1)


# Random numbers


def unmix(bits: int) -> int:
    """Invert `rules.mix`."""
    for shift, factor in ((15, 0xD35A2D97), (15, 0x21F0AAAD)):
        bits ^= (bits >> shift) ^ (bits >> 2 * shift)
        bits = bits * pow(factor, -1, 2**32) % 2**32
    return bits ^ (bits >> 16)


@modest
@given(words)
def test_mix_is_a_bijection(bits: int) -> None:
    assert 0 <= rules.mix(bits) < 2**32
    assert unmix(rules.mix(bits)) == bits


def test_every_bit_in_changes_half_of_the_bits_out() -> None:
    bits = np.random.default_rng(0).integers(0, 2**32, 20_000)
    for place in range(32):
        flipped = rules.mix(bits) ^ rules.mix(bits ^ (1 << place))
        rates = (flipped[:, None] >> np.arange(32) & 1).mean(axis=0)
        np.testing.assert_allclose(rates, 0.5, atol=0.02)


def test_every_number_of_a_seed_tells() -> None:
    streams = [rules.random_stream(*seed) for seed in product((0, 1, 2**32, 2**80), repeat=2)]
    assert len(set(streams)) == len(streams)
    assert all(0 <= stream < 2**32 for stream in streams)


def test_random_places_come_equally_often() -> None:
    drawn = rng.below(7, np.arange(70_000), 3)
    np.testing.assert_allclose(np.bincount(drawn.ravel(), minlength=7), 10_000, rtol=0.03)


def test_noise_is_normal() -> None:
    noise = rng.normal(np, (40, 50, 50), 1, 2)
    assert noise.dtype == np.float32
    assert kstest(noise.ravel(), "norm").statistic < 0.005
    assert abs(np.corrcoef(noise.ravel()[:-1], noise.ravel()[1:])[0, 1]) < 0.01
    assert abs(np.corrcoef(noise.ravel(), rng.normal(np, (100_000,), 1, 3))[0, 1]) < 0.01


compiled_mix = njit(rules.mix)


@modest
@given(st.integers(0, 2**32 + 2**10))
def test_compiled_mix_is_the_same(bits: int) -> None:
    assert compiled_mix(bits) == rules.mix(bits)


@pytest.mark.parametrize("size", [1, 2, 7, 40])
def test_draws_reach_every_place_near_and_no_other(size: int) -> None:
    bits = np.arange(2048) << 21
    for radius in range(size + 2):
        for centre in range(size):
            near = range(max(0, centre - radius), min(size, centre + radius + 1))
            drawn, rest = rules.draw_near(bits, centre, radius, size)
            places, counts = np.unique(drawn, return_counts=True)
            assert list(places) == list(near)
            assert np.ptp(counts) <= 1  # all are as likely
            assert rest.min() >= 0
            assert rest.max() < 2**32


def test_draws_from_what_is_left_are_independent() -> None:
    bits = np.random.default_rng(0).integers(0, 2**32, 1_000_000)
    x, rest = rules.draw_near(bits, 2, 2, 9)
    y, rest = rules.draw_near(rest, 3, 3, 9)
    t, _ = rules.draw_near(rest, 1, 1, 3)
    counts = np.bincount((x * 7 + y) * 3 + t, minlength=5 * 7 * 3)
    np.testing.assert_allclose(counts, len(bits) / (5 * 7 * 3), rtol=0.05)


# Fields across levels


axis = st.tuples(
    st.integers(1, 9),  # patch
    st.integers(0, 40),  # patches of the coarse query, its key, the fine query and its key,
    st.integers(0, 40),  # less one
    st.integers(0, 60),
    st.integers(0, 60),
)


@modest
@given(axis, st.data())
def test_carried_keys_follow_the_centres_of_their_patches(
    axis: tuple[int, int, int, int, int], data: st.DataObject
) -> None:
    extent, query, key, fine_query, fine_key = axis
    position, coarse_key = data.draw(st.integers(0, fine_query)), data.draw(st.integers(0, key))
    n_query, n_key, n_fine_query, n_fine_key = (last + extent for last in axis[1:])

    nearest, offset = carrying.nearest_coarse(position, extent, n_query, n_fine_query, query + 1, 0)
    wanted = (position + extent / 2) * n_query / n_fine_query - extent / 2
    assert 0 <= nearest <= query
    assert abs(nearest - min(max(wanted, 0), query)) <= 0.5 + 1e-9
    assert offset / (2 * n_fine_query) == pytest.approx(wanted - nearest, abs=1e-9)

    carried = carrying.carry_key(coarse_key, offset, extent, n_fine_query, n_key, n_fine_key)
    centre = coarse_key + (wanted - nearest) + extent / 2
    wanted = min(max(centre * n_fine_key / n_key - extent / 2, 0), fine_key)
    assert 0 <= carried <= fine_key
    assert abs(carried - wanted) <= 0.5 + 1e-9


def carry(
    field: NDArray[np.int32], query: Any, key: Any, fine_query: Any, fine_key: Any, patch: Any
) -> NDArray[np.int32]:
    grid = cpu.patch_grid(fine_query, patch)
    firsts = (0, 0, 0), (0, 0, 0)
    return cpu.carry(field, grid, firsts, (query, key), (fine_query, fine_key), patch=patch)


shapes = st.tuples(st.integers(3, 6), st.integers(4, 9), st.integers(5, 12))


@settings(modest, max_examples=20)
@given(shapes, shapes, shapes, shapes, words)
def test_a_carried_field_follows_the_rules(
    query: tuple[int, ...],
    key: tuple[int, ...],
    fine_query: tuple[int, ...],
    fine_key: tuple[int, ...],
    seed: int,
) -> None:
    patch = (3, 4, 5)
    grid, key_grid = cpu.patch_grid(query, patch), cpu.patch_grid(key, patch)
    random = np.random.default_rng(seed)
    keys = np.stack([random.integers(0, n, grid) for n in key_grid], axis=-1)
    field = np.ravel_multi_index(tuple(np.moveaxis(keys, -1, 0)), key).astype(np.int32)
    fine = carry(field, query, key, fine_query, fine_key, patch)

    expected = np.empty(cpu.patch_grid(fine_query, patch), int)
    for place in np.ndindex(*expected.shape):
        near = [
            carrying.nearest_coarse(*of_axis, 0)
            for of_axis in zip(place, patch, query, fine_query, grid, strict=True)
        ]
        found = keys[tuple(nearest for nearest, _ in near)]
        expected[place] = np.ravel_multi_index(
            [
                carrying.carry_key(
                    found[i], near[i][1], patch[i], fine_query[i], key[i], fine_key[i]
                )
                for i in range(3)
            ],
            fine_key,
        )  # fmt: skip
    assert fine.dtype == np.int32
    np.testing.assert_array_equal(fine, expected)


def test_the_field_of_a_window_is_part_of_that_of_the_whole() -> None:
    query, key, fine_query, fine_key = (6, 30, 40), (5, 20, 25), (7, 36, 49), (6, 24, 30)
    patch, first, fine_first, shape = (3, 5, 5), (1, 9, 0), (2, 12, 3), (3, 8, 9)
    grid, key_grid = cpu.patch_grid(query, patch), cpu.patch_grid(key, patch)
    drawn = np.random.default_rng(0).integers(0, np.prod(key_grid), grid)
    field: Any = np.ravel_multi_index(np.unravel_index(drawn, key_grid), key).astype(np.int32)
    whole = carry(field, query, key, fine_query, fine_key, patch)
    window = field[first[0] : first[0] + 3, first[1] : first[1] + 9, first[2] : first[2] + 12]
    part = cpu.carry(
        window.copy(), shape, (first, fine_first), (query, key), (fine_query, fine_key),
        patch=patch,
    )  # fmt: skip
    t, y, x = (slice(begin, begin + n) for begin, n in zip(fine_first, shape, strict=True))
    np.testing.assert_array_equal(part, whole[t, y, x])


@pytest.mark.parametrize("patch", [(3, 7, 7), (2, 4, 5)])
def test_a_field_between_equal_sizes_stays_as_it_is(patch: tuple[int, int, int]) -> None:
    query, key = (5, 14, 20), (6, 17, 13)
    grid, key_grid = cpu.patch_grid(query, patch), cpu.patch_grid(key, patch)
    drawn = np.random.default_rng(0).integers(0, np.prod(key_grid), grid)
    field: Any = np.ravel_multi_index(np.unravel_index(drawn, key_grid), key).astype(np.int32)
    carried = carry(field, query, key, query, key, patch)
    np.testing.assert_array_equal(carried, field)


def test_a_field_onto_itself_stays_one() -> None:
    def onto_itself(shape: tuple[int, int, int]) -> NDArray[np.int32]:
        places = np.indices(cpu.patch_grid(shape, (3, 7, 7)))
        return np.ravel_multi_index(tuple(places), shape).astype(np.int32)

    coarse, fine = (4, 15, 26), (5, 19, 31)
    carried = carry(onto_itself(coarse), coarse, coarse, fine, fine, (3, 7, 7))
    np.testing.assert_array_equal(carried, onto_itself(fine))
