"""Masks from files and boxes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._masks import Box, box_mask, check_soft_mask
from patchvid._paths import StrPath, quoted, raise_if_out_of_memory, reason
from patchvid.errors import InvalidInput, VideoError
from patchvid.io.reading import read_video
from patchvid.io.selecting import Frames
from patchvid.io.sequences import ARRAYS, load_array


def read_masks(
    name: str,
    paths: Sequence[StrPath],
    boxes: Sequence[Box],
    shape: Sequence[int],
    frames: Frames,
) -> NDArray[np.uint8] | None:
    """Read masks from files and join them with boxes: a pixel is white if it is white in any.

    Parameters
    ----------
    name : str
        Name of the mask in messages.
    paths : sequence of path
        Files as for `read_mask`.
    boxes : sequence of tuple of int
        Boxes (x, y, width, height) in pixels.
    shape : tuple of int
        Shape of the clip that was read.
    frames : tuple of int
        The frames of the clip's file that were read. The same frames are read from masks that have
        more than one.

    Returns
    -------
    array of uint8 or None
        (t, y, x, 1), or None without files and boxes.

    Raises
    ------
    VideoError
        If a file cannot be read.
    InvalidInput
        If it holds no mask for the clip, or a box lies outside of it.
    """
    masks = [check_soft_mask(name, read_mask(path, frames), shape) for path in paths]
    masks += [box_mask(shape, box) for box in boxes]
    if not masks:
        return None
    union = masks[0]
    for mask in masks[1:]:
        union = np.maximum(union, mask)
    return np.rint(255 * union[..., None]).astype(np.uint8)


def read_mask(path: StrPath, frames: Frames = (0, None)) -> NDArray[Any]:
    """Read a mask with its values unchanged.

    Parameters
    ----------
    path : str or path
        Whatever `read_video` reads; or ``.npy``, or ``.npz`` with an array named ``mask`` or
        ``video`` or a single array, of any type.
    frames : tuple of int
        The first frame to read and the one to stop before. A mask of one frame is read whole.

    Returns
    -------
    array
        (y, x), (t, y, x) or (t, y, x, c).

    Raises
    ------
    VideoError
        If there is no such file, or it cannot be read.
    InvalidInput
        If it has no frame in the range.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> np.save(f"{folder.name}/mask.npy", np.ones((32, 48), bool))
    >>> read_mask(f"{folder.name}/mask.npy").shape
    (32, 48)
    """
    mask = _load(path) if Path(path).suffix.lower() in ARRAYS else read_video(path)[0]
    if mask.ndim < 3 or len(mask) == 1:
        return np.array(mask)
    chosen = mask[slice(*frames)]
    if not len(chosen):
        raise InvalidInput(f"{quoted(path)} has no frame {frames[0]}; they are counted from 0")
    return np.array(chosen)


def _load(path: StrPath) -> NDArray[Any]:
    try:
        return load_array(path, "mask", "video")
    except FileNotFoundError as error:
        raise VideoError(f"there is no {quoted(path)}; check the name") from error
    except (OSError, ValueError) as error:
        raise_if_out_of_memory(error)
        raise VideoError(f"cannot read {quoted(path)}: {reason(error)}") from error
