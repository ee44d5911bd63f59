"""Optical flow: RAFT against the published networks, odd clips, and files.

``data/raft_layouts.npz`` holds, for four layouts of names, the names and shapes of all tensors and
the flow that torchvision 0.29 or the authors' code (PyTorch 2.15) made with the weights of `drawn`
from `moving_waves` in three iterations, every fourth pixel of it.
"""

import hashlib
import os
import platform
import subprocess
import sys
import warnings
import zlib
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
import onnx
import onnxruntime
import pytest
import slow
import standin
from numpy.typing import NDArray

from patchvid import sample_clip
from patchvid._convert import blend_with_white
from patchvid.errors import DeviceError, InvalidInput, WeightsError
from patchvid.io.flow import read_flow
from patchvid.motion.color import flow_to_color
from patchvid.motion.optical_flow import optical_flow
from patchvid.networks.raft import build_raft
from patchvid.networks.weights import Published

LAYOUTS = ["torchvision small", "torchvision large", "original small", "original large"]
DATA = Path(__file__).parent / "data"


def drawn(name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Draw a tensor from its name; the authors' norm3 and downsample.1 are the same."""
    rng = np.random.default_rng(zlib.crc32(name.replace("norm3", "downsample.1").encode()))
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    values = rng.standard_normal(shape)
    if name.endswith("running_var"):
        values = 0.5 + np.abs(values)
    elif len(shape) == 1:
        values = 0.1 * values + name.endswith("weight")
    else:
        values *= (0.1 if "flow_head.conv2" in name else 1.4) / np.sqrt(np.prod(shape[1:]))
    return values.astype(np.float32)


def drawn_tensors(layout: str) -> dict[str, NDArray[Any]]:
    with np.load(DATA / "raft_layouts.npz") as data:
        lines = [line.decode().split() for line in data[f"{layout} names"]]
    return {name: drawn(name, tuple(map(int, shape))) for name, *shape in lines}


def save_tensors(path: Path, tensors: dict[str, Any]) -> None:
    np.savez(path, **tensors)


def moving_waves() -> NDArray[np.uint8]:
    t, y, x, c = np.ogrid[:2, :128, :136, :3]
    wave = np.sin(0.11 * x + 0.3 * t + c) * np.sin(0.07 * y - 0.2 * t) + np.sin(0.031 * x * y / 8)
    return (127.5 + 60 * wave).astype(np.uint8)


def panned(height: int, width: int, step: tuple[float, float], n_frames: int = 3) -> NDArray[Any]:
    """Make a smooth pattern that moves by `step` (x, y) pixels per frame, as uint8."""
    t, y, x, c = np.ogrid[:n_frames, :height, :width, :3]
    x, y = x - step[0] * t, y - step[1] * t
    wave = np.sin(0.4 * x + c) + np.sin(0.3 * y - c) + np.sin(0.13 * (x + 2 * y)) * np.cos(0.21 * x)
    return (127.5 + 40 * wave).astype(np.uint8)


@pytest.fixture(scope="module")
def drawn_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of random weights, whose flow means nothing."""
    path = tmp_path_factory.mktemp("weights") / "small.npz"
    save_tensors(path, drawn_tensors("torchvision small"))
    return path


@pytest.fixture
def published_weights(shared: Path) -> Path:
    return shared / "raft" / "raft-small.pth"


@pytest.fixture
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with an empty cache and no network."""
    published = {"raft_small": Published("http://127.0.0.1:9/raft_small.pth", "0")}
    monkeypatch.setattr("patchvid.networks.weights.PUBLISHED", published)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *a, **k: tmp_path / "cache")
    monkeypatch.delenv("PATCHVID_RAFT", raising=False)


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(before)


# RAFT against the published networks


