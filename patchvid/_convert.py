"""Convert values to 8 bits, and channels to RGB or grey: one rule for each.

To 8 bits
    In files and pictures, where values have a meaning of their own, integers span their type and
    floats span [0, 1]. In search, where only differences count, a video spans the range of its
    values. uint8 never changes.
To RGB
    Three channels are RGB, four are RGB and alpha, and the mean of any others is a grey.
Alpha
    Colours are blended with white, so that transparent pixels have no colour of their own.
To grey
    The luma (Rec. 601) of RGB.

Arrays may be on the host or on a GPU.
"""

from functools import reduce
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from patchvid._validation import LARGEST_FLOAT
from patchvid.errors import InvalidInput

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

HALF_RANGE = 127.5  # of 8 bits: the unit of the paper, where values span [-1, 1]
LUMA = np.array([0.299, 0.587, 0.114], np.float32).tolist()  # Rec. 601

# Linear light, as in OpenEXR files: most values are at most 1, which is white, and highlights are
# far brighter. A logarithm brings them closer, so that the rest keeps most of the 8 bits.
HIGHLIGHT, LEAST_LIGHT = 2.0, -0.5
LOG_GAIN = np.float32(32)  # below 1/32 the curve is nearly straight
LOG_UNIT = np.float32(1 / 64)  # the largest float becomes less than HIGHLIGHT

LARGEST_POWER = np.float32(88)  # of e in float32


def has_highlights(video: NDArray[Any]) -> bool:
    """Whether floats are linear light with highlights: most at most white, some far above."""
    if video.dtype.kind != "f" or video.shape[-1] not in (1, 3, 4):
        return False
    if not (video.max() > HIGHLIGHT and video.min() >= LEAST_LIGHT):
        return False
    return bool(2 * np.count_nonzero(video[..., :3] > 1) <= video[..., :3].size)


def compress_highlights(video: NDArray[Any]) -> Floats:
    """Put linear light on a logarithmic scale, where black is 0."""
    light = video.astype(np.float32, copy=False)
    curved: Floats = abs(light)  # changed in place, because clips are large
    curved *= LOG_GAIN
    np.log1p(curved, out=curved)
    curved *= LOG_UNIT
    return np.copysign(curved, light, out=curved)


def expand_highlights(curved: Floats) -> Floats:
    """Undo `compress_highlights`."""
    power = np.minimum(abs(curved) / LOG_UNIT, LARGEST_POWER)
    light: Floats = np.copysign(np.expm1(power) / LOG_GAIN, curved)
    return light


class ValueRange(NamedTuple):
    """The values that become 0 and 255; `is_log` if highlights are compressed first."""

    low: float
    high: float
    is_log: bool = False

    @classmethod
    def of_type(cls, dtype: Any) -> Self:
        """The range of a type: all integers that it holds, or [0, 1] for floats."""
        dtype = np.dtype(dtype)
        return cls(0, float(np.iinfo(dtype).max) if dtype.kind == "u" else 1)

    @classmethod
    def of_values(cls, video: NDArray[Any]) -> Self:
        """The range of a video's values; 0 to 255 for uint8.

        Raises
        ------
        InvalidInput
            If it is so large that resampling could overflow float32.
        """
        if video.dtype == np.uint8:
            return cls(0, 255)
        if is_log := has_highlights(video):
            video = compress_highlights(video)
        low, high = float(video.min()), float(video.max())
        if high - low > LARGEST_FLOAT / 4:
            raise InvalidInput(
                f"video must span at most {LARGEST_FLOAT / 4:.2g}, got {high - low:.2g}; "
                "scale its values"
            )
        return cls(low, high, is_log)

    def scale(self, video: NDArray[Any]) -> Floats:
        """Values on the scale from 0 to 255, as float32 and not clipped."""
        if self.is_log:
            video = compress_highlights(video)
        precision = np.result_type(video.dtype, np.float32)
        scaled: Floats = np.subtract(video, self.low, dtype=precision).astype(
            np.float32, copy=False
        )
        scaled /= np.float32((self.high - self.low) / 255) or np.float32(1)
        return scaled

    def quantize(self, video: NDArray[Any]) -> Pixels:
        """Values in 8 bits, rounded and clipped."""
        if video.dtype == np.uint8 and tuple(self) == (0, 255, False):
            return video
        scaled = self.scale(video)
        return np.clip(np.rint(scaled, out=scaled), 0, 255, out=scaled).astype(np.uint8)


def to_8_bits(video: NDArray[Any]) -> Pixels:
    """Convert uint8, uint16 or floats in [0, 1], of any shape, to uint8: rounded and clipped."""
    if video.dtype.kind == "f":  # a division by 1/255 would move 0.5 below the half
        return (np.clip(video, 0, 1) * 255 + 0.5).astype(np.uint8)
    return ValueRange.of_type(video.dtype).quantize(video)


def to_16_bits(video: NDArray[Any]) -> NDArray[np.uint16]:
    """Convert uint8, uint16 or floats in [0, 1], of any shape, to uint16: rounded and clipped."""
    if video.dtype.kind == "f":
        return (np.clip(video, 0, 1, dtype=np.float64) * 65535 + 0.5).astype(np.uint16)
    return video if video.dtype == np.uint16 else video * np.uint16(257)


def is_opaque(video: NDArray[Any]) -> bool:
    """Whether no pixel of RGB and alpha (..., 4) is transparent, not even in part."""
    return bool(video[..., 3].min() >= ValueRange.of_type(video.dtype).high)


def to_rgb(video: NDArray[Any]) -> NDArray[Any]:
    """Convert uint8, uint16, or float32 in 0..255, with any channels (..., c) to (..., 3)."""
    channels = video.shape[-1]
    if channels == 3:
        return video
    if channels == 4:
        return blend_with_white(video)
    grey = video if channels == 1 else video.mean(axis=-1, keepdims=True, dtype=np.float32)
    if video.dtype.kind == "u":
        grey = np.rint(grey).astype(video.dtype)
    return np.repeat(grey, 3, axis=-1)


def to_grey(video: NDArray[Any]) -> Floats:
    """Convert uint8, or float32 in 0..255, of any channels (..., c) to (...) of float32."""
    if video.shape[-1] == 4:
        video = blend_with_white(video)
    n_channels = video.shape[-1]
    shares = LUMA if n_channels == 3 else [1.0] * n_channels
    # A matrix product, or a mean, would round differently on a GPU.
    channels = (video[..., c].astype(np.float64) * share for c, share in enumerate(shares))
    total = reduce(np.add, channels)
    return (total if n_channels == 3 else total / n_channels).astype(np.float32)


def blend_with_white(video: NDArray[Any]) -> NDArray[Any]:
    """Blend RGB and alpha (..., 4) with white: uint8, uint16, or float32 in 0..255, (..., 3)."""
    colours, alpha = video[..., :3], video[..., 3:]
    if video.dtype.kind == "u":
        white = np.iinfo(video.dtype).max
        alpha = alpha.astype(np.uint16 if video.dtype == np.uint8 else np.uint32)
        return ((colours * alpha + white * (white - alpha) + white // 2) // white).astype(
            video.dtype
        )
    share = np.clip(alpha / np.float32(255), 0, 1)
    return colours * share + (1 - share) * np.float32(255)
