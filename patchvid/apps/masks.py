"""Masks of space-time regions, hard or soft: white is what the option's name says.

In here a mask is (t, y, x) of float32, between 0 for black and 1 for white.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patchvid._resampling import resample
from patchvid._validation import as_array
from patchvid.core.pyramid import Level
from patchvid.errors import InvalidInput, VideoError
from patchvid.io._files import load_array, reason
from patchvid.io.ffmpeg import StrPath, quoted
from patchvid.io.video import read_video

Mask = NDArray[np.float32]
Region = NDArray[np.bool_]
Box = tuple[int, int, int, int]

BLACK, WHITE = 0.05, 0.95  # beyond these is what lossy files make of black and of white
TRACE = 0.05  # share of a coarse voxel from which on it counts as part of a region
ENOUGH = 0.3  # share of a coarse voxel that has to be known for its mean to be trusted


def check_soft_mask(name: str, mask: ArrayLike, shape: Sequence[int]) -> Mask:
    """A mask (y, x), (t, y, x) or (t, y, x, c) of one frame or all, for a clip of `shape`.

    White is True, 1 in floats, and 255 in whole numbers (in uint16 65535), or 1 if none is larger.
    Of channels the mean counts; a second or fourth one is alpha, and black where transparent.
    """
    unit = _to_unit(name, as_array(mask))
    if unit.ndim == 4:
        channels = list(np.moveaxis(unit, 3, 0))
        alpha = channels.pop() if len(channels) in (2, 4) else 1
        # One by one: the order in which a GPU makes sums is its own.
        unit = sum(channels) / len(channels) * alpha
    elif unit.ndim == 2:
        unit = unit[None]
    if unit.ndim != 3 or unit.shape[1:] != tuple(shape[1:3]) or len(unit) not in (1, shape[0]):
        raise InvalidInput(
            f"{name} must have the size of the clip, {_by(shape[:3])}, or one frame of it, "
            f"got {_by(unit.shape)}"
        )
    unit = np.where(unit < BLACK, 0, np.where(unit > WHITE, 1, unit)).astype(np.float32)
    return np.broadcast_to(unit, (shape[0], *unit.shape[1:]))


def box_mask(shape: Sequence[int], box: Box) -> Mask:
    """One frame (1, y, x) of a clip of `shape`, white in a box (x, y, width, height)."""
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


def read_masks(
    name: str,
    paths: Sequence[StrPath],
    boxes: Sequence[Box],
    shape: Sequence[int],
    frames: tuple[int, int | None],
) -> NDArray[np.uint8] | None:
    """What is white in any of some files and boxes, as (t, y, x, 1); None if there are none.

    `shape` is that of a clip, `frames` are those of it that were read: they are taken from files
    of more than one frame too.
    """
    masks = [check_soft_mask(name, read_mask(path, frames), shape) for path in paths]
    masks += [box_mask(shape, box) for box in boxes]
    if not masks:
        return None
    union = masks[0]
    for mask in masks[1:]:
        union = np.maximum(union, mask)
    return np.rint(255 * union[..., None]).astype(np.uint8)


def read_mask(path: StrPath, frames: tuple[int, int | None] = (0, None)) -> NDArray[Any]:
    """The mask in a file as it is: whatever `read_video` reads, and arrays of any type.

    Of a mask of one frame `frames` picks nothing.
    """
    mask = _load(path) if Path(path).suffix.lower() in (".npy", ".npz") else read_video(path)[0]
    if mask.ndim == 2 or len(mask) == 1:
        return mask
    chosen = mask[slice(*frames)]
    if not len(chosen):
        raise InvalidInput(f"{quoted(path)} has no frame {frames[0]}; they are counted from 0")
    return chosen


def dilate(mask: Mask, radius: int) -> Mask:
    """The mask, larger by `radius` pixels to all sides in every frame."""
    if not radius:
        return mask
    size = 2 * radius + 1
    grown = np.pad(mask, [(0, 0), (radius, radius), (radius, radius)])
    for axis in (1, 2):
        grown, span = np.swapaxes(grown, 0, axis), 1
        while span < size:  # maxima of `span` in a row make those of twice as many, or fewer
            step = min(span, size - span)
            grown, span = np.maximum(grown[step:], grown[:-step]), span + step
        grown = np.swapaxes(grown, 0, axis)
    return grown


def coarse_region(region: Region, level: Level) -> Region:
    """Which voxels of a coarser level hold something of a region."""
    share = resample(region[..., None].astype(np.float32), level.shape, scale=level.scale)
    return share[..., 0] > TRACE


def fill_smoothly(video: NDArray[Any], hole: Region) -> NDArray[Any]:
    """The video with what is around a hole spread into it: means over ever larger blocks.

    What the hole holds plays no part. There must be voxels outside of it.
    """
    filled = _spread(video.astype(np.float32), hole)
    if video.dtype.kind == "u":
        filled = np.rint(np.clip(filled, 0, np.iinfo(video.dtype).max))
    return filled.astype(video.dtype)


def blend(made: NDArray[Any], video: NDArray[Any], share: Mask) -> NDArray[Any]:
    """`video` with `made` where a mask is white, and something between where it is grey."""
    share = share[..., None]
    mixed = share * made.astype(np.float32) + (1 - share) * video.astype(np.float32)
    if video.dtype.kind == "u":
        mixed = np.rint(mixed)
    return np.where(share > 0, mixed.astype(video.dtype), video)


def _spread(video: NDArray[np.float32], hole: Region) -> NDArray[np.float32]:
    if not hole.any():
        return video
    halves = tuple(-(-n // 2) for n in hole.shape)
    known = (~hole)[..., None].astype(np.float32)
    share = resample(known, halves)
    # Something must be left of the smallest island.
    enough = np.minimum(share.max(), np.float32(ENOUGH))
    coarse = resample(video * known, halves) / np.maximum(share, enough)
    coarse = _spread(coarse, share[..., 0] < enough)
    return np.where(hole[..., None], resample(coarse, hole.shape), video)


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
        white = 65535 if mask.dtype == np.uint16 else 255
    if not 0 <= low <= high <= white:
        raise InvalidInput(
            f"{name} must be from 0, black, to {white}, white, got {low:g} to {high:g}"
        )
    return mask / np.float32(white)


def _load(path: StrPath) -> NDArray[Any]:
    try:
        return load_array(path, "mask", "video")
    except FileNotFoundError as error:
        raise VideoError(f"there is no {quoted(path)}; check the name") from error
    except (OSError, ValueError) as error:
        raise VideoError(f"cannot read {quoted(path)}: {reason(error)}") from error


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
