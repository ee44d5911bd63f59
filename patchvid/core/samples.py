"""Several samples of one plan, as many at once as the back end takes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._progress import Progress, part_of
from patchvid.core.fields import Seeds
from patchvid.core.plan import Plan
from patchvid.core.synthesis import LevelOutput
from patchvid.results import LevelTiming

Make = Callable[[Sequence[int], Progress], tuple[LevelOutput, list[Any]]]


def synthesize_samples(
    plan: Plan, make: Make, seeds: Sequence[int], progress: Progress
) -> tuple[LevelOutput, list[Any]]:
    """The outputs of all seeds, as one, and their measures.

    ``make(seeds, progress)`` returns the same for as many seeds as are made at once.
    """
    measures: list[Any] = []

    def parts() -> Iterator[tuple[range, LevelOutput]]:
        for some in batches(plan, len(seeds)):
            first, stop = some.start, some.stop
            numbers = f"sample {stop}" if len(some) == 1 else f"samples {first + 1} to {stop}"
            message = f"{numbers}/{len(seeds)}" if len(seeds) > 1 else ""
            report = part_of(progress, first / len(seeds), stop / len(seeds), message)
            output, measured = make(seeds[first:stop], report)
            measures.extend(measured)
            yield some, output

    made = gather(parts(), len(seeds))
    plan.kernels.synchronize()
    return made, measures


def batches(plan: Plan, count: int) -> Iterator[range]:
    """The numbers of samples of a plan, of which there are `count`, that are made at once."""
    at_once = plan.kernels.samples_at_once(plan.footprint())
    for first in range(0, count, at_once):
        yield range(first, min(first + at_once, count))


def gather(parts: Iterable[tuple[Sequence[int], LevelOutput]], count: int) -> LevelOutput:
    """One output of so many samples, from outputs of some each and the numbers of those."""
    rows: list[Any] = []
    timings: list[LevelTiming] = []
    for numbers, output in parts:
        if len(numbers) == count:
            return output
        timings += output.timings
        for number, own in zip(numbers, output.samples(), strict=True):
            arrays = own.output, own.field
            rows = rows or [np.empty_like(one, shape=(count, *one.shape)) for one in arrays]
            for row, array in zip(rows, arrays, strict=True):
                row[number] = array
    output, field = rows
    return LevelOutput(output, field, timings)


def to_seed(seeds: Sequence[int]) -> Seeds:
    """The seeds of samples that are made at once; a single one has no axis of samples."""
    return seeds[0] if len(seeds) == 1 else tuple(seeds)


def stack(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The arrays of samples that are made at once, likewise."""
    return arrays[0] if len(arrays) == 1 else np.stack(arrays)
