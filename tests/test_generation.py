"""Generated videos: their properties, seeds, details and errors."""

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import naive
import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from patchvid import generate, resize, sample_clip, search, vote, vpnn
from patchvid._convert import ValueRange
from patchvid.core.pyramid import level_shapes
from patchvid.core.settings import Settings
from patchvid.core.synthesis import _resample_periodic
from patchvid.errors import DeviceError, InvalidInput
from patchvid.kernels.cpu_memory import Room
from patchvid.kernels.exact import nearest_other_distance
from patchvid.results import GenerateResult

Array = NDArray[Any]


def smooth(*shape: int, dtype: Any = np.uint8, seed: int = 0) -> Array:
    """Make patches of colour that come and go, over the whole range of integers or [-3, 5)."""
    random = np.random.default_rng(seed)
    frames, height, width, channels = shape
    coarse = random.random((min(frames, 3), height // 3, width // 3, channels))
    values = np.clip(resize(coarse, (frames, height, width)), 0, 1) * 0.95
    values += 0.05 * random.random(shape)
    if np.dtype(dtype).kind == "u":
        return np.rint(values * np.iinfo(dtype).max).astype(dtype)
    return (values * 8 - 3).astype(dtype)


CLIP = smooth(4, 24, 40, 3)
FREELY: Any = {"noise": 10.0, "iterations": 2}  # quick, and far away from the clip


# The video


@pytest.mark.parametrize("dtype", ["u2", "f4", "f8"])
def test_bytes_in_another_order_are_the_same_clip(dtype: str) -> None:
    clip = CLIP.astype(dtype)
    made = generate(clip.astype(f">{dtype}"), seed=1)
    assert made.dtype == clip.dtype
    np.testing.assert_array_equal(made, generate(clip.astype(f"<{dtype}"), seed=1))


def test_more_than_the_machine_holds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "patchvid.kernels.cpu_memory.room", lambda: Room(9999, 2**30, "this machine")
    )
    with pytest.raises(DeviceError, match=r"are needed, but this machine leaves 0.0 of 1.0 GiB"):
        generate(CLIP, seed=1, device="cpu")


@pytest.mark.parametrize("scale", [1e-44, 4e37])
def test_ranges_at_the_ends_of_single_precision(scale: float) -> None:
    clip = np.random.default_rng(0).uniform(-scale, scale, CLIP.shape).astype(np.float32)
    made = generate(clip, seed=1)
    assert np.isin(made, clip).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
def test_type_and_numbers_are_those_of_the_clip(dtype: Any) -> None:
    clip = smooth(4, 24, 40, 3, dtype=dtype)
    before = clip.copy()
    video = generate(clip, seed=1, **FREELY)
    assert (video.shape, video.dtype) == (clip.shape, clip.dtype)
    for channel in range(3):
        kept = clip[..., channel].astype(np.float32 if dtype == np.float64 else dtype)
        assert np.isin(video[..., channel], kept).all()
    assert (video != clip).any()
    np.testing.assert_array_equal(clip, before)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_means_stay_in_the_range_of_the_clip(dtype: Any) -> None:
    clip = smooth(4, 24, 40, 3, dtype=dtype)
    video = generate(clip, seed=1, reduce="mean", **FREELY)
    assert (video.shape, video.dtype) == (clip.shape, clip.dtype)
    assert video.min() >= clip.min() - 1e-5
    assert video.max() <= clip.max() + 1e-5
    assert (video != generate(clip, seed=1, **FREELY)).any()


@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("frames", [1, 3])
def test_any_number_of_channels_and_one_frame(frames: int, channels: int) -> None:
    clip = smooth(frames, 20, 26, channels)
    made = generate(clip, seed=1, details=True, **FREELY)
    video, nnf = made.video, made.nnf
    assert video.shape == clip.shape
    assert nnf.shape == (1, 14, 20, 3)  # the patch of an image is flat
    patch = (min(frames, 3), 7, 7)
    np.testing.assert_array_equal(video, vote(clip, nnf, patch=patch))


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({"size": (3, 20, 47)}, (3, 20, 47)),
        ({"size": np.array([7, 24, 19])}, (7, 24, 19)),
        ({"scale": (0.7, 1.4, 0.5)}, (3, 34, 20)),
        ({"scale": (1, 1, 1.01)}, (4, 24, 41)),
    ],
)
def test_output_has_the_size_asked_for(arguments: Any, shape: tuple[int, ...]) -> None:
    made = generate(CLIP, seed=1, details=True, **FREELY, **arguments)
    assert made.video.shape == (*shape, 3)
    assert made.nnf.shape == (shape[0] - 2, shape[1] - 6, shape[2] - 6, 3)
    assert [level.shape for level in made.levels] == level_shapes(CLIP.shape[:3], size=shape)