@pytest.mark.slow
@pytest.mark.parametrize("file", ["raft-small.pth", "raft_small_weights.npz"])
@pytest.mark.parametrize("clip", slow.but_the_first(["waterfall", "skydivers"]))
@pytest.mark.parametrize("iterations", slow.but_the_first([12, 20]))
def test_flow_is_that_of_the_published_network(
    shared: Path, file: str, clip: str, iterations: int
) -> None:
    with np.load(shared / "raft" / "raft_small_reference_flow.npz") as reference:
        pair = np.stack([reference[f"{clip}_frame1"], reference[f"{clip}_frame2"]])
        expected = reference[f"{clip}_flow_iters{iterations}"]
    flow = optical_flow(pair, weights=shared / "raft" / file, iterations=iterations)
    assert flow.dtype == np.float32
    np.testing.assert_allclose(flow[0], expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_both_sizes_and_both_releases_agree_with_their_frameworks(layout: str) -> None:
    model = build_raft(drawn_tensors(layout), iterations=3)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    images = moving_waves().transpose(0, 3, 1, 2)[:, None].astype(np.float32)
    (flow,) = session.run(["flow"], {"image1": images[0], "image2": images[1]})
    with np.load(DATA / "raft_layouts.npz") as data:
        expected = data[f"{layout} flow"]
    np.testing.assert_allclose(flow[0].transpose(1, 2, 0)[::4, ::4], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_graphs_are_valid_onnx(layout: str) -> None:
    onnx.checker.check_model(build_raft(drawn_tensors(layout)), full_check=True)


def test_pairs_of_a_batch_do_not_mix() -> None:
    model = build_raft(drawn_tensors("original small"), iterations=2)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    images = moving_waves().transpose(0, 3, 1, 2).astype(np.float32)
    together = session.run(["flow"], {"image1": images, "image2": images[::-1].copy()})[0]
    for image1, image2, flow in zip(images, images[::-1], together, strict=True):
        (alone,) = session.run(["flow"], {"image1": image1[None], "image2": image2[None]})
        np.testing.assert_allclose(flow, alone[0], rtol=0, atol=1e-4)


@pytest.mark.parametrize("missing", ["cnet.conv2.bias", "update_block.gru.convq.weight"])
def test_tensors_of_another_network_are_refused(missing: str) -> None:
    tensors = drawn_tensors("original small")
    del tensors[f"module.{missing}"]
    with pytest.raises(InvalidInput, match="not those of RAFT, small or large: there is no tensor"):
        build_raft(tensors)


# Motion that is found


@pytest.mark.parametrize("method", ["raft", "classical"])
@pytest.mark.parametrize(
    ("size", "step"),
    [((160, 248), (3.0, -2.0)), ((61, 107), (1.0, 0.5)), ((150, 251), (0.0, 0.0))],
)
def test_motion_of_the_whole_picture_is_found(
    published_weights: Path, method: Any, size: tuple[int, int], step: tuple[float, float]
) -> None:
    flow = optical_flow(panned(*size, step), method=method, weights=published_weights)
    assert flow.shape == (2, *size, 2)
    inside = flow[:, 8:-8, 8:-8]
    np.testing.assert_allclose(np.median(inside, axis=(0, 1, 2)), step, atol=0.2)
    assert np.mean(np.linalg.norm(inside - step, axis=-1) < 0.5) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 90), (60, 1), (1, 1000)])
@pytest.mark.parametrize("method", ["raft", "classical"])
def test_frames_may_have_any_size(
    drawn_weights: Path, method: Any, height: int, width: int
) -> None:
    video = panned(height, width, (1, 0), n_frames=2)
    flow = optical_flow(video, method=method, weights=drawn_weights, iterations=1)
    assert flow.shape == (1, height, width, 2)
    assert np.isfinite(flow).all()


