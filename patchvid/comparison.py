"""Videos that are compared: all on the scale of 8 bits, with a patch that fits into each."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid.checks import Triple, as_patch, as_size, as_video
from patchvid.errors import InvalidInput
from patchvid.kernels import backend_of

Floats = NDArray[np.float32]

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601


class Pair(NamedTuple):
    """Two videos (t, y, x, c) of uint8, or of float32 in 0..255, and the patch that they have."""

    source: NDArray[Any]
    output: NDArray[Any]
    patch: Triple


def as_pair(source: Any, output: Any, patch: Any, name: str = "output") -> Pair:
    """What can be compared of two videos; `name` is what errors call the second one.

    Raises
    ------
    InvalidInput
        For what is no video, other numbers of channels, integers beside floats, and videos that are
        smaller than the patch.
    """
    source, output = as_video("source", source), as_video(name, output)
    if source.shape[3] != output.shape[3]:
        raise InvalidInput(
            f"{name} must have as many channels as source, "
            f"got {output.shape[3]} and {source.shape[3]}"
        )
    if (source.dtype.kind == "f") != (output.dtype.kind == "f"):
        raise InvalidInput(
            f"{name} must hold {'floats' if source.dtype.kind == 'f' else 'integers'} as source "
            f"does, got {output.dtype}; convert one of them"
        )
    n_frames, height, width = as_size("patch", patch)
    n_frames = 1 if min(len(source), len(output)) == 1 else n_frames
    patch = as_patch((n_frames, height, width), source.shape)
    try:
        as_patch(patch, output.shape)
    except InvalidInput as error:
        raise InvalidInput(f"{name}: {error}") from error
    if source.dtype == output.dtype == np.uint8:
        return Pair(source, output, patch)
    low, high = float(source.min()), float(source.max())  # of floats
    return Pair(_to_8_bits(source, low, high), _to_8_bits(output, low, high), patch)


def _to_8_bits(video: NDArray[Any], low: float, high: float) -> Floats:
    if video.dtype.kind == "u":
        low, high = 0, np.iinfo(video.dtype).max
    shifted = np.subtract(video, low, dtype=np.result_type(video.dtype, np.float32))
    return (shifted * (255 / (high - low or 255))).astype(np.float32, copy=False)


def to_grey(video: NDArray[Any]) -> Floats:
    """(t, y, x): the luma of three channels, which are taken as RGB, and the mean of any others."""
    if video.shape[3] == len(LUMA):
        return video @ backend_of(video).to_device(LUMA)
    return video.mean(axis=3, dtype=np.float32)
