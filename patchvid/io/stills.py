"""Write PNG, TIFF and OpenEXR pictures, alone or as a folder of frames."""

import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray

from patchvid._paths import StrPath, quoted
from patchvid._srgb import to_linear, to_srgb
from patchvid.io._frames import rgb_frames
from patchvid.io.deep_pictures import write_png, write_tiff
from patchvid.io.exr import fits_half, write_exr

STILLS = (".png", ".tif", ".tiff", ".exr")


def shown_light(path: StrPath, video: NDArray[Any]) -> NDArray[Any]:
    """Linear light with the curve of sRGB, for files whose viewers expect it, with a warning."""
    clipped = ", and values brighter than white are clipped" if video.max() > 1 else ""
    warnings.warn(
        f"{quoted(path)} gets the curve of sRGB: the clip is linear light{clipped}; write .exr to "
        "keep it",
        stacklevel=2,
    )
    return to_srgb(video)


def still_frames(
    frames: Iterable[NDArray[Any]], sample: NDArray[Any], suffix: str
) -> Iterator[NDArray[Any]]:
    """Yield frames (y, x, 1, 3 or 4) in the type that a suffix needs.

    `sample` (t, y, x, c) has all of the frames, or the first of them.

    OpenEXR holds linear light: floats are linear already, and integers are converted. It gets half
    precision if that holds all values. TIFF holds integers and floats unchanged, and PNG integers.
    """
    if suffix == ".exr":
        is_light = sample.dtype.kind == "f"
        is_half = is_light and fits_half(sample)
        for frame in frames:
            dtype = np.float16 if is_half and fits_half(frame) else np.float32
            yield (frame if is_light else to_linear(frame)).astype(dtype)
    elif suffix == ".png" or sample.dtype.kind == "u":
        yield from rgb_frames(frames, keep_alpha=True, deep=sample.dtype == np.uint16)
    else:
        for frame in frames:
            yield frame.astype(np.float32, copy=False)


def write_still(path: Path, frame: NDArray[Any]) -> None:
    """Write one of `still_frames` to a file."""
    if path.suffix == ".exr":
        write_exr(path, frame)
    elif path.suffix == ".png" and frame.dtype == np.uint8:
        iio.imwrite(path, frame, plugin="pillow", compress_level=3)
    elif path.suffix == ".png":
        write_png(path, frame)
    else:
        write_tiff(path, [frame])
