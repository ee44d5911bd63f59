"""The coarse-to-fine loop over layers.

Source: figure 2 of Haim et al., "Diverse Generation from a Single Video Made Possible" (ECCV 2022).
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid.checks import SINGLE, Axes, Triple
from patchvid.errors import InvalidInput
from patchvid.kernels import rules
from patchvid.layer import Matcher, completeness_weights
from patchvid.matching import NOT_PERIODIC, patches_within
from patchvid.pyramid import Level, resample

# Iterations of a level of up to so many voxels.
EM = ((20_000, 10), (3_000_000, 5), (math.inf, 1))

REACH_OF_CUBIC = 2  # voxels that the cubic kernel looks ahead

Progress = Callable[[int, int, float], object]


class Lap(NamedTuple):
    """One level: its output's (t, y, x), its EM iterations, and when it began and ended."""

    shape: Triple
    iterations: int
    began: Any
    ended: Any


@dataclass(frozen=True)
class Settings:
    """How every level is made; the defaults are those of the paper's supplement.

    `patch` and `em` of None follow the size of the level: 3x7x7 and 5 iterations, above 3 million
    voxels one iteration, above 7.5 million 3x5x5. Small levels, where iterations cost little, have
    more, which settles what the noise has torn apart. The coarsest level has `coarsest_em`, or as
    many as others if that is None. `alpha` asks for completeness on the `complete_levels` coarsest
    levels. A level that `explores` begins with a random search around the keys that it was given.
    That mends what is not yet made of whole pieces of the clip; where all is, it tears them apart,
    because what is scaled up is blurred, and much looks alike by chance.
    """

    patch: Triple | None = None
    em: int | None = None
    reduce: Literal["median", "mean"] = "median"
    alpha: float | None = None
    complete_levels: int = 0
    periodic: Axes = NOT_PERIODIC
    coarsest_em: int | None = 1
    explores: bool = True

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
        if high - low > SINGLE / 4:  # what is resampled goes beyond
            raise InvalidInput(f"video must span at most {SINGLE / 4:.2g}; scale its values")
        self.low, self.step = np.float32(low), np.float32((high - low) / 255) or np.float32(1)

    def __call__(self, video: NDArray[Any]) -> NDArray[np.uint8]:
        if self.exact:
            return video
        shifted = video.astype(np.float32) - self.low
        shifted /= self.step
        return np.clip(np.rint(shifted, out=shifted), 0, 255, out=shifted).astype(np.uint8)


@dataclass(frozen=True)
class Stage:
    """What an application lays down for one level.

    Patches are taken from `value` (t, y, x, c), of `value_level`, and make an output of
    `output_level`. Where `usable` is given, patches hold only its True voxels. `guides` are extra
    channels of uint8 that are compared as well, the query's and the key's. Where `known` is given,
    only the voxels that its mask (t, y, x) marks are made; the others are those of its video.
    """

    value: NDArray[Any]
    value_level: Level
    output_level: Level
    usable: NDArray[np.bool_] | None = None
    guides: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None = None
    known: tuple[NDArray[np.bool_], NDArray[Any]] | None = None


class Synthesis(NamedTuple):
    """The output of a level, its field (flat voxel indices), and all levels so far."""

    output: NDArray[Any]
    field: NDArray[np.int32]
    laps: list[Lap]


