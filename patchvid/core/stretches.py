"""Films that are longer than memory, made stretch by stretch.

On every level a stretch begins with the last frames of the one before, which are fixed. A coarse
level is some frames ahead of the next finer one, so a stretch ends at another place on every level:
where a finer level goes on, the coarser one has no seam, and tells how the motion continues. The
last frames of a level are in few patches yet, so the next stretch makes them again. Of each level
only a window is held, not much longer than a stretch.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid._progress import Progress, part_of
from patchvid.core.fields import Field
from patchvid.core.plan import LevelInputs, Plan
from patchvid.core.pyramid import Level
from patchvid.core.synthesis import CUBIC_REACH, LevelOutput, synthesize
from patchvid.kernels import rules

AHEAD = 2  # frames by which a level is ahead of the next finer one
AGAIN = 2  # last frames of every level that the next stretch makes again

# The plan of a stretch, perhaps with guides, and its coarsest query.
Start = Callable[[Plan], tuple[Plan, NDArray[Any]]]


def synthesize_film(
    plan: Plan, length: int, start: Start, *, seed: int, progress: Progress
) -> Iterator[tuple[LevelOutput, slice]]:
    """Make a film, and yield the finest output of every stretch and its new frames.

    Parameters
    ----------
    plan : Plan
        The plan of a video as long as a stretch.
    length : int
        Least frames of the film. The last stretch may go beyond it.
    start : callable
        Returns the coarsest query of a stretch, from its plan, and the plan with guides. The query
        has the size of the window of the first level.
    seed : int
        Seed of the searches.
    progress : callable
        Called as ``progress(fraction, message)``.
    """
    whole = _plan_film(plan, length)
    past = [_nothing(whole, level) for level in whole.levels]
    n_stretches = math.ceil(length / plan.size[0])
    for number in range(n_stretches):
        ends = _ends(whole, (number + 1) * plan.size[0])
        stretch, query = start(replace(whole, levels=list(map(_go_on, whole.levels, past, ends))))
        message = f"stretch {number + 1}/{n_stretches}" if n_stretches > 1 else ""
        report = part_of(progress, number / n_stretches, (number + 1) / n_stretches, message)
        own_seed = rules.random_stream(seed, number) if number else seed
        made = synthesize(stretch, query, seed=own_seed, progress=report)
        for index, output in enumerate(made):
            past[index] = _keep(stretch, index, output, ends)
        first, *_ = stretch.levels[-1].first
        yield output, slice(number * plan.size[0] - first, ends[-1] - first)
        del output  # its memory, for the next stretch


class _Past(NamedTuple):
    """The last frames of a level, the field of their patches, and the number of all frames."""

    video: NDArray[Any]
    field: Field
    n_frames: int


def _plan_film(plan: Plan, length: int) -> Plan:
    """The plan of a whole film of stretches; its coarse levels go beyond the end of the film."""
    stretch, height, width = plan.size
    lead = sum((AHEAD + 1) / level.output_level.scale[0] for level in plan.levels)
    n_frames = length + stretch + math.ceil(lead)
    settings = replace(plan.settings, share=stretch / n_frames)
    return replace(plan.with_size((n_frames, height, width)), settings=settings)


def _ends(film: Plan, n_frames: int) -> list[int]:
    """How many frames of every level must be finished, if so many of the film are."""
    levels = [level.output_level for level in film.levels]
    ends = [n_frames]
    for finer, coarser in zip(levels[::-1], levels[-2::-1]):
        ends.append(math.ceil(_carried(ends[-1], finer, coarser)) + AHEAD)
    return ends[::-1]


def _carried(place: float, level: Level, other: Level) -> float:
    """A place on the time axis of a level, on that of another one; their centres coincide."""
    ratio = other.scale[0] / level.scale[0]
    return (place - level.shape[0] / 2) * ratio + other.shape[0] / 2


def _nothing(film: Plan, level: LevelInputs) -> _Past:
    """The past of a level of a film that has not begun."""
    _, height, width = shape = level.output_level.shape
    patch, _ = film.settings.at(shape)
    xp = film.kernels.xp
    video = xp.empty((0, height, width, level.value.shape[3]), level.value.dtype)
    field = xp.empty((0, height - patch[1] + 1, width - patch[2] + 1), np.int32)
    return _Past(video, field, 0)


def _go_on(level: LevelInputs, past: _Past, end: int) -> LevelInputs:
    """The window of a level that begins with its past, which is fixed, and goes beyond an end."""
    n_known, height, width, _ = past.video.shape
    frames = slice(past.n_frames - n_known, end + AGAIN)
    window = (frames, slice(0, height), slice(0, width))
    level = replace(level, window=window, past=past.field)
    if not n_known:
        return level
    mask = np.zeros(level.made_shape, bool, like=past.video)
    mask[:n_known] = True
    return replace(level, fixed=(mask, past.video))


def _keep(stretch: Plan, number: int, made: LevelOutput, ends: list[int]) -> _Past:
    """The last frames of a level that the next stretch needs, on this level and the next finer."""
    level = stretch.levels[number]
    (extent, _, _), _ = stretch.settings.at(level.output_level.shape)
    begin = ends[number] - (extent - 1)
    if number + 1 < len(ends):
        finer = stretch.levels[number + 1].output_level
        centre = _carried(ends[number + 1] + 0.5, finer, level.output_level) - 0.5
        begin = min(begin, math.floor(centre) - CUBIC_REACH)
    first, stop = (max(0, n - level.first[0]) for n in (begin, ends[number]))
    field = made.field[first : stop - extent + 1]
    return _Past(made.output[first:stop].copy(), field.copy(), ends[number])
