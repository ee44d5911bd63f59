"""Loops and tiles: outputs that go on around, in time and in space.

A clip that is played forward has to jump back somewhere, and copies side by side have to meet. A
longer, higher or wider output is made first, on the coarse levels only, where that takes next to no
time, and its end is laid over its beginning: the jump is where one turns into the other, in another
place on every line. All finer levels are made with axes that go around, and hide it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from patchvid.checks import Axes, Triple
from patchvid.errors import InvalidInput
from patchvid.matching import NOT_PERIODIC
from patchvid.synthesis import Quantizer, Settings, Stage, Synthesis, synthesize

OVERLAP = 0.5  # of what goes around, by which the longer output exceeds it
FRAMES = 10  # of the first level that goes around in time, where there are as many
BLUR = 4.0  # voxels: of the noise that decides where each line turns from end to beginning


def as_periodic(loop: bool, tile: str, n_frames: int) -> Axes:
    """The axes (t, y, x) that go around in an output made from a clip of so many frames."""
    if loop and n_frames == 1:
        raise InvalidInput("a single frame makes no loop; give a clip, or leave loop out")
    if tile not in ("", "x", "y", "xy"):
        raise InvalidInput(f"tile must be '', 'x', 'y' or 'xy', got {tile!r}")
    return bool(loop), "y" in tile, "x" in tile


def lengthened(size: Triple, periodic: Axes) -> Triple:
    """Size of the output from which one of `size` is made that goes around some axes."""
    t, y, x = (n + wraps * max(2, round(OVERLAP * n)) for n, wraps in zip(size, periodic))
    return t, y, x


def with_ends(settings: Settings) -> Settings:
    """The same settings for axes with two ends."""
    return replace(settings, periodic=NOT_PERIODIC)


def synthesize_around(
    kernels: ModuleType,
    stages: Sequence[Stage],
    longer: Sequence[Stage],
    start: NDArray[Any],
    *,
    quantize: Quantizer,
    settings: Settings,
    seed: int,
    progress: Callable[[int, float], object] | None = None,
) -> Synthesis:
    """Make an output as `synthesize` does, that goes around the periodic axes of `settings`.

    `longer` are the same levels for an output of the `lengthened` size, and `start` is the coarsest
    query of that. What goes around begins where its patches cost least, so that the hesitation of a
    player or a gap between tiles is seen least, unless parts of it are known and have their place.
    """
    if not any(settings.periodic):
        return synthesize(
            kernels, stages, start, quantize=quantize, settings=settings, seed=seed,
            progress=progress,
        )  # fmt: skip
    n_frames = [stage.output_level.shape[0] for stage in stages]
    enough = min(FRAMES, n_frames[-1]) if settings.periodic[0] else 0
    first = next(level for level, n in enumerate(n_frames) if n >= enough)
    opened = synthesize(
        kernels, longer[: first + 1], start, quantize=quantize, seed=seed,
        settings=with_ends(settings),
    )  # fmt: skip
    closed, random = quantize(opened.output), np.random.default_rng(seed)
    for axis, n in enumerate(stages[first].output_level.shape):
        if settings.periodic[axis]:
            closed = _close(kernels, closed, axis, n, random)

    def report(level: int, fraction: float) -> None:
        if progress is not None:
            progress(first + level, fraction)

    output, field, reports = synthesize(
        kernels, stages[first:], closed, quantize=quantize, seed=seed,
        settings=replace(settings, complete_levels=max(0, settings.complete_levels - first)),
        progress=report,
    )  # fmt: skip
    if stages[-1].known is None:
        patch, _ = settings.at(output.shape)
        cost = kernels.patch_distance(
            quantize(output), quantize(kernels.to_device(stages[-1].value)), field, patch=patch,
            periodic=settings.periodic,
        )  # fmt: skip
        for axis, extent in enumerate(patch):
            if settings.periodic[axis]:
                begin = -_cheapest(cost, axis, extent)
                output, field = (np.roll(array, begin, axis) for array in (output, field))
    return Synthesis(output, field, opened.reports + reports)


def _cheapest(cost: NDArray[np.float32], axis: int, extent: int) -> int:
    """Where on an axis the patches that go across cost least."""
    others = tuple(other for other in range(3) if other != axis)
    along = cost.mean(axis=others)
    return int(np.argmin(sum(np.roll(along, i) for i in range(1, extent))))


def _close(
    kernels: ModuleType, video: NDArray[np.uint8], axis: int, n: int, random: np.random.Generator
) -> NDArray[np.uint8]:
    """The first `n` of an axis, which turn from what is behind them into their beginning.

    In space the turn is in the same place in all frames.
    """
    video = np.moveaxis(video, axis, 0)
    overlap = len(video) - n
    noise = random.standard_normal(video.shape[1:3] if axis == 0 else (1, video.shape[2]))
    noise = gaussian_filter(noise, BLUR)
    turn = noise.ravel().argsort().argsort().reshape(noise.shape) / noise.size  # even in [0, 1)
    turned = kernels.to_device(turn < np.arange(1, overlap + 1)[:, None, None] / (overlap + 1))
    closed = video[:n].copy()
    closed[:overlap] = np.where(turned[..., None], video[:overlap], video[n:])
    return np.moveaxis(closed, 0, axis)
