"""Holes and regions to keep: grow them, scale them to each level, fill them, restrict keys.

Keys must lie outside of a hole: `restrict_keys` sees to this on each level.

A mask is (t, y, x) of float32, from 0 for black to 1 for white; a region is a mask of booleans.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from patchvid._device import backend_of
from patchvid._masks import Mask
from patchvid._resampling import resample
from patchvid._validation import Axes
from patchvid.core.fields import NOT_PERIODIC, Window, patches_within
from patchvid.core.plan import LevelInputs
from patchvid.core.pyramid import Level
from patchvid.core.settings import Settings

Region = NDArray[np.bool_]
AnyMask = TypeVar("AnyMask", Mask, Region)

FEWEST_KEYS = 0.1  # share of a level's patches that must lie outside of the hole
FEWEST_LEVELS = 3  # even for a thin hole: coarse levels continue lines across it best

TRACE = 0.05  # a coarse voxel is part of a region if a larger fraction of it is
BAND = 64  # rows that are resampled at once, so that few floats are held
MIN_KNOWN_SHARE = 0.3  # fraction of a coarse voxel that must be known for its mean to be trusted


def dilate(mask: AnyMask, radius: int) -> AnyMask:
    """Enlarge a mask or region by `radius` pixels on all sides in every frame."""
    if not radius:
        return mask
    size = 2 * radius + 1
    grown = np.pad(mask, [(0, 0), (radius, radius), (radius, radius)])
    for axis in (1, 2):
        grown, span = np.swapaxes(grown, 0, axis), 1
        while span < size:  # two maxima of `span` in a row make one of up to twice as many
            step = min(span, size - span)
            grown, span = np.maximum(grown[step:], grown[:-step]), span + step
        grown = np.swapaxes(grown, 0, axis)
    return grown


def window_around(region: Region, margin: Sequence[int], periodic: Axes = NOT_PERIODIC) -> Window:
    """The smallest window around a region and a margin of voxels; the whole of periodic axes."""
    kernels, window = backend_of(region), []
    pairs = ((1, 2), (0, 2), (0, 1))
    lines = kernels.to_host(kernels.xp.concatenate([region.any(axis=pair) for pair in pairs]))
    for axis, line in enumerate(np.split(lines, np.cumsum(region.shape)[:2])):
        places, (first, last) = np.flatnonzero(line), (0, 0)
        if len(places):
            first, last = int(places[0]), int(places[-1])
        first, stop = max(0, first - margin[axis]), min(len(line), last + margin[axis] + 1)
        window.append(slice(0, len(line)) if periodic[axis] else slice(first, stop))
    t, y, x = window
    return t, y, x


def window_of(hole: Region, settings: Settings) -> Window:
    """The window of all patches that touch a hole."""
    patch, _ = settings.at(hole.shape)
    return window_around(hole, [extent - 1 for extent in patch], settings.periodic)


def coarse_region(region: Region, level: Level) -> Region:
    """Which voxels of a coarser level belong to a region, at least in part."""
    if level.shape == region.shape:
        return region
    share = resample(region[..., None].astype(np.float32), level.shape, scale=level.scale)
    return share[..., 0] > TRACE


def restrict_keys(
    hole: Region, keys: Region, settings: Settings, level: LevelInputs
) -> LevelInputs:
    """The inputs of a level that makes the window around a hole, with keys within a region."""
    inside = coarse_region(hole, level.value_level)
    window = window_of(inside, settings)
    return replace(
        level,
        key_region=~(inside | coarse_region(~keys, level.value_level)),
        fixed=(~inside[window], level.value[window]),
        window=window,
    )


def hole_of(level: LevelInputs) -> Region:
    """The hole of a level in the window that is made, which is fixed outside of it."""
    assert level.fixed is not None
    return ~level.fixed[0]


def first_level(levels: Sequence[LevelInputs], settings: Settings) -> int:
    """The finest level on which no patch lies wholly inside the hole.

    If there are too few keys on that level, it is the next finer one with enough.
    """
    sighted, shares = 0, []
    last = max(0, len(levels) - FEWEST_LEVELS)
    for number, level in enumerate(levels):
        hole = hole_of(level)
        patch, _ = settings.at(level.output_level.shape)
        assert level.key_region is not None
        shares.append(float(patches_within(level.key_region, patch).mean()))
        if number <= last and not patches_within(hole, patch, settings.periodic).any():
            sighted = number
    rich = (n for n in range(sighted, len(levels)) if shares[n] >= FEWEST_KEYS)
    return next(rich, int(np.argmax(shares)))


def fill_smoothly(video: NDArray[Any], hole: Region) -> NDArray[Any]:
    """Fill a hole with means of its surroundings, over larger and larger blocks.

    The values inside the hole are not used. There must be voxels outside of it.
    """
    filled = np.where(hole[..., None], video.dtype.type(0), video)
    if hole.any():
        window = window_around(hole, (0, 0, 0))
        made = resample(_means(filled, hole), hole.shape, window=window)
        if video.dtype.kind == "u":
            made = np.rint(np.clip(made, 0, np.iinfo(video.dtype).max))
        kept = filled[window]
        filled[window] = np.where(hole[window][..., None], made.astype(video.dtype), kept)
    return filled


def _means(video: NDArray[Any], hole: Region) -> NDArray[np.float32]:
    """Means of what surrounds a hole of zeros, at half the size."""
    share = _halved((~hole)[..., None])
    # Even the smallest island of known voxels must survive.
    enough = np.minimum(share.max(), np.float32(MIN_KNOWN_SHARE))
    means = _halved(video) / np.maximum(share, enough)
    return fill_smoothly(means, share[..., 0] < enough)


def _halved(video: NDArray[Any]) -> NDArray[np.float32]:
    """A video at half the size, in bands of rows, so that few of them are held as floats."""
    n_frames, height, width = (-(-n // 2) for n in video.shape[:3])
    halved = backend_of(video).xp.empty((n_frames, height, width, video.shape[3]), np.float32)
    for first in range(0, height, BAND):
        rows = slice(first, min(first + BAND, height))
        window = (slice(0, n_frames), rows, slice(0, width))
        halved[:, rows] = resample(video, halved.shape[:3], window=window, dtype=np.float32)
    return halved
