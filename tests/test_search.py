"""Patch distance and search, PatchMatch and exact, against every pair of patches."""

from pathlib import Path
from typing import Any, NamedTuple

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from patchvid import patch_distance, search
from patchvid.errors import DeviceError, InvalidInput

Array = NDArray[Any]
modest = settings(derandomize=True, max_examples=100)


class Case(NamedTuple):
    """The arguments of a search."""

    query: Array
    key: Array
    patch: tuple[int, int, int]
    periodic: tuple[bool, bool, bool]
    weights: Array | None
    key_mask: Array | None
    seed: int

    @property
    def options(self) -> dict[str, Any]:
        names = ("patch", "periodic", "weights", "key_mask")
        return {name: getattr(self, name) for name in names}


@st.composite
def cases(draw: st.DrawFn, *, restricted: bool = True) -> Case:
    """Draw small videos of noise; few grey values make many ties."""
    patch = draw(st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 9)))
    grids = st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 10))
    query_shape, key_shape = (
        tuple(count + extent - 1 for count, extent in zip(draw(grids), patch, strict=True))
        for _ in range(2)
    )
    channels = draw(st.integers(1, 9))
    seed = draw(st.integers(0, 2**32 - 1))
    dtype: Any = draw(st.sampled_from([np.uint8, np.uint8, np.uint16, np.float32]))
    n_greys = draw(st.sampled_from([2, 4, 256]))
    top = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1.0
    random = np.random.default_rng(seed)
    query, key = (
        (random.integers(0, n_greys, (*shape, channels)) * (top / (n_greys - 1))).astype(dtype)
        for shape in (query_shape, key_shape)
    )
    periodic, weights, keys = (False, False, False), None, None
    if restricted:
        grid = [size - extent + 1 for size, extent in zip(key_shape, patch, strict=True)]
        periodic = draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
        if draw(st.booleans()):
            weights = random.uniform(0.1, 2, grid).astype(np.float32)
        if draw(st.booleans()):
            keys = random.random(grid) < draw(st.sampled_from([0.1, 0.8]))
            keys.flat[random.integers(keys.size)] = True
    return Case(query, key, patch, periodic, weights, keys, seed)


