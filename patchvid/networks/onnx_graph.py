"""Build ONNX graphs from the tensors of networks, and open sessions that run them."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from patchvid._validation import check_choice
from patchvid.errors import DeviceError

if TYPE_CHECKING:
    from onnx import ModelProto

FLOAT, INT64, BOOL = 1, 7, 9  # of onnx.TensorProto

_OPSET, _IR_VERSION = 17, 8  # every onnxruntime since 2022 reads these
MOST_STEPS = 1_000_000  # operations that a model may run
_LONG_AS_INPUTS = ("Scan", "SequenceMap")  # loops whose turns only the inputs tell
_CUDA = "CUDAExecutionProvider"

Shapes = Mapping[str, Sequence[Any]]  # of inputs or outputs; an axis with a name has any size


class Graph:
    """A graph under construction: values are names; numbers among the inputs become constants."""

    def __init__(
        self, tensors: Mapping[str, NDArray[Any]], numbers: "count[int] | None" = None
    ) -> None:
        self.tensors = tensors
        self.numbers = numbers or count()
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def __call__(self, op: str, *inputs: Any, **attributes: Any) -> str:
        """Add a node with one output, and return its name."""
        return self.add(op, *inputs, outputs=[self.new()], **attributes)[0]

    def add(self, op: str, *inputs: Any, outputs: list[str], **attributes: Any) -> list[str]:
        from onnx import helper

        names = [x if isinstance(x, str) else self.constant(x) for x in inputs]
        self.nodes.append(helper.make_node(op, names, outputs, **attributes))
        return outputs

    def new(self) -> str:
        return f"v{next(self.numbers)}"

    def constant(self, values: Any) -> str:
        from onnx import numpy_helper

        array = np.asarray(values)
        array = np.asarray(array, np.int64 if array.dtype.kind == "i" else np.float32, order="C")
        name = self.new()
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def loop(self, times: int, body: "Callable[..., Sequence[str]]", *values: str) -> Sequence[str]:
        """Replace maps by the results of ``body(graph, *maps)``, `times` times."""
        from onnx import helper

        inner = Graph(self.tensors, self.numbers)
        taken = [inner.new() for _ in values]
        made = body(inner, *taken)
        turn, flag = inner.new(), inner.new()
        again = inner("Identity", flag)

        def info(name: str, kind: int = FLOAT) -> Any:
            shape = [None] * 4 if kind == FLOAT else []
            return helper.make_tensor_value_info(name, kind, shape)

        graph = helper.make_graph(
            inner.nodes,
            "update",
            [info(turn, INT64), info(flag, BOOL), *map(info, taken)],
            [info(again, BOOL), *map(info, made)],
            inner.constants,
        )
        outputs = [self.new() for _ in values]
        return self.add("Loop", np.array(times), "", *values, outputs=outputs, body=graph)

    def split(self, x: str, sizes: Sequence[int], axis: int = 1) -> list[str]:
        return self.add("Split", x, list(sizes), outputs=[self.new() for _ in sizes], axis=axis)

    def size(self, name: str) -> int:
        """Number of output channels of a convolution."""
        return len(self.tensors[f"{name}.bias"])

    def conv(self, x: str, name: str, stride: int = 1) -> str:
        parts = (self.tensors[f"{name}.{part}"] for part in ("weight", "bias"))
        return self.convolve(x, *parts, stride=stride)

    def convolve(self, x: str, *weights: NDArray[Any], stride: int = 1, group: int = 1) -> str:
        """Convolve along two or three axes, with padding that keeps the size at a stride of 1."""
        extents = weights[0].shape[2:]
        pads, strides = [extent // 2 for extent in extents] * 2, [stride] * len(extents)
        return self("Conv", x, *weights, pads=pads, strides=strides, group=group)

    def map_shape(self, x: str, n_channels: int) -> str:
        """The shape of a map with the size of `x` and another number of channels."""
        n, _, size = self.split(self("Shape", x), [1, 1, 2], axis=0)
        return self("Concat", n, [n_channels], size, axis=0)

    def model(self, name: str, inputs: Shapes, outputs: Shapes) -> "ModelProto":
        """Make a model of the graph, with inputs and outputs of these names and shapes."""
        from onnx import helper

        def infos(shapes: Shapes) -> list[Any]:
            return [helper.make_tensor_value_info(x, FLOAT, s) for x, s in shapes.items()]

        graph = helper.make_graph(self.nodes, name, infos(inputs), infos(outputs), self.constants)
        opset = helper.make_opsetid("", _OPSET)
        return helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)


def check_ends(model: bytes) -> None:
    """Refuse a model of unknown origin that may run for ever.

    Parameters
    ----------
    model : bytes
        A serialized ONNX model.

    Raises
    ------
    ValueError
        If its loops and functions run too many operations, or nothing in it says how many.
    Exception
        Nearly any other, if it is not a model.
    """
    import onnx

    parsed = onnx.load_from_string(model)
    functions = {_called(part, part.name): part for part in parsed.functions}
    if _count_steps(parsed.graph, functions, {}) > MOST_STEPS:
        raise ValueError(
            f"it may run more than {MOST_STEPS} operations: its loops need a small and constant "
            "number of turns"
        )


def _called(node: Any, name: str) -> tuple[str, str, str]:
    return node.domain, name, getattr(node, "overload", "")


def _count_steps(part: Any, functions: Mapping[Any, Any], counted: dict[Any, float]) -> float:
    """The operations that a graph or function runs, with those of its loops and functions.

    `counted` has the results for functions, so that each is counted once.
    """
    from onnx import numpy_helper

    constants = {tensor.name: tensor for tensor in getattr(part, "initializer", ())}
    for node in part.node:
        if node.op_type == "Constant":
            values = [a.t for a in node.attribute if a.name == "value"]
            constants.update(zip(node.output, values))
    steps = 0.0
    for node in part.node:
        inner = [x for a in node.attribute for x in (a.g, *a.graphs) if len(x.node)]
        turns = math.inf if node.op_type in _LONG_AS_INPUTS else 1.0
        if node.op_type == "Loop":
            known = constants.get(node.input[0])
            turns = math.inf if known is None else float(numpy_helper.to_array(known).ravel()[0])
        steps += 1 + max(turns, 1) * sum(_count_steps(x, functions, counted) for x in inner)
        key = _called(node, node.op_type)
        if key in functions:
            if key not in counted:
                counted[key] = math.inf  # as long as it is counted: one that calls itself
                counted[key] = _count_steps(functions[key], functions, counted)
            steps += counted[key]
    return steps


def open_session(model: bytes, device: str, threads: int = 0) -> Any:
    """Open a session of onnxruntime.

    Parameters
    ----------
    model : bytes
        A serialized ONNX model.
    device : {"auto", "cpu", "cuda"}
        "auto" uses a GPU if onnxruntime has one.
    threads : int
        Number of threads on the CPU; 0 is all.

    Returns
    -------
    onnxruntime.InferenceSession
        A session that logs nothing.

    Raises
    ------
    InvalidInput
        If `device` has another value.
    DeviceError
        If `device` is "cuda" and onnxruntime has no GPU.
    """
    import onnxruntime

    check_choice("device", device, "auto", "cpu", "cuda")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # only fatal errors: all are raised
    options.intra_op_num_threads = threads
    wanted = device != "cpu" and _CUDA in onnxruntime.get_available_providers()
    providers = [*[(_CUDA, {"use_tf32": 0})] * wanted, "CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(model, options, providers=providers)
    if device == "cuda" and not is_on_gpu(session):
        raise DeviceError("device 'cuda' needs onnxruntime-gpu and a GPU; use 'cpu' or 'auto'")
    return session


def is_on_gpu(session: Any) -> bool:
    """Whether a session runs on the GPU."""
    return _CUDA in session.get_providers()
