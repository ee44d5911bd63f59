"""RAFT, the network for optical flow, as an ONNX graph made from its tensors.

The names and shapes of the tensors tell the small network from the large one. All levels of the
correlation pyramid are in one array, where a single gather looks up the windows of all pixels: the
points of a window are whole pixels apart, so they share one fraction.

Reference: Z. Teed and J. Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow" (ECCV
2020), section 3 and the appendix.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid.errors import InvalidInput
from patchvid.networks.onnx_graph import FLOAT, INT64, Graph

if TYPE_CHECKING:
    from onnx import ModelProto

STRIDE = 8  # pixels from one feature to the next
LEAST_SIDE = 64  # pixels, where the coarsest level has one feature

_LEVELS = 4
_EPSILON = 1e-5  # of the normalizations

_GRU, _MOTION, _HEAD = "update_block.gru.conv", "update_block.encoder.", "update_block.flow_head."
_MASK = "update_block.mask."

# Names here are those of the authors' release, with two changes: there is no "module." before them,
# and the recurrent unit of the small network is numbered as in the large one. torchvision's names
# are others.
_RENAMED = [
    (re.compile(pattern), name)
    for pattern, name in (
        (r"^module\.", ""),
        (r"\.gru\.conv([zrq])\.", r".gru.conv\g<1>1."),
        (r"^feature_encoder\.", "fnet."),
        (r"^context_encoder\.", "cnet."),
        (r"^([fc]net)\.convnormrelu\.0\.", r"\1.conv1."),
        (r"^([fc]net)\.convnormrelu\.1\.", r"\1.norm1."),
        (r"^([fc]net)\.conv\.", r"\1.conv2."),
        (r"\.convnormrelu(\d)\.0\.", r".conv\1."),
        (r"\.convnormrelu(\d)\.1\.", r".norm\1."),
        (r"\.motion_encoder\.conv(c|f)[a-z]+(\d)\.0\.", r".encoder.conv\1\2."),
        (r"\.motion_encoder\.conv\.0\.", ".encoder.conv."),
        (r"\.recurrent_block\.convgru(\d)\.conv([zrq])\.", r".gru.conv\2\1."),
        (r"^mask_predictor\.convrelu\.0\.", f"{_MASK}0."),
        (r"^mask_predictor\.conv\.", f"{_MASK}2."),
    )
]


def build_raft(tensors: Mapping[str, NDArray[Any]], iterations: int = 20) -> "ModelProto":
    """Build the graph of RAFT.

    Parameters
    ----------
    tensors : mapping of str to array
        Tensors of the small or the large network, with the names of its authors or of torchvision.
    iterations : int
        Number of updates of the flow.

    Returns
    -------
    onnx.ModelProto
        A model with the inputs ``image1`` and ``image2``, (n, 3, height, width), RGB from 0 to 255,
        and the output ``flow``, (n, 2, height, width), x then y in pixels, all float32. Height and
        width must be multiples of 8, and 64 at least.

    Raises
    ------
    InvalidInput
        If the tensors are not those of RAFT.
    """
    images = ["image1", "image2"]
    g = Graph({_renamed(name): tensor for name, tensor in tensors.items()})
    try:
        g.add("Identity", _flow(g, images, iterations), outputs=["flow"])
    except KeyError as error:
        raise InvalidInput(
            "the weights are not those of RAFT, small or large: "
            f"there is no tensor {error}; give others"
        ) from error
    shape = ["n", 3, "height", "width"]
    return g.model("raft", dict.fromkeys(images, shape), {"flow": ["n", 2, "height", "width"]})


def _renamed(name: str) -> str:
    for pattern, replacement in _RENAMED:
        name = pattern.sub(replacement, name)
    return name


def _flow(g: Graph, images: Sequence[str], iterations: int) -> str:
    image1, image2 = (g("Sub", g("Mul", image, 2 / 255), 1.0) for image in images)
    features = _encode(g, "fnet", image1)
    around = _Correlation(g, features, _encode(g, "fnet", image2))
    n_hidden = g.size(f"{_GRU}z1")
    sizes = [n_hidden, g.size("cnet.conv2") - n_hidden]
    hidden, context = g.split(_encode(g, "cnet", image1), sizes)
    hidden, context = g("Tanh", hidden), g("Relu", context)
    units = [_Unit.make(g, i, context, sizes) for i in "12" if f"{_GRU}z{i}.weight" in g.tensors]

    def update(g: Graph, hidden: str, flow: str) -> tuple[str, str]:
        motion = _motion(g, flow, around(g, flow))
        for unit in units:
            hidden = unit(g, hidden, motion)
        change = g("Relu", g.conv(hidden, f"{_HEAD}conv1"))
        return hidden, g("Add", flow, g.conv(change, f"{_HEAD}conv2"))

    still = g("Expand", 0.0, g.map_shape(hidden, 2))
    hidden, flow = g.loop(iterations, update, hidden, still)
    return _upsample(g, flow, hidden)


def _encode(g: Graph, net: str, x: str) -> str:
    """Encode an image as features, an eighth of its size."""
    x = g("Relu", _normalize(g, g.conv(x, f"{net}.conv1", stride=2), f"{net}.norm1"))
    for layer, stride in ((1, 1), (2, 2), (3, 2)):
        x = _residual_block(g, x, f"{net}.layer{layer}.0", stride)
        x = _residual_block(g, x, f"{net}.layer{layer}.1", 1)
    return g.conv(x, f"{net}.conv2")


def _residual_block(g: Graph, x: str, name: str, stride: int) -> str:
    """Add two convolutions, or three with a bottleneck, to a shortcut."""
    strides = (1, stride, 1) if f"{name}.conv3.weight" in g.tensors else (stride, 1)
    y = x
    for i, step in enumerate(strides, 1):
        y = g("Relu", _normalize(g, g.conv(y, f"{name}.conv{i}", step), f"{name}.norm{i}"))
    if stride > 1:
        x = _normalize(g, g.conv(x, f"{name}.downsample.0", stride), f"{name}.downsample.1")
    return g("Relu", g("Add", x, y))


def _normalize(g: Graph, x: str, name: str) -> str:
    """Normalize features by their own statistics, and context by those of training, if any."""
    if name.startswith("fnet."):
        mean = g("ReduceMean", x, axes=[2, 3])
        centred = g("Sub", x, mean)
        variance = g("ReduceMean", g("Mul", centred, centred), axes=[2, 3])
        return g("Div", centred, g("Sqrt", g("Add", variance, _EPSILON)))
    if f"{name}.weight" not in g.tensors:
        return x
    parts = [g.tensors[f"{name}.{x}"] for x in ("weight", "bias", "running_mean", "running_var")]
    return g("BatchNormalization", x, *parts, epsilon=_EPSILON)


class _Correlation:
    """The correlation pyramid of two images, and look-ups in it.

    Each level has a border of zeros, the value of everything outside. Levels are flattened and
    joined: every pixel of the first image has one row of numbers.
    """

    def __init__(self, g: Graph, features1: str, features2: str) -> None:
        n_channels = g.size("fnet.conv2")
        n_points = g.tensors[f"{_MOTION}convc1.weight"].shape[1] // _LEVELS
        self.side = round(n_points**0.5)
        self.scales = 0.5 ** np.arange(_LEVELS)[:, None]
        levels = []
        for i in range(_LEVELS):
            if i:
                features2 = g("AveragePool", features2, kernel_shape=[2, 2], strides=[2, 2])
            bordered = g("Pad", features2, [0, 0, 1, 1, 0, 0, 1, 1])
            levels.append(g("Reshape", bordered, [0, n_channels, -1]))
        pixels = g("Transpose", g("Reshape", features1, [0, n_channels, -1]), perm=[0, 2, 1])
        pixels = g("Mul", pixels, n_channels**-0.5)
        self.values = g("MatMul", pixels, g("Concat", *levels, axis=2))

        size = g("Slice", g("Shape", features1), [2], [4])
        height, width = g.split(g("Cast", size, to=FLOAT), [1, 1], axis=0)
        ys, xs = (g("Range", 0.0, g("Squeeze", n), 1.0) for n in (height, width))
        rows = [g("Expand", x, size) for x in (xs, g("Unsqueeze", ys, [1]))]
        self.grid = g("Concat", *(g("Unsqueeze", x, [0, 1]) for x in rows), axis=1)
        # (levels, 1): size of each level, length of its bordered rows, and its start.
        self.heights, self.widths = (g("Floor", g("Mul", n, self.scales)) for n in (height, width))
        self.strides = g("Add", self.widths, 2.0)
        areas = g("Mul", g("Add", self.heights, 2.0), self.strides)
        self.starts = g("CumSum", areas, np.array(0), exclusive=1)

    def __call__(self, g: Graph, flow: str) -> str:
        """Look up correlations around the target of every pixel, bilinear, as channels."""
        side = self.side
        points = g("Reshape", g("Add", self.grid, flow), [0, 2, -1])
        points = g("Unsqueeze", g("Transpose", points, perm=[0, 2, 1]), [2])
        points = g("Mul", points, self.scales)  # n, pixels, levels, 2
        whole = g("Floor", points)
        fractions = g("Unsqueeze", g("Sub", points, whole), [4])
        x, y = g.split(whole, [1, 1], axis=3)
        offsets = np.arange(side + 1.0) - side // 2
        x = g("Max", g("Min", g("Add", x, offsets), self.widths), -1.0)
        y = g("Max", g("Min", g("Add", y, offsets), self.heights), -1.0)
        y = g("Add", g("Mul", g("Add", y, 1.0), self.strides), g("Add", self.starts, 1.0))
        x, y = (g("Cast", n, to=INT64) for n in (x, y))
        # The windows run along x before y.
        index = g("Add", g("Unsqueeze", x, [4]), g("Unsqueeze", y, [3]))
        found = g("GatherElements", self.values, g("Reshape", index, [0, 0, -1]), axis=2)
        found = g("Reshape", found, [0, 0, _LEVELS, side + 1, side + 1])
        for axis, fraction in zip((3, 4), g.split(fractions, [1, 1], axis=3), strict=True):
            near = g("Slice", found, [0], [side], [axis])
            far = g("Slice", found, [1], [side + 1], [axis])
            found = g("Add", near, g("Mul", g("Sub", far, near), fraction))
        found = g("Transpose", g("Reshape", found, [0, 0, -1]), perm=[0, 2, 1])
        return g("Reshape", found, g.map_shape(flow, _LEVELS * side * side))


def _motion(g: Graph, flow: str, correlation: str) -> str:
    """Encode the flow and the correlations at its targets for the update."""
    correlation = g("Relu", g.conv(correlation, f"{_MOTION}convc1"))
    if f"{_MOTION}convc2.weight" in g.tensors:
        correlation = g("Relu", g.conv(correlation, f"{_MOTION}convc2"))
    seen = g("Relu", g.conv(flow, f"{_MOTION}convf1"))
    seen = g("Relu", g.conv(seen, f"{_MOTION}convf2"))
    seen = g("Relu", g.conv(g("Concat", correlation, seen, axis=1), f"{_MOTION}conv"))
    return g("Concat", seen, flow, axis=1)


class _Unit(NamedTuple):
    """A gated recurrent unit. Its part for the context is the same in all iterations."""

    gates: NDArray[Any]
    candidate: NDArray[Any]
    gates_context: str
    candidate_context: str

    @classmethod
    def make(cls, g: Graph, number: str, context: str, sizes: Sequence[int]) -> "_Unit":
        n_hidden, n_context = sizes
        names = [f"{_GRU}{gate}{number}" for gate in "zrq"]
        weight = np.concatenate([g.tensors[f"{name}.weight"] for name in names])
        bias = np.concatenate([g.tensors[f"{name}.bias"] for name in names])
        hidden, of_context, motion = np.split(weight, [n_hidden, n_hidden + n_context], axis=1)
        added = g.split(g.convolve(context, of_context, bias), [2 * n_hidden, n_hidden])
        gates, candidate = np.split(np.concatenate([hidden, motion], axis=1), [2 * n_hidden])
        return cls(gates, candidate, *added)

    def __call__(self, g: Graph, hidden: str, motion: str) -> str:
        seen = g.convolve(g("Concat", hidden, motion, axis=1), self.gates)
        gates = g("Sigmoid", g("Add", seen, self.gates_context))
        update, reset = g.split(gates, [len(self.candidate)] * 2)
        kept = g("Concat", g("Mul", reset, hidden), motion, axis=1)
        candidate = g("Tanh", g("Add", g.convolve(kept, self.candidate), self.candidate_context))
        return g("Add", hidden, g("Mul", update, g("Sub", candidate, hidden)))


def _upsample(g: Graph, flow: str, hidden: str) -> str:
    """Bring the flow to full size: bilinear, or by a learned mean of the nine nearest values."""
    flow = g("Mul", flow, float(STRIDE))
    if f"{_MASK}0.weight" not in g.tensors:
        factors = np.array([1.0, 1.0, STRIDE, STRIDE])
        corners = {"coordinate_transformation_mode": "align_corners"}
        return g("Resize", flow, "", factors, mode="linear", **corners)
    mask = g.conv(g("Relu", g.conv(hidden, f"{_MASK}0")), f"{_MASK}2")
    mask = g("Reshape", g("Mul", mask, 0.25), [0, 1, 9, STRIDE * STRIDE, -1])
    shifts = np.tile(np.eye(9).reshape(9, 1, 3, 3), (2, 1, 1, 1))
    around = g("Reshape", g.convolve(flow, shifts, group=2), [0, 2, 9, 1, -1])
    mean = g("ReduceSum", g("Mul", g("Softmax", mask, axis=2), around), [2], keepdims=0)
    blocks = g("Reshape", mean, g.map_shape(flow, 2 * STRIDE * STRIDE))
    return g("DepthToSpace", blocks, blocksize=STRIDE, mode="CRD")
