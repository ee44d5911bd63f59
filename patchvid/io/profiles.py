"""Colour profiles (ICC) of pictures, by Little CMS; colours that PNG and AVIF state by number."""

import struct
from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from patchvid._paths import quoted
from patchvid.io.colors import color_tags
from patchvid.io.file_kinds import avif_head, png_block
from patchvid.io.info import ColorTags

_CHANNELS = {"L": 1, "RGB": 3, "CMYK": 4}
_INVISIBLE = 2  # levels by which profiles that are meant to be sRGB differ from it

_Colours = NDArray[np.uint8]


def stated_colors(path: Path, kind: str) -> ColorTags | None:
    """The colours that a PNG or AVIF states by the numbers of ITU-T H.273; None if it does not."""
    codes: Sequence[int] = ()
    if kind == "png" and len(block := png_block(path, b"cICP")) == 4:
        codes = block[:3]
    elif kind == "avif":
        head = avif_head(path)
        at = head.find(b"colrnclx")
        if 0 < at < len(head) - 14 and b"colrprof" not in head and b"colrrICC" not in head:
            codes = struct.unpack_from(">3H", head, at + 8)
    if not codes:
        return None
    return color_tags(codes, is_full=True, is_rgb=True, height=0, width=0)


def to_srgb(pixels: NDArray[Any], profile: bytes | None, mode: str) -> NDArray[Any]:
    """Convert a picture of 8 bits from its profile to sRGB.

    A profile that is damaged, does not fit the picture or is sRGB itself changes nothing. Pictures
    of more bits do not change, because Little CMS would reduce them to 8.

    Parameters
    ----------
    pixels
        (y, x, c) of uint8 or uint16: grey, RGB or CMYK, or RGB and alpha.
    profile
        The ICC profile, if there is one.
    mode
        What the profile describes: ``"L"`` (grey), ``"RGB"`` or ``"CMYK"``.

    Returns
    -------
        RGB, with alpha if there was any.
    """
    convert = None if profile is None else _conversion(profile, mode)
    if convert is None or pixels.dtype != np.uint8:
        return pixels
    alpha = pixels[..., max(3, _CHANNELS[mode]) :]
    if mode == "L":
        converted = _apply(convert, mode, _ramp())[pixels[..., 0]]
    else:
        converted = _apply(convert, mode, pixels[..., : _CHANNELS[mode]])
    return np.concatenate([converted, alpha], axis=-1)


def words_on_profile(path: Path, profile: bytes | None, mode: str) -> list[str]:
    """A warning about the profile of a picture of more than 8 bits, unless it is sRGB."""
    if profile is None or _conversion(profile, mode) is None:
        return []
    name = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(profile))).strip()
    return [
        f"{quoted(path)} has more than 8 bits per channel and the colour profile {name!r}, which "
        "is not applied: its colours look different; save it in sRGB"
    ]


@lru_cache(maxsize=8)
def _conversion(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The conversion from a profile to sRGB; None if it changes nothing or cannot be used."""
    exactly = ImageCms.Flags.NOOPTIMIZE if mode == "L" else ImageCms.Flags.NONE
    try:
        convert = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB"), mode, "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION | exactly,
        )  # fmt: skip
    except (ImageCms.PyCMSError, OSError):
        return None
    if mode != "CMYK":
        colours = _ramp() if mode == "L" else _all_colours()
        change = _apply(convert, mode, colours).astype(int) - colours
        if np.abs(change).max() <= _INVISIBLE:
            return None
    return convert


def _ramp() -> _Colours:
    return np.arange(256, dtype=np.uint8)[:, None]


def _all_colours() -> _Colours:
    """A table of colours that are evenly spread, (n, n, n, 3)."""
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    return np.stack(np.meshgrid(levels, levels, levels), axis=-1)


def _apply(convert: ImageCms.ImageCmsTransform, mode: str, colours: _Colours) -> _Colours:
    """Convert colours (..., channels)."""
    size = colours.size // colours.shape[-1], 1
    image = Image.frombytes(mode, size, np.ascontiguousarray(colours).tobytes())
    return np.asarray(convert.apply(image)).reshape(*colours.shape[:-1], 3)
