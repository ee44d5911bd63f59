"""Optical flow as a picture, in the colours of the Middlebury benchmark.

Reference: S. Baker et al., "A Database and Evaluation Methodology for Optical Flow" (IJCV 92,
2011), and the code that comes with it.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._device import backend_of, on_device
from patchvid._validation import as_array
from patchvid.errors import InvalidInput

UNKNOWN = 1e9  # components of at least this size mark unknown flow, as in ``.flo`` files

# Between one colour and the next: the number of steps, and the channel that rises or falls.
_RED, _GREEN, _BLUE = range(3)
_SEGMENTS = (
    (15, _GREEN, "rises"),  # red to yellow
    (6, _RED, "falls"),  # yellow to green
    (4, _BLUE, "rises"),  # green to cyan
    (11, _GREEN, "falls"),  # cyan to blue
    (13, _RED, "rises"),  # blue to magenta
    (6, _BLUE, "falls"),  # magenta to red
)


@on_device("flow")
def flow_to_color(flow: NDArray[Any], *, largest: float | None = None) -> NDArray[np.uint8]:
    """Show an optical flow in colours: the hue is its direction, and white is no motion.

    Parameters
    ----------
    flow : array
        (..., 2) of numbers, on the host or on a GPU: x to the right, then y downwards. NaN, and
        components of size 1e9 or more, mark unknown flow.
    largest : float, optional
        Magnitude at which colours are full, above 0; faster motion is darkened. By default the
        largest magnitude of `flow`.

    Returns
    -------
    array of uint8
        (..., 3), on the device of `flow`: RGB by the Middlebury colour wheel [1]_. Motion to the
        right is red, downwards yellow, to the left light blue, and upwards violet. Unknown flow is
        black.

    Raises
    ------
    InvalidInput
        If `flow` has another shape or no numbers, or `largest` is not above 0.

    References
    ----------
    .. [1] S. Baker et al., "A Database and Evaluation Methodology for Optical Flow", IJCV 92, 2011.

    Examples
    --------
    >>> flow_to_color(np.array([[0, 0], [2, 0], [-1, 0]], np.float32))
    array([[255, 255, 255],
           [255,   0,   0],
           [127, 232, 255]], dtype=uint8)
    """
    flow = as_array(flow)
    if not flow.ndim or flow.shape[-1] != 2 or flow.dtype.kind not in "iuf":
        raise InvalidInput(
            f"flow must be numbers of shape (..., 2), got {flow.dtype} of shape {flow.shape}"
        )
    if largest is not None and not 0 < largest < math.inf:
        raise InvalidInput(f"largest must be above 0, or None for that of flow, got {largest!r}")
    flow = flow.astype(np.float64)
    known = (np.abs(flow) < UNKNOWN).all(axis=-1)
    x, y = np.moveaxis(np.where(known[..., None], flow, 0.0), -1, 0)
    magnitude = np.hypot(x, y)
    if largest is None:
        largest = float(magnitude.max()) if magnitude.size else 0.0
    radius = (magnitude / (largest or 1.0))[..., None]

    wheel = backend_of(flow).to_device(_wheel())
    y = y + 0.0  # -0.0 becomes 0.0: straight to the right is the first colour, not the last
    place = (np.arctan2(-y, -x) / np.pi + 1) / 2 * (len(wheel) - 1)
    before = np.floor(place).astype(np.int64)
    share = (place - before)[..., None]
    hue = (1 - share) * wheel[before] + share * wheel[(before + 1) % len(wheel)]
    color = np.where(radius <= 1, 1 - radius * (1 - hue), 0.75 * hue)
    return (255 * np.where(known[..., None], color, 0.0)).astype(np.uint8)


def _wheel() -> NDArray[np.float64]:
    """The 55 full colours of the wheel, (55, 3) from 0 to 1; the first one is red."""
    colors = []
    color = np.array([255, 0, 0])
    for n_steps, channel, direction in _SEGMENTS:
        for step in range(n_steps):
            change = 255 * step // n_steps
            shown = color.copy()
            shown[channel] = change if direction == "rises" else 255 - change
            colors.append(shown)
        color[channel] = 255 if direction == "rises" else 0
    return np.array(colors) / 255
