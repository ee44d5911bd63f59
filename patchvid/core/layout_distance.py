"""How much the layout of a video differs from that of a clip: its patches, and where they are.

A distribution of patches alone cannot tell a horizon in the middle from one at the border. So each
patch gets the guide for places as extra colours.
"""

import math

import numpy as np
from numpy.typing import NDArray

from patchvid._validation import Triple
from patchvid.core.places import Places
from patchvid.kernels import rng
from patchvid.kernels.exact import patch_rows, squared_distances
from patchvid.kernels.fork_safety import unforked
from patchvid.kernels.rules import patch_grid

# The distance is a sliced Wasserstein distance, along directions with integer components.
DIRECTIONS, UNITS, QUANTILES = 64, 16, 100
ENOUGH = 1000  # patches of a video: of more, some are compared
SOUGHT, AMONG = 300, 3000  # the same for patches of the clip, and those of a layout they may be in


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
        self._places, self._patch = places.visible(1), patch
        n_values = math.prod(patch) * self._placed(clip).shape[3]
        directions = UNITS * rng.normal(np, (n_values, DIRECTIONS), 0)
        self._directions = np.rint(directions).astype(np.float64)
        self._expected = self._quantiles(clip)
        self._sought = self._rows(clip, SOUGHT)

    def distance(self, layout: NDArray[np.uint8]) -> float:
        """Sliced Wasserstein distance of the patches of a layout (t, y, x, c) from the clip's."""
        return float(np.abs(self._quantiles(layout) - self._expected).mean())

    def loss(self, layout: NDArray[np.uint8]) -> float:
        """Mean squared difference of patches of the clip from the nearest ones of a layout."""
        found = squared_distances(self._sought, self._rows(layout, AMONG)).min(axis=1)
        return float(found.mean()) / self._sought.shape[1]

    def _quantiles(self, video: NDArray[np.uint8]) -> NDArray[np.float64]:
        rows = self._rows(self._placed(video), ENOUGH)
        with unforked():
            projected = rows @ self._directions
        length = UNITS * math.sqrt(rows.shape[1])  # of a direction, on average
        quantiles: NDArray[np.float64] = np.quantile(
            projected, np.linspace(0, 1, QUANTILES), axis=0
        )
        return quantiles / length

    def _rows(self, video: NDArray[np.uint8], most: int) -> NDArray[np.float64]:
        """Up to `most` patches, evenly spread."""
        n_patches = math.prod(patch_grid(video.shape, self._patch))
        rows: NDArray[np.float64] = patch_rows(video, self._patch, step=-(-n_patches // most))
        return rows

    def _placed(self, video: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The video and its guide for places."""
        t, y, x, _ = video.shape
        return np.concatenate([video, self._places.guide((t, y, x), 1)], axis=3)
