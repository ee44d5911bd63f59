"""The patches of a video as rows of float32.

Values are on the scale of 8 bits. The middle between the least and the greatest is subtracted from
all of them, to reduce rounding in products of patches.
"""

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from patchvid._convert import Floats
from patchvid._validation import Triple


def middle_of(video: NDArray[Any]) -> Any:
    """Half way between the least and the greatest value."""
    return (video.min().astype(np.float32) + video.max()) / np.float32(2)


def unfold(video: NDArray[Any], patch: Triple, middle: Any) -> Floats:
    """A view of all patches, (t', y', x', kt, ky, kx, c), minus the value `middle`."""
    centred = np.subtract(video, middle, dtype=np.float32)
    return np.moveaxis(sliding_window_view(centred, patch, (0, 1, 2)), 3, -1)


def copy_rows(unfolded: Floats, places: NDArray[np.int64]) -> Floats:
    """Copies of some patches, (n, values), by their numbers."""
    return unfolded[np.unravel_index(places, unfolded.shape[:3])].reshape(len(places), -1)


def count(unfolded: Floats) -> int:
    """The number of patches."""
    return math.prod(unfolded.shape[:3])
