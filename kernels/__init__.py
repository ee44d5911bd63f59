"""Array kernels: patch distance, search and voting, one module for each device."""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Literal


def load(device: Literal["cpu", "cuda"]) -> ModuleType:
    """The module of kernels for a device. It must be usable, see `why_no_gpu`."""
    return import_module(f"patchvid.kernels.{device}")


def is_on_gpu(array: Any) -> bool:
    """Whether an array is in the memory of a CUDA device, whichever package made it."""
    if hasattr(array, "__cuda_array_interface__"):
        return True
    dlpack_device = getattr(array, "__dlpack_device__", None)
    return dlpack_device is not None and dlpack_device()[0] in (2, 13)  # CUDA, and managed by it


@cache
def why_no_gpu() -> str:
    """Why kernels cannot run on a GPU, in one line; empty if they can."""
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
