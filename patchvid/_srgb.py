"""The sRGB curve: linear light to display values, and back.

Source: IEC 61966-2-1.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._alpha import opaque

Floats = NDArray[np.float32]


def to_srgb(light: NDArray[Any]) -> Floats:
    """Apply the curve of sRGB to linear light (..., 1, 3 or 4), clipped to 0 to 1; keep alpha."""
    return _with_colours(np.clip(light, 0, 1, dtype=np.float32), _encode)


def to_linear(video: NDArray[Any]) -> Floats:
    """Convert integers or floats (..., 1, 3 or 4) with the curve of sRGB to linear light."""
    values = video.astype(np.float32)
    if video.dtype.kind == "u":
        values /= np.float32(opaque(video.dtype))
    return _with_colours(values, _decode)


def _with_colours(values: Floats, curve: Any) -> Floats:
    colours = values[..., :3] if values.shape[-1] == 4 else values
    curved: Floats = np.concatenate([curve(colours), values[..., colours.shape[-1] :]], axis=-1)
    return curved


def _encode(light: Floats) -> Floats:
    curved = np.float32(1.055) * np.maximum(light, np.float32(0.0031308)) ** np.float32(1 / 2.4)
    return np.where(light <= 0.0031308, light * np.float32(12.92), curved - np.float32(0.055))


def _decode(values: Floats) -> Floats:
    light = ((np.maximum(values, np.float32(0)) + np.float32(0.055)) / np.float32(1.055)) ** 2.4
    return np.where(values <= 0.04045, values / np.float32(12.92), light.astype(np.float32))
