"""Loops and tiles: outputs that are periodic in time or in space.

The coarse levels first make a longer, higher or wider output, which takes next to no time. Its end
is laid over its beginning, and each line switches from the end to the beginning at another point,
which makes the seam ragged. All finer levels have periodic axes, which hides the seam.
"""

from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._progress import Progress, ignore
from patchvid._resampling import resample
from patchvid._validation import Axes, Triple, contiguous
from patchvid.core.fields import NOT_PERIODIC, Seeds
from patchvid.core.plan import Plan
from patchvid.core.synthesis import LevelOutput, synthesize
from patchvid.kernels import rng

OVERLAP = 0.5  # share of a period by which the longer output exceeds it
FRAMES = 10  # least frames of the first level that is periodic in time, if any has so many
UNITS = np.float32(2**16)  # costs are added in steps of 1 / UNITS
BLUR = 4  # voxels: lines this close to each other switch at similar points


def open_ends(plan: Plan) -> Plan:
    """The plan of the longer output, with two ends along every axis."""
    settings = replace(plan.settings, periodic=NOT_PERIODIC)
    size = _opened_size(plan.size, plan.settings.periodic)
    return replace(plan.with_size(size), settings=settings)


def _opened_size(size: Triple, periodic: Axes) -> Triple:
    """Size of the longer output, from which a periodic one of `size` is made."""
    t, y, x = (n + wraps * max(2, round(OVERLAP * n)) for n, wraps in zip(size, periodic))
    return t, y, x


def synthesize_periodic(
    plan: Plan,
    opened: Plan,
    start: NDArray[Any],
    *,
    seed: Seeds,
    progress: Progress = ignore,
) -> Iterator[LevelOutput]:
    """Make an output as `synthesize` does, with the periodic axes of the plan's settings.

    `opened` is the plan of the longer output, see `open_ends`, and `start` its coarsest query. The
    output begins where the patches across its ends cost least, which hides the seam best, unless
    parts of it are fixed.
    """
    if not any(plan.settings.periodic):
        yield from synthesize(plan, start, seed=seed, progress=progress)
        return
    n_frames = [level.output_level.shape[0] for level in plan.levels]
    enough = min(FRAMES, n_frames[-1]) if plan.settings.periodic[0] else 0
    first = next(number for number, n in enumerate(n_frames) if n >= enough)
    for number, longer in enumerate(synthesize(opened.before(first + 1), start, seed=seed)):
        if number < first:
            yield longer
    timings, closing = longer.timings, plan.after(first)
    closed = plan.quantize(longer.output)
    for axis, n in enumerate(plan.levels[first].output_level.shape):
        if plan.settings.periodic[axis]:
            closed = _close(plan.kernels, closed, axis, n, seed)
    made = synthesize(closing, closed, seed=seed, progress=progress)
    del longer, closed  # the finer levels need their memory
    for level, closed_level in zip(closing.levels, made, strict=True):
        if level is plan.levels[-1] and level.fixed is None:
            closed_level = _begin_cheapest(plan, closed_level)
        yield closed_level._replace(timings=timings + closed_level.timings)


def _begin_cheapest(plan: Plan, made: LevelOutput) -> LevelOutput:
    """A periodic output rolled so that the patches across its ends cost least."""
    if len(samples := made.samples()) > 1:
        begun = [_begin_cheapest(plan, sample) for sample in samples]
        output, field = (np.stack(arrays) for arrays in list(zip(*begun))[:2])
        return made._replace(output=output, field=field)
    output, field, _ = made
    periodic = plan.settings.periodic
    patch, _ = plan.settings.at(output.shape)
    cost = plan.kernels.patch_distance(
        plan.quantize(output), plan.quantize(plan.value), field, patch=patch, periodic=periodic
    )
    cost *= UNITS
    np.rint(cost, out=cost)
    axes = [axis for axis in range(3) if periodic[axis]]
    begins = []
    for axis in axes:
        others = tuple(other for other in range(3) if other != axis)
        along = cost.sum(axis=others, dtype=np.int64)  # integers: in any order, the same sum
        across = sum(np.roll(along, i) for i in range(1, patch[axis]))
        begins.append(-int(np.argmin(across)))
    del cost
    output, field = (np.roll(array, begins, axes) for array in (output, field))
    return made._replace(output=output, field=field)


def _close(
    kernels: ModuleType, video: NDArray[np.uint8], axis: int, n: int, seed: Seeds
) -> NDArray[np.uint8]:
    """Cut an axis to `n` entries, and lay those from `n` on over its beginning.

    Each line of entries switches from one to the other at its own point. Along y and x, this point
    is the same in all frames.
    """
    if isinstance(seed, tuple):
        return np.stack([_close(kernels, one, axis, n, own) for one, own in zip(video, seed)])
    video = np.moveaxis(video, axis, 0)
    overlap, height, width, _ = len(video) - n, *video.shape[1:]
    shape = (height if axis == 0 else 1, width)
    coarse = (1, *(-(-side // BLUR) for side in shape), 1)
    noise = resample(rng.normal(kernels.xp, coarse, seed, axis), (1, *shape)).ravel()
    order = noise.argsort(kind="stable").argsort()  # all points are equally frequent
    switch = ((order * (overlap + 1)) // noise.size).reshape(shape)
    after = kernels.xp.arange(overlap)[:, None, None] >= switch
    closed = video[:n].copy()
    closed[:overlap] = np.where(after[..., None], video[:overlap], video[n:])
    return contiguous(np.moveaxis(closed, 0, axis))