def synthesize(
    kernels: ModuleType,
    stages: Sequence[Stage],
    start: NDArray[Any] | None,
    *,
    quantize: Quantizer,
    settings: Settings,
    seed: int,
    progress: Callable[[int, float], object] | None = None,
) -> Iterator[Synthesis]:
    """Make an output from the coarsest query up, and yield what every level makes.

    Parameters
    ----------
    stages
        The levels, coarsest first.
    start
        Coarsest query, (t, y, x, c) in the quantised range 0..255, as uint8 or whole float32. None:
        there only the guides are compared.
    quantize
        Maps the values to that range.
    progress
        Called with the level, from 1, and the fraction of the work that is done.
    """
    plans = [settings.at(stage.output_level.shape) for stage in stages]
    plans[0] = (plans[0][0], settings.coarsest_em or plans[0][1])
    work = [em * float(np.prod(s.output_level.shape)) for (_, em), s in zip(plans, stages)]
    total_work, done = sum(work), 0.0
    laps: list[Lap] = []
    forward = Matcher(kernels, seed, settings.periodic, explores=settings.explores)
    reverse = Matcher(kernels, rules.random_stream(seed), explores=settings.explores)
    kernels.make_room(_footprint(stages[-1]))
    output: Any = start
    for number, (stage, (patch, em)) in enumerate(zip(stages, plans, strict=True)):
        began = kernels.now()
        sharp = quantize(stage.value)
        if number == 0:
            query, key = start, sharp if start is None else sharp.astype(start.dtype)
        else:
            # The first key is as blurred as the query: scaled up from the coarser level.
            coarser = stages[number - 1]
            step = _ratio(stage.value_level, coarser.value_level)
            key = quantize(resample(coarser.value, sharp.shape[:3], scale=step))
            step = _ratio(stage.output_level, coarser.output_level)
            query = _scale_up(output, stage.output_level.shape, step, settings.periodic)
            query = quantize(_complete(query, stage))
        allowed = None if stage.usable is None else patches_within(stage.usable, patch)
        updated = None
        if stage.known is not None:
            updated = ~patches_within(~stage.known[0], patch, settings.periodic)
        for _ in range(em):
            guided_query, guided_key = _guide(query, key, stage.guides)
            weights = None
            if settings.alpha is not None and number < settings.complete_levels:
                around = rules.continued(guided_query, patch, settings.periodic)
                _, cost = reverse.find(guided_key, around, patch)
                weights = completeness_weights(cost, settings.alpha)
            field, _ = forward.find(guided_query, guided_key, patch, weights, allowed, updated)
            voted = kernels.vote(
                stage.value, field, patch=patch, periodic=settings.periodic,
                reduce=settings.reduce, made=None if stage.known is None else stage.known[0],
            )  # fmt: skip
            output = _complete(voted, stage)
            query, key = quantize(output), sharp
            done += work[number] / em
            if progress is not None:
                progress(number + 1, done / total_work)
        laps.append(Lap(output.shape[:3], em, began, kernels.now()))
        yield Synthesis(output, field, [*laps])


def finest(levels: Iterable[Synthesis]) -> Synthesis:
    """What the last of some levels makes."""
    return deque(levels, maxlen=1).pop()


def _footprint(stage: Stage) -> int:
    """Bytes that the finest level takes beside its value: on a GPU at most, on the CPU at least."""
    n_voxels = max(math.prod(stage.value.shape[:3]), math.prod(stage.output_level.shape))
    n_channels = stage.value.shape[3]
    # Field, cost, and words of what is compared; and what votes, in words and on its way to 8 bits.
    return n_voxels * (16 + n_channels * (8 * stage.value.itemsize - 4))


def _complete(video: NDArray[Any], stage: Stage) -> NDArray[Any]:
    """The video with what is known of the level's output."""
    if stage.known is None:
        return video
    made, given = stage.known
    return np.where(made[..., None], video, given)


def _guide(query: Any, key: Any, guides: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Query and key with the channels that guide the search; these alone if there is no query."""
    if query is None:
        return guides
    if guides is None:
        return query, key
    joined = [np.concatenate(pair, axis=3) for pair in zip((query, key), guides, strict=True)]
    return joined[0], joined[1]


def _scale_up(
    output: NDArray[Any], shape: Sequence[int], scale: Sequence[float], periodic: Axes
) -> NDArray[Any]:
    """The output of the coarser level at the size of a finer one, going around periodic axes."""
    ratios = (fine / coarse for fine, coarse in zip(shape, output.shape))
    # A period is scaled onto a period, other axes by the levels' exact scales.
    scale = [ratio if wraps else s for ratio, wraps, s in zip(ratios, periodic, scale)]
    # Centres coincide, so what is added on both sides falls outside of the result.
    around = [(REACH_OF_CUBIC * wraps,) * 2 for wraps in periodic]
    return resample(np.pad(output, [*around, (0, 0)], mode="wrap"), shape, scale=scale)


def _ratio(fine: Level, coarse: Level) -> tuple[float, ...]:
    """Scale from one level to a finer one."""
    return tuple(a / b for a, b in zip(fine.scale, coarse.scale, strict=True))
