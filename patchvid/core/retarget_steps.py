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
        layout = opened.quantize(finest(step, synthesize(step, start, seed=seed)).output)
    return resample(layout, opened.levels[0].output_level.shape)


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


def _steps(shape: tuple[int, ...], size: Triple) -> list[Triple]:
    """Intermediate sizes, each at most a step from the one before."""
    largest = max(abs(math.log(m / n)) for n, m in zip(shape, size))
    count = math.ceil(largest / math.log(STEP) - 1e-9)
    sizes = []
    for step in range(1, count):
        t, y, x = (max(1, round(n * (m / n) ** (step / count))) for n, m in zip(shape, size))
        sizes.append((t, y, x))
    return sizes
