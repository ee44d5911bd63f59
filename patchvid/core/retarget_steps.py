"""Retargeting in steps: the coarsest level changes its size little by little.

Reference: section 4 of Haim et al., "Diverse Generation from a Single Video Made Possible" (ECCV
2022), spatio-temporal retargeting.
"""

import math

import numpy as np
from numpy.typing import NDArray

from patchvid._resampling import resample
from patchvid._validation import Triple
from patchvid.core.plan import Plan
from patchvid.core.synthesis import finest, synthesize

STEP = 1.2  # largest factor of one step


def retarget_query(opened: Plan, *, seed: int) -> NDArray[np.uint8]:
    """The coarsest query for an output of another size than the clip, in 8 bits.

    Each step squeezes or stretches the clip, and rebuilds it from its own patches, which have the
    right shape. The last step is made with the output itself.
    """
    layout = opened.quantize(opened.levels[0].value)
    for size in _steps(opened.value.shape[:3], opened.size):
        step = opened.with_size(size).before(1)
        start = resample(layout, step.levels[0].output_level.shape)
        layout = opened.quantize(finest(synthesize(step, start, seed=seed)).output)
    return resample(layout, opened.levels[0].output_level.shape)


def _steps(shape: tuple[int, ...], size: Triple) -> list[Triple]:
    """Intermediate sizes, each at most a step from the one before."""
    largest = max(abs(math.log(m / n)) for n, m in zip(shape, size))
    count = math.ceil(largest / math.log(STEP) - 1e-9)
    sizes = []
    for step in range(1, count):
        t, y, x = (max(1, round(n * (m / n) ** (step / count))) for n, m in zip(shape, size))
        sizes.append((t, y, x))
    return sizes