def test_padding_is_centred_and_cut_off_again(drawn_weights: Path) -> None:
    video = panned(192, 200, (1, 0), n_frames=2)
    inner = optical_flow(video[:, 3:-2, 1:-1], weights=drawn_weights, iterations=2)
    around = np.pad(video[:, 3:-2, 1:-1], [(0, 0), (1, 2), (0, 0), (0, 0)], mode="edge")
    around = np.pad(around, [(0, 0), (0, 0), (1, 1), (0, 0)], mode="edge")
    assert around.shape[1:3] == (190, 200)
    outer = optical_flow(around, weights=drawn_weights, iterations=2)
    np.testing.assert_array_equal(inner, outer[:, 1:-2, 1:-1])


# Inputs


@pytest.mark.slow
def test_types_and_channels_mean_the_same_motion(drawn_weights: Path) -> None:
    video = panned(192, 200, (2, 1), n_frames=2)
    video[0, 0, 0], video[0, 0, 1] = 0, 255  # so that the range of values is the whole range

    def flow(video: NDArray[Any]) -> NDArray[Any]:
        return optical_flow(video, weights=drawn_weights, iterations=2)

    expected = flow(video)
    np.testing.assert_array_equal(flow(video.astype(np.uint16) * 257), expected)
    np.testing.assert_array_equal(flow(video.astype(np.float32) * 3 - 7), expected)
    alpha = np.arange(video[..., :1].size, dtype=np.uint32).reshape(video[..., :1].shape)
    transparent = np.concatenate([video, alpha.astype(np.uint8)], axis=3)
    np.testing.assert_array_equal(flow(transparent), flow(blend_with_white(transparent)))
    grey = video[..., :1]
    expected = flow(np.repeat(grey, 3, axis=3))
    np.testing.assert_array_equal(flow(grey), expected)
    np.testing.assert_array_equal(flow(np.repeat(grey, 7, axis=3)), expected)


@pytest.mark.slow
def test_flow_is_the_same_on_one_thread(drawn_weights: Path, request: Any) -> None:
    video = sample_clip()[:3]
    several = [optical_flow(video, method=m, weights=drawn_weights) for m in ("raft", "classical")]
    request.getfixturevalue("one_thread")
    alone = [optical_flow(video, method=m, weights=drawn_weights) for m in ("raft", "classical")]
    np.testing.assert_array_equal(several, alone)


