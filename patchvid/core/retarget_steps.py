"""The coarsest query of retargeting: the clip, squeezed at once or stretched little by little.

Reference: section 4 of Haim et al., "Diverse Generation from a Single Video Made Possible" (ECCV
2022), spatio-temporal retargeting.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._resampling import resample
from patchvid._validation import Triple
from patchvid.core.plan import Plan
from patchvid.core.squeezing import Span, squeeze
from patchvid.core.synthesis import finest, synthesize

STEP = 1.2  # largest factor of one step
DETAILED = 120  # pixels of the shorter side that show small objects


def retarget_query(
    opened: Plan, *, seed: int, spans: Sequence[Span] | None = None
) -> NDArray[np.uint8]:
    """The coarsest query for an output of another size than the clip, in 8 bits.

    Height and width are squeezed at once, where little is shown. Stretching, and changes of the
    length, are uniform. They go in steps, and each step rebuilds the clip from its own patches,
    which have the right shape. The last step is made with the output itself.

    `spans` are those of `squeeze`.
    """
    shape = opened.levels[0].output_level.shape
    layout = opened.quantize(opened.levels[0].value)
    if any(m < n for n, m in zip(layout.shape[1:3], shape[1:])):
        detailed = opened.quantize(_detailed(opened))
        layout = squeeze(opened.kernels, layout, shape, detailed, spans)
    length, *sides = opened.value.shape[:3]
    height, width = map(min, sides, opened.size[1:])
    for size in _steps((length, height, width), opened.size):
        step = opened.with_size(size).before(1)
        start = resample(layout, step.levels[0].output_level.shape)
        layout = opened.quantize(finest(step, synthesize(step, start, seed=seed)).output)
    return resample(layout, shape)


class FilmQueries:
    """The coarsest queries of a film that is longer than its clip, stretch by stretch.

    They are parts of a query for the whole film: at the coarsest level that is small.

    Parameters
    ----------
    plan : Plan
        The plan of a video as long as a stretch.
    length : int
        Frames of the film.
    seed : int
        Seed of the searches.
    """

    def __init__(self, plan: Plan, length: int, seed: int) -> None:
        _, height, width = plan.size
        whole = plan.with_size((length, height, width))
        self._query, self._length = retarget_query(whole, seed=seed), length

    def start(self, stretch: Plan) -> tuple[Plan, NDArray[np.uint8]]:
        """The plan of a stretch, as it is, and its coarsest query."""
        level = stretch.levels[0]
        n_frames, scale = level.output_level.shape[0], level.output_level.scale[0]
        first, n_made = level.first[0], level.made_shape[0]
        # Frames of the film, from its middle; a stretch is planned as part of a longer one.
        centres = (np.arange(first, first + n_made) + 0.5 - n_frames / 2) / scale
        begin = (stretch.size[0] - self._length) / 2
        places = (centres + begin) * scale + len(self._query) / 2 - 0.5
        frames = np.rint(places).astype(np.int64).clip(0, len(self._query) - 1)
        return stretch, self._query[stretch.kernels.to_device(frames)]


def _detailed(plan: Plan) -> NDArray[Any]:
    """The value of a level that shows small objects, and is not much larger than needed."""
    small = [level for level in plan.levels if min(level.value.shape[1:3]) <= DETAILED]
    return (small or plan.levels[:1])[-1].value


def _steps(shape: tuple[int, ...], size: Triple) -> list[Triple]:
    """Intermediate sizes, each at most a step from the one before."""
    largest = max(abs(math.log(m / n)) for n, m in zip(shape, size))
    count = math.ceil(largest / math.log(STEP) - 1e-9)
    sizes = []
    for step in range(1, count):
        t, y, x = (max(1, round(n * (m / n) ** (step / count))) for n, m in zip(shape, size))
        sizes.append((t, y, x))
    return sizes