def test_without_noise_the_clip_comes_back() -> None:
    np.testing.assert_array_equal(generate(CLIP, seed=1, noise=0), CLIP)


def test_more_noise_leads_further_away() -> None:
    distance = [
        np.abs(
            generate(CLIP, seed=0, samples=6, noise=noise, iterations=2) - CLIP.astype(float)
        ).mean()
        for noise in (0, 3, 10)
    ]
    assert distance[0] < distance[1] < distance[2]


def test_noise_is_by_default_the_same_in_all_frames() -> None:
    still = np.repeat(smooth(1, 9, 12, 3), 6, axis=0)  # one level, small enough for exact search
    options: Any = {"seed": 1, "coarsest": (6, 9), **FREELY}
    video = generate(still, **options)
    assert (video != still).any()
    np.testing.assert_array_equal(video, np.repeat(video[:1], 6, axis=0))
    assert np.ptp(generate(still, replicate_noise=False, **options).astype(int), axis=0).any()


@pytest.mark.parametrize("seed", range(3))
def test_by_default_the_clip_does_not_come_back(seed: int) -> None:
    assert (generate(CLIP, seed=seed) != CLIP).mean() > 0.3


@pytest.mark.parametrize("tile", ["x", "y", "xy"])
def test_a_tile_goes_on_around(tile: str) -> None:
    periodic = (False, "y" in tile, "x" in tile)
    made = generate(CLIP, seed=1, samples=4, tile=tile, details=True, **FREELY)
    tiles, nnf = made.video, made.nnf
    assert tiles[0].shape == CLIP.shape
    assert nnf[0].shape == (2, 24 if "y" in tile else 18, 40 if "x" in tile else 34, 3)
    np.testing.assert_array_equal(tiles[0], vote(CLIP, nnf[0], periodic=periodic))

    def seam(videos: Array) -> np.floating[Any]:
        """Measure the patches across the seams between copies, against those of CLIP."""
        beside = np.roll(videos, (12 * periodic[1], 20 * periodic[2]), axis=(2, 3))
        middles = beside[:, :, 6:-6, 14:-14]
        return np.mean([search(middle, CLIP, method="exact")[1] for middle in middles])

    assert seam(tiles) < 0.7 * seam(generate(CLIP, seed=1, samples=4, **FREELY))


@pytest.mark.slow
def test_a_loop_goes_on_from_its_end() -> None:
    clip = resize(sample_clip(), (12, 40, 70))
    made = generate(clip, seed=1, loop=True, details=True)
    loop, nnf = made.video, made.nnf
    assert loop.shape == clip.shape
    assert nnf.shape == (12, 34, 64, 3)
    np.testing.assert_array_equal(loop, vote(clip, nnf, periodic=(True, False, False)))
    seams = []
    for video in (loop, generate(clip, seed=1)):
        cost = search(video, clip, periodic=(True, False, False), seed=0)[1].mean(axis=(1, 2))
        seams.append(cost[-2:].mean() / cost[:-2].mean())
    assert seams[0] < 1.1
    assert seams[1] > 3


def test_loops_of_several_samples_are_those_of_their_seeds() -> None:
    both = generate(CLIP, seed=3, samples=2, loop=True, **FREELY)
    np.testing.assert_array_equal(both[1], generate(CLIP, seed=4, loop=True, **FREELY))


def test_a_single_frame_makes_no_loop() -> None:
    with pytest.raises(InvalidInput, match="a single frame makes no loop"):
        generate(CLIP[:1], loop=True)


@pytest.mark.parametrize("axis", [1, 2])
def test_a_tile_is_scaled_up_as_if_it_were_endless(axis: int) -> None:
    output, periodic = smooth(3, 9, 12, 3, dtype=np.float32), (False, axis == 1, axis == 2)
    scaled = _resample_periodic(output, (3, 18, 24), (1, 2, 2), periodic)
    rolled = _resample_periodic(np.roll(output, 4, axis=axis), (3, 18, 24), (1, 2, 2), periodic)
    np.testing.assert_allclose(rolled, np.roll(scaled, 8, axis=axis), atol=1e-5)