def test_one_large_pair_at_a_time_makes_no_difference(
    drawn_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = panned(192, 208, (2, 1))
    together = optical_flow(video, weights=drawn_weights, iterations=3)
    monkeypatch.setattr("patchvid.motion.optical_flow._MUCH_MEMORY", 0)
    alone = optical_flow(video, weights=drawn_weights, iterations=3)
    np.testing.assert_array_equal(together, alone)


def test_progress_goes_from_pair_to_pair(drawn_weights: Path) -> None:
    told: list[tuple[float, str]] = []
    optical_flow(
        panned(64, 64, (1, 0), n_frames=5),
        weights=drawn_weights,
        iterations=1,
        progress=lambda fraction, message: told.append((fraction, message)),
    )
    assert told == [(n / 4, f"optical flow {n}/4") for n in range(1, 5)]


VIDEO = panned(32, 40, (1, 0))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"video": VIDEO[:1]}, InvalidInput, "video must have two frames or more"),
        ({"video": VIDEO[0, 0]}, InvalidInput, "video must be a filled"),
        ({"method": "dis"}, InvalidInput, "method must be 'auto', 'raft' or 'classical', got"),
        ({"iterations": 0}, InvalidInput, "iterations must be a whole number of at least 1"),
        ({"device": "tpu"}, InvalidInput, "device must be 'auto', 'cpu' or 'cuda', got 'tpu'"),
        ({"method": "classical", "device": "cuda"}, DeviceError, "has no device 'cuda'"),
        ({"weights": "none.pth"}, InvalidInput, "there is no file of weights at 'none.pth'"),
    ],
)
def test_wrong_arguments_are_named_in_one_line(
    settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    arguments = {"video": VIDEO, **settings}
    with pytest.raises(error, match=message) as caught:
        optical_flow(arguments.pop("video"), **arguments)
    assert "\n" not in str(caught.value)


def test_cuda_is_not_replaced_by_the_cpu(drawn_weights: Path) -> None:
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("there is an onnxruntime for CUDA")
    with pytest.raises(DeviceError, match="needs onnxruntime-gpu and a GPU"):
        optical_flow(VIDEO, weights=drawn_weights, device="cuda")


# Without weights


@pytest.mark.usefixtures("no_weights")
def test_auto_says_once_that_another_method_is_used() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        flows = [optical_flow(VIDEO) for _ in range(2)]
    (warning,) = caught
    assert warning.filename == __file__
    assert "raft_small" in str(warning.message)
    assert str(warning.message).endswith("using a classical method instead of RAFT")
    assert "\n" not in str(warning.message)
    for flow in flows:
        np.testing.assert_array_equal(flow, optical_flow(VIDEO, method="classical"))


@pytest.mark.usefixtures("no_weights")
def test_raft_insists() -> None:
    with pytest.raises(WeightsError, match=r"raft_small are not on this machine; fetch them with"):
        optical_flow(VIDEO, method="raft")


def test_weights_that_were_fetched_are_used(
    drawn_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = hashlib.sha256(drawn_weights.read_bytes()).hexdigest()
    published = {"raft_small": Published(f"http://127.0.0.1:9/{drawn_weights.name}", sha256)}
    monkeypatch.setattr("patchvid.networks.weights.PUBLISHED", published)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *a, **k: drawn_weights.parent)
    monkeypatch.delenv("PATCHVID_RAFT", raising=False)
    told: list[tuple[float, str]] = []
    flow = optical_flow(VIDEO, iterations=2, progress=lambda *call: told.append(call))
    np.testing.assert_array_equal(flow, optical_flow(VIDEO, weights=drawn_weights, iterations=2))
    assert told == [(0.5, "optical flow 1/2"), (1.0, "optical flow 2/2")]


def test_variable_says_where_the_weights_are(
    drawn_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = optical_flow(VIDEO, weights=drawn_weights, iterations=2)
    monkeypatch.setenv("PATCHVID_RAFT", str(drawn_weights))
    np.testing.assert_array_equal(optical_flow(VIDEO, iterations=2), expected)
    monkeypatch.setenv("PATCHVID_RAFT", "gone.pth")
    with pytest.raises(InvalidInput, match=r"'gone.pth' \(PATCHVID_RAFT\); give"):
        optical_flow(VIDEO)


# Ready graphs


def test_a_ready_graph_does_as_its_weights_do(tmp_path: Path, drawn_weights: Path) -> None:
    model = build_raft(drawn_tensors("torchvision small"), iterations=2)
    onnx.save(model, tmp_path / "raft.onnx")
    flow = optical_flow(VIDEO, weights=tmp_path / "raft.onnx")
    np.testing.assert_array_equal(flow, optical_flow(VIDEO, weights=drawn_weights, iterations=2))


def other_model(n_images: int, size: tuple[Any, Any]) -> Any:
    """Make a graph whose only output is the sum of its inputs, and no flow."""
    kind = onnx.TensorProto.FLOAT
    names = [f"image{i}" for i in range(n_images)]
    inputs = [onnx.helper.make_tensor_value_info(name, kind, [1, 3, *size]) for name in names]
    output = onnx.helper.make_tensor_value_info("sum", kind, [1, 3, *size])
    node = onnx.helper.make_node("Sum", names, ["sum"])
    graph = onnx.helper.make_graph([node], "sum", inputs, [output])
    opset = onnx.helper.make_opsetid("", 17)
    return onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)


def endless_model(turns: int | None) -> Any:
    """A graph that adds one image to the other, as often as told or for ever."""
    make, kinds = onnx.helper, onnx.TensorProto
    body = make.make_graph(
        [
            make.make_node("Identity", ["flag"], ["again"]),
            make.make_node("Add", ["x", "image1"], ["more"]),
        ],
        "body",
        [
            make.make_tensor_value_info("turn", kinds.INT64, []),
            make.make_tensor_value_info("flag", kinds.BOOL, []),
            make.make_tensor_value_info("x", kinds.FLOAT, None),
        ],
        [
            make.make_tensor_value_info("again", kinds.BOOL, []),
            make.make_tensor_value_info("more", kinds.FLOAT, None),
        ],
    )
    constants = [make.make_tensor("true", kinds.BOOL, [], [True])]
    if turns is not None:
        constants.append(make.make_tensor("turns", kinds.INT64, [], [turns]))
    model = other_model(2, ("y", "x"))
    words = ["" if turns is None else "turns", "true", "image0"]
    model.graph.node[0].CopyFrom(make.make_node("Loop", words, ["sum"], body=body))
    model.graph.initializer.extend(constants)
    return model


def doubling_model() -> Any:
    """A graph of functions that each call the next one twice."""
    make, opsets = onnx.helper, [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("f", 1)]
    names = [f"f{number}" for number in range(40)]
    bodies = [
        [make.make_node(f, [x], [y], domain="f") for x, y in (("x", "y"), ("y", "z"))]
        for f in names[1:]
    ]
    bodies.append([make.make_node("Neg", ["x"], ["z"])])
    model = other_model(2, ("y", "x"))
    model.functions.extend(
        make.make_function("f", name, ["x"], ["z"], body, opsets)
        for name, body in zip(names, bodies)
    )
    model.opset_import.append(opsets[1])
    model.graph.node[0].CopyFrom(make.make_node("f0", ["image0"], ["sum"], domain="f"))
    return model


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (endless_model(None), "it may run more than 1000000 operations"),
        (endless_model(10**9), "it may run more than 1000000 operations"),
        (doubling_model(), "it may run more than 1000000 operations"),
        (endless_model(3), r"none of its outputs is a flow of shape \(1, 2, "),
        (other_model(2, ("y", "x")), r"none of its outputs is a flow of shape \(1, 2, "),
        (other_model(1, ("y", "x")), "must have two inputs"),
        (other_model(2, (24, 32)), "dimensions"),
        (None, "cannot run '.*wrong.onnx' as RAFT"),
    ],
)
def test_other_graphs_are_refused_in_one_line(tmp_path: Path, model: Any, message: str) -> None:
    path = tmp_path / "wrong.onnx"
    path.write_bytes(b"no graph" if model is None else model.SerializeToString())
    with pytest.raises(InvalidInput, match=message) as caught:
        optical_flow(VIDEO, weights=path)
    assert "\n" not in str(caught.value)


