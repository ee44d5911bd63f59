"""Loops and tiles: outputs that go on around, in time and in space.

A clip that is played forward has to jump back somewhere, and copies side by side have to meet. A
longer, higher or wider output is made first, on the coarse levels only, where that takes next to no
time, and its end is laid over its beginning: the jump is where one turns into the other, in another
place on every line. All finer levels are made with axes that go around, and hide it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid.checks import Axes, Triple
from patchvid.errors import InvalidInput
from patchvid.kernels import random
from patchvid.matching import NOT_PERIODIC
from patchvid.pyramid import resample
from patchvid.synthesis import Quantizer, Settings, Stage, Synthesis, synthesize

OVERLAP = 0.5  # of what goes around, by which the longer output exceeds it
FRAMES = 10  # of the first level that goes around in time, where there are as many
BLUR = 4  # voxels over which the noise changes that says where each line turns


def as_periodic(loop: bool, tile: str, *shapes: Sequence[int]) -> Axes:
    """The axes (t, y, x) that go around, of a clip and an output of these shapes."""
    n_frames, height, width = (min(sizes) for sizes in list(zip(*shapes))[:3])
    if loop and n_frames == 1:
        raise InvalidInput("a single frame makes no loop; give a clip, or leave loop out")
    if tile not in ("", "x", "y", "xy"):
        raise InvalidInput(f"tile must be '', 'x', 'y' or 'xy', got {tile!r}")
    if ("y" in tile and height == 1) or ("x" in tile and width == 1):
        raise InvalidInput("a single row or column makes no tile; leave tile out")
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
) -> Iterator[Synthesis]:
    """Make an output as `synthesize` does, that goes around the periodic axes of `settings`.

    `longer` are the same levels for an output of the `lengthened` size, and `start` is the coarsest
    query of that. What goes around begins where its patches cost least, so that the hesitation of a
    player or a gap between tiles is seen least, unless parts of it are known and have their place.
    """
    if not any(settings.periodic):
        yield from synthesize(
            kernels, stages, start, quantize=quantize, settings=settings, seed=seed,
            progress=progress,
        )  # fmt: skip
        return
    n_frames = [stage.output_level.shape[0] for stage in stages]
    enough = min(FRAMES, n_frames[-1]) if settings.periodic[0] else 0
    first = next(level for level, n in enumerate(n_frames) if n >= enough)
    opening = synthesize(
        kernels, longer[: first + 1], start, quantize=quantize, seed=seed,
        settings=with_ends(settings),
    )  # fmt: skip
    for level, opened in enumerate(opening):
        if level < first:
            yield opened
    closed = quantize(opened.output)
    for axis, n in enumerate(stages[first].output_level.shape):
        if settings.periodic[axis]:
            closed = _close(kernels, closed, axis, n, seed)

    def report(level: int, fraction: float) -> None:
        if progress is not None:
            progress(first + level, fraction)

    closing = synthesize(
        kernels, stages[first:], closed, quantize=quantize, seed=seed,
        settings=replace(settings, complete_levels=max(0, settings.complete_levels - first)),
        progress=report,
    )  # fmt: skip
    for stage, made in zip(stages[first:], closing, strict=True):
        if stage is stages[-1] and stage.known is None:
            made = _begin_cheapest(kernels, made, stage.value, quantize, settings)
        yield made._replace(laps=opened.laps + made.laps)


def _begin_cheapest(
    kernels: ModuleType,
    made: Synthesis,
    value: NDArray[Any],
    quantize: Quantizer,
    settings: Settings,
) -> Synthesis:
    """What goes around, from where on the patches that go across its ends cost least."""
    output, field, _ = made
    patch, _ = settings.at(output.shape)
    cost = kernels.patch_distance(
        quantize(output), quantize(value), field, patch=patch, periodic=settings.periodic
    )
    for axis, extent in enumerate(patch):
        if settings.periodic[axis]:
            others = tuple(other for other in range(3) if other != axis)
            along = cost.mean(axis=others)
            across = sum(np.roll(along, i) for i in range(1, extent))
            begin = -int(np.argmin(across))
            output, field = (np.roll(array, begin, axis) for array in (output, field))
    return made._replace(output=output, field=field)


def _close(
    kernels: ModuleType, video: NDArray[np.uint8], axis: int, n: int, seed: int
) -> NDArray[np.uint8]:
    """The first `n` of an axis, which turn from what is behind them into their beginning.

    In space the turn is in the same place in all frames.
    """
    video = np.moveaxis(video, axis, 0)
    overlap, height, width, _ = len(video) - n, *video.shape[1:]
    shape = (height if axis == 0 else 1, width)
    coarse = (1, *(-(-side // BLUR) for side in shape), 1)
    noise = resample(random.normal(kernels.xp, coarse, seed, axis), (1, *shape)).ravel()
    order = noise.argsort(kind="stable").argsort()  # every turn comes equally often
    turn = ((order * (overlap + 1)) // noise.size).reshape(shape)
    turned = kernels.xp.arange(overlap)[:, None, None] >= turn
    closed = video[:n].copy()
    closed[:overlap] = np.where(turned[..., None], video[:overlap], video[n:])
    return np.moveaxis(closed, 0, axis)
