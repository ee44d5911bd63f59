"""Loops: outputs that go on from their last frame to their first.

A clip that is played forward has to jump back somewhere. A longer output is made first, on the
coarse levels only, where that takes next to no time, and its end is laid over its beginning: the
jump is where one turns into the other, at another time in every place. All finer levels are made
with a time axis that goes around, and hide it.
"""

from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from patchvid.synthesis import Quantizer, Settings, Stage, Synthesis, synthesize

OVERLAP = 0.5  # of the loop's frames, by which the longer output exceeds it
FRAMES = 10  # of the first level that goes around, where there are as many
BLUR = 4.0  # voxels: of the noise that decides when each place turns from end to beginning


def lengthened(n_frames: int) -> int:
    """Frames of the output that a loop of so many frames is made from."""
    return n_frames + max(2, round(OVERLAP * n_frames))


def unlooped(settings: Settings) -> Settings:
    """The same settings for a time axis with two ends."""
    return replace(settings, periodic=(False, *settings.periodic[1:]))


def synthesize_loop(
    kernels: ModuleType,
    stages: Sequence[Stage],
    longer: Sequence[Stage],
    start: NDArray[Any],
    *,
    quantize: Quantizer,
    settings: Settings,
    seed: int,
    **others: Any,
) -> Synthesis:
    """Make a loop, as `synthesize` makes an output.

    `longer` are the same levels for an output of `lengthened` frames, and `start` is the coarsest
    query of that. The loop begins where its patches cost least, so that a player's hesitation there
    is seen least.
    """
    n_frames = [stage.output_level.shape[0] for stage in stages]
    first = next(level for level, n in enumerate(n_frames) if n >= min(FRAMES, n_frames[-1]))
    opened = synthesize(
        kernels, longer[: first + 1], start, quantize=quantize, seed=seed,
        settings=unlooped(settings),
    )  # fmt: skip
    closed = _close(quantize(opened.output), n_frames[first], np.random.default_rng(seed))
    output, field, reports = synthesize(
        kernels, stages[first:], closed, quantize=quantize, seed=seed,
        settings=replace(settings, complete_levels=max(0, settings.complete_levels - first)),
        **others,
    )  # fmt: skip
    patch, _ = settings.at(output.shape)
    cost = kernels.patch_distance(
        quantize(output), quantize(stages[-1].value), field, patch=patch, periodic=settings.periodic
    ).mean(axis=(1, 2))
    across = sum(np.roll(cost, i) for i in range(1, patch[0]))  # patches that begin before frame t
    begin = -int(np.argmin(across))
    return Synthesis(
        np.roll(output, begin, axis=0), np.roll(field, begin, axis=0), opened.reports + reports
    )


def _close(
    video: NDArray[np.uint8], n_frames: int, random: np.random.Generator
) -> NDArray[np.uint8]:
    """A loop of `n_frames` whose first frames turn from what is behind it into its beginning."""
    overlap = len(video) - n_frames
    noise = gaussian_filter(random.standard_normal(video.shape[1:3]), BLUR)
    turn = noise.ravel().argsort().argsort().reshape(noise.shape) / noise.size  # even in [0, 1)
    turned = turn < np.arange(1, overlap + 1)[:, None, None] / (overlap + 1)
    loop = video[:n_frames].copy()
    loop[:overlap] = np.where(turned[..., None], video[:overlap], video[n_frames:])
    return loop
