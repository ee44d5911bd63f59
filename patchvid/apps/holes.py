"""Holes and regions to keep: grow them, scale them to each level, fill them, restrict keys.

Keys must lie outside of a hole: `restrict_keys` sees to this on each level.

A mask is (t, y, x) of float32, from 0 for black to 1 for white; a region is a mask of booleans.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._masks import Mask
from patchvid._resampling import resample
from patchvid.core.fields import patches_within
from patchvid.core.plan import LevelInputs, Settings
from patchvid.core.pyramid import Level

Region = NDArray[np.bool_]

FEWEST_KEYS = 0.1  # share of a level's patches that must lie outside of the hole
FEWEST_LEVELS = 3  # even for a thin hole: coarse levels continue lines across it best

TRACE = 0.05  # a coarse voxel is part of a region if a larger fraction of it is
MIN_KNOWN_SHARE = 0.3  # fraction of a coarse voxel that must be known for its mean to be trusted


def dilate(mask: Mask, radius: int) -> Mask:
    """Enlarge a mask by `radius` pixels on all sides in every frame."""
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


def coarse_region(region: Region, level: Level) -> Region:
    """Which voxels of a coarser level belong to a region, at least in part."""
    share = resample(region[..., None].astype(np.float32), level.shape, scale=level.scale)
    return share[..., 0] > TRACE


def restrict_keys(hole: Region, keys: Region, level: LevelInputs) -> LevelInputs:
    """The inputs of a level with its output fixed outside of a hole, and keys within a region."""
    outside = ~coarse_region(hole, level.value_level)
    inside = ~coarse_region(~keys, level.value_level) & outside
    return replace(level, key_region=inside, fixed=(outside, level.value))


def hole_of(level: LevelInputs) -> Region:
    """The hole of a level, whose output is fixed outside of it."""
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
        patch, _ = settings.at(hole.shape)
        keys = ~hole if level.key_region is None else level.key_region
        shares.append(float(patches_within(keys, patch).mean()))
        if number <= last and not patches_within(hole, patch, settings.periodic).any():
            sighted = number
    rich = (n for n in range(sighted, len(levels)) if shares[n] >= FEWEST_KEYS)
    return next(rich, int(np.argmax(shares)))


def fill_smoothly(video: NDArray[Any], hole: Region) -> NDArray[Any]:
    """Fill a hole with means of its surroundings, over larger and larger blocks.

    The values inside the hole are not used. There must be voxels outside of it.
    """
    filled = _spread(video.astype(np.float32), hole)
    if video.dtype.kind == "u":
        filled = np.rint(np.clip(filled, 0, np.iinfo(video.dtype).max))
    return filled.astype(video.dtype)


def _spread(video: NDArray[np.float32], hole: Region) -> NDArray[np.float32]:
    if not hole.any():
        return video
    halves = tuple(-(-n // 2) for n in hole.shape)
    known = (~hole)[..., None].astype(np.float32)
    share = resample(known, halves)
    # Even the smallest island of known voxels must survive.
    enough = np.minimum(share.max(), np.float32(MIN_KNOWN_SHARE))
    coarse = resample(video * known, halves) / np.maximum(share, enough)
    coarse = _spread(coarse, share[..., 0] < enough)
    return np.where(hole[..., None], resample(coarse, hole.shape), video)