def test_misshapen_tensors_are_refused_in_one_line(tmp_path: Path) -> None:
    tensors = drawn_tensors("original small")
    tensors["module.update_block.flow_head.conv2.weight"] = np.zeros((2, 64, 3, 3), np.float32)
    save_tensors(tmp_path / "wrong.npz", tensors)
    with pytest.raises(InvalidInput, match=r"cannot run '.*wrong.npz' as RAFT") as caught:
        optical_flow(VIDEO, weights=tmp_path / "wrong.npz")
    assert "\n" not in str(caught.value)


# Files of flow


def write_flo(path: Path, field: NDArray[np.float32]) -> None:
    height, width, _ = field.shape
    head = np.array(202021.25, "<f4").tobytes() + np.array([width, height], "<i4").tobytes()
    path.write_bytes(head + field.astype("<f4").tobytes())


FLOW = np.random.default_rng(0).normal(size=(11, 6, 9, 2)).astype(np.float32)


def test_flow_is_read_from_arrays_and_folders(tmp_path: Path) -> None:
    np.save(tmp_path / "flow.npy", FLOW.astype(np.float64))
    np.savez(tmp_path / "one.npz", anything=FLOW)
    np.savez(tmp_path / "named.npz", flow=FLOW, frames=np.zeros(3))
    (tmp_path / "folder").mkdir()
    for number, field in enumerate(FLOW):
        write_flo(tmp_path / "folder" / f"frame{number}.flo", field)  # frame10 after frame9
    for name in ("flow.npy", "one.npz", "named.npz", "folder"):
        flow = read_flow(tmp_path / name)
        assert flow.dtype == np.float32
        np.testing.assert_array_equal(flow, FLOW)


