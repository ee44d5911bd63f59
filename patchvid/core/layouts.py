"""Layouts that are drawn, compared and chosen before the output is made.

A layout has the size of the coarsest level, so it costs little, and several are drawn. Of those
that are new enough, the one that is most like the clip is finished: its patches, with their places,
are distributed as the clip's.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid._progress import Progress
from patchvid.core.flow_matching import Guides, draw_layout, patch_rows
from patchvid.core.periodic import open_ends, synthesize_periodic
from patchvid.core.places import with_places
from patchvid.core.plan import LevelInputs, Plan
from patchvid.core.synthesis import LevelOutput, finest
from patchvid.kernels import rng

# Layouts are drawn with places of different strengths. Strong ones keep bars and horizons where
# they are. If the whole picture depends on its places, only weak ones lead to something new.
STRENGTHS, DRAWS = (1.0, 0.7, 0.45, 0.25), 2

# The distance is a sliced Wasserstein distance of some patches, along some directions whose
# components are whole numbers.
DIRECTIONS, UNITS, QUANTILES, MOST_PATCHES = 64, 16, 100, 2000


class _Layout(NamedTuple):
    """A layout: the coarsest query, the strength of its places, and what it is judged by."""

    query: NDArray[np.uint8]
    strength: float
    novelty: float
    distance: float


def synthesize_from_layout(
    plan: Plan, novelty: float, seed: int, progress: Progress
) -> tuple[LevelOutput, float]:
    """Draw layouts, choose one whose novelty is at least `novelty`, and go on from there.

    Beside the output is the novelty of its layout.
    """
    opened = open_ends(plan)
    judge = _Judge(opened)
    layouts = [
        judge.draw(with_places(opened, strength), strength, seed, number)
        for strength in STRENGTHS
        for number in range(DRAWS)
    ]
    new = [layout for layout in layouts if layout.novelty >= novelty]
    if new:
        best = min(new, key=lambda layout: layout.distance)
    else:
        best = max(layouts, key=lambda layout: layout.novelty)
    levels = synthesize_periodic(
        with_places(plan, best.strength), with_places(opened, best.strength),
        plan.kernels.to_device(best.query), seed=seed, progress=progress,
    )  # fmt: skip
    return finest(levels), best.novelty


class _Judge:
    """Draws layouts and compares them with the clip, on the host."""

    def __init__(self, plan: Plan) -> None:
        level = with_places(plan, 1).levels[0]
        self._to_host, self._shape = plan.kernels.to_host, level.output_level.shape
        self._key = self._to_host(plan.quantize(level.value))
        self._clip = self._to_host(plan.initial_query())
        self._patch, _ = plan.settings.at(self._shape)
        guides = self._guides(level)
        self._places: Any = None
        key_places: Any = None
        if guides is not None:
            self._places, key_places = guides
        n_channels = self._key.shape[3] + (0 if key_places is None else key_places.shape[3])
        self._directions = np.rint(
            UNITS * rng.normal(np, (math.prod(self._patch) * n_channels, DIRECTIONS), 0)
        ).astype(np.float64)
        self._expected = self._quantiles(self._key, key_places)
        quarters = (self._shape[2] * quarter // 4 for quarter in (1, 2, 3))
        shifted = [np.roll(self._clip, shift, axis=2) for shift in quarters]
        self._shift = float(np.mean([_difference(self._clip, video) for video in shifted]))

    def draw(self, plan: Plan, strength: float, *seed: int) -> _Layout:
        """Draw a layout for the coarsest level of a plan, and compare it with the clip."""
        query = draw_layout(self._key, self._shape, self._guides(plan.levels[0]), *seed)
        # A clip that has been shifted sideways is entirely new.
        novelty = _difference(self._clip, query) / max(self._shift, 1e-9)
        apart = np.abs(self._quantiles(query, self._places) - self._expected)
        return _Layout(query, strength, novelty, float(apart.mean()))

    def _guides(self, level: LevelInputs) -> Guides | None:
        return level.guides and (self._to_host(level.guides[0]), self._to_host(level.guides[1]))

    def _quantiles(
        self, video: NDArray[np.uint8], places: NDArray[np.uint8] | None
    ) -> NDArray[np.float64]:
        """Of all patches, with their places, in some directions: for a sliced distance."""
        if places is not None:
            video = np.concatenate([video, places], axis=3)
        rows = patch_rows(video.astype(np.float64), self._patch)
        rows = rows[:: math.ceil(len(rows) / MOST_PATCHES)]
        return np.quantile(rows @ self._directions, np.linspace(0, 1, QUANTILES), axis=0)


def _difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(np.abs(a.astype(np.int64) - b).mean())
