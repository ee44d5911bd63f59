"""Optical flow as a picture."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._validation import as_array


def flow_to_color(flow: NDArray[Any], *, largest: float | None = None) -> NDArray[np.uint8]:
    """Show a flow in colours: the hue is its direction, and white is no motion.

    Parameters
    ----------
    flow
        (..., 2): x, then y.
    largest
        The magnitude at which colours are full. None: the largest of `flow`.

    Returns
    -------
    (..., 3) of uint8. To the right is red, downwards is yellow-green, to the left is cyan.

    Examples
    --------
    >>> flow_to_color(np.array([[0, 0], [2, 0], [-1, 0]], np.float32))
    array([[255, 255, 255],
           [255,   0,   0],
           [127, 255, 255]], dtype=uint8)
    """
    x, y = np.moveaxis(as_array(flow).astype(np.float32, copy=False), -1, 0)
    magnitude = np.hypot(x, y)
    largest = float(magnitude.max()) if largest is None else largest
    saturation = np.clip(magnitude / (largest or 1.0), 0, 1)[..., None]
    sixths = np.arctan2(y, x) * np.float32(3 / np.pi)
    sector = np.stack([sixths, sixths + 4, sixths + 2], axis=-1) % 6
    pure = np.clip(np.abs(sector - 3) - 1, 0, 1)
    return (255 * (1 - saturation * (1 - pure))).astype(np.uint8)