def test_what_is_no_flow_is_refused_in_one_line(tmp_path: Path) -> None:
    def refused(name: str, message: str) -> None:
        with pytest.raises(InvalidInput, match=message) as caught:
            read_flow(tmp_path / name)
        assert "\n" not in str(caught.value)

    refused("none.npz", "there is no flow at")
    (tmp_path / "folder").mkdir()
    refused("folder", "holds no .flo files")
    write_flo(tmp_path / "folder" / "1.flo", FLOW[0])
    write_flo(tmp_path / "folder" / "2.flo", FLOW[0, :, 1:])
    refused("folder", "differ in size")
    (tmp_path / "folder" / "2.flo").write_bytes((tmp_path / "folder" / "1.flo").read_bytes()[:-4])
    refused("folder", "2.flo is not a .flo file, or cut short")
    (tmp_path / "folder" / "2.flo").write_bytes(b"PIEH")
    refused("folder", "2.flo is not a .flo file, or cut short")
    (tmp_path / "text.npy").write_text("no array")
    refused("text.npy", "cannot read a flow")
    np.savez(tmp_path / "two.npz", a=FLOW, b=FLOW)
    refused("two.npz", "named 'flow' or one array only")
    np.save(tmp_path / "video.npy", np.zeros((4, 6, 9, 3), np.uint8))
    refused("video.npy", r"floats of shape \(t - 1, y, x, 2\), got uint8 \(4, 6, 9, 3\)")
    for gap in (np.nan, 1e10):
        np.save(tmp_path / "gap.npy", np.where(FLOW > 2, gap, FLOW))
        refused("gap.npy", "has gaps")


# Colours


def test_colours_are_those_of_the_middlebury_wheel() -> None:
    places = np.arange(55)  # of the wheel's colours, as its authors list them
    angles = (places / 54 * 2 - 1) * np.pi
    angles[-1] -= 1e-9  # just before the whole turn, where the wheel begins again
    ring = -np.stack([np.cos(angles), np.sin(angles)], axis=1)
    wheel = flow_to_color(ring, largest=1).astype(int)
    expected = {
        **{0: (255, 0, 0), 1: (255, 17, 0), 14: (255, 238, 0), 15: (255, 255, 0)},
        **{16: (212, 255, 0), 20: (42, 255, 0), 21: (0, 255, 0), 22: (0, 255, 63)},
        **{25: (0, 255, 255), 26: (0, 231, 255), 36: (0, 0, 255), 37: (19, 0, 255)},
        **{49: (255, 0, 255), 50: (255, 0, 212), 54: (255, 0, 42)},
    }
    for place, color in expected.items():
        np.testing.assert_allclose(wheel[place], color, atol=1, err_msg=str(place))


def test_colours_tell_direction_and_speed() -> None:
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    colours = flow_to_color(ring, largest=1.001)
    assert len(np.unique(colours, axis=0)) == 60
    assert (colours.max(axis=1) >= 254).all()
    assert (colours.min(axis=1) <= 1).all()  # full colours, up to rounding
    still = flow_to_color(np.zeros((2, 3, 4, 2), np.float32))
    assert still.shape == (2, 3, 4, 3)
    assert (still == 255).all()
    slower = flow_to_color(ring / 2, largest=1)
    assert (slower.min(axis=1) > 120).all()
    faster = flow_to_color(ring * 2, largest=1)
    assert (faster.max(axis=1) <= 0.75 * 255).all()
    assert flow_to_color(np.array([[1, 0], [-1, -0.0]])).tolist()[0] == [255, 0, 0]


