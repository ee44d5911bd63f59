"""Array kernels: patch distance, search and voting, one module a device with the same functions."""

from types import ModuleType

from patchvid.errors import DeviceError, InvalidInput


def backend(device: str = "auto") -> ModuleType:
    """The module of kernels for a device: "cpu", or "auto" for the best one there is."""
    if device in ("auto", "cpu"):
        from patchvid.kernels import cpu

        return cpu
    if device == "cuda":
        raise DeviceError("device 'cuda' is not supported by this version; use 'cpu' or 'auto'")
    raise InvalidInput(f"device must be 'auto', 'cpu' or 'cuda', got {device!r}")
