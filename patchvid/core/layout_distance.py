"""Distance between two layouts: how their patches differ in colours and places.

A distribution of patches alone cannot tell a horizon in the middle from one at the border. So each
patch gets the guide for places as extra colours.
"""

import math

import numpy as np
from numpy.typing import NDArray

from patchvid._validation import Triple
from patchvid.core.places import Places
from patchvid.kernels import rng
from patchvid.kernels.exact import patch_rows
from patchvid.kernels.fork_safety import unforked

# The distance is a sliced Wasserstein distance, along directions with integer components.
DIRECTIONS, UNITS, QUANTILES = 64, 16, 100


class PlacedPatches:
    """The distribution of the patches of a small clip, with their places.

    Parameters
    ----------
    clip : array of uint8
        (t, y, x, c), a NumPy array.
    places : Places
        Places of the clip.
    patch : tuple of int
        Frames, rows and columns of a patch, at most those of any layout.
    """

    def __init__(self, clip: NDArray[np.uint8], places: Places, patch: Triple) -> None:
        self._places, self._patch = places, patch
        self._expected = self._quantiles(clip)

    def distance(self, layout: NDArray[np.uint8]) -> float:
        """Sliced Wasserstein distance of the patches of a layout (t, y, x, c) from the clip's."""
        return float(np.abs(self._quantiles(layout) - self._expected).mean())

    def _quantiles(self, video: NDArray[np.uint8]) -> NDArray[np.float64]:
        guide = self._places.guide(video.shape[:3], 1)
        if guide is not None:
            video = np.concatenate([video, guide], axis=3)
        rows = patch_rows(video, self._patch)
        directions = np.rint(UNITS * rng.normal(np, (rows.shape[1], DIRECTIONS), 0))
        with unforked():
            projected = rows @ directions.astype(np.float64)
        length = UNITS * math.sqrt(rows.shape[1])  # of a direction, on average
        quantiles: NDArray[np.float64] = np.quantile(
            projected, np.linspace(0, 1, QUANTILES), axis=0
        )
        return quantiles / length