def noise(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def identity(grid: tuple[int, ...], shift: tuple[int, ...] = (0, 0, 0)) -> Array:
    """Make the field of a query that is cut out of the key at `shift`."""
    return np.moveaxis(np.indices(grid), 0, -1) + np.array(shift)


def at(of_keys: Array, nnf: Array) -> Array:
    """Look up values of keys for each key in a field."""
    found: Array = of_keys[tuple(np.moveaxis(nnf, -1, 0))]
    return found


# Against the reference


@modest
@given(cases(restricted=False), st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_distance_is_that_of_the_patches(case: Case, periodic: tuple[bool, bool, bool]) -> None:
    grid = [
        size if wraps else size - extent + 1
        for size, extent, wraps in zip(case.query.shape[:3], case.patch, periodic, strict=True)
    ]
    random = np.random.default_rng(case.seed)
    nnf = np.stack(
        [
            random.integers(0, size - extent + 1, grid)
            for size, extent in zip(case.key.shape[:3], case.patch, strict=True)
        ],
        axis=-1,
    )
    cost = patch_distance(case.query, case.key, nnf, patch=case.patch, periodic=periodic)
    expected = naive.patch_distance(case.query, case.key, nnf, case.patch, periodic)
    assert cost.dtype == np.float32
    np.testing.assert_allclose(cost, expected, rtol=2e-7 if case.query.dtype == np.uint8 else 1e-5)


@modest
@given(cases())
def test_exact_search_finds_the_optimum(case: Case) -> None:
    nnf, cost = search(case.query, case.key, method="exact", **case.options)
    costs = naive.all_costs(case.query, case.key, **case.options)
    expected_nnf, expected_cost = naive.search(costs)
    assert nnf.dtype == np.int32
    assert cost.dtype == np.float32
    np.testing.assert_allclose(cost, expected_cost, rtol=1e-6, atol=1e-6)
    assert (cost >= 0).all()
    if case.query.dtype == np.uint8 and case.weights is None:
        np.testing.assert_array_equal(nnf, expected_nnf)
    else:
        chosen = np.take_along_axis(
            costs.reshape(*cost.shape, -1),
            np.ravel_multi_index(tuple(np.moveaxis(nnf, -1, 0)), costs.shape[3:])[..., None],
            axis=-1,
        )[..., 0]
        np.testing.assert_allclose(chosen, expected_cost, rtol=1e-6, atol=1e-6)


@modest
@given(cases())
def test_search_returns_true_costs_of_allowed_keys(case: Case) -> None:
    nnf, cost = search(case.query, case.key, sweeps=2, seed=case.seed, **case.options)
    expected = naive.patch_distance(case.query, case.key, nnf, case.patch, case.periodic)
    if case.weights is not None:
        expected *= at(case.weights, nnf)
    assert nnf.dtype == np.int32
    assert cost.dtype == np.float32
    np.testing.assert_allclose(cost, expected, rtol=4e-7 if case.query.dtype == np.uint8 else 1e-5)
    if case.key_mask is not None:
        assert at(case.key_mask, nnf).all()
    costs = naive.all_costs(case.query, case.key, **case.options)
    _, optimum = naive.search(costs)
    assert (cost >= optimum * (1 - 1e-5)).all()


@pytest.mark.parametrize(
    ("sweeps", "excess"), [(2, 0.13), (8, 0.07), (40, 0.03)], ids=["2", "8", "40"]
)
def test_sweeps_come_close_to_the_optimum(sweeps: int, excess: float) -> None:
    ratios = []
    for seed in range(10):
        query, key = noise(3, 9, 14, 3, seed=seed), noise(3, 10, 12, 3, seed=seed + 100)
        _, optimum = search(query, key, patch=(2, 3, 4), method="exact")
        _, cost = search(query, key, patch=(2, 3, 4), sweeps=sweeps, seed=seed)
        ratios.append(cost.mean() / optimum.mean())
    assert 1 <= np.mean(ratios) <= 1 + excess


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_numbers_are_compared_as_float32(dtype: Any) -> None:
    query, key = noise(3, 9, 14, 3), noise(3, 10, 12, 3, seed=1)
    expected = search(query.astype(np.float32), key.astype(np.float32), patch=(2, 3, 4), seed=0)
    for pair in [(query.astype(dtype), key.astype(dtype)), (query, key.astype(dtype))]:
        found = search(*pair, patch=(2, 3, 4), seed=0)
        for array, wanted in zip(found, expected, strict=True):
            np.testing.assert_array_equal(array, wanted)


@pytest.mark.parametrize("method", ["patchmatch", "exact"])
def test_strided_views_are_read_as_they_look(method: Any) -> None:
    video = noise(7, 24, 20, 4)
    view = video[::2, ::-2, 1:, 1:]
    nnf = np.asfortranarray(np.zeros((2, 8, 13, 3), int))
    for query, key in [(view, view.copy()), (view.copy(), view)]:
        found = search(query, key, nnf=nnf, patch=(3, 5, 7), method=method, seed=0)
        wanted = search(view.copy(), view.copy(), nnf=nnf, patch=(3, 5, 7), method=method, seed=0)
        np.testing.assert_array_equal(found[0], wanted[0])


def test_the_largest_differences_of_large_patches_do_not_overflow() -> None:
    black, white = np.full((2, 1, 110, 110, 3), [[[[[0]]]], [[[[255]]]]], np.uint8)
    nnf, cost = search(black, white, patch=(1, 110, 110), seed=0)
    distance = patch_distance(black, white, nnf, patch=(1, 110, 110))
    assert cost.item() == pytest.approx(255**2, rel=1e-4)
    assert distance.item() == pytest.approx(255**2, rel=1e-4)


# Properties


def test_cost_never_rises_with_more_sweeps() -> None:
    query, key = noise(4, 20, 24, 3), noise(4, 22, 21, 3, seed=1)
    nnf, cost = search(query, key, sweeps=1, seed=0)
    first = cost.mean()
    for seed in range(1, 8):
        nnf, better = search(query, key, nnf=nnf, sweeps=1, seed=seed)
        assert (better <= cost).all()
        cost = better
    assert cost.mean() < first


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("frames", [1, 4])
def test_an_identical_video_has_no_cost(dtype: Any, frames: int) -> None:
    video = noise(frames, 20, 24, 3).astype(dtype)
    patch = (min(frames, 3), 7, 7)
    start = identity((frames - patch[0] + 1, 14, 18))
    nnf, cost = search(video, video, patch=patch, nnf=start, sweeps=2, seed=0)
    np.testing.assert_array_equal(nnf, start)
    assert not cost.any()
    assert not patch_distance(video, video, start, patch=patch).any()


def test_a_large_exact_search_is_one_of_parts() -> None:
    for video in (noise(2, 40, 40, 1), noise(2, 40, 40, 1) / np.float32(7)):
        nnf, cost = search(video, video, patch=(1, 4, 4), method="exact")
        np.testing.assert_array_equal(nnf, identity((2, 37, 37)))
        np.testing.assert_allclose(cost, 0, atol=1e-9)
        assert (cost >= 0).all()


def test_search_goes_on_from_the_field_it_is_given() -> None:
    query, key = noise(4, 20, 24, 3), noise(4, 22, 21, 3, seed=1)
    nnf, optimum = search(query, key, method="exact")
    before = nnf.copy()
    again, cost = search(query, key, nnf=nnf, sweeps=1, seed=0)
    np.testing.assert_array_equal(again, nnf)
    np.testing.assert_array_equal(cost, optimum)
    np.testing.assert_array_equal(nnf, before)


@pytest.mark.parametrize("seed", range(3))
def test_matches_spread_over_a_shifted_video(seed: int) -> None:
    key = noise(6, 40, 60, 3)
    nnf, cost = search(key[1:5, 5:35, 9:50], key, seed=seed)
    assert (cost == 0).mean() > 0.95
    right = (nnf == identity((2, 24, 35), (1, 5, 9))).all(axis=-1)
    assert right.mean() > 0.95


def test_matches_spread_around_periodic_axes() -> None:
    frames, height, width = 4, 12, 14
    query = noise(frames, height, width, 3)
    key = np.pad(query, ((9, 9), (30, 30), (40, 40), (0, 0)), mode="wrap")
    right = identity((frames, height, width), (9, 30, 40))
    for at_end in [(-1, 0, 0), (0, -1, 0), (0, 0, -1)]:
        # The only patch to search for has its match around the corner, at (0, 0, 0).
        queries = np.zeros((frames, height, width), bool)
        queries[at_end] = True
        start = np.zeros_like(right)
        start[0, 0, 0] = right[0, 0, 0]
        nnf, cost = search(
            query, key, nnf=start, query_mask=queries, periodic=(True, True, True), sweeps=2, seed=0
        )
        np.testing.assert_array_equal(nnf[at_end], right[0, 0, 0] + at_end)
        assert cost[at_end] == 0


def test_only_the_queries_asked_for_are_searched() -> None:
    key = noise(6, 40, 60, 3)
    query = key[1:5, 5:35, 9:50]
    right = identity((2, 24, 35), (1, 5, 9))
    queries = np.random.default_rng(0).random(right.shape[:3]) < 0.5
    start = np.where(queries[..., None], 0, right)
    nnf, cost = search(query, key, nnf=start, query_mask=queries, sweeps=3, seed=0)
    np.testing.assert_array_equal(nnf, right)  # found by propagation from those that are not
    assert not cost[queries].any()
    assert np.isnan(cost[~queries]).all()

    start[...] = 0
    nnf, cost = search(query, key, nnf=start, query_mask=queries, sweeps=2, seed=0)
    assert not nnf[~queries].any()
    np.testing.assert_array_equal(
        cost[queries], patch_distance(query, key, nnf, patch=(3, 7, 7))[queries]
    )


def test_queries_that_are_not_asked_for_keep_forbidden_keys() -> None:
    query, key = noise(4, 20, 24, 3), noise(4, 20, 24, 3, seed=1)
    keys = np.ones((2, 14, 18), bool)
    keys[0, 0, 0] = False
    queries = np.zeros((2, 14, 18), bool)
    queries[1] = True
    nnf, _ = search(
        query, key, key_mask=keys, query_mask=queries, nnf=np.zeros((2, 14, 18, 3), int), seed=0
    )
    assert not nnf[0].any()
    assert at(keys, nnf)[1].all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("method", ["patchmatch", "exact"])
def test_a_forbidden_key_is_not_chosen_for_being_identical(method: Any) -> None:
    video = noise(4, 20, 24, 3)
    keys = np.ones((2, 14, 18), bool)
    keys[:, ::2] = False
    options: Any = {"key_mask": keys, "method": method, "seed": 0}
    nnf, cost = search(video, video, **options)
    assert at(keys, nnf).all()
    assert (cost[:, ::2] > 0).all()


def test_a_start_at_forbidden_keys_is_left_for_allowed_ones() -> None:
    query, key = noise(4, 20, 24, 3), noise(4, 20, 24, 3, seed=1)
    keys = np.zeros((2, 14, 18), bool)
    keys[0, 0, 0] = keys[1, 13, 17] = True
    nnf, cost = search(query, key, key_mask=keys, nnf=np.full((2, 14, 18, 3), (0, 7, 9)), seed=0)
    assert at(keys, nnf).all()
    assert np.isfinite(cost).all()


def test_a_seed_gives_one_field() -> None:
    query, key = noise(4, 20, 24, 3), noise(4, 22, 21, 3, seed=1)
    fields = [search(query, key, sweeps=2, seed=seed)[0].tobytes() for seed in (1, 1, 2, 2**40)]
    assert fields[0] == fields[1]
    assert len(set(fields)) == 3
    start = np.zeros((2, 14, 18, 3), int)
    fields = [search(query, key, nnf=start, sweeps=1, seed=seed)[0].tobytes() for seed in (1, 2)]
    assert fields[0] != fields[1]
    assert search(query, key)[0].tobytes() != search(query, key)[0].tobytes()


@pytest.mark.parametrize("method", ["patchmatch", "exact"])
def test_a_periodic_query_has_no_beginning(method: Any) -> None:
    query, key = noise(5, 12, 14, 3), noise(4, 15, 13, 3, seed=1)
    shift, everywhere = (2, 5, 9), (True, True, True)
    rolled = np.roll(query, shift, axis=(0, 1, 2))
    options: Any = {"patch": (3, 4, 5), "periodic": everywhere}
    nnf, cost = search(query, key, method=method, seed=0, **options)
    assert nnf.shape == (*query.shape[:3], 3)
    nnf, cost = np.roll(nnf, shift, axis=(0, 1, 2)), np.roll(cost, shift, axis=(0, 1, 2))
    np.testing.assert_array_equal(patch_distance(rolled, key, nnf, **options), cost)
    _, again = search(rolled, key, method=method, nnf=nnf, sweeps=1, seed=1, **options)
    assert (again <= cost).all()
    if method == "exact":
        np.testing.assert_array_equal(again, cost)


# Golden data. The published field was found with 280 distances a patch; it and the optima may only
# change with the data.


def golden(shared: Path, level: str) -> dict[str, Array]:
    with np.load(shared / "golden" / f"nnf_level{level}_j0.npz") as arrays:
        return dict(arrays)


@pytest.mark.slow
@pytest.mark.parametrize("level", ["06", "08", "12"])
def test_search_is_as_good_as_the_published_one(shared: Path, level: str) -> None:
    data = golden(shared, level)
    query, key = (
        np.clip((data[name].astype(np.float32) + 1) * 127.5 + 0.5, 0, 255).astype(np.uint8)
        for name in ("query", "key")
    )
    _, cost = search(query, key, seed=0)
    published = patch_distance(query, key, data["official_nnf"])
    assert cost.mean() <= 1.02 * published.mean()


@pytest.mark.parametrize("level", ["06", "08"])
def test_distances_are_the_published_ones(shared: Path, level: str) -> None:
    data = golden(shared, level)
    query, key = (data[name].astype(np.float32) for name in ("query", "key"))
    nnf = data["official_nnf"]
    cost = patch_distance(query, key, nnf)
    np.testing.assert_allclose(cost, data["official_cost"], rtol=2e-3, atol=1e-5)

    # Sums over the 441 values of a patch, for some patches.
    sample, optimum = data["exact_sample"], data["exact_cost"] / 441
    nnf.reshape(-1, 3)[sample] = data["exact_nnf"]
    distance = patch_distance(query, key, nnf).ravel()[sample]
    np.testing.assert_allclose(distance, optimum, rtol=2e-3, atol=1e-5)
    _, found = search(query, key, seed=0)
    found = found.ravel()[sample]
    assert (found >= optimum * (1 - 2e-3) - 1e-5).all()
    assert found.mean() <= 1.04 * optimum.mean()


# Errors

VIDEO = np.zeros((3, 9, 9, 3), np.uint8)
GRID = (1, 3, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"query": VIDEO[0, 0]}, "query must be a filled"),
        ({"key": VIDEO[:, :0]}, "key must be a filled"),
        ({"query": VIDEO.astype(complex)}, "query must hold integers or floats, got complex128"),
        ({"key": np.full((3, 9, 9, 3), np.nan)}, "key must be finite"),
        ({"key": np.full((3, 9, 9, 3), 1e16)}, "key must be finite and at most 1e\\+15"),
        ({"query": VIDEO[..., :2]}, "same number of channels, got 2 and 3"),
        ({"query": VIDEO[:2]}, "a video of 2 frames, 9x9 pixels is smaller than the patch 3x7x7"),
        ({"patch": (3, 7, 10)}, "a video of 3 frames, 9x9 pixels is smaller than the patch 3x7x10"),
        ({"patch": (3, 0, 7)}, "patch must be three whole numbers"),
        ({"patch": (3, 2.5, 7)}, "patch must be three whole numbers"),
        ({"patch": (7, 7)}, "patch must be three whole numbers"),
        ({"patch": 7}, "patch must be three whole numbers"),
        ({"nnf": np.zeros((1, 3, 3))}, "nnf must have shape"),
        ({"nnf": np.zeros((1, 3, 4, 3), int)}, "nnf must have shape"),
        ({"nnf": np.full((1, 3, 3, 3), 3)}, "some lie outside"),
        ({"nnf": np.full((1, 3, 3, 3), -1)}, "some lie outside"),
        ({"nnf": np.full((1, 3, 3, 3), 0.5)}, "nnf must"),
        ({"weights": np.ones((1, 3, 4))}, "weights must have shape"),
        ({"weights": np.zeros(GRID)}, "finite, got 0 to 0; forbid patches with key_mask"),
        ({"weights": np.full(GRID, np.nan)}, "weights must be above 0"),
        ({"weights": np.full(GRID, np.inf)}, "weights must"),
        ({"key_mask": np.ones((1, 3, 4), bool)}, "key_mask must be bool of shape"),
        ({"key_mask": np.ones(GRID)}, "key_mask must be bool of shape"),
        ({"key_mask": np.zeros(GRID, bool)}, "key_mask must allow at least one patch"),
        ({"query_mask": np.ones((1, 3, 4), bool)}, "query_mask must be bool of shape"),
        ({"periodic": (True, True)}, "periodic must"),
        ({"periodic": "yes"}, "periodic must"),
        ({"method": "fast"}, "method must be 'patchmatch' or 'exact', got 'fast'"),
        ({"sweeps": 0}, "sweeps must be a whole number of at least 1, got 0"),
        ({"seed": -1}, "seed must"),
        ({"device": "tpu"}, "device must be 'auto', 'cpu' or 'cuda', got 'tpu'"),
    ],
)
def test_search_names_what_is_wrong(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as error:
        search(**{"query": VIDEO, "key": VIDEO, **arguments})
    assert "\n" not in str(error.value)


def test_a_device_that_is_not_there_is_an_error() -> None:
    with pytest.raises(DeviceError, match="device 'cuda' cannot be used"):
        search(VIDEO, VIDEO, device="cuda")


def test_patch_distance_needs_a_field_of_the_query() -> None:
    with pytest.raises(InvalidInput, match="nnf must have shape"):
        patch_distance(VIDEO, VIDEO, np.zeros((1, 3, 2, 3), int))
