"""Choose CPU or GPU; results stay on the device of the arguments."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial, wraps
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

from patchvid._validation import check_choice
from patchvid.errors import DeviceError, InvalidInput
from patchvid.kernels import form_problem, is_on_gpu, limits, load, why_no_gpu

P = ParamSpec("P")
R = TypeVar("R")


def backend(device: str = "auto") -> ModuleType:
    """The module of kernels for a device; "auto" is a GPU if one works."""
    check_choice("device", device, "auto", "cpu", "cuda")
    if device == "cpu":
        return load("cpu")
    if problem := form_problem():
        raise DeviceError(problem)
    if problem := why_no_gpu():
        if device == "auto":
            return load("cpu")
        raise DeviceError(f"device 'cuda' cannot be used: {problem}")
    return load("cuda")


def backend_of(array: Any) -> ModuleType:
    """The module of kernels for the device that holds an array."""
    return backend("cuda" if is_on_gpu(array) else "cpu")


def on_device(*names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function take arrays on the host or on a GPU, and return its results there.

    `names` are its array arguments. Arrays on a GPU stay there; others are moved to the `device` of
    the call. Inside the function, all are on one device. The function may also return an iterator
    of results.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                bound = signature.bind(*args, **kwargs)
            except TypeError as error:  # it names the argument, but not the function
                raise TypeError(f"{function.__name__}() {error}") from None
            given = bound.arguments
            arrays = {name: given[name] for name in names if given.get(name) is not None}
            on_gpu = [array for value in arrays.values() for array in _on_gpu(value)]
            device = given.get("device", "auto" if "device" in signature.parameters else "cpu")
            if on_gpu and given.get("device") == "cpu":
                raise InvalidInput(
                    "device 'cpu' cannot use arrays on a GPU; copy them to the host with "
                    "cupy.asnumpy, or leave device out"
                )
            kernels = backend("cuda" if on_gpu else device)
            if "device" in signature.parameters:
                given["device"] = kernels.DEVICE
            if kernels.DEVICE == "cpu":
                return function(*bound.args, **bound.kwargs)
            if (limit := limits.current()) and limit.memory is not None:
                raise InvalidInput(
                    "memory is limited on the CPU only; leave memory out, or use device 'cpu'"
                )
            devices = kernels.devices_of(on_gpu)
            if len(devices) > 1:
                numbers = " and ".join(map(str, sorted(devices)))
                raise InvalidInput(
                    f"arrays must be on one GPU, got some on {numbers}; copy them to one"
                )
            with kernels.use_device(*devices):
                given.update({name: map_arrays(kernels.to_device, arrays[name]) for name in arrays})
                result = function(*bound.args, **bound.kwargs)
                move = kernels.to_device if on_gpu else kernels.to_host
                if isinstance(result, Iterator):
                    return _each(result, move, partial(kernels.use_device, *devices))  # type: ignore[return-value]
                return map_arrays(move, result)

        return call

    return decorate


def _each(
    results: Iterator[Any], move: Callable[[Any], Any], use_device: Callable[[], Any]
) -> Iterator[Any]:
    """Yield results that are computed on a device, which is in use only during the computation."""
    with suppress(StopIteration):
        while True:
            with use_device():
                result = map_arrays(move, next(results))
            yield result


def _on_gpu(value: Any) -> Iterator[Any]:
    """The arrays on a GPU in a value."""
    if isinstance(value, (tuple, list)):
        for item in value:
            yield from _on_gpu(item)
    elif is_on_gpu(value):
        yield value


def map_arrays(function: Callable[[Any], Any], value: Any) -> Any:
    """Apply a function to the arrays in a value."""
    if isinstance(value, (tuple, list)):
        items = [map_arrays(function, item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return function(value) if hasattr(value, "__array__") or is_on_gpu(value) else value
