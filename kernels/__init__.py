"""Array kernels: patch distance, search and voting, one module a device with the same functions."""

from functools import cache
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from patchvid.errors import DeviceError, InvalidInput


def backend(device: str = "auto") -> ModuleType:
    """The module of kernels for a device; "auto" is a GPU if one can be used."""
    if device not in ("auto", "cpu", "cuda"):
        raise InvalidInput(f"device must be 'auto', 'cpu' or 'cuda', got {device!r}")
    if device == "cpu" or (device == "auto" and why_no_gpu()):
        from patchvid.kernels import cpu

        return cpu
    if problem := why_no_gpu():
        raise DeviceError(f"device 'cuda' cannot be used: {problem}")
    from patchvid.kernels import cuda

    return cuda


def backend_of(array: Any) -> ModuleType:
    """The module of kernels for where an array is."""
    return backend("cuda" if is_on_gpu(array) else "cpu")


def is_on_gpu(array: Any) -> bool:
    """Whether an array is in the memory of a CUDA device, whichever package made it."""
    if hasattr(array, "__cuda_array_interface__"):
        return True
    dlpack_device = getattr(array, "__dlpack_device__", None)
    return dlpack_device is not None and dlpack_device()[0] in (2, 13)  # CUDA, and managed by it


@cache
def why_no_gpu() -> str:
    """Why kernels cannot run on a GPU, in one line; nothing if they can."""
    if find_spec("cupy") is None:
        return "CuPy is not installed; install patchvid with the extra cuda12 or cuda13"
    try:
        import cupy
        from numba import cuda

        if not cupy.cuda.runtime.getDeviceCount():
            return "no CUDA device was found"
        capability = int(cupy.cuda.Device().compute_capability)
        if capability < 75:
            return f"the GPU has compute capability {capability / 10}, and 7.5 is needed"
        if not cuda.is_available():
            return f"Numba finds no CUDA: {str(cuda.cuda_error()).strip().splitlines()[0]}"
    except Exception as error:  # whatever a broken installation or driver raises
        return (str(error).strip() or type(error).__name__).splitlines()[0]
    return ""
