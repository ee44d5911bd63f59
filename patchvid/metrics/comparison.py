"""Videos that are compared: all on the scale of 8 bits, with a patch that fits into each."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid._convert import ValueRange
from patchvid._validation import Triple, check_patch, check_size, check_video
from patchvid.errors import InvalidInput

Floats = NDArray[np.float32]


class Pair(NamedTuple):
    """Two videos (t, y, x, c) of uint8, or of float32 in 0..255, and the patch that they have."""

    source: NDArray[Any]
    output: NDArray[Any]
    patch: Triple


def check_pair(source: Any, output: Any, patch: Any, name: str = "output") -> Pair:
    """What can be compared of two videos; `name` is what errors call the second one.

    Raises
    ------
    InvalidInput
        For what is no video, other numbers of channels, integers beside floats, and videos that are
        smaller than the patch.
    """
    source, output = check_video("source", source), check_video(name, output)
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
    n_frames, height, width = check_size("patch", patch)
    n_frames = 1 if min(len(source), len(output)) == 1 else n_frames
    patch = check_patch((n_frames, height, width), source.shape)
    try:
        check_patch(patch, output.shape)
    except InvalidInput as error:
        raise InvalidInput(f"{name}: {error}") from error
    if source.dtype == output.dtype == np.uint8:
        return Pair(source, output, patch)
    ranges = [ValueRange.of_type(video.dtype) for video in (source, output)]
    if source.dtype.kind == "f":
        ranges = [ValueRange.of_values(source)] * 2
    return Pair(ranges[0].scale(source), ranges[1].scale(output), patch)
