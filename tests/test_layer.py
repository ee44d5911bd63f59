"""The layer, and the matcher, which starts each search from the last field."""

from typing import Any

import naive
import numpy as np
import pytest
from numpy.typing import NDArray

from patchvid import patch_distance, resize, search, vpnn
from patchvid._validation import Triple
from patchvid.core.matcher import Matcher, Operand
from patchvid.errors import InvalidInput
from patchvid.kernels import cpu, rules
from patchvid.results import to_nnf

PATCH = (3, 5, 5)


def noise(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture(scope="module")
def clip() -> NDArray[np.uint8]:
    """Make smooth patches of colour that come and go."""
    return resize(noise(4, 7, 12, 3), (8, 36, 64))


def test_a_layer_searches_and_votes(clip: NDArray[np.uint8]) -> None:
    key, value = clip[:, :24], noise(8, 24, 64, 2)
    query = clip[1:7, 4:30]
    keys, queries = np.random.default_rng(0).random((2, 6, 20, 60)) < 0.7
    queries = queries[:4, :, :59]
    options: Any = {"periodic": (False, False, True), "key_mask": keys, "sweeps": 3, "seed": 5}
    query = query[:, :24, :59]
    start, _ = search(query, key, patch=PATCH, **options)
    output, nnf = vpnn(query, key, value, patch=PATCH, nnf=start, query_mask=queries, **options)
    expected, _ = search(query, key, patch=PATCH, nnf=start, query_mask=queries, **options)
    np.testing.assert_array_equal(nnf, expected)
    np.testing.assert_array_equal(
        output, naive.vote(value, nnf, PATCH, periodic=(False, False, True))
    )


@pytest.mark.parametrize("reduce", ["median", "mean"])
def test_a_video_rebuilt_from_itself_is_the_video(clip: NDArray[np.uint8], reduce: Any) -> None:
    itself = np.moveaxis(np.indices((6, 32, 60)), 0, -1)
    output, nnf = vpnn(clip, clip, 255 - clip, patch=PATCH, nnf=itself, reduce=reduce, seed=0)
    np.testing.assert_array_equal(nnf, itself)
    np.testing.assert_array_equal(output, 255 - clip)


def test_a_small_alpha_brings_more_of_the_key_back(clip: NDArray[np.uint8]) -> None:
    query = np.clip(clip + np.random.default_rng(0).normal(0, 150, clip.shape), 0, 255)
    query = query.astype(np.uint8)
    missing = {}
    for alpha in (None, 1e9, 1.0):
        output, _ = vpnn(query, clip, clip, patch=PATCH, alpha=alpha, seed=0)
        _, cost = search(clip, output, patch=PATCH, seed=0)
        missing[alpha] = cost.mean()
    assert missing[1.0] < 0.85 * missing[1e9]
    assert missing[1.0] < 0.85 * missing[None]


def test_what_is_shown_across_a_seam_is_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[Any] = []
    find = Matcher.find

    def spy(matcher: Matcher, query: Any, key: Any, *args: Any, **options: Any) -> Any:
        compared.append((query.video, key.video))
        return find(matcher, query, key, *args, **options)

    monkeypatch.setattr(Matcher, "find", spy)
    key = noise(4, 12, 14, 3)
    query = np.roll(key, 5, axis=2)  # all of the key, some of it across the seam
    vpnn(query, key, key, patch=PATCH, alpha=1, periodic=(False, False, True), seed=0)
    _, cost = search(*compared[0], patch=PATCH, method="exact")
    assert not cost.any()


def test_weights_of_completeness() -> None:
    cost = np.array([[[0, 2, 98]]], np.float32)
    weights = rules.finish_cost(cost, np.float32(1), np.float32(2))
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights, [[[0.5, 0.25, 0.01]]])


def test_a_layer_names_what_is_wrong(clip: NDArray[np.uint8]) -> None:
    gaps = np.where(clip > 9, clip, np.float32(np.nan))
    with pytest.raises(InvalidInput, match=r"^query must be finite"):
        vpnn(gaps, clip, clip, patch=PATCH, alpha=1)
    with pytest.raises(InvalidInput, match=r"^key must be finite"):
        vpnn(clip, gaps, clip, patch=PATCH, alpha=1)
    with pytest.raises(InvalidInput, match="key and value must have the same"):
        vpnn(clip, clip, clip[:, 1:], patch=PATCH)
    with pytest.raises(InvalidInput, match="same number of channels"):
        vpnn(clip, clip[..., :1], clip, patch=PATCH)
    with pytest.raises(InvalidInput, match="alpha must be"):
        vpnn(clip, clip, clip, patch=PATCH, alpha=-1)


# Matcher


def find(matcher: Matcher, query: Any, key: Any, patch: Triple = PATCH, **settings: Any) -> Any:
    return matcher.find(Operand(cpu, query, patch), Operand(cpu, key, patch), **settings)


def test_a_small_search_is_exact() -> None:
    query, key = noise(3, 9, 10, 3), noise(4, 10, 9, 3, seed=1)
    weights = np.random.default_rng(0).uniform(0.5, 2, (2, 6, 5)).astype(np.float32)
    field, cost = find(Matcher(cpu, seed=0), query, key, weights=weights)
    nnf, optimum = naive.search(naive.all_costs(query, key, PATCH, weights=weights))
    np.testing.assert_array_equal(to_nnf(field, key.shape), nnf)
    np.testing.assert_allclose(cost, optimum, rtol=1e-6)


def test_distances_of_many_channels_do_not_overflow() -> None:
    black = np.zeros((3, 9, 9, 400), np.uint8)
    _, cost = find(Matcher(cpu, seed=0), black, black + np.uint8(255), (3, 7, 7))
    np.testing.assert_allclose(cost, 255**2, rtol=1e-6)


def test_searching_again_never_costs_more(clip: NDArray[np.uint8]) -> None:
    key = clip[:, ::-1]
    matcher = Matcher(cpu, seed=0)
    field, cost = find(matcher, clip, key)
    first = cost.mean()
    for _ in range(5):
        field, better = find(matcher, clip, key)
        distance = patch_distance(clip, key, to_nnf(field, key.shape), patch=PATCH)
        np.testing.assert_array_equal(better, distance)
        assert (better <= cost).all()
        cost = better.copy()
    assert cost.mean() < first


def test_a_field_is_carried_to_other_sizes(clip: NDArray[np.uint8]) -> None:
    coarse = resize(clip, (4, 10, 18))
    matcher = Matcher(cpu, seed=0)
    find(matcher, coarse, coarse)
    for size in [(6, 24, 40), (8, 36, 64), (8, 44, 50)]:
        video = resize(clip, size)
        field, cost = find(matcher, video, video)
        itself = np.moveaxis(np.indices(field.shape), 0, -1)
        np.testing.assert_array_equal(to_nnf(field, video.shape), itself)
        assert not cost.any()


def test_a_matcher_repeats_itself_only_with_its_seed(clip: NDArray[np.uint8]) -> None:
    fields = []
    for seed in (1, 1, 2):
        matcher = Matcher(cpu, seed)
        for key in (clip[:, ::-1], clip[:, ::-1], clip[:, :30]):
            field, _ = find(matcher, clip, key)
        fields.append(field.tobytes())
    assert fields[0] == fields[1] != fields[2]