def test_a_smaller_alpha_brings_more_of_the_clip_back() -> None:
    missing = []
    for alpha in (None, 1.0):
        videos = generate(CLIP, seed=1, samples=4, alpha=alpha, **FREELY)
        missing.append(np.mean([search(CLIP, video, method="exact")[1] for video in videos]))
    assert missing[1] < 0.95 * missing[0]


def test_a_constant_clip_stays_constant() -> None:
    for clip in (np.full((3, 16, 18, 3), 7, np.uint8), np.full((3, 16, 18, 1), -0.5, np.float32)):
        np.testing.assert_array_equal(generate(clip, seed=1, iterations=1), clip)


@pytest.mark.filterwarnings("error")
def test_a_clip_of_one_patch_is_all_there_can_be() -> None:
    clip = smooth(3, 7, 7, 3)
    np.testing.assert_array_equal(generate(clip, seed=1), clip)


def test_noise_is_the_distance_to_the_nearest_other_patch() -> None:
    video, patch = smooth(3, 9, 11, 3), (2, 3, 4)
    costs = naive.all_costs(video, video, patch)
    count = math.prod(costs.shape[:3])
    costs.reshape(count, count)[np.diag_indices(count)] = np.inf
    _, nearest = naive.search(costs)
    distances = np.sqrt(nearest * math.prod(patch) * 3)
    assert nearest_other_distance(video, patch) == pytest.approx(distances.mean())
    sampled = nearest_other_distance(video, patch, sample=count // 3)
    assert sampled == pytest.approx(distances.ravel()[::3].mean())


# Seeds


def test_a_sample_is_the_run_with_its_seed() -> None:
    videos = generate(CLIP, seed=3, samples=3, **FREELY)
    assert videos.shape == (3, *CLIP.shape)
    for i, video in enumerate(videos):
        np.testing.assert_array_equal(video, generate(CLIP, seed=3 + i, **FREELY))
    assert (videos[0] != videos[1]).any()
    assert (videos[1] != videos[2]).any()


def test_a_seed_that_was_drawn_is_told() -> None:
    first, second = (generate(CLIP, details=True, **FREELY) for _ in range(2))
    assert first.seed != second.seed
    np.testing.assert_array_equal(generate(CLIP, seed=first.seed, **FREELY), first.video)


WIDE, TALL = smooth(5, 75, 40, 3), smooth(6, 80, 44, 3, seed=1)


@pytest.mark.parametrize(
    "compute",
    [
        lambda: search(WIDE, TALL, seed=0, sweeps=3)[0],
        lambda: search(WIDE, TALL, seed=0, sweeps=3, periodic=(True, True, True))[0],
        lambda: search(WIDE / np.float32(9), TALL, seed=0, sweeps=3, method="patchmatch")[1],
        lambda: search(WIDE[:, :24], TALL[:, :24], method="exact")[1],
        lambda: vpnn(WIDE, TALL, TALL, seed=0, alpha=1.0)[0],
        lambda: vpnn(WIDE, TALL, TALL, seed=0, reduce="mean", periodic=(False, True, False))[0],
        lambda: generate(TALL, seed=0, **FREELY),
        lambda: generate(WIDE / np.float32(9), seed=0, size=(4, 70, 50), reduce="mean", **FREELY),
    ],
    ids=[
        "search", "periodic", "floats", "exact", "layer", "periodic layer", "generate", "resized"
    ],
)  # fmt: skip
def test_bytes_do_not_depend_on_the_number_of_threads(compute: Callable[[], Array]) -> None:
    if numba.get_num_threads() < 2:
        pytest.skip("this machine runs one thread only (NUMBA_NUM_THREADS)")
    before = numba.get_num_threads()
    results = []
    try:
        for threads in (1, 2):
            numba.set_num_threads(threads)
            results.append(compute().tobytes())
    finally:
        numba.set_num_threads(before)
    assert results[0] == results[1]


# Details and progress


def test_details_tell_where_everything_comes_from() -> None:
    options: Any = {"patch": (3, 5, 6), "size": (4, 20, 33)}
    made = generate(CLIP, seed=4, samples=2, details=True, **options, **FREELY)
    assert isinstance(made, GenerateResult)
    assert made.seed == 4
    assert made.nnf.dtype == np.int32
    assert made.nnf.shape == (2, 2, 16, 28, 3)
    assert (made.nnf >= 0).all()
    assert (made.nnf < (2, 20, 35)).all()
    for video, nnf in zip(made.video, made.nnf, strict=True):
        np.testing.assert_array_equal(video, vote(CLIP, nnf, patch=(3, 5, 6)))
    shapes = level_shapes(CLIP.shape[:3], size=(4, 20, 33))
    assert [level.shape for level in made.levels] == shapes * 2
    assert [level.iterations for level in made.levels] == [1, *[2] * (len(shapes) - 1)] * 2
    assert all(0 < level.seconds < 60 for level in made.levels)


def test_the_noise_of_each_sample_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert generate(CLIP, seed=4, noise=2.5, details=True, iterations=2).noise == [2.5]
    redraws = iter([1, 1, 0, 0])  # the first sample's layout is drawn three times, the other's once
    monkeypatch.setattr("patchvid.core.noise._largest_share", lambda *_: next(redraws))
    made = generate(CLIP, seed=4, samples=2, details=True, layout="noise", iterations=2)
    assert made.noise is not None
    first, second = made.noise
    assert first == pytest.approx(1.2**2 * second)
    assert second >= 1.7


def test_details_can_be_pickled_and_copied() -> None:
    made = generate(CLIP, seed=4, details=True, **FREELY)
    for same in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):
        np.testing.assert_array_equal(same.video, made.video)
        assert [str(level) for level in same.levels] == [str(level) for level in made.levels]
        assert [level.seconds for level in same.levels] == [level.seconds for level in made.levels]


