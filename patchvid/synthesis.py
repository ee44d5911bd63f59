"""The coarse-to-fine loop over layers.

Source: figure 2 of Haim et al., "Diverse Video Generation from a Single Video" (ECCV 2022).
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid.checks import Axes, Triple
from patchvid.kernels import rules
from patchvid.layer import Matcher, completeness_weights
from patchvid.matching import NOT_PERIODIC
from patchvid.pyramid import Level, resize

# Iterations of a level of up to so many voxels.
EM = ((20_000, 20), (100_000, 10), (3_000_000, 5), (math.inf, 1))

REACH_OF_CUBIC = 2  # voxels that the cubic kernel looks ahead

Progress = Callable[[int, int, float], object]


class LevelReport(NamedTuple):
    """What one level cost: its output's (t, y, x), its EM iterations, its time in seconds."""

    shape: Triple
    iterations: int
    seconds: float


@dataclass(frozen=True)
class Settings:
    """How every level is made; the defaults are those of the paper's supplement.

    `patch` and `em` of None follow the size of the level: 3x7x7 and 5 iterations, above 3 million
    voxels one iteration, above 7.5 million 3x5x5. Small levels, where iterations cost little, have
    more, which settles what the noise has torn apart. `alpha` asks for completeness on the
    `complete_levels` coarsest levels.
    """

    patch: Triple | None = None
    em: int | None = None
    reduce: Literal["median", "mean"] = "median"
    alpha: float | None = None
    complete_levels: int = 0
    periodic: Axes = NOT_PERIODIC

    def at(self, shape: Sequence[int]) -> tuple[Triple, int]:
        """Patch and number of EM iterations for an output of `shape`."""
        n_voxels = shape[0] * shape[1] * shape[2]
        patch = self.patch or ((3, 7, 7) if n_voxels <= 7_500_000 else (3, 5, 5))
        em = self.em or next(em for size, em in EM if n_voxels <= size)
        return patch, em


class Quantizer:
    """Maps the range of a video's values to 8 bits, in which patches are compared."""

    def __init__(self, video: NDArray[Any]) -> None:
        self.exact = video.dtype == np.uint8
        low, high = (0.0, 255.0) if self.exact else (float(video.min()), float(video.max()))
        self.low, self.step = low, (high - low) / 255 or 1.0

    def __call__(self, video: NDArray[Any]) -> NDArray[np.uint8]:
        if self.exact:
            return video
        return np.clip(np.rint((video - self.low) / self.step), 0, 255).astype(np.uint8)


def synthesize(
    kernels: ModuleType,
    values: Sequence[NDArray[Any]],
    value_levels: Sequence[Level],
    output_levels: Sequence[Level],
    start: NDArray[Any],
    *,
    quantize: Quantizer,
    settings: Settings,
    seed: int,
    progress: Callable[[int, float], object] | None = None,
) -> tuple[NDArray[Any], NDArray[np.int32], list[LevelReport]]:
    """Make an output from the coarsest query up.

    Parameters
    ----------
    values, value_levels
        The pyramid the patches are taken from, coarsest first, and its levels.
    output_levels
        Those of the output, as many.
    start
        Coarsest query, (t, y, x, c) in the quantised range 0..255, as uint8 or whole float32.
    quantize
        Maps the values to that range.
    progress
        Called with the level, from 1, and the fraction of the work that is done.

    Returns
    -------
    The output, the field of its finest level, and a report for every level.
    """
    plans = [settings.at(level.shape) for level in output_levels]
    plans[0] = (plans[0][0], 1)
    work = [em * float(np.prod(level.shape)) for (_, em), level in zip(plans, output_levels)]
    total_work, done = sum(work), 0.0
    reports: list[LevelReport] = []
    forward = Matcher(kernels, seed, settings.periodic)
    reverse = Matcher(kernels, rules.mix(seed & 0xFFFFFFFF))
    query = output = start
    for number, (value, (patch, em)) in enumerate(zip(values, plans, strict=True)):
        began = time.perf_counter()
        sharp = quantize(value)
        if number == 0:
            key = sharp.astype(start.dtype)
        else:
            # The first key is as blurred as the query: scaled up from the coarser level.
            coarser = values[number - 1]
            key = quantize(resize(coarser, value.shape[:3], scale=_step(value_levels, number)))
            query = quantize(_scale_up(output, output_levels, number, settings.periodic))
        for _ in range(em):
            weights = None
            if settings.alpha is not None and number < settings.complete_levels:
                _, cost = reverse.find(key, query, patch)
                weights = completeness_weights(cost, settings.alpha)
            field, _ = forward.find(query, key, patch, weights)
            output = kernels.vote(
                value, field, patch=patch, periodic=settings.periodic, reduce=settings.reduce
            )
            query, key = quantize(output), sharp
            done += work[number] / em
            if progress is not None:
                progress(number + 1, done / total_work)
        reports.append(LevelReport(output.shape[:3], em, time.perf_counter() - began))
    return output, field, reports


def _scale_up(
    output: NDArray[Any], levels: Sequence[Level], number: int, periodic: Axes
) -> NDArray[Any]:
    """The output of the coarser level at the size of this one, continued around periodic axes."""
    scale = list(_step(levels, number))
    shape = levels[number].shape
    for axis in range(3):
        if periodic[axis]:
            scale[axis] = shape[axis] / output.shape[axis]  # a period onto a period
    # Centres coincide, so what is added on both sides falls outside of the result.
    around = [(REACH_OF_CUBIC * wraps,) * 2 for wraps in periodic]
    return resize(np.pad(output, [*around, (0, 0)], mode="wrap"), shape, scale=scale)


def _step(levels: Sequence[Level], number: int) -> tuple[float, ...]:
    """Scale from the next coarser level to this one."""
    fine, coarse = levels[number].scale, levels[number - 1].scale
    return tuple(a / b for a, b in zip(fine, coarse, strict=True))
