"""Alpha: find out whether a clip has it, premultiply colours, and undo that.

Arrays and files hold straight colours, which do not depend on alpha. Colours are premultiplied
before pixels are averaged or compared. So the colour of a transparent pixel has no effect, and the
edge of an object keeps the object's colour.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

FAINTEST = 2.0**-12  # least alpha, in floats, of a pixel with a colour


def is_translucent(video: NDArray[Any]) -> bool:
    """Whether the fourth of four channels is an alpha that is not opaque everywhere.

    In uint8 and uint16 it is alpha; in floats it is if it lies from 0 to 1.
    """
    is_picture = video.dtype in (np.uint8, np.uint16) or video.dtype.kind == "f"
    if video.shape[-1] != 4 or not is_picture:
        return False
    alpha = video[..., 3]
    low, high = float(alpha.min()), float(alpha.max())
    return 0 <= low < opaque(video.dtype) and high <= opaque(video.dtype)


def opaque(dtype: Any) -> float:
    """The alpha of an opaque pixel."""
    dtype = np.dtype(dtype)
    return float(np.iinfo(dtype).max) if dtype.kind == "u" else 1.0


def transparency(video: NDArray[Any]) -> NDArray[np.float32]:
    """How transparent every pixel is, (...) from 0 to 1."""
    return 1 - video[..., 3].astype(np.float32) / np.float32(opaque(video.dtype))


def made_opaque(video: NDArray[Any]) -> NDArray[Any]:
    """The video with the same colours, all opaque."""
    video = video.copy()
    video[..., 3] = opaque(video.dtype)
    return video


def premultiply(video: NDArray[Any]) -> NDArray[Any]:
    """RGB times alpha, and alpha (..., 4): uint16 from 0 to 255**2 for uint8, otherwise float32.

    `straight` undoes it, and exactly so for integers, except in transparent pixels.
    """
    if video.dtype == np.uint8:
        wide = video.astype(np.uint16)
        return np.concatenate(
            [wide[..., :3] * wide[..., 3:], wide[..., 3:] * np.uint16(255)], axis=-1
        )
    light = video.astype(np.float32)
    share = light[..., 3:] / np.float32(opaque(video.dtype))
    return np.concatenate([light[..., :3] * share, light[..., 3:]], axis=-1)


def straight(video: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Undo `premultiply` for a video of a dtype: straight colours and alpha.

    Transparent pixels are black.
    """
    dtype, most = np.dtype(dtype), opaque(dtype)
    values = video.astype(np.float32)
    if dtype == np.uint8:
        values /= np.float32(255)
    alpha = np.clip(values[..., 3:], 0, np.float32(most))
    shown = np.rint(alpha) > 0 if dtype.kind == "u" else alpha >= np.float32(FAINTEST)
    colours = values[..., :3] * np.float32(most) / np.where(shown, alpha, np.float32(1))
    values = np.concatenate([np.where(shown, colours, np.float32(0)), alpha], axis=-1)
    if dtype.kind == "u":
        values = np.rint(np.clip(values, 0, np.float32(most), out=values), out=values)
    return values.astype(dtype)
