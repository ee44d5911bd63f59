"""Choose among layouts that `flow_matching` draws, and make the output from the best.

A layout has the size of the coarsest level. It costs little, so several are drawn. A trial makes
those that are novel enough a few levels finer, which shows what the clip's patches make of them.
The best one is finished: its patches, with their places, are distributed like the clip's, no patch
of the clip is lost, and it is new.
"""

import math
from collections.abc import Sequence
from itertools import chain, product
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from patchvid._progress import Progress
from patchvid._resampling import resample
from patchvid._validation import Triple
from patchvid.core.flow_matching import PATCH, Guides, draw_layout
from patchvid.core.layout_distance import PlacedPatches
from patchvid.core.periodic import open_ends, synthesize_periodic
from patchvid.core.places import Places, with_places
from patchvid.core.plan import Plan
from patchvid.core.samples import batches, stack, to_seed
from patchvid.core.synthesis import LevelOutput, finest, synthesize
from patchvid.kernels import rng, rules

# Layouts are drawn with places of several strengths. Strong places keep bars and horizons where
# they are. If the whole picture depends on its places, only weak ones lead to a new layout.
STRENGTHS, DRAWS = (1.0, 0.7, 0.45, 0.25), 2
STRONGEST = 255.0  # steeper guides have no further effect

# A trial ends at the finest level of at most FINER times the voxels of the coarsest, and at most
# SHARE of those of the output. If even the coarsest is larger, there is no trial.
FINER, SHARE = 3, 1 / 8

# Frames of the coarsest level after which all noise of a film is new. Its weights are multiples of
# 1 / UNITS, the same on every processor.
WANDER, UNITS = 24, 256

# Most multiplications in a step of flow matching. If a layout takes more, it is drawn smaller.
PRODUCTS = 5e7


class Measures(NamedTuple):
    """The novelty of a layout, and the strength of its places, 0 to 1."""

    novelty: float
    structure: float


class _Layout(NamedTuple):
    """A layout, the strength of its places, the seed of its noise, and its novelty."""

    video: NDArray[np.uint8]
    strength: float
    seed: tuple[int, ...]
    novelty: float


