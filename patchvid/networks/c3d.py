"""The first layers of C3D, a network that recognizes actions in videos, as an ONNX graph.

Reference: D. Tran et al., "Learning Spatiotemporal Features with 3D Convolutional Networks" (ICCV
2015), section 3.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from patchvid.errors import InvalidInput
from patchvid.networks.onnx_graph import Graph

if TYPE_CHECKING:
    from onnx import ModelProto

STRIDE = 2  # rows and columns from one feature to the next; every frame has features
REACH = 4  # most rows and columns beyond its own two on which a feature depends

# Means to subtract from colours of 0 to 255. Weights converted for Chainer, which have Chainer's
# names, expect blue first, as Caffe does; those of MMAction expect red first.
_BGR_MEANS = (90.25, 97.66, 101.41)  # of Sports-1M
_RGB_MEANS = (104.0, 117.0, 128.0)  # in MMAction's configuration

_RENAMED = [
    (re.compile(pattern), name)
    for pattern, name in (
        (r"^(module\.)?(backbone\.)?", ""),
        (r"\.conv\.", "."),
        (r"/W$", ".weight"),
        (r"/b$", ".bias"),
    )
]


def build_c3d(tensors: Mapping[str, NDArray[Any]]) -> "ModelProto":
    """Build the graph of C3D up to its second convolution.

    Parameters
    ----------
    tensors : mapping of str to array
        Tensors of the network, with the names of Chainer (``conv1a/W``) or of MMAction
        (``conv1a.conv.weight``). Those of later layers are not used.

    Returns
    -------
    onnx.ModelProto
        A model with the input ``clip``, (t, height, width, 3), RGB from 0 to 255, and the output
        ``features``, (c, t, height // 2, width // 2), both float32. Features are those of the
        second convolution, rectified and not pooled; the published network has c = 128.

    Raises
    ------
    InvalidInput
        If the tensors are not those of C3D.
    """
    blue_first = any(name.endswith("/W") for name in tensors)
    g = Graph({_renamed(name): tensor for name, tensor in tensors.items()})
    try:
        _check(g)
        g.add("Squeeze", _features(g, "clip", blue_first), [0], outputs=["features"])
    except KeyError as error:
        raise InvalidInput(
            f"the weights are not those of C3D: there is no tensor {error}; give others"
        ) from error
    outputs = {"features": [g.size("conv2a"), "t", "rows", "columns"]}
    return g.model("c3d", {"clip": ["t", "height", "width", 3]}, outputs)


def _renamed(name: str) -> str:
    for pattern, replacement in _RENAMED:
        name = pattern.sub(replacement, name)
    return name


def _check(g: Graph) -> None:
    n_channels = 3
    for name in ("conv1a", "conv2a"):
        expected = (g.size(name), n_channels, 3, 3, 3)
        if (shape := g.tensors[f"{name}.weight"].shape) != expected:
            raise InvalidInput(
                f"the weights are not those of C3D: {name} must have shape {expected}, got "
                f"{shape}; give others"
            )
        n_channels = g.size(name)


def _features(g: Graph, clip: str, blue_first: bool) -> str:
    if blue_first:
        clip = g("Gather", clip, np.array([2, 1, 0]), axis=3)
    centred = g("Sub", clip, np.array(_BGR_MEANS if blue_first else _RGB_MEANS))
    x = g("Unsqueeze", g("Transpose", centred, perm=[3, 0, 1, 2]), [0])
    x = g("Relu", g.conv(x, "conv1a"))
    x = g("MaxPool", x, kernel_shape=[1, 2, 2], strides=[1, STRIDE, STRIDE])
    return g("Relu", g.conv(x, "conv2a"))