@pytest.mark.parametrize("samples", [1, 3])
def test_progress_goes_from_the_coarsest_level_to_one(samples: int) -> None:
    calls: list[tuple[float, str]] = []
    generate(CLIP, seed=1, samples=samples, iterations=3, progress=lambda *call: calls.append(call))
    fractions, messages = zip(*calls, strict=True)
    count = len(level_shapes(CLIP.shape[:3]))
    sequence = [1] + [level for level in range(2, count + 1) for _ in range(3)]
    names = [f"sample {number}/{samples}, " for number in range(1, samples + 1)]
    names = names if samples > 1 else [""]
    assert list(messages) == [f"{name}level {n}/{count}" for name in names for n in sequence]
    assert fractions[0] > 0
    assert (np.diff(fractions) > 0).all()
    assert fractions[-1] == pytest.approx(1)
    assert max(fractions) <= 1


def test_large_levels_are_made_with_less() -> None:
    settings = Settings()
    assert settings.at((3, 1000, 1000)) == ((3, 7, 7), 5)
    assert settings.at((3, 1000, 1001)) == ((3, 7, 7), 1)
    assert settings.at((3, 2500, 1000)) == ((3, 7, 7), 1)
    assert settings.at((3, 2500, 1001)) == ((3, 5, 5), 1)
    assert Settings(patch=(1, 9, 9), iterations=3).at((3, 2500, 1001)) == ((1, 9, 9), 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_patches_are_compared_in_eight_bits(dtype: Any) -> None:
    clip = smooth(3, 9, 9, 3, dtype=dtype)
    low, high = (0, 255) if dtype == np.uint8 else (clip.min(), clip.max())
    expected = (clip.astype(np.float64) - low) / (float(high) - float(low)) * 255
    quantize = ValueRange.of_values(clip).quantize
    compared = quantize(clip)
    assert compared.dtype == np.uint8
    np.testing.assert_allclose(compared, expected, rtol=0, atol=0.5001)
    beyond = quantize(np.array([high, low]).astype(dtype))
    np.testing.assert_array_equal(beyond, [255, 0])


# Errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"video": CLIP[0, 0]}, "video must be a filled"),
        ({"video": CLIP[:0]}, "video must be a filled"),
        ({"video": CLIP.astype(complex)}, "video must hold integers or floats, got complex128"),
        ({"video": np.full((3, 9, 9, 3), np.nan)}, "video must be finite .* fill gaps"),
        ({"video": np.full((3, 9, 9, 3), 1e300)}, "video must"),
        (
            {"video": np.float32(3e38) * (CLIP > 9) * [1, -1, 1]},
            "video must span at most",
        ),
        ({"video": np.ma.masked_equal(CLIP, 9)}, "a masked array would lose"),
        ({"video": CLIP[:2]}, "2 frames, .* smaller than the patch 3x7x7; use a smaller patch"),
        ({"video": CLIP[:, :6]}, "6x40 pixels is smaller than the patch 3x7x7; use a smaller"),
        ({"size": (2, 24, 40)}, "2 frames, .* smaller than the patch 3x7x7; use a smaller"),
        ({"size": (5, 24, 6)}, "24x6 pixels is smaller than the patch 3x7x7; use a smaller"),
        ({"size": (5, 24)}, "size must be three whole numbers"),
        ({"size": (5, 24, 30.5)}, "size must be three whole numbers"),
        ({"size": 24}, "size must be three whole numbers"),
        ({"size": (5, 0, 30)}, "size must be three whole numbers of at least 1"),
        ({"size": (2**11, 2**10, 2**10)}, r"fewer than 2\*\*31 voxels"),
        ({"size": (4, 24, 30), "scale": (1, 1, 2)}, "either scale or size"),
        ({"scale": (1, 0.2, 1)}, "smaller than the patch"),
        ({"scale": (1, -1, 1)}, "scale must be three numbers above 0"),
        ({"scale": (1, math.inf, 1)}, "scale must be three numbers above 0"),
        ({"scale": (1, 1)}, "scale must be three numbers above 0"),
        ({"size": (1, 24, 30), "loop": True, "patch": (1, 7, 7)}, "a single frame makes no loop"),
        ({"size": (4, 1, 30), "tile": "y", "patch": (1, 1, 1)}, "row or column makes no tile"),
        ({"scale": 2}, "scale must be three numbers above 0"),
        ({"patch": (9, 7, 7)}, "smaller than the patch 9x7x7; use a smaller patch"),
        ({"patch": (3, 7)}, "patch must be three whole numbers"),
        ({"patch": (3, 0, 7)}, "patch must be three whole numbers"),
        ({"patch": (3, 7.5, 7)}, "patch must be three whole numbers"),
        ({"patch": 7}, "patch must be three whole numbers"),
        ({"coarsest": (2, 15)}, "the coarsest level of 2 frames"),
        ({"coarsest": (3, 5)}, "the coarsest level of .* 5x9 pixels"),
        ({"coarsest": (0, 15)}, "coarsest must be"),
        ({"coarsest": 15}, "coarsest must be"),
        ({"factor": (1, 0.8)}, "time factor must be above 0 and at most 0.98"),
        ({"factor": 0.8}, "factor must be two numbers"),
        ({"noise": -1}, "noise must be between 0 and 1000, got -1"),
        ({"noise": math.nan}, "noise must be between 0 and 1000, got nan"),
        ({"noise": 1e30}, "noise must be between 0 and 1000, got 1e.30"),
        ({"noise": "loud"}, "noise must be 'auto' or a number, got"),
        ({"iterations": 0}, "iterations must be a whole number of at least 1, got 0"),
        ({"iterations": 1.5}, "iterations must be"),
        ({"samples": 0}, "samples must be a whole number of at least 1, got 0"),
        ({"samples": 1.5}, "samples must be"),
        ({"alpha": 0}, "alpha must be above 0"),
        ({"alpha": math.nan}, "alpha must be above 0"),
        ({"tile": "z"}, "tile must be '', 'x', 'y' or 'xy', got 'z'"),
        ({"reduce": "mode"}, "reduce must be 'median' or 'mean', got 'mode'"),
        ({"seed": -1}, "seed must be"),
        ({"seed": "lucky"}, "seed must be"),
        ({"device": "tpu"}, "device must be 'auto', 'cpu' or 'cuda', got 'tpu'"),
    ],
)
def test_generate_names_what_is_wrong(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as error:
        generate(**{"video": CLIP, "seed": 1, **arguments})
    assert "\n" not in str(error.value)


def test_a_device_that_is_not_there_is_an_error() -> None:
    with pytest.raises(DeviceError, match="device 'cuda' cannot be used") as error:
        generate(CLIP, device="cuda")
    assert "\n" not in str(error.value)
