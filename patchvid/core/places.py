"""Places: guides that keep things at heights and sides where the clip has them.

A sky is above the ground, and letterbox bars are at the borders. The guide of a row is the mean
colour of the clip at that height, so rows of the same colour may be exchanged, and others not. It
is as strong as rows explain the clip. If they explain nothing, as in a view from above, there is
none. The same holds for columns.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._resampling import resample
from patchvid.core.plan import LevelInputs, Plan

PLACE_LEVELS = 6  # finer levels keep the places of these
MIDDLE = 128


def with_places(plan: Plan, strength: float) -> Plan:
    """The plan with guides for places on its coarsest levels; `strength` is usually 0 to 1."""
    coarse = plan.kernels.to_host(plan.quantize(plan.levels[0].value)).astype(np.float64)
    profiles = []
    for axis in (1, 2):
        if not plan.settings.periodic[axis]:
            profile = np.rint(strength * _profile(coarse, axis))
            if profile.any():
                profiles.append(plan.kernels.to_device((MIDDLE + profile).astype(np.float32)))
    if not profiles:
        return plan

    def guide(level: LevelInputs) -> LevelInputs:
        shapes = level.output_level.shape, level.value_level.shape
        query, key = (_spread(profiles, shape) for shape in shapes)
        return replace(level, guides=(query, key))

    levels = [*map(guide, plan.levels[:PLACE_LEVELS]), *plan.levels[PLACE_LEVELS:]]
    return replace(plan, levels=levels)


def _profile(video: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Mean colour along an axis, less the mean of all, times the share of it that is explained.

    (1, y, 1, c) or (1, 1, x, c). The two halves of the clip on either side must agree on it: what
    is due to single things differs between them.
    """
    other = 3 - axis
    halves = np.split(video, [video.shape[other] // 2], axis=other)
    if not halves[0].size:
        return np.zeros(1)
    profile, first, second = (
        _centred(part.mean(axis=(0, other), keepdims=True)) for part in (video, *halves)
    )
    variance = np.square(video - video.mean(axis=(0, 1, 2))).mean()
    common = max(0.0, float((first * second).mean()))
    return profile * (common / max(variance, 1e-9))


def _centred(profile: NDArray[np.float64]) -> NDArray[np.float64]:
    return profile - profile.mean(axis=(0, 1, 2))


def _spread(profiles: Sequence[Any], shape: Sequence[int]) -> NDArray[np.uint8]:
    """The profiles (1, y, 1, c) and (1, 1, x, c), stretched to a level's shape (t, y, x)."""
    planes = []
    for profile in profiles:
        size = [1 if n == 1 else m for n, m in zip(profile.shape, shape, strict=False)]
        stretched = np.rint(resample(profile, size)).clip(0, 255).astype(np.uint8)
        planes.append(np.broadcast_to(stretched, (*shape, profile.shape[3])))
    return np.concatenate(planes, axis=3)
