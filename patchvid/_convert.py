"""Conversion of values to 8 bits, and of channels to RGB and grey: one rule for each.

To 8 bits
    Where values have a meaning of their own, as in files and pictures, integers span their type and
    floats span [0, 1]. Where only their differences count, as in search, a video spans the range
    of its values. uint8 is always taken as it is.
To RGB
    Three channels are RGB, four are RGB and alpha, and the mean of any others is a grey.
Alpha
    Colours are blended with white, so that what is transparent never takes part.
To grey
    The luma (Rec. 601) of RGB.

Arrays may be on the host or on a GPU.
"""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from patchvid._device import backend_of
from patchvid._validation import LARGEST_FLOAT
from patchvid.errors import InvalidInput
from patchvid.kernels.threads import unforked

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

HALF_RANGE = 127.5  # of 8 bits: the unit of the paper, where values span [-1, 1]
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601


class ValueRange(NamedTuple):
    """The values that become 0 and 255."""

    low: float
    high: float

    @classmethod
    def of_type(cls, dtype: Any) -> Self:
        """The range that a type stands for: that of integers, or [0, 1] for floats."""
        dtype = np.dtype(dtype)
        return cls(0, float(np.iinfo(dtype).max) if dtype.kind == "u" else 1)

    @classmethod
    def of_values(cls, video: NDArray[Any]) -> Self:
        """The range of a video's values; 0 to 255 for uint8.

        Raises
        ------
        InvalidInput
            If it is so large that resampling could leave the range of float32.
        """
        if video.dtype == np.uint8:
            return cls(0, 255)
        low, high = float(video.min()), float(video.max())
        if high - low > LARGEST_FLOAT / 4:
            raise InvalidInput(
                f"video must span at most {LARGEST_FLOAT / 4:.2g}, got {high - low:.2g}; "
                "scale its values"
            )
        return cls(low, high)

    def scale(self, video: NDArray[Any]) -> Floats:
        """Values on the scale from 0 to 255, as float32 and not clipped."""
        precision = np.result_type(video.dtype, np.float32)
        scaled: Floats = np.subtract(video, self.low, dtype=precision).astype(
            np.float32, copy=False
        )
        scaled /= np.float32((self.high - self.low) / 255) or np.float32(1)
        return scaled

    def quantize(self, video: NDArray[Any]) -> Pixels:
        """Values in 8 bits, rounded and clipped."""
        if video.dtype == np.uint8 and tuple(self) == (0, 255):
            return video
        scaled = self.scale(video)
        return np.clip(np.rint(scaled, out=scaled), 0, 255, out=scaled).astype(np.uint8)


def to_8_bits(video: NDArray[Any]) -> Pixels:
    """Convert uint8, uint16 or floats in [0, 1], of any shape, to uint8: rounded and clipped."""
    if video.dtype.kind == "f":  # a division by 1/255 would move 0.5 below the half
        return (np.clip(video, 0, 1) * 255 + 0.5).astype(np.uint8)
    return ValueRange.of_type(video.dtype).quantize(video)


def to_rgb(video: NDArray[Any]) -> NDArray[Any]:
    """Convert uint8, or float32 in 0..255, with any channels (..., c) to (..., 3)."""
    channels = video.shape[-1]
    if channels == 3:
        return video
    if channels == 4:
        return blend_with_white(video)
    grey = video if channels == 1 else video.mean(axis=-1, keepdims=True, dtype=np.float32)
    if video.dtype == np.uint8:
        grey = np.rint(grey).astype(np.uint8)
    return np.repeat(grey, 3, axis=-1)


def to_grey(video: NDArray[Any]) -> Floats:
    """Convert uint8, or float32 in 0..255, of any channels (..., c) to (...) of float32."""
    if video.shape[-1] == 4:
        video = blend_with_white(video)
    if video.shape[-1] == 3:
        with unforked():
            return video @ backend_of(video).to_device(LUMA)
    return video.mean(axis=-1, dtype=np.float32)


def blend_with_white(video: NDArray[Any]) -> NDArray[Any]:
    """Blend RGB and alpha (..., 4), uint8 or float32 in 0..255, with white: (..., 3)."""
    colours, alpha = video[..., :3], video[..., 3:]
    if video.dtype == np.uint8:
        alpha = alpha.astype(np.uint16)
        return ((colours * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    share = np.clip(alpha / np.float32(255), 0, 1)
    return colours * share + (1 - share) * np.float32(255)
