"""Several samples of one plan, as many at once as the back end takes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._progress import Progress, part_of
from patchvid.core.fields import Seeds
from patchvid.core.plan import Plan
from patchvid.core.synthesis import LevelOutput


def synthesize_samples(
    plan: Plan,
    make: Callable[[Sequence[int], Progress], list[tuple[LevelOutput, Any]]],
    seeds: Sequence[int],
    progress: Progress,
) -> list[tuple[LevelOutput, Any]]:
    """Call ``make(seeds, progress)``, which also returns measures, for all seeds.

    If there are several calls, their outputs and fields are rows of one array each, so at the end
    they need not be copied into one.
    """
    outputs: list[tuple[LevelOutput, Any]] = []
    rows: list[Any] = []
    at_once = plan.kernels.samples_at_once(plan.footprint())
    for first in range(0, len(seeds), at_once):
        some = seeds[first : first + at_once]
        stop = first + len(some)
        numbers = f"sample {stop}" if len(some) == 1 else f"samples {first + 1} to {stop}"
        message = f"{numbers}/{len(seeds)}" if len(seeds) > 1 else ""
        report = part_of(progress, first / len(seeds), stop / len(seeds), message)
        for number, (output, measure) in enumerate(make(some, report), first):
            if at_once < len(seeds):
                parts = output.output, output.field
                rows = rows or [_rows(part, len(seeds)) for part in parts]
                for row, part in zip(rows, parts, strict=True):
                    row[number] = part
                output = output._replace(output=rows[0][number], field=rows[1][number])
            outputs.append((output, measure))
    plan.kernels.synchronize()
    return outputs


def _rows(part: NDArray[Any], count: int) -> NDArray[Any]:
    """An array with room for so many arrays like this one."""
    return np.empty_like(part, shape=(count, *part.shape))


def to_seed(seeds: Sequence[int]) -> Seeds:
    """The seeds of samples that are made at once; a single one has no axis of samples."""
    return seeds[0] if len(seeds) == 1 else tuple(seeds)


def stack(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The arrays of samples that are made at once, likewise."""
    return arrays[0] if len(arrays) == 1 else np.stack(arrays)
