"""Places: guides that keep objects at their usual height and side.

A sky is above the ground, and letterbox bars are at the borders. The guide of a row is the mean
colour of the clip at that height, so patches may only move between rows of the same colour. The
better rows explain the clip, the stronger the guide. If they explain nothing, as in a view from
above, there is none. The same holds for columns.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from patchvid._validation import Axes, Triple
from patchvid.core.plan import LevelInputs, Plan
from patchvid.core.samples import stack

PLACE_LEVELS = 6  # coarsest levels that have guides for places; finer levels need none
MIDDLE = 128


class Places(NamedTuple):
    """Mean colours of the rows (y, c) and columns (x, c) of a clip, scaled by their weights.

    They are 0 on average. None: no guide along this axis. `share` is the weight of the stronger
    ones, 0 to 1: the share of the clip that they explain.
    """

    rows: NDArray[np.float64] | None
    columns: NDArray[np.float64] | None
    share: float

    @classmethod
    def of(cls, clip: NDArray[np.uint8], periodic: Axes) -> Self:
        """The places of a small clip (t, y, x, c), a NumPy array. A periodic axis has none."""
        values = clip.astype(np.float64)
        rows, columns = (None if periodic[axis] else _profile(values, axis) for axis in (1, 2))
        shares = [profile[1] for profile in (rows, columns) if profile]
        return cls(rows and rows[0], columns and columns[0], max(shares, default=0.0))

    def visible(self, strength: float) -> Self:
        """The same without the axes whose guide of this strength would be the same everywhere."""
        rows, columns = (
            None if profile is None or not np.rint(strength * profile).any() else profile
            for profile in (self.rows, self.columns)
        )
        return self._replace(rows=rows, columns=columns)

    def guide(self, shape: Triple, strength: float) -> NDArray[np.uint8]:
        """A guide (t, y, x, g) of a size (t, y, x); without channels, if no axis has one."""
        planes = [np.empty((*shape, 0), np.uint8)]
        for profile, axis in ((self.rows, 1), (self.columns, 2)):
            if profile is None:
                continue
            old, new = (
                (np.arange(n) + 0.5) / n for n in (len(profile), shape[axis])
            )  # positions of centres, from 0 to 1
            stretched = np.stack([np.interp(new, old, values) for values in profile.T], axis=-1)
            levels = np.rint(MIDDLE + strength * stretched).clip(0, 255).astype(np.uint8)
            plane = levels[:, None] if axis == 1 else levels[None]
            planes.append(np.broadcast_to(plane, (*shape, plane.shape[-1])))
        return np.concatenate(planes, axis=3)


def with_places(plan: Plan, places: Places, strengths: Sequence[float]) -> Plan:
    """The plan with guides for places on its coarsest levels, of a strength for each sample."""
    if places.rows is None and places.columns is None:
        return plan

    def guide(shape: Triple) -> NDArray[np.uint8]:
        made = stack([places.guide(shape, strength) for strength in strengths])
        guides: NDArray[np.uint8] = plan.kernels.to_device(made)
        return guides

    def guided(level: LevelInputs) -> LevelInputs:
        return replace(level, guides=(guide(level.made_shape), guide(level.value_level.shape)))

    levels = [*map(guided, plan.levels[:PLACE_LEVELS]), *plan.levels[PLACE_LEVELS:]]
    return replace(plan, levels=levels)


def _profile(video: NDArray[np.float64], axis: int) -> tuple[NDArray[np.float64], float]:
    """Mean colours along an axis, minus their mean, times the share of the clip that they explain.

    Also returns that share.

    Only colours on which both halves of the clip agree count: the effects of single objects differ
    between the halves.
    """
    other = 3 - axis
    halves = np.split(video, [video.shape[other] // 2], axis=other)
    if not halves[0].size:
        return np.zeros((video.shape[axis], video.shape[3])), 0.0
    profile, first, second = (_centred(part.mean(axis=(0, other))) for part in (video, *halves))
    variance = np.square(video - video.mean(axis=(0, 1, 2))).mean()
    common = max(0.0, float((first * second).mean()))
    share = common / max(float(variance), 1e-9)
    return profile * share, share


def _centred(profile: NDArray[np.float64]) -> NDArray[np.float64]:
    return profile - profile.mean(axis=0)
