"""OpenEXR pictures: linear light in half or single precision, through the package OpenEXR.

In these files colours are premultiplied by alpha. Arrays hold straight colours, as from all other
formats.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._alpha import premultiply, straight
from patchvid._paths import StrPath, quoted, raise_if_out_of_memory
from patchvid.errors import VideoError

_LARGEST_HALF = float(np.finfo(np.float16).max)


def read_exr(path: Path) -> NDArray[Any]:
    """Read a picture, (y, x, c) of float16 or float32, at the size of its display window.

    RGB, and alpha if there is one; else brightness; else all channels in the order of their names.
    With alpha the values are float32. Values that are not finite become 0 or the largest half.
    """
    with _opened(path, separate_channels=True) as file:
        windows = [np.array(file.header()[name]) for name in ("dataWindow", "displayWindow")]
        channels = {name: channel.pixels for name, channel in file.channels().items()}
    names = _chosen(sorted(channels))
    if len({channels[name].shape for name in names}) > 1:
        raise VideoError(
            f"the channels {', '.join(names)} of {quoted(path)} differ in size; save it as RGB"
        )
    pixels = np.stack([channels[name] for name in names], axis=-1)
    if pixels.dtype != np.float16 or len(names) == 4:
        pixels = pixels.astype(np.float32)
    pixels = np.nan_to_num(pixels, nan=0, posinf=_LARGEST_HALF, neginf=-_LARGEST_HALF)
    pixels = _in_window(pixels, *windows)
    return straight(pixels, np.float32) if len(names) == 4 else pixels


def exr_size(path: Path) -> tuple[int, int]:
    """Height and width of a picture's display window."""
    with _opened(path, header_only=True) as file:
        first, last = file.header()["displayWindow"]
    width, height = (np.asarray(last) - first + 1).tolist()
    return height, width


def write_exr(path: Path, frame: NDArray[Any]) -> None:
    """Write a frame (y, x, 1, 3 or 4) of float16, in half precision, or float32."""
    openexr = check_openexr(path)
    if frame.shape[2] == 4:
        frame = premultiply(frame).astype(frame.dtype)
    names = {1: "Y", 3: "RGB", 4: "RGBA"}
    pixels = frame[..., 0] if frame.shape[2] == 1 else frame
    header = {"compression": openexr.ZIP_COMPRESSION, "type": openexr.scanlineimage}
    with openexr.File(header, {names[frame.shape[2]]: np.ascontiguousarray(pixels)}) as file:
        file.write(str(path))


def fits_half(video: NDArray[Any]) -> bool:
    """Whether half precision holds every value of a video exactly."""
    if video.dtype == np.float16:
        return True
    with np.errstate(over="ignore"):
        return all(bool((frame.astype(np.float16) == frame).all()) for frame in video)


@contextmanager
def _opened(path: Path, **options: bool) -> Iterator[Any]:
    """Open a file; if it is damaged, raise an error that names it."""
    openexr = check_openexr(path)
    try:
        with openexr.File(str(path), **options) as file:
            yield file
    except (RuntimeError, ValueError) as error:
        raise_if_out_of_memory(error)
        raise VideoError(
            f"cannot read {quoted(path)}: it is damaged or cut short; copy it again"
        ) from error


def check_openexr(path: StrPath) -> ModuleType:
    """Import the package OpenEXR; if it is missing, raise an error with the remedy."""
    try:
        import OpenEXR
    except ImportError as error:
        raise VideoError(
            f"{quoted(path)} needs the package OpenEXR; install it: pip install 'patchvid[exr]'"
        ) from error
    module: ModuleType = OpenEXR
    return module


def _chosen(names: list[str]) -> list[str]:
    """The channels to read, of those that a file has."""
    for prefix in sorted({name[: name.rfind(".") + 1] for name in names}, key=len):
        colours = [prefix + letter for letter in "RGBA" if prefix + letter in names]
        if len(colours) >= 3 and colours[2].endswith("B"):
            return colours
        if prefix + "Y" in names:
            return [prefix + "Y"]
    return names


def _in_window(pixels: NDArray[Any], data: Any, display: Any) -> NDArray[Any]:
    """Place the pixels of a data window in the display window, with zeros around them."""
    first, last = (np.asarray(corner)[::-1] for corner in display)
    start, stop = (np.asarray(corner)[::-1] for corner in data)
    stop, last = stop + 1, last + 1
    if (start == first).all() and (stop == last).all():
        return pixels
    window = np.zeros((*(last - first), pixels.shape[2]), pixels.dtype)
    low, high = np.maximum(start, first), np.minimum(stop, last)
    if (low < high).all():
        source = tuple(slice(a, b) for a, b in zip(low - start, high - start))
        target = tuple(slice(a, b) for a, b in zip(low - first, high - first))
        window[target] = pixels[source]
    return window