def test_unknown_flow_is_black_and_changes_no_other_colour() -> None:
    flow = np.array([[1, 0], [0, 2], [-3, 1]], np.float32)
    for unknown in (np.nan, np.inf, -np.inf, 1e10):
        colours = flow_to_color(np.vstack([flow, [[unknown, 0]], [[0, unknown]]]))
        np.testing.assert_array_equal(colours[:3], flow_to_color(flow))
        assert not colours[3:].any()
    assert not flow_to_color(np.full((2, 2), np.nan)).any()
    assert flow_to_color(np.zeros((0, 5, 2))).shape == (0, 5, 3)


@pytest.mark.parametrize(
    ("flow", "largest", "message"),
    [
        (np.zeros((4, 5, 3)), None, r"flow must be numbers of shape \(..., 2\), got float64 of"),
        (np.float32(1), None, r"got float32 of shape \(\)"),
        (np.zeros((4, 2), bool), None, "got bool"),
        (np.zeros((4, 2), complex), None, "got complex128"),
        (np.zeros((4, 2)), 0, "largest must be above 0, or None .*, got 0"),
        (np.zeros((4, 2)), np.nan, "got nan"),
    ],
)
def test_what_has_no_colours_is_named_in_one_line(flow: Any, largest: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        flow_to_color(flow, largest=largest)
    assert "\n" not in str(caught.value)


def test_colours_are_where_the_flow_is(monkeypatch: pytest.MonkeyPatch) -> None:
    back_end = SimpleNamespace(
        DEVICE="cuda", to_device=to_device, devices_of=lambda arrays: {0},
        use_device=lambda number: nullcontext(),
    )  # fmt: skip
    flow = np.random.default_rng(0).normal(size=(3, 4, 2))
    expected = flow_to_color(flow)
    monkeypatch.setattr("patchvid._device.backend", lambda device="auto": back_end)
    colours = flow_to_color(standin.wrap(flow))
    assert isinstance(colours, standin.DeviceArray)
    np.testing.assert_array_equal(standin.to_plain(colours), expected)


def to_device(array: Any) -> Any:
    return standin.wrap(np.array(standin.to_plain(array)))


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="needs a PC's processor")
def test_older_processors_give_the_same_flow_layouts_and_analogies() -> None:
    code = """
import hashlib, patchvid
clip = patchvid.sample_clip()[:4, :48, :64]
large = patchvid.resize(clip[:3], (3, 250, 330))
flow = patchvid.optical_flow(large, method="classical")
video = patchvid.generate(clip, seed=1, device="cpu")
made = patchvid.analogy(clip, clip[:, :, ::-1], flow="classical", seed=1, device="cpu")
hashes = [hashlib.sha256(array.tobytes()).hexdigest() for array in (flow, video, made)]
"""
    expected: dict[str, Any] = {}
    exec(code, expected)
    old = {
        "OPENCV_CPU_DISABLE": "AVX2,FMA3,AVX", "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F",
        "OPENBLAS_CORETYPE": "Nehalem", "NUMBA_CPU_NAME": "nehalem",
        "NUMBA_CPU_FEATURES": "+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt",
    }  # fmt: skip
    less_old = {"OPENCV_CPU_DISABLE": "AVX2", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "2"}
    for settings in (old, less_old):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", f"{code}print(*hashes)"],
            env=os.environ | settings, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.split() == expected["hashes"]


def test_opencv_is_left_as_it_was() -> None:
    import cv2

    frames = np.zeros((4, 40, 40, 3), np.uint8)
    for setting in (False, True):
        cv2.setUseOptimized(setting)
        optical_flow(frames, method="classical")
        assert cv2.useOptimized() is setting
