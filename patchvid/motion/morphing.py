"""Morph one frame into another along optical flow."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid.motion.optical_flow import Flow, optical_flow

STEPS = 4  # iterations that find where a pixel between two frames comes from


def morph(
    before: NDArray[Any],
    after: NDArray[Any],
    ways: NDArray[np.float32],
    shares: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Blend pairs of frames along the optical flow between them.

    Parameters
    ----------
    before, after : array
        (t, y, x, c) on the host.
    ways : array of float32
        (t): how far objects have moved, from 0 for `before` to 1 for `after`.
    shares : array of float32
        (t, y, x): how far colours have changed, from 0 for `before` to 1 for `after`.

    Returns
    -------
    array of float32
        (t, y, x, c).
    """
    made = []
    for one, other, way, share in zip(before, after, ways, shares, strict=True):
        if way == 0 or np.array_equal(one, other):
            made.append(one.astype(np.float32))
            continue
        there, back = (_flow(*pair) for pair in ((one, other), (other, one)))
        moved = _moved(one, there, way), _moved(other, back, 1 - way)
        made.append((1 - share[..., None]) * moved[0] + share[..., None] * moved[1])
    return np.stack(made)


def _flow(one: NDArray[Any], other: NDArray[Any]) -> Flow:
    return optical_flow(np.stack([one, other]), method="classical", device="cpu", progress=False)[0]


def _moved(frame: NDArray[Any], flow: Flow, share: np.float32) -> NDArray[np.float32]:
    """A frame whose pixels have moved a share of their flow."""
    way = share * flow
    source = np.zeros_like(way)
    for _ in range(STEPS):  # find the source pixel whose own flow leads to each pixel
        source = -_sampled(way, source)
    return _sampled(frame.astype(np.float32), source)


def _sampled(image: NDArray[np.float32], offsets: Flow) -> NDArray[np.float32]:
    """The values of an image at an offset (x, y) from each pixel, interpolated linearly."""
    height, width = image.shape[:2]
    rows, columns = np.indices((height, width), np.float32)
    x = (columns + offsets[..., 0]).clip(0, width - 1)
    y = (rows + offsets[..., 1]).clip(0, height - 1)
    left, top = x.astype(np.intp), y.astype(np.intp)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across, down = (x - left)[..., None], (y - top)[..., None]
    upper = (1 - across) * image[top, left] + across * image[top, right]
    lower = (1 - across) * image[bottom, left] + across * image[bottom, right]
    return (1 - down) * upper + down * lower
