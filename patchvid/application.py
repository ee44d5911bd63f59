"""What the applications share around the loop: settings, sizes and levels, and what they return."""

import math
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid.checks import (
    MOST_VOXELS,
    Triple,
    as_alpha,
    as_kernel_dtype,
    as_numbers,
    as_size,
    as_whole,
)
from patchvid.errors import InvalidInput
from patchvid.kernels import backend_of
from patchvid.matching import to_nnf
from patchvid.pyramid import Level, plan_levels, resample
from patchvid.synthesis import Progress, Settings, Stage, Synthesis

Report = Callable[[int, float], object]


class LevelReport(NamedTuple):
    """What one level cost: its output's (t, y, x), its EM iterations, its time in seconds."""

    shape: Triple
    iterations: int
    seconds: float


class Made(NamedTuple):
    """What an application returns with ``details=True``; arrays are (n, ...) with several samples.

    `nnf` is (t', y', x', 3): where in the clip each patch of the output was found last. `levels`
    reports the levels of all samples, one sample after the other.
    """

    video: NDArray[Any]
    nnf: NDArray[np.int32]
    seed: int
    levels: list[LevelReport]


def as_settings(
    video: NDArray[Any],
    patch: Any,
    em: int | None,
    vote: Literal["median", "mean"],
    alpha: float | None,
    **others: Any,
) -> Settings:
    """The settings of every level for patches of a clip."""
    if vote not in ("median", "mean"):
        raise InvalidInput(f"vote must be 'median' or 'mean', got {vote!r}")
    if patch is not None:
        patch = as_size("patch", patch)
    if len(video) == 1:  # an image: patches are flat
        patch = (1, *(patch or (3, 7, 7))[1:])
    em = None if em is None else as_whole("em", em, 1)
    return Settings(patch, em, vote, as_alpha(alpha), **others)


def as_seed(seed: int | None) -> int:
    """The seed that was given, or one that is drawn."""
    return secrets.randbits(32) if seed is None else as_whole("seed", seed, 0)


def as_output_size(shape: Sequence[int], scale: Sequence[float], size: Any) -> Triple:
    """(t, y, x) of the output, from a scale of the clip's shape or as it is."""
    factors = as_numbers("scale", scale, 3)
    if size is None:
        size = [math.ceil(n * f - 1e-5) for n, f in zip(shape, factors)]
    elif any(factor != 1 for factor in factors):
        raise InvalidInput("give either scale or size, got both")
    new = as_size("size", size)
    if math.prod(new) > MOST_VOXELS:
        raise InvalidInput(f"an output must have fewer than 2**31 voxels, got size {new}")
    return new


def plan_stages(
    video: NDArray[Any],
    size: Triple,
    settings: Settings,
    factor: tuple[float, float],
    coarsest: tuple[int, int],
) -> list[Stage]:
    """The levels of an output of `size`, with the clip's pyramid as their values."""
    value_levels = plan_levels(video.shape[:3], factor=factor, coarsest=coarsest)
    output_levels = plan_levels(video.shape[:3], size=size, factor=factor, coarsest=coarsest)
    for levels in (value_levels, output_levels):
        _check_patches(settings, levels)
    source = as_kernel_dtype(video)
    coarser = [resample(source, level.shape, scale=level.scale) for level in value_levels[:-1]]
    values = [*coarser, source]
    return [Stage(*level) for level in zip(values, value_levels, output_levels, strict=True)]


def with_size(
    stages: Sequence[Stage], size: Triple, factor: tuple[float, float], coarsest: tuple[int, int]
) -> list[Stage]:
    """The same levels for an output of another size."""
    shape = stages[-1].value.shape[:3]
    levels = plan_levels(shape, size=size, factor=factor, coarsest=coarsest)
    return [replace(stage, output_level=level) for stage, level in zip(stages, levels, strict=True)]


def report_sample(progress: Progress | None, n_levels: int, sample: int, samples: int) -> Report:
    """A callback for one sample that tells `progress` of the whole work.

    What is made again is not told again.
    """
    told = 0.0

    def report(level: int, fraction: float) -> None:
        nonlocal told
        if progress is not None and fraction > told:
            told = fraction
            progress(level, n_levels, (sample + fraction) / samples)

    return report


def collect(results: Sequence[Synthesis], video: NDArray[Any], seed: int, *, details: bool) -> Any:
    """The outputs in the clip's dtype, one sample without an axis for it; `Made` for details."""
    outputs = [result.output.astype(video.dtype, copy=False) for result in results]
    single = len(results) == 1
    made = outputs[0] if single else np.stack(outputs)
    if not details:
        return made
    fields = [to_nnf(result.field, video.shape) for result in results]
    kernels = backend_of(made)
    levels = [
        LevelReport(lap.shape, lap.iterations, kernels.seconds_between(lap.began, lap.ended))
        for result in results
        for lap in result.laps
    ]
    return Made(made, fields[0] if single else np.stack(fields), seed, levels)


def _check_patches(settings: Settings, levels: Sequence[Level]) -> None:
    """Every level must hold at least one patch; the coarsest is the smallest."""
    for level in (levels[-1], levels[0]):
        patch = settings.at(level.shape)[0]
        if any(n < extent for n, extent in zip(level.shape, patch, strict=True)):
            t, y, x = level.shape
            whole = level is levels[-1]
            what = "a video" if whole else "the coarsest level"
            raise InvalidInput(
                f"{what} of {t} frames, {y}x{x} pixels is smaller than the patch "
                f"{'x'.join(map(str, patch))}; use a smaller patch or a larger "
                + ("video" if whole else "coarsest level")
            )
