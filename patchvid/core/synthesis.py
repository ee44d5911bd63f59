"""The loop over levels, from coarse to fine: search and vote on each.

Reference: figure 2 of Haim et al., "Diverse Generation from a Single Video Made Possible" (ECCV
2022).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import islice
from types import ModuleType
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from patchvid._progress import Progress, ignore
from patchvid._resampling import resample
from patchvid._validation import Axes, Triple
from patchvid.core.fields import Field, Seeds, Window, are_few, other_seed, patches_within
from patchvid.core.matcher import Matcher, Operand
from patchvid.core.plan import LevelInputs, Plan
from patchvid.core.pyramid import Level
from patchvid.core.vpnn import rebuild
from patchvid.errors import DeviceError
from patchvid.results import LevelTiming

# From a level, its output, its field and its patch to another output.
Retouch = Callable[[LevelInputs, NDArray[Any], Field, Triple], NDArray[Any]]

CUBIC_REACH = 2  # voxels on either side that cubic interpolation reads


class LevelOutput(NamedTuple):
    """The output of a level, its field (flat voxel indices), and the times of all levels so far.

    Of a level with a window, output and field are those of the window. Of several samples that are
    made at once, they have an axis in front.
    """

    output: NDArray[Any]
    field: Field
    timings: list[LevelTiming]

    def samples(self) -> list[Self]:
        """The outputs of all samples. The first one has the times, which are those of all."""
        if self.output.ndim == 4:
            return [self]
        parts = enumerate(zip(self.output, self.field, strict=True))
        return [type(self)(*part, [] if i else self.timings) for i, part in parts]


def synthesize(
    plan: Plan,
    start: NDArray[Any] | None,
    *,
    seed: Seeds,
    progress: Progress = ignore,
    retouch: Retouch | None = None,
) -> Iterator[LevelOutput]:
    """Make an output from coarse to fine, and yield the output of every level.

    On each finer level the first query is the output so far, scaled up, and the search begins with
    the field so far, which the `Matcher` carries over.

    Parameters
    ----------
    plan : Plan
        The levels and their settings.
    start : array or None
        Coarsest query, (t, y, x, c) in the quantised range 0..255, as uint8 or integral float32.
        None: the coarsest level compares only the guides. For several samples, (n, t, y, x, c).
    seed : int or tuple of int
        Seed of the searches, or one for each sample.
    progress : callable
        Called as ``progress(fraction, message)``.
    retouch : callable, optional
        Changes the output of each level, before the next one begins.
    """
    kernels, settings, quantize = plan.kernels, plan.settings, plan.quantize
    n_samples = len(seed) if isinstance(seed, tuple) else 1
    if problem := kernels.check_memory(n_samples * plan.footprint()):
        raise DeviceError(problem)
    schedule = plan.schedule()
    work = [n * float(level.n_made) for level, (_, n) in zip(plan.levels, schedule)]
    done, timings = 0.0, []
    forward = Matcher(kernels, seed, explores=settings.explores)
    reverse = Matcher(kernels, other_seed(seed), explores=settings.explores)
    output: Any = start
    query: Any
    key: Any
    coarser: LevelInputs | None = None
    for number, (level, (patch, iterations)) in enumerate(zip(plan.levels, schedule, strict=True)):
        begin = kernels.record_event()
        message = f"level {plan.offset + number + 1}/{plan.offset + len(plan.levels)}"
        is_complete = plan.offset + number < settings.complete_levels
        as_query = partial(
            Operand, kernels, patch=patch, periodic=settings.periodic,
            first=level.first, size=level.output_level.shape, once=not is_complete,
        )  # fmt: skip
        of_query, of_key = (None, None) if level.guides is None else level.guides
        as_key = partial(Operand, kernels, patch=patch, shape=level.key_shape)
        value = cache(partial(_value, kernels, level, patch, settings.reduce))
        is_value = of_key is None and level.value.dtype == np.uint8
        sharp = as_key(partial(_key, plan, level), votes=value if is_value else None)
        if coarser is None:
            query, start = start, None  # nothing else may hold it once it is laid out
            key = sharp if query is not None else Operand(kernels, _join(None, of_key), patch)
        else:
            query = quantize(_scale_up(output, coarser, level, settings.periodic))
            key = as_key(partial(_key, plan, level, coarser), once=not is_complete)
        key_mask = query_mask = update_mask = None
        if level.key_region is not None:
            key_mask = patches_within(level.key_region, patch)
        if level.fixed is not None:
            update_mask = ~level.fixed[0]
            query_mask = ~patches_within(level.fixed[0], patch, settings.periodic)
        in_place = query is not None and level.fixed is None
        for left in reversed(range(iterations)):
            if not isinstance(query, Operand):
                query = as_query(_join(query, of_query))
            output, field = rebuild(
                query, key, value, forward=forward, reverse=reverse,
                alpha=settings.alpha if is_complete else None, reduce=settings.reduce,
                key_mask=key_mask, query_mask=query_mask, update_mask=update_mask, past=level.past,
                in_place=in_place and left > 0,
            )  # fmt: skip
            if output is not query:
                output = level.restore_fixed(output)
                query = quantize(output) if left else None
            key, in_place = sharp, level.fixed is None
            done += work[number] / iterations
            progress(done / sum(work), message)
        del query, key, sharp, value  # the rest needs their memory
        if retouch is not None:
            output = retouch(level, output, field, patch)
        shape = level.output_level.shape
        timings.append(LevelTiming(shape, iterations, kernels, begin, kernels.record_event()))
        yield LevelOutput(output, field, [*timings])
        coarser = level


def _value(kernels: ModuleType, level: LevelInputs, patch: Triple, reduce: str) -> Any:
    """The value of a level in the layout of the back end, if that pays."""
    if are_few(level.n_made, level.value, patch):
        return level.value
    return kernels.prepare_value(level.value, reduce=reduce)


def finest(plan: Plan, outputs: Iterable[LevelOutput]) -> LevelOutput:
    """The output of the last level of a plan. Others are let go before the next one is made."""
    return next(islice(outputs, len(plan.levels) - 1, None))


def _key(plan: Plan, level: LevelInputs, coarser: LevelInputs | None = None) -> NDArray[Any]:
    """The key of a level. The first one is scaled up, and so is as blurred as the first query."""
    value = level.value
    if coarser is not None:
        step = _ratio(level.value_level, coarser.value_level)
        value = resample(coarser.value, level.value_level.shape, scale=step)
    return _join(plan.quantize(value), None if level.guides is None else level.guides[1])


def _scale_up(
    output: NDArray[Any], coarser: LevelInputs, level: LevelInputs, periodic: Axes
) -> NDArray[Any]:
    """The first query of a level: the output of the coarser one, scaled up."""
    step = _ratio(level.output_level, coarser.output_level)
    known, size = coarser.known(output), level.output_level.shape
    if level.past is None:
        query = _resample_periodic(known, size, step, periodic, level.window)
    else:
        whole = (coarser.first[0], coarser.output_level.shape[0])
        query = resample(known, size, scale=step, window=level.window, frames=whole)
    return level.restore_fixed(query)


def _join(video: Any, guide: Any) -> NDArray[Any]:
    """A video with guide channels added; if one of the two is None, the other."""
    if video is None or guide is None:
        return guide if video is None else video
    shape = np.broadcast_shapes(video.shape[:-1], guide.shape[:-1])
    parts = [np.broadcast_to(part, (*shape, part.shape[-1])) for part in (video, guide)]
    return np.concatenate(parts, axis=-1)


def _resample_periodic(
    video: NDArray[Any],
    shape: Sequence[int],
    scale: Sequence[float],
    periodic: Axes,
    window: Window | None = None,
) -> NDArray[Any]:
    """Resample a video along whose periodic axes the last voxel is a neighbour of the first."""
    if not any(periodic):
        return resample(video, shape, scale=scale, window=window)
    ratios = (fine / coarse for fine, coarse in zip(shape, video.shape[-4:]))
    # Periodic axes scale from period to period, other axes by the levels' exact scales.
    scale = [ratio if wraps else s for ratio, wraps, s in zip(ratios, periodic, scale)]
    # Centres coincide, so the padding on both sides falls outside of the result.
    pads = [(CUBIC_REACH * wraps,) * 2 for wraps in (*[False] * (video.ndim - 4), *periodic, False)]
    return resample(np.pad(video, pads, mode="wrap"), shape, scale=scale, window=window)


def _ratio(fine: Level, coarse: Level) -> tuple[float, ...]:
    """Scale from one level to a finer one."""
    return tuple(a / b for a, b in zip(fine.scale, coarse.scale, strict=True))
