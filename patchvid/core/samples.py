"""Several outputs of one plan, one after the other."""

from collections.abc import Callable, Sequence
from typing import Any

from patchvid._progress import Progress, part_of
from patchvid.core.plan import Plan
from patchvid.core.synthesis import LevelOutput


def synthesize_samples(
    plan: Plan,
    make: Callable[[int, Progress], tuple[LevelOutput, Any]],
    seeds: Sequence[int],
    progress: Progress,
) -> list[tuple[LevelOutput, Any]]:
    """Call ``make(seed, progress)``, which also returns measures, for every seed."""
    outputs = []
    for number, seed in enumerate(seeds):
        message = f"sample {number + 1}/{len(seeds)}" if len(seeds) > 1 else ""
        report = part_of(progress, number / len(seeds), (number + 1) / len(seeds), message)
        with plan.kernels.side_stream():
            outputs.append(make(seed, report))
    plan.kernels.synchronize()
    return outputs
