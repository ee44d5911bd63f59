"""Masks: values from black to white for the pixels of a clip.

Inside the package a mask is (t, y, x) of float32, from 0 for black to 1 for white.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patchvid._device import backend_of
from patchvid._labels import understood
from patchvid._validation import as_array
from patchvid.errors import InvalidInput

Mask = NDArray[np.float32]
Box = tuple[int, int, int, int]

BLACK, WHITE = 0.05, 0.95  # lossy files turn black and white into values up to these


def check_soft_mask(name: str, mask: ArrayLike, shape: Sequence[int]) -> Mask:
    """Check the mask of a clip and bring it to one form.

    White is True, 1 in floats, and in integers 255 (65535 in uint16 above 255), or 1 if none is
    larger. Channels are averaged; a second or fourth one is alpha, and transparent pixels are
    black. Integers may also be labels or paint, see `patchvid._labels`.

    Parameters
    ----------
    name : str
        Name of the mask in messages.
    mask : array
        (y, x), (t, y, x) or (t, y, x, c), with all frames of the clip or one for all of them.
    shape : tuple of int
        Shape of the clip, (t, y, x) or (t, y, x, c).

    Returns
    -------
    array of float32
        (t, y, x), from 0 for black to 1 for white.

    Raises
    ------
    InvalidInput
        If the mask has another size, or values out of range.
    """
    mask = as_array(mask)
    unit = _to_unit(name, mask)
    if mask.dtype.kind in "ui" and unit.ndim in (2, 3, 4) and float(mask.max()) > 1:
        labels = understood(name, _to_levels(mask))
        if labels is not None:
            unit = backend_of(mask).to_device(labels.astype(np.float32))
    if unit.ndim == 4:
        channels = list(np.moveaxis(unit, 3, 0))
        alpha = channels.pop() if len(channels) in (2, 4) else 1
        # Added one by one, because sums on a GPU have another order.
        unit = sum(channels) / len(channels) * alpha
    elif unit.ndim == 2:
        unit = unit[None]
    if unit.ndim != 3 or unit.shape[1:] != tuple(shape[1:3]) or len(unit) not in (1, shape[0]):
        raise InvalidInput(
            f"{name} must have the size of the clip, {_by(shape[:3])}, or one frame of it, "
            f"got {_by(unit.shape) or 'a single value'}"
        )
    unit = np.where(unit < BLACK, 0, np.where(unit > WHITE, 1, unit)).astype(np.float32)
    return np.broadcast_to(unit, (shape[0], *unit.shape[1:]))


def box_mask(shape: Sequence[int], box: Box) -> Mask:
    """Make a mask of one frame that is white in a box.

    Parameters
    ----------
    shape : tuple of int
        Shape of the clip, (t, y, x) or (t, y, x, c).
    box : tuple of int
        Left column, top row, width and height in pixels. It may extend beyond the clip.

    Returns
    -------
    array of float32
        (1, y, x).

    Raises
    ------
    InvalidInput
        If no pixel of the clip is in the box.
    """
    x, y, width, height = box
    mask = np.zeros((1, *shape[1:3]), np.float32)
    inside = mask[:, max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)]
    if not inside.size:
        raise InvalidInput(
            f"box {x},{y},{width},{height} lies outside of the clip, which is {shape[2]} pixels "
            f"wide and {shape[1]} high"
        )
    inside[:] = 1
    return mask


def _to_unit(name: str, mask: NDArray[Any]) -> NDArray[np.floating[Any]]:
    """Values from 0 to 1."""
    if not mask.size or mask.dtype.kind not in "buif":
        raise InvalidInput(
            f"{name} must be a filled array of bool, whole numbers or floats, "
            f"got {mask.dtype} of shape {mask.shape}"
        )
    low, high = float(mask.min()), float(mask.max())
    white = 1
    if mask.dtype.kind in "ui" and high > 1:
        white = 65535 if mask.dtype == np.uint16 and high > 255 else 255
    if not 0 <= low <= high <= white:
        raise InvalidInput(
            f"{name} must be from 0, black, to {white}, white, got {low:g} to {high:g}; scale "
            "it, or give only what is above 0 if it holds labels"
        )
    return mask / np.float32(white)


def _to_levels(mask: NDArray[Any]) -> NDArray[np.uint8]:
    """A mask of integers as (t, y, x, c) of 8 bits on the host."""
    mask = backend_of(mask).to_host(mask)
    if mask.dtype == np.uint16 and (largest := int(mask.max())) > 255:
        # Numbers of many objects are small, and none may become black.
        mask = mask >> 8 if largest >= 4096 else (mask >> 4) + (mask % 16 > 0)
        mask = np.minimum(mask, 255)
    video = mask[None] if mask.ndim == 2 else mask
    return (video if video.ndim == 4 else video[..., None]).astype(np.uint8, copy=False)


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
