"""Measures against plain references, their properties, and the reference measurements."""

import importlib.util
import zlib
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import naive
import numpy as np
import pytest
import standin
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from patchvid import level_shapes, metrics, read_video, resize, search
from patchvid.errors import DeviceError, InvalidInput
from patchvid.metrics import Estimate, field_complexity, similarity, wasserstein
from patchvid.metrics._patches import unfold

Array = NDArray[Any]
Triple = tuple[int, int, int]

modest = settings(derandomize=True, max_examples=25)


def smooth(*shape: int, seed: int = 0) -> Array:
    """Make colours that come and go, with a little noise, from 0 to 255."""
    random = np.random.default_rng(seed)
    frames, height, width, channels = shape
    coarse = random.random((frames, height // 3, width // 3, channels))
    values = resize(coarse, (frames, height, width)) + 0.05 * random.random(shape)
    values -= values.min()
    return np.rint(values * (255 / values.max())).astype(np.uint8)


CLIP = smooth(5, 20, 27, 3)
OTHER = smooth(4, 23, 22, 3, seed=1)


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure small clips by the method for large ones."""
    monkeypatch.setattr("patchvid.metrics.similarity.EXACT_PATCHES", 0)


# Nearest patches


@modest
@given(
    st.sampled_from([(3, 7, 7), (2, 3, 4), (1, 5, 5)]),
    st.sampled_from([1, 3, 4]),
    st.integers(0, 999),
)
def test_coherence_and_completeness_are_mean_distances(
    patch: Triple, channels: int, seed: int
) -> None:
    source, output = (
        smooth(4, 9, 12, channels, seed=seed),
        smooth(3, 12, 9, channels, seed=seed + 1),
    )
    costs = naive.all_costs(output, source, patch)
    for measure, axes in ((metrics.coherence, (3, 4, 5)), (metrics.completeness, (0, 1, 2))):
        value, error = measure(source, output, patch=patch)
        assert value == pytest.approx(costs.min(axis=axes).mean(), rel=1e-5)
        assert error == 0


@pytest.mark.usefixtures("sampled")
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_samples_are_right_within_their_error(dtype: Any) -> None:
    source, output = (clip.astype(dtype) for clip in (CLIP, OTHER))
    pairs = {metrics.coherence: (output, source), metrics.completeness: (source, output)}
    for measure, pair in pairs.items():
        exact = search(*pair, method="exact")[1].mean()
        estimates = [measure(source, output, seed=seed) for seed in range(40)]
        deviations = np.array([(value - exact) / error for value, error in estimates])
        assert np.abs(deviations).max() < 4
        assert abs(deviations.mean()) < 3 / np.sqrt(40)  # no bias
        assert 0.5 < deviations.std() < 1.5
        assert max(error for _, error in estimates) < 0.02 * exact


@pytest.mark.usefixtures("sampled")
def test_samples_depend_on_the_seed_alone() -> None:
    first, again, another = (metrics.coherence(CLIP, OTHER, seed=seed) for seed in (3, 3, 4))
    assert first == pytest.approx(again, rel=1e-5)
    assert first != pytest.approx(another, rel=1e-5)


def test_what_is_searched_in_chunks_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = naive.patches(OTHER, (3, 7, 7)).reshape(-1, 441)[::50].astype(np.float32) - 127.5
    keys = unfold(CLIP, (3, 7, 7), np.float32(127.5))
    expected = naive.all_costs(OTHER, CLIP, (3, 7, 7)).min(axis=(3, 4, 5)).ravel()[::50]
    for chunk in (1, 100, 1 << 14):
        monkeypatch.setattr(similarity, "CHUNK", chunk)
        np.testing.assert_allclose(similarity._least_cost(rows, keys), expected, rtol=1e-5)


# Distributions of patches


def test_a_patch_of_one_value_compares_sorted_values() -> None:
    source, output = smooth(3, 20, 20, 1), smooth(3, 20, 20, 1, seed=1)
    expected = []
    for step in (1, 2, 4):
        means = [
            video.reshape(3, 20 // step, step, 20 // step, step).mean(axis=(2, 4))
            for video in (source, output)
        ]
        a, b = (np.sort(values.ravel()) for values in means)
        expected.append(np.abs(a - b).mean())
    value, error = metrics.sliced_wasserstein(source, output, patch=(1, 1, 1))
    assert value == pytest.approx(np.mean(expected), rel=1e-5)
    assert error == pytest.approx(0, abs=1e-9)  # there is only one direction


@pytest.mark.parametrize("channels", [1, 3])
def test_distances_of_patches_agree_with_many_random_directions(channels: int) -> None:
    source, output = smooth(4, 15, 15, channels), smooth(4, 15, 15, channels, seed=1)
    patches = (naive.patches(v, (3, 7, 7)).reshape(-1, 147 * channels) for v in (source, output))
    directions = np.random.default_rng(0).standard_normal((147 * channels, 4000))
    directions /= np.linalg.norm(directions, axis=0)
    a, b = (np.sort(some @ directions, axis=0) for some in patches)
    expected = np.abs(a - b).mean()  # at half the size there would be one patch along a side
    estimates = [metrics.sliced_wasserstein(source, output, seed=seed) for seed in range(10)]
    deviations = np.array([(value - expected) / error for value, error in estimates])
    assert np.abs(deviations).max() < 2  # orthogonal directions are better than the error says
    assert estimates[0].error < 0.1 * expected


def test_a_distance_from_samples_is_near_that_of_all_patches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, output = smooth(5, 40, 40, 3), smooth(5, 48, 40, 3, seed=1)
    whole = metrics.sliced_wasserstein(source, output).value
    monkeypatch.setattr(wasserstein, "PROJECTED", 1000)
    assert metrics.sliced_wasserstein(source, output).value == pytest.approx(whole, rel=0.05)
    assert metrics.sliced_wasserstein(source, source).value == 0


@modest
@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(0, 99))
def test_places_are_spread_evenly(count: int, number: int, seed: int) -> None:
    number = min(count, number)
    places = wasserstein._spread(count, number, seed)
    assert len(np.unique(places)) == number
    assert places.min() >= 0
    assert places.max() < count
    assert np.abs(places - np.arange(number) * count / number).max() <= count / number + 1
    np.testing.assert_array_equal(wasserstein._spread(count, count, seed), np.arange(count))


# Diversity of a set


def naive_grey(video: Array) -> Array:
    """Compute the luma of RGB, blended with white by alpha, or the mean of other channels."""
    if video.shape[3] not in (3, 4):
        return video.mean(axis=3)
    if video.shape[3] == 4:
        share = video[..., 3:] / 255
        video = np.floor(video[..., :3] * share + 255 * (1 - share) + 0.5)
    return video @ (0.299, 0.587, 0.114)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_diversity_is_the_spread_of_grey_voxels(channels: int) -> None:
    source = smooth(4, 12, 15, channels)
    outputs = [smooth(n, 9, 12, channels, seed=n) for n in (5, 3, 4)]
    greys = [naive_grey(output) for output in outputs]
    voxels = [np.std([grey[at] for grey in greys]) for at in product(range(3), range(9), range(12))]
    expected = np.mean(voxels) / np.std(naive_grey(source))
    assert metrics.diversity(source, outputs) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("dtype", "opaque"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1.0)]
)
def test_an_opaque_alpha_channel_changes_no_diversity(dtype: Any, opaque: float) -> None:
    unit = opaque / 255
    source, *outputs = ((clip * unit * 0.7).astype(dtype) for clip in (CLIP, OTHER, OTHER[::-1]))
    blended = [np.pad(v, [(0, 0)] * 3 + [(0, 1)], constant_values=opaque) for v in outputs]
    clip = np.pad(source, [(0, 0)] * 3 + [(0, 1)], constant_values=opaque)
    assert metrics.diversity(clip, blended) == pytest.approx(
        metrics.diversity(source, outputs), rel=1e-5
    )


def test_an_opaque_alpha_channel_changes_no_measure() -> None:
    source, *outputs = (video.astype(np.uint8) for video in (CLIP, OTHER, OTHER[::-1]))
    opaque = [np.pad(v, [(0, 0)] * 3 + [(0, 1)], constant_values=255) for v in (source, *outputs)]
    measured = [
        metrics.evaluate(clip, made, progress=False).mean
        for clip, made in ((source, outputs), (opaque[0], opaque[1:]))
    ]
    assert measured[0] == measured[1]


@pytest.mark.parametrize(
    ("source", "outputs", "message"),
    [
        (CLIP, [OTHER], "two videos, got 1"),
        (CLIP, [OTHER, CLIP], "same height and width"),
        (CLIP, [OTHER, OTHER[..., :2]], r"outputs\[1\] must have as many channels"),
        (CLIP * 0, [OTHER, OTHER], "more than one grey"),
    ],
)
def test_sets_that_have_no_diversity(source: Array, outputs: list[Array], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        metrics.diversity(source, outputs)


# Pieces of a field


def pieces(nnf: Array) -> list[int]:
    """Find the sizes of the connected regions of one shift, by flooding."""
    shift = {at: tuple(nnf[at] - at) for at in np.ndindex(*nnf.shape[:3])}
    left, sizes = set(shift), []
    while left:
        flood, size = [left.pop()], 0
        while flood:
            t, y, x = at = flood.pop()
            size += 1
            for beside in ((t + 1, y, x), (t - 1, y, x), (t, y + 1, x), (t, y - 1, x),
                           (t, y, x + 1), (t, y, x - 1)):  # fmt: skip
                if beside in left and shift[beside] == shift[at]:
                    left.remove(beside)
                    flood.append(beside)
        sizes.append(size)
    return sizes


def longest_run(nnf: Array, n_frames: int) -> int:
    """Find the longest stretch of frames during which half of the places keep their shift."""
    shifts = nnf - np.moveaxis(np.indices(nnf.shape[:3]), 0, -1)
    longest = 0
    for first in range(len(nnf)):
        for stop in range(first + 1, len(nnf) + 1):
            stays = (shifts[first:stop] == shifts[first]).all(axis=(0, 3))
            if stays.mean() >= 0.5:
                longest = max(longest, stop - first)
    return longest + n_frames - 1


@modest
@given(
    st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(1, 6)),
    st.integers(1, 4),
    st.integers(0, 999),
)
def test_pieces_are_those_that_a_flood_finds(grid: Triple, kinds: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    shifts = random.integers(-2, 3, (kinds, 3))[random.integers(0, kinds, grid)]
    nnf = np.moveaxis(np.indices(grid), 0, -1) + shifts + 2
    shares = np.array(pieces(nnf)) / np.prod(grid)
    found = metrics.copied_pieces(nnf, patch=(3, 7, 7))
    assert found.largest_piece == pytest.approx(shares.max())
    assert found.mean_piece == pytest.approx((shares**2).sum())
    assert found.longest_run == longest_run(nnf, 3)


@pytest.mark.parametrize("patch", [(3, 7, 7), (2, 4, 5)])
def test_a_shifted_copy_is_one_piece(patch: Triple) -> None:
    nnf, _ = search(CLIP[1:, 4:, :-3], CLIP, patch=patch, method="exact")
    assert metrics.copied_pieces(nnf, patch=patch) == (1.0, 1.0, 4)


def test_two_halves_are_two_pieces_that_go_on() -> None:
    output = np.concatenate([CLIP[:, :, 12:], CLIP[:, :, :12]], axis=2)
    scores = metrics.evaluate(CLIP, [output]).mean
    shares = np.array([9, 6]) / 21  # of the patches of 27 columns that lie in 15 and in 12 of them
    assert scores.largest_piece.value == pytest.approx(shares.max(), abs=0.03)
    assert scores.mean_piece.value == pytest.approx((shares**2).sum(), abs=0.03)
    assert scores.longest_run.value == 5


def test_frames_in_reverse_do_not_go_on() -> None:
    assert metrics.evaluate(CLIP, [CLIP[::-1]]).mean.longest_run.value < 5


@pytest.mark.parametrize(
    ("nnf", "message"),
    [
        (np.zeros((2, 3, 4)), "nnf must be whole numbers"),
        (np.zeros((2, 3, 4, 3)), "nnf must be whole numbers"),
        (np.zeros((0, 1, 1, 3), int), "nnf must be whole numbers"),
        (np.full((2, 3, 4, 3), -1), "nnf must hold voxels"),
        (np.full((2, 3, 4, 3), 2**62), "nnf must hold voxels"),
        ([[1], [2, 3]], "rows of equal lengths"),
    ],
)
def test_what_is_no_field(nnf: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        metrics.copied_pieces(nnf)


# NNFDIV and NNFDIST


@modest
@given(
    st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 7)),
    st.integers(1, 500),
    st.integers(0, 999),
)
def test_shifts_are_compressed_one_axis_after_the_other(
    grid: Triple, farthest: int, seed: int
) -> None:
    nnf = np.random.default_rng(seed).integers(0, farthest, (*grid, 3), dtype=np.int32)
    written = bytes(
        (int(nnf[at][axis]) - at[axis]) % 256 for axis in range(3) for at in np.ndindex(*grid)
    )
    expected = len(zlib.compress(written)) / len(written)
    assert field_complexity.compressed_share(nnf) == expected


def test_small_patches_make_nnfdiv_and_nnfdist() -> None:
    costs = naive.all_costs(OTHER, CLIP, (3, 3, 3))
    nnf, _ = search(OTHER, CLIP, patch=(3, 3, 3), method="exact")
    nnfdiv, nnfdist = metrics.nnf_diversity(CLIP, OTHER)
    assert nnfdist.value == pytest.approx(costs.min(axis=(3, 4, 5)).mean(), rel=1e-5)
    assert nnfdiv == field_complexity.compressed_share(nnf)


@pytest.mark.slow
def test_smaller_pieces_make_a_more_complex_field() -> None:
    clip = smooth(4, 48, 48, 3)
    nnfdivs = []
    for side in (48, 24, 12, 6):
        tiles = clip.reshape(4, 48 // side, side, 48 // side, side, 3).swapaxes(2, 3)
        shuffled = tiles.reshape(4, -1, side, side, 3)
        shuffled = shuffled[:, np.random.default_rng(0).permutation(shuffled.shape[1])]
        shuffled = shuffled.reshape(tiles.shape).swapaxes(2, 3).reshape(clip.shape)
        nnfdivs.append(metrics.nnf_diversity(clip, shuffled).nnfdiv)
    assert nnfdivs == sorted(nnfdivs)
    assert nnfdivs[-1] > 10 * nnfdivs[0]


# Layouts and frames


def test_layout_distance_sees_what_is_misplaced() -> None:
    ground = smooth(4, 30, 60, 3) // 2
    clip = np.concatenate([np.full_like(ground, 220), ground], axis=1)
    beside = metrics.layout_distance(clip, np.roll(clip, 20, axis=2))
    assert metrics.layout_distance(clip, clip) == 0
    assert metrics.layout_distance(clip, np.roll(clip, 30, axis=1)) > 20 * beside
    assert metrics.layout_distance(clip, np.roll(clip, 7, axis=1)) > 5 * beside


def test_layouts_of_any_sizes_compare() -> None:
    clip = smooth(5, 40, 64, 1)
    wide = np.concatenate([clip, clip], axis=2)
    assert metrics.layout_distance(clip, wide) < metrics.layout_distance(clip, 255 - wide)
    assert metrics.layout_distance(clip[:1, :4, :3], clip[:1, :3, :5]) >= 0


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_flicker_is_the_change_between_frames(dtype: Any) -> None:
    source, output = (clip.astype(dtype) for clip in (CLIP, OTHER))
    changes = [
        np.mean([np.abs(clip[t + 1].astype(float) - clip[t]).mean() for t in range(len(clip) - 1)])
        for clip in (CLIP, OTHER)
    ]
    assert metrics.flicker(source, output) == pytest.approx(changes[1] / changes[0], rel=1e-5)


def test_what_does_not_move_has_no_flicker() -> None:
    still = np.repeat(CLIP[:1], 4, axis=0)
    assert metrics.flicker(CLIP, still) == 0
    for source, output in ((still, CLIP), (CLIP, CLIP[:1]), (CLIP[:1], CLIP)):
        with pytest.raises(InvalidInput, match="source must move, and both"):
            metrics.flicker(source, output)
    assert metrics.evaluate(still, [CLIP]).mean.flicker is None
    scores, mean, _ = metrics.evaluate(CLIP, [CLIP[:1], CLIP])
    assert scores[0].flicker is None
    assert mean.flicker == Estimate(1, 0)


# All measures


def test_rows_are_what_the_functions_say_and_the_mean_is_theirs() -> None:
    outputs = [OTHER, OTHER[::-1].copy()]
    scores, mean, index = metrics.evaluate(CLIP, outputs, seed=5)
    for output, row in zip(outputs, scores, strict=True):
        nnf, _ = search(output, CLIP, method="exact")
        nnfdiv, nnfdist = metrics.nnf_diversity(CLIP, output, seed=5)
        assert row == (
            metrics.coherence(CLIP, output, seed=5),
            metrics.completeness(CLIP, output, seed=5),
            metrics.sliced_wasserstein(CLIP, output, seed=5),
            (metrics.layout_distance(CLIP, output), 0),
            (nnfdiv, 0),
            nnfdist,
            *((value, 0) for value in metrics.copied_pieces(nnf)),
            (metrics.flicker(CLIP, output), 0),
            None,
        )
    assert mean.coherence.value == pytest.approx((scores[0][0].value + scores[1][0].value) / 2)
    assert mean.swd.error == pytest.approx((scores[0].swd.error + scores[1].swd.error) / 2)
    assert index == metrics.diversity(CLIP, outputs)


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64])
def test_a_copy_is_at_zero(dtype: Any, large: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if large:
        monkeypatch.setattr("patchvid.metrics.similarity.EXACT_PATCHES", 0)
    clip = CLIP.astype(dtype)
    _, mean, index = metrics.evaluate(clip, [clip, clip.copy()])
    np.testing.assert_allclose(mean[:4], 0, atol=1e-12)
    assert mean.nnfdist.value == pytest.approx(0, abs=1e-12)
    assert mean.flicker == Estimate(1, 0)
    assert index == 0
    if not large:
        assert mean.nnfdiv.value < 0.02
        assert (mean.largest_piece.value, mean.mean_piece.value) == (1, 1)
        assert mean.longest_run.value == len(clip)


def test_a_part_is_coherent_and_not_complete() -> None:
    part = CLIP[:4, 5:, 2:-6]
    assert metrics.coherence(CLIP, part) == Estimate(0, 0)
    assert metrics.completeness(CLIP, part).value > 10
    assert metrics.completeness(part, CLIP) == Estimate(0, 0)


@pytest.mark.parametrize(
    ("dtype", "scale", "low"),
    [(np.uint16, 257, 0), (np.float32, 2 / 255, -1), (np.float64, 1e-4, 7), (np.float16, 0.25, 0)],
)
def test_values_are_those_of_8_bits(dtype: Any, scale: float, low: float) -> None:
    clips = [CLIP, OTHER, OTHER[::-1].copy()]
    source, *outputs = ((clip * float(scale) + low).astype(dtype) for clip in clips)
    scores, mean, index = metrics.evaluate(source, outputs)
    expected, expected_mean, expected_index = metrics.evaluate(CLIP, clips[1:])
    for row, known in zip([*scores, mean], [*expected, expected_mean], strict=True):
        for measure in set(row._fields) - {"svfid"}:
            # Layouts are measured in 8 bits, and rounding decides between patches equally near.
            exact = measure not in ("layout", "nnfdiv")
            np.testing.assert_allclose(
                getattr(row, measure), getattr(known, measure), rtol=1e-4 if exact else 0.03
            )
    assert index == pytest.approx(expected_index, rel=1e-4)


def test_integers_of_different_width_compare() -> None:
    assert metrics.coherence(CLIP, CLIP.astype(np.uint16) * 257).value == pytest.approx(0, abs=1e-6)


@pytest.mark.slow
def test_all_but_diversity_work_on_any_sizes() -> None:
    wide = np.concatenate([CLIP, CLIP], axis=2)[:4]
    scores, _, index = metrics.evaluate(CLIP, [OTHER, wide])
    assert index is None
    assert scores[1].coherence.value < scores[0].coherence.value
    assert scores[1].swd.value < scores[0].swd.value
    assert metrics.evaluate(CLIP, [wide]).diversity is None
    assert metrics.evaluate(CLIP, [wide, wide[::-1]]).diversity is not None


def test_pictures_have_flat_patches() -> None:
    scores, _, index = metrics.evaluate(CLIP, [CLIP[:1], CLIP[3:4]])
    assert scores[1].coherence == Estimate(0, 0)
    assert scores[1].longest_run.value == 1
    assert index is not None
    assert index > 0


def test_clips_of_one_colour() -> None:
    flat = np.full((3, 9, 9, 3), 0.5)
    assert metrics.coherence(flat, flat).value == 0
    assert metrics.coherence(flat, flat + 2).value == pytest.approx(4)


@pytest.mark.parametrize("function", [metrics.coherence, metrics.completeness])
def test_an_unknown_device(function: Any) -> None:
    with pytest.raises(DeviceError):
        function(CLIP, OTHER, device="cuda")


@pytest.mark.slow
def test_a_copy_of_what_stands_still_is_one_piece() -> None:
    still = np.random.default_rng(0).integers(0, 256, (1, 20, 30, 3), dtype=np.uint8)
    source = np.repeat(still, 7, axis=0)
    source[:, 8:16] = 90  # and the same all over
    for output in (source, source[1:, 2:, :-5]):
        (scores,), *_ = metrics.evaluate(source, [output])
        assert scores.coherence.value == 0
        assert scores.largest_piece.value == scores.mean_piece.value == 1
        assert scores.longest_run.value == len(output)


@pytest.mark.parametrize(
    ("source", "outputs", "options", "message"),
    [
        (CLIP, [], {}, "one or more videos"),
        (CLIP[0, 0], [CLIP], {}, r"source must be a filled array \(t, y, x, c\)"),
        (CLIP, [CLIP, CLIP[0]], {}, r"outputs\[1\] must be \(t, y, x, c\), .* one frame"),
        (
            CLIP,
            [CLIP[..., :1]],
            {},
            r"outputs\[0\] must have as many channels as source, got 1 and",
        ),
        (CLIP, [CLIP / 255], {}, r"outputs\[0\] must hold integers as source does, got float64"),
        (CLIP / 255, [CLIP], {}, r"outputs\[0\] must hold floats as source does, got uint8"),
        (
            CLIP,
            [CLIP[:2]],
            {},
            r"outputs\[0\]: a video of 2 frames, 20x27 pixels is smaller than the patch",
        ),
        (CLIP[:2], [CLIP], {}, "^a video of 2 frames, 20x27 pixels is smaller than the patch"),
        (
            CLIP,
            [CLIP, CLIP],
            {"names": ["a.mp4"]},
            "one for each of 2 outputs, got 1",
        ),
        (
            CLIP,
            [CLIP, CLIP[:2]],
            {"names": ["a.mp4", "b.mp4"]},
            "b.mp4: a video of 2 frames",
        ),
        (CLIP, [CLIP], {"patch": (3, 7)}, "patch must be three whole numbers"),
        (CLIP, [CLIP], {"seed": -1}, "seed must be a whole number"),
        (CLIP, [CLIP], {"device": "tpu"}, "device must be"),
        (CLIP, (video for video in [CLIP]), {}, "must be a list of videos, got generator"),
        (CLIP, 5, {}, "must be a list of videos, got int"),
        (CLIP.astype(complex), [CLIP], {}, "source must hold integers or floats, got complex128"),
        (CLIP, [CLIP[:0]], {}, r"outputs\[0\] must be a filled .* \(0, 20, 27, 3\)"),
        (CLIP * np.nan, [CLIP / 255], {}, "source must be finite"),
        (CLIP / 255, [np.full(CLIP.shape, np.inf)], {}, r"outputs\[0\] must be finite"),
        (CLIP / 255, [CLIP * 1e20], {}, "of the same magnitude as source, which has 0 to 1"),
        ([[1, 2], [3]], [CLIP], {}, "rows of equal lengths"),
        (CLIP, [CLIP], {"patch": CLIP}, r"patch must be .* an array of uint8 \(5, 20, 27, 3\)"),
        (CLIP, [CLIP], {"seed": CLIP}, r"seed must be .* an array of uint8 \(5, 20, 27, 3\)"),
    ],
)
def test_errors(source: Any, outputs: Any, options: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        metrics.evaluate(source, outputs, **options)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_progress_goes_from_measure_to_measure() -> None:
    told: list[tuple[float, str]] = []
    names = ["a", "b"]
    metrics.evaluate(CLIP, [OTHER, CLIP], names=names, progress=lambda *at: told.append(at))
    assert [fraction for fraction, _ in told] == pytest.approx(
        [0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.8, 1]
    )
    steps = ("coherence", "completeness", "layout")
    assert [message for _, message in told] == [
        words for name in names for words in (*(f"{name}, {step}" for step in steps), name)
    ]


# Arrays of a GPU


@pytest.mark.slow
@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_measures_of_arrays_on_a_gpu_are_taken_there(
    dtype: Any, large: bool, gpu: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:
        monkeypatch.setattr(similarity, "EXACT_PATCHES", 0)
        monkeypatch.setattr(wasserstein, "PROJECTED", 100)
    source, *outputs = (clip.astype(dtype) for clip in (CLIP, OTHER, OTHER[::-1].copy()))
    expected = metrics.evaluate(source, outputs, device="cpu")
    moved = standin.wrap(source), [standin.wrap(output) for output in outputs]
    visited: list[tuple[int, ...]] = []

    def to_host(array: Any) -> Array:
        visited.append(array.shape)
        return standin.to_plain(array)

    monkeypatch.setattr(gpu, "to_host", to_host)
    for made in (metrics.evaluate(*moved), metrics.evaluate(source, outputs, device="cuda")):
        for ours, theirs in zip([*made.scores, made.mean], [*expected.scores, expected.mean]):
            for measure in set(ours._fields) - {"svfid"}:
                np.testing.assert_allclose(
                    getattr(ours, measure), getattr(theirs, measure), rtol=1e-5
                )
        assert made.diversity == pytest.approx(expected.diversity, rel=1e-5)
    small = [(*level_shapes(CLIP.shape[:3], size=v.shape[:3])[0], 3) for v in (CLIP, OTHER)]
    fields = [
        (*(n - k + 1 for n, k in zip(OTHER.shape, patch)), 3)
        for patch in ((3, 3, 3), (3, 7, 7), (3, 7, 7))
    ]
    assert [shape for shape in visited if len(shape) > 1] == [*small, *fields] * 4


@pytest.mark.usefixtures("gpu")
def test_each_measure_takes_arrays_of_a_gpu() -> None:
    source, *outputs = map(standin.wrap, (CLIP, OTHER, OTHER[::-1].copy()))
    (expected, _), _, index = metrics.evaluate(CLIP, [OTHER, OTHER[::-1]], device="cpu")
    functions = (metrics.coherence, metrics.completeness, metrics.sliced_wasserstein)
    for function, estimate in zip(functions, expected):
        assert function(source, outputs[0]) == pytest.approx(estimate, rel=1e-5)
    nnf, _ = search(outputs[0], source, method="exact")
    assert isinstance(nnf, standin.DeviceArray)
    assert metrics.copied_pieces(nnf) == metrics.copied_pieces(standin.to_plain(nnf))
    assert metrics.diversity(source, outputs) == pytest.approx(index, rel=1e-5)
    with pytest.raises(InvalidInput, match="device 'cpu'"):
        metrics.coherence(source, outputs[0], device="cpu")


# The reference measurements


@pytest.mark.slow
def test_the_reference_measurements_agree(shared: Path) -> None:
    script = shared / "tools" / "quality.py"
    clips = [shared / "clips" / "generation" / f"fish{n}.mp4" for n in ("", ".vgpnn0", ".vgpnn1")]
    for path in (script, *clips):
        if not path.exists():
            pytest.skip(f"there is no {path}")
    spec = importlib.util.spec_from_file_location("quality", script)
    assert spec is not None
    assert spec.loader is not None
    quality: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(quality)

    source, *outputs = (read_video(path)[0][:4, :48, :72] for path in clips)
    theirs: dict[str, list[float]] = {"coherence": [], "completeness": [], "swd": []}
    for seed in range(3):
        a, b = source.astype(np.float32), outputs[0].astype(np.float32)
        theirs["coherence"].append(quality.nn_cost(b, a, seed=seed))
        theirs["completeness"].append(quality.nn_cost(a, b, seed=seed))
        distances = []
        for _ in range(3):
            distances.append(quality.swd(a, b, seed=seed))
            a, b = quality.half(a), quality.half(b)
        theirs["swd"].append(float(np.mean(distances)))
    scores, _, index = metrics.evaluate(source, outputs)
    for name, values in theirs.items():
        value, error = getattr(scores[0], name)
        error = np.hypot(error, np.std(values, ddof=1) / np.sqrt(len(values)))
        assert abs(value - np.mean(values)) < 4 * error, name
        assert error < 0.1 * value, name
    assert index == pytest.approx(quality.diversity(source, outputs), rel=1e-5)
