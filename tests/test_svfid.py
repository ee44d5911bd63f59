"""SVFID with random weights, against NumPy and SciPy; odd inputs and errors."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import scipy.linalg
import standin
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import correlate, zoom

from patchvid import metrics
from patchvid.errors import DeviceError, InvalidInput, WeightsError
from patchvid.metrics import frechet
from patchvid.networks.c3d import build_c3d
from patchvid.networks.weights import PUBLISHED, Published

Array = NDArray[Any]

N_HIDDEN, N_FEATURES = 7, 5  # the published network has 64 and 128

modest = settings(derandomize=True, max_examples=10)


def drawn_tensors() -> dict[str, Array]:
    """Draw weights of both convolutions and of a later layer, with the names of MMAction."""
    random = np.random.default_rng(0)
    tensors = {}
    for name, n_in, n_out in (("conv1a", 3, N_HIDDEN), ("conv2a", N_HIDDEN, N_FEATURES)):
        weight = random.normal(size=(n_out, n_in, 3, 3, 3)) / np.sqrt(27 * n_in)
        tensors[f"{name}.conv.weight"] = weight.astype(np.float32)
        tensors[f"{name}.conv.bias"] = random.normal(size=n_out).astype(np.float32)
    return {**tensors, "fc6.weight": np.zeros((4, 4), np.float32)}


TENSORS = drawn_tensors()


def as_chainer(tensors: dict[str, Array]) -> dict[str, Array]:
    """Rename the weights as in Chainer, where blue comes first."""
    short = {".conv.weight": "/W", ".conv.bias": "/b", ".weight": "/W"}
    named = {}
    for name, tensor in tensors.items():
        ending = next(ending for ending in short if name.endswith(ending))
        named[name.removesuffix(ending) + short[ending]] = tensor
    return {**named, "conv1a/W": named["conv1a/W"][:, ::-1]}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "c3d.npz"
    np.savez(path, **TENSORS)  # type: ignore[arg-type]
    return path


def smooth(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(seed).random([-(-n // 3) for n in shape[:3]] + [shape[3]])
    fine = zoom(coarse, (3, 3, 3, 1), order=1)[: shape[0], : shape[1], : shape[2]]
    return np.rint(255 * fine).astype(np.uint8)


def naive_features(video: Array, means: tuple[float, ...] = (104, 117, 128)) -> Array:
    """Compute the features (t, y, x, c): convolutions by correlations, and pooling by slices."""

    def convolve(x: Array, name: str) -> Array:
        weight, bias = (TENSORS[f"{name}.conv.{part}"] for part in ("weight", "bias"))
        maps = [
            sum(
                correlate(x[..., i], k.astype(float), mode="constant") for i, k in enumerate(kernel)
            )
            for kernel in weight
        ]
        return np.maximum(np.stack(maps, axis=-1) + bias, 0)

    x = convolve(video.astype(float) - np.array(means), "conv1a")
    _, height, width, _ = x.shape
    x = x[:, : height // 2 * 2, : width // 2 * 2]
    corners = [x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    return convolve(np.max(corners, axis=0), "conv2a")


def naive_distance(a: Array, b: Array) -> float:
    a, b = (features.reshape(-1, features.shape[-1]) for features in (a, b))
    covariances = [np.cov(features, rowvar=False) for features in (a, b)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    apart = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
    return float(apart + np.trace(covariances[0] + covariances[1] - 2 * root))


CLIP = smooth(5, 17, 22, 3)
OTHER = smooth(4, 20, 13, 3, seed=1)


# The network


def test_the_graph_is_valid_onnx() -> None:
    onnx.checker.check_model(build_c3d(TENSORS), full_check=True)


@pytest.mark.parametrize("shape", [(5, 17, 22), (1, 2, 2), (2, 9, 4), (4, 8, 33)])
def test_features_are_those_of_a_naive_network(shape: tuple[int, ...]) -> None:
    video = smooth(*shape, 3)
    session = onnxruntime.InferenceSession(
        build_c3d(TENSORS).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (features,) = session.run(["features"], {"clip": video.astype(np.float32)})
    np.testing.assert_allclose(np.moveaxis(features, 0, -1), naive_features(video), atol=1e-3)


def test_names_of_both_releases_are_known_and_say_what_goes_in() -> None:
    chainer = build_c3d(as_chainer(TENSORS))
    session = onnxruntime.InferenceSession(
        chainer.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (features,) = session.run(["features"], {"clip": CLIP.astype(np.float32)})
    expected = naive_features(CLIP, (101.41, 97.66, 90.25))  # red first, here
    np.testing.assert_allclose(np.moveaxis(features, 0, -1), expected, atol=1e-3)
    backbone = {f"backbone.{name}": tensor for name, tensor in TENSORS.items()}
    assert build_c3d(backbone) == build_c3d(TENSORS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conv2a.conv.bias": None}, "not those of C3D: there is no tensor 'conv2a.bias'"),
        ({"conv1a.conv.weight": np.zeros((7, 3, 3, 3))}, r"conv1a must .*, got \(7, 3, 3, 3\);"),
        ({"conv2a.conv.weight": np.zeros((5, 6, 3, 3, 3))}, "conv2a must have shape"),
    ],
)
def test_tensors_of_another_network_are_refused(change: dict[str, Any], message: str) -> None:
    tensors = {name: x for name, x in {**TENSORS, **change}.items() if x is not None}
    with pytest.raises(InvalidInput, match=message) as caught:
        build_c3d(tensors)
    assert "\n" not in str(caught.value)


# Statistics and their distance


@pytest.mark.parametrize("block", [1, 300, 1 << 20])
def test_statistics_are_those_of_all_positions(
    weights: Path, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frechet, "BLOCK", block)
    found = frechet.summarize(CLIP, frechet.read_c3d(weights, "cpu"))
    expected = naive_features(CLIP).reshape(-1, N_FEATURES)
    assert found.number == len(expected) == 5 * 8 * 11
    np.testing.assert_allclose(found.mean, expected.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(
        found.covariance, np.cov(expected, rowvar=False), rtol=1e-4, atol=1e-3
    )


@modest
@given(st.integers(2, 30), st.integers(1, 60), st.integers(1, 6), st.integers(0, 999))
def test_statistics_join_as_if_they_had_been_taken_together(
    first: int, second: int, n_values: int, seed: int
) -> None:
    features = 1e3 + np.random.default_rng(seed).normal(size=(n_values, first + second))
    parts = np.split(features.astype(np.float32), [first], axis=1)
    joined = frechet._join(*map(frechet._of_columns, parts))
    assert joined.number == first + second
    whole = features.astype(np.float32).astype(float)
    np.testing.assert_allclose(joined.mean, whole.mean(axis=1), rtol=1e-12)
    expected = np.cov(whole).reshape(n_values, n_values)
    np.testing.assert_allclose(joined.covariance, expected, rtol=1e-9, atol=1e-12)


def drawn_statistics(n_values: int, seed: int, rank: int | None = None) -> frechet.Statistics:
    random = np.random.default_rng(seed)
    factor = random.normal(size=(n_values, rank or 2 * n_values))
    return frechet.Statistics(1000, random.normal(size=n_values), factor @ factor.T)


@modest
@given(st.integers(1, 40), st.integers(0, 999))
def test_distance_is_that_of_the_root_of_the_product(n_values: int, seed: int) -> None:
    a, b = drawn_statistics(n_values, seed), drawn_statistics(n_values, seed + 1)
    root = scipy.linalg.sqrtm(a.covariance @ b.covariance).real
    expected = ((a.mean - b.mean) ** 2).sum() + np.trace(a.covariance + b.covariance - 2 * root)
    assert frechet.frechet_distance(a, b) == pytest.approx(expected, rel=1e-7)
    assert frechet.frechet_distance(a, b) == pytest.approx(frechet.frechet_distance(b, a))


def test_distance_of_covariances_that_commute_is_that_of_their_roots() -> None:
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(20, 20)))[0]
    spreads = [np.geomspace(1e-12, 1e6, 20), np.geomspace(1e7, 1e-10, 20)]  # nearly singular
    a, b = (frechet.Statistics(99, np.zeros(20), (axes * s**2) @ axes.T) for s in spreads)
    expected = ((spreads[0] - spreads[1]) ** 2).sum()
    assert frechet.frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("rank", [None, 3])
def test_equal_statistics_have_no_distance(rank: int | None) -> None:
    a = drawn_statistics(30, 0, rank)
    assert frechet.frechet_distance(a, a) == pytest.approx(0, abs=1e-6 * np.trace(a.covariance))


def test_singular_covariances_are_compared() -> None:
    a, b = drawn_statistics(30, 0, rank=3), drawn_statistics(30, 1, rank=2)
    # A little on the diagonal changes little, and makes the slow way possible.
    little = 1e-7 * np.eye(30)
    root = scipy.linalg.sqrtm((a.covariance + little) @ (b.covariance + little)).real
    expected = ((a.mean - b.mean) ** 2).sum() + np.trace(a.covariance + b.covariance - 2 * root)
    assert frechet.frechet_distance(a, b) == pytest.approx(expected, rel=1e-3)


# The measure


def test_distance_of_videos_is_that_of_their_naive_features(weights: Path) -> None:
    expected = naive_distance(naive_features(CLIP), naive_features(OTHER))
    value, error = metrics.svfid(CLIP, OTHER, weights=weights)
    assert value == pytest.approx(expected, rel=1e-4)
    assert error == 0
    assert metrics.svfid(CLIP, CLIP, weights=weights).value < 1e-6 * expected


def test_types_and_channels_mean_the_same_video(weights: Path) -> None:
    expected = metrics.svfid(CLIP, OTHER, weights=weights).value
    wide = [clip.astype(np.uint16) * 257 for clip in (CLIP, OTHER)]
    assert metrics.svfid(*wide, weights=weights).value == pytest.approx(expected, rel=1e-4)
    grey = [clip[..., :1] for clip in (CLIP, OTHER)]
    expected = metrics.svfid(*(np.repeat(x, 3, axis=3) for x in grey), weights=weights).value
    for channels in (1, 2, 5):
        clips = (np.repeat(x, channels, axis=3) for x in grey)
        assert metrics.svfid(*clips, weights=weights).value == pytest.approx(expected, rel=1e-4)


def test_an_opaque_alpha_channel_changes_nothing_and_a_clear_one_is_white(weights: Path) -> None:
    def with_alpha(video: Array, alpha: float) -> Array:
        return np.pad(video, [(0, 0)] * 3 + [(0, 1)], constant_values=alpha)

    expected = metrics.svfid(CLIP, OTHER, weights=weights).value
    opaque = (with_alpha(clip, 255) for clip in (CLIP, OTHER))
    assert metrics.svfid(*opaque, weights=weights).value == pytest.approx(expected)
    floats = [clip * np.float32(0.7 / 255) for clip in (CLIP, OTHER)]
    expected = metrics.svfid(*floats, weights=weights).value
    opaque = (with_alpha(clip, 1) for clip in floats)
    assert metrics.svfid(*opaque, weights=weights).value == pytest.approx(expected, rel=1e-5)
    clear = with_alpha(CLIP, 0), with_alpha(OTHER, 255)
    white = np.full_like(CLIP, 255), OTHER
    assert metrics.svfid(*clear, weights=weights).value == pytest.approx(
        metrics.svfid(*white, weights=weights).value
    )


@pytest.mark.usefixtures("gpu")
def test_arrays_of_a_gpu_are_shown_to_the_network(weights: Path) -> None:
    expected = metrics.svfid(CLIP, OTHER, weights=weights, device="cpu")
    moved = standin.wrap(CLIP), standin.wrap(OTHER)
    assert metrics.svfid(*moved, weights=weights, device="cpu") == expected


def test_all_measures_together_say_the_same(weights: Path) -> None:
    outputs = [OTHER, CLIP[::-1].copy()]
    scores, mean, _ = metrics.evaluate(CLIP, outputs, weights=weights)
    expected = [metrics.svfid(CLIP, output, weights=weights).value for output in outputs]
    for estimate, value in zip(
        [*(row.svfid for row in scores), mean.svfid], [*expected, np.mean(expected)], strict=True
    ):
        assert estimate is not None
        assert estimate.value == pytest.approx(value)
        assert estimate.error == 0
    assert metrics.evaluate(CLIP, outputs).mean.svfid is None


@pytest.mark.parametrize("shape", [(5, 1, 30), (5, 30, 1), (1, 4, 5), (1, 2, 10)])
def test_videos_that_are_too_small_are_refused(weights: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput, match="too small for SVFID") as caught:
        metrics.svfid(CLIP, smooth(*shape, 3), weights=weights)
    assert "\n" not in str(caught.value)


def test_weights_are_found_by_path_or_variable(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = metrics.svfid(CLIP, OTHER, weights=weights)
    monkeypatch.setenv("PATCHVID_C3D", str(weights))
    assert metrics.svfid(CLIP, OTHER) == expected
    monkeypatch.setenv("PATCHVID_C3D", "gone.npz")
    with pytest.raises(InvalidInput, match=r"'gone.npz' \(PATCHVID_C3D\); give"):
        metrics.svfid(CLIP, OTHER)
    monkeypatch.delenv("PATCHVID_C3D")
    unreachable = {"c3d_sports1m": Published("http://127.0.0.1:9/c3d.pth", "0")}
    monkeypatch.setattr("patchvid.networks.weights.PUBLISHED", unreachable)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *a, **k: tmp_path / "cache")
    with pytest.raises(WeightsError, match="the weights c3d_sports1m are not on this machine"):
        metrics.svfid(CLIP, OTHER)


def test_what_is_fetched_is_known_by_the_hash_in_its_name() -> None:
    url, sha256, _ = PUBLISHED["c3d_sports1m"]
    assert re.search(rf"-{sha256}\.pth$", url)


def test_cuda_is_not_replaced_by_the_cpu(weights: Path) -> None:
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("there is an onnxruntime for CUDA")
    with pytest.raises(DeviceError, match="needs onnxruntime-gpu and a GPU"):
        metrics.svfid(CLIP, OTHER, weights=weights, device="cuda")


def test_an_unknown_device_is_named(weights: Path) -> None:
    with pytest.raises(InvalidInput, match="device must be 'auto', 'cpu' or 'cuda', got 'tpu'"):
        metrics.svfid(CLIP, OTHER, weights=weights, device="tpu")
