"""Pictures of more than 8 bits per channel, which Pillow would reduce to 8 in colour.

OpenCV reads PNG, AVIF, PFM, Radiance's HDR and all kinds of TIFF, and writes PNG; tifffile writes
TIFF, because OpenCV does not mark alpha there.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from patchvid._alpha import straight
from patchvid._paths import quoted
from patchvid.errors import VideoError
from patchvid.io.exr import read_exr
from patchvid.io.file_kinds import FLOATS, avif_bits

if TYPE_CHECKING:
    from tifffile import TiffPage

_ANIMATED = b"ftypavis"  # how an animated AVIF begins, after four bytes
_PROFILE = 34675  # the tag of a TIFF's profile
_READABLE = (np.uint8, np.uint16, np.float32, np.float64)


def is_deep(path: Path, kind: str) -> bool:
    """Whether a picture of a kind has more than 8 bits per channel."""
    if kind == "png":
        with path.open("rb") as file:
            return file.read(25)[24:] == b"\x10"
    if kind == "tiff":
        first = _first_page(path)
        return first is not None and first.bitspersample > 8
    if kind == "avif":  # older builds of OpenCV cannot read it
        return avif_bits(path) > 8 and not _moves(path) and cv2.haveImageReader(os.fspath(path))
    return kind in FLOATS


def _moves(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(12)[4:] == _ANIMATED


def read_pages(path: Path, kind: str) -> list[NDArray[Any]]:
    """Read a picture of more than 8 bits: its pages (y, x, 1, 3 or 4), of integers or floats."""
    if kind == "exr":
        return [read_exr(path)]
    data = np.fromfile(path, np.uint8)
    if kind != "tiff":
        page = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
        pages = [] if page is None else [page]
    else:
        pages = list(cv2.imdecodemulti(data, cv2.IMREAD_UNCHANGED)[1])
    if not pages:
        raise VideoError(
            f"cannot read {quoted(path)}: it is damaged, or of a rare kind; save it again"
        )
    if pages[0].dtype not in _READABLE:
        raise VideoError(
            f"{quoted(path)} has pixels of {pages[0].dtype}, which state no range of values; save "
            "them as an array, .npy"
        )
    frames = [_reordered(page) for page in pages]
    if kind == "tiff" and frames[0].shape[2] == 4 and _is_premultiplied(path):
        frames = [straight(frame.astype(np.float32), frame.dtype) for frame in frames]
    if kind == "avif":  # OpenCV returns its 10 or 12 bits as they are
        white = 2 ** avif_bits(path) - 1
        frames = [np.rint(frame * (65535 / white)).astype(np.uint16) for frame in frames]
    return frames


def profile_of(path: Path, kind: str) -> bytes | None:
    """The ICC profile of a picture of more than 8 bits; None if it has none."""
    if kind == "tiff":
        first = _first_page(path)
        tag = first and first.tags.get(_PROFILE)
        return bytes(tag.value) if tag else None
    if kind in FLOATS:
        return None
    with Image.open(path) as image:
        return image.info.get("icc_profile")


def write_png(path: Path, frame: NDArray[np.uint16]) -> None:
    """Write a frame (y, x, 1, 3 or 4) with 16 bits per channel."""
    pixels = np.ascontiguousarray(_reordered(frame))
    _, data = cv2.imencode(".png", pixels, (cv2.IMWRITE_PNG_COMPRESSION, 3))
    path.write_bytes(data.tobytes())


def write_tiff(path: Path, frames: Iterable[NDArray[Any]]) -> None:
    """Write frames (y, x, 1, 3 or 4) of uint8, uint16 or float32 as pages."""
    import tifffile  # takes long to load

    with tifffile.TiffWriter(path) as file:
        for frame in frames:
            channels = frame.shape[2]
            file.write(
                frame if channels > 1 else frame[..., 0],
                photometric="rgb" if channels > 1 else "minisblack",
                extrasamples=["unassalpha"] if channels == 4 else None,
                compression="zlib",
                metadata=None,
                software=False,
            )


def _reordered(page: NDArray[Any]) -> NDArray[Any]:
    """RGB from OpenCV's BGR, or the reverse, with or without alpha; (y, x, 1) for grey."""
    if page.ndim == 2:
        return page[..., None]
    return page[..., [2, 1, 0, 3][: page.shape[2]]] if page.shape[2] > 1 else page


def _is_premultiplied(path: Path) -> bool:
    import tifffile

    first = _first_page(path)
    return first is not None and tuple(first.extrasamples) == (tifffile.EXTRASAMPLE.ASSOCALPHA,)


def _first_page(path: Path) -> "TiffPage | None":
    """The tags of a TIFF's first page; None if tifffile cannot read them."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            first = file.pages[0]
    except tifffile.TiffFileError:
        return None
    return first if isinstance(first, tifffile.TiffPage) else None