class Layouts:
    """Draws layouts for the samples of a plan, and makes outputs from the best.

    Parameters
    ----------
    plan : Plan
        The plan of the samples.
    novelty : float
        The least novelty of a layout: its mean difference from the clip, relative to that between
        the clip and the clip shifted sideways.
    structure : float or "auto"
        Strength of places, 0 to 1. "auto" is the strength that the clip suggests, or less.
    """

    def __init__(self, plan: Plan, novelty: float, structure: float | Literal["auto"]) -> None:
        self._plan, self._novelty = plan, novelty
        self._opened = open_ends(plan)
        level, to_host = self._opened.levels[0], plan.kernels.to_host
        key = plan.quantize(level.value)
        key_shape, self._shape = _small(key.shape, level.output_level.shape)
        self._key: NDArray[np.uint8] = to_host(resample(key, key_shape))
        self._clip: NDArray[np.uint8] = to_host(resample(key, self._shape))
        places = Places.of(self._key, plan.settings.periodic)
        self._draws = list(product(STRENGTHS, range(DRAWS)))
        if structure != "auto":
            strength = min(STRONGEST, structure / max(places.share, 1e-9))
            self._draws = [(strength, number) for number in range(len(self._draws))]
        self._places = places.visible(max(strength for strength, _ in self._draws))
        self._trial = _trial(self._opened)
        if self._trial is not None:
            value = to_host(plan.quantize(self._trial.value))
            patch: Any = tuple(map(min, PATCH, self._key.shape, self._shape))
            self._patches = PlacedPatches(value, places, patch)
        quarters = (quarter * self._shape[2] // 4 for quarter in (1, 2, 3))
        shifted = [np.roll(self._clip, shift, axis=2) for shift in quarters]
        self._shift = float(np.mean([_difference(self._clip, video) for video in shifted]))

    def synthesize(
        self, seeds: Sequence[int], progress: Progress
    ) -> tuple[LevelOutput, list[Measures]]:
        """Make the outputs of some seeds at once, and measure their layouts."""
        layouts = self._choose(seeds)
        plan, opened = (self._with_places(part, layouts) for part in (self._plan, self._opened))
        levels = synthesize_periodic(
            plan, opened, self._query(layouts), seed=to_seed(seeds), progress=progress
        )
        shares = (min(1.0, layout.strength * self._places.share) for layout in layouts)
        novelties = (layout.novelty for layout in layouts)
        return finest(plan, levels), list(map(Measures, novelties, shares))

    def _choose(self, seeds: Sequence[int]) -> list[_Layout]:
        """The best of several layouts for each seed."""
        with threadpool_limits(1, "blas"):  # threads would mostly wait for each other
            drawn = [[self._draw(*draw, seed) for draw in self._draws] for seed in seeds]
            finalists = [
                [layout for layout in layouts if layout.novelty >= self._novelty]
                or [max(layouts, key=lambda layout: layout.novelty)]
                for layouts in drawn
            ]
            if self._trial is None:
                return [layouts[0] for layouts in finalists]
            scores = iter(self._scores(self._trial, [*chain(*finalists)]))
        return [min(layouts, key=lambda _: next(scores)) for layouts in finalists]

    def _draw(self, strength: float, number: int, seed: int) -> _Layout:
        t, *sides = self._shape
        normal = rng.normal(np, (1, *sides, self._key.shape[3]), seed, number)
        video = draw_layout(self._key, np.repeat(normal, t, axis=0), self._guides(strength, t))
        novelty = _difference(self._clip, video) / max(self._shift, 1e-9)
        return _Layout(video, strength, (seed, number), float(novelty))

    def _guides(self, strength: float, n_frames: int) -> Guides:
        """Guides for places, of a layout of so many frames and of the clip."""
        shapes = (n_frames, *self._shape[1:]), self._key.shape[:3]
        query, key = (self._places.guide(shape, strength) for shape in shapes)
        return query, key

    def _scores(self, trial: Plan, layouts: Sequence[_Layout]) -> list[float]:
        """How good some layouts are after a trial; less is better.

        The score is the distance from the clip, times the loss of its patches, over the novelty.
        """
        scores: list[float] = []
        for numbers in batches(trial, len(layouts)):
            some = [layouts[number] for number in numbers]
            seeds = to_seed([layout.seed[0] for layout in some])
            plan = self._with_places(trial, some)
            made = finest(plan, synthesize(plan, self._query(some), seed=seeds)).output
            videos = plan.kernels.to_host(plan.quantize(made))
            for layout, video in zip(some, videos.reshape(-1, *videos.shape[-4:]), strict=True):
                fault = self._patches.distance(video) * self._patches.loss(video)
                scores.append(fault / max(layout.novelty, 1e-9))
        return scores

    def _with_places(self, plan: Plan, layouts: Sequence[_Layout]) -> Plan:
        return with_places(plan, self._places, [layout.strength for layout in layouts])

    def _query(self, layouts: Sequence[_Layout]) -> NDArray[np.uint8]:
        """The coarsest query from layouts, which may have been drawn smaller."""
        start = self._plan.kernels.to_device(stack([layout.video for layout in layouts]))
        return resample(start, self._opened.levels[0].output_level.shape)


class FilmLayouts(Layouts):
    """Draws layouts of a film, stretch by stretch.

    The best layout of a single stretch decides the strength of places and the first noise. This
    noise turns slowly into other noise, so the layout goes on to change.

    Parameters
    ----------
    plan : Plan
        The plan of a video as long as a stretch.
    novelty, structure
        As for `Layouts`.
    seed : int
        Seed of the noise.
    """

    def __init__(
        self, plan: Plan, novelty: float, structure: float | Literal["auto"], seed: int
    ) -> None:
        super().__init__(plan, novelty, structure)
        (self._best,) = self._choose([seed])

    def start(self, stretch: Plan) -> tuple[Plan, NDArray[np.uint8]]:
        """The plan of a stretch with guides for places, and its layout."""
        kernels, level, strength = stretch.kernels, stretch.levels[0], self._best.strength
        known = None
        if level.fixed is not None:
            given = stretch.quantize(level.fixed[1])
            known = kernels.to_host(resample(given, (len(given), *self._shape[1:])))
        n_frames, *_ = level.made_shape
        normal = np.stack([self._noise(level.first[0] + n) for n in range(n_frames)])
        with threadpool_limits(1, "blas"):
            layout = draw_layout(self._key, normal, self._guides(strength, n_frames), known)
        query = resample(kernels.to_device(layout), level.made_shape)
        return with_places(stretch, self._places, [strength]), query

    def _noise(self, frame: int) -> NDArray[np.float32]:
        """The noise of a frame of the film's coarsest level; its variance is 1 everywhere."""
        number, place = divmod(frame, WANDER)
        angle = math.pi / 2 * place / WANDER
        weights = np.rint(UNITS * np.array([math.cos(angle), math.sin(angle)])) / UNITS
        shape = (*self._shape[1:], self._key.shape[3])
        seeds = ([*self._best.seed, *([n] if n else [])] for n in (number, number + 1))
        before, after = (rng.normal(np, shape, *seed) for seed in seeds)
        mixed: NDArray[np.float32] = (
            np.float32(weights[0]) * before + np.float32(weights[1]) * after
        )
        return mixed


def _small(key: Sequence[int], output: Triple) -> tuple[Triple, Triple]:
    """Sizes of a key (t, y, x, c) and of an output, smaller if layouts would take too long."""
    patch: Any = tuple(map(min, PATCH, key, output))
    n_keys, n_queries = (math.prod(rules.patch_grid(shape, patch)) for shape in (key, output))
    products = float(n_keys) * n_queries * math.prod(patch) * key[3]
    ratio = min(1.0, (PRODUCTS / products) ** 0.25)
    (t, y, x), (out_t, out_y, out_x) = (
        [max(side, round(n * r)) for n, side, r in zip(shape, patch, (1, ratio, ratio))]
        for shape in (key, output)
    )
    return (t, y, x), (out_t, out_y, out_x)


def _trial(plan: Plan) -> Plan | None:
    """The part of a plan that a trial makes, if there is one."""
    coarsest, output = plan.levels[0].n_made, plan.levels[-1].n_made
    most = min(FINER * coarsest, SHARE * output)
    n_levels = sum(level.n_made <= most for level in plan.levels)
    return plan.before(n_levels) if n_levels else None


def _difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(np.abs(a.astype(np.int64) - b).mean())
