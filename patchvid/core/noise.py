"""Layouts of ``layout="noise"``: the clip plus random noise, as in the paper.

Noise is drawn again, and stronger, until the layout of a sample is not mostly the clip's own.

Reference: section 2 of Haim et al., "Diverse Generation from a Single Video Made Possible" (ECCV
2022), and sections 1.1 and 1.2 of its supplement.
"""

from collections.abc import Sequence
from itertools import chain, islice
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid._convert import HALF_RANGE
from patchvid._progress import Progress
from patchvid.core.fields import Field
from patchvid.core.periodic import open_ends, synthesize_periodic
from patchvid.core.plan import Plan
from patchvid.core.samples import stack, to_seed
from patchvid.core.synthesis import LevelOutput, finest
from patchvid.kernels import rng
from patchvid.kernels.exact import nearest_other_distance
from patchvid.results import to_nnf

# The paper's rule of thumb for the noise is the mean distance between a patch and its nearest other
# patch. Noise that is the same in all frames does not average out within a patch, so 0.8 of that is
# enough; but smooth clips and some seeds need more. If the layout of the first levels is mostly the
# clip's own, perhaps shifted, the noise is drawn again, 1.2 times stronger. These levels take next
# to no time. The numbers balance coherence and diversity on the clips of the benchmarks.
RULE_OF_THUMB, LEAST_NOISE, STRONGER, DRAWS = 0.8, 1.7, 1.2, 12
LAYOUT_LEVELS, MOST_ALIKE, NEARLY = 6, 0.6, 2

WIDE = 1 << 20  # more than any frame


class Noise(NamedTuple):
    """The noise that is added to the coarsest query.

    Attributes
    ----------
    sigma : float
        Its standard deviation in 8 bits.
    replicate : bool
        Whether all frames get the same noise.
    draws : int
        Most draws. Each further draw is stronger.
    """

    sigma: float
    replicate: bool
    draws: int

    def sigma_of(self, redraw: int) -> float:
        """Its standard deviation at a redraw."""
        return self.sigma * STRONGER**redraw


def choose_noise(plan: Plan, noise: float | Literal["auto"], *, replicate: bool) -> Noise:
    """The given noise, where values span [-1, 1], or for "auto" one that suits the clip."""
    if noise != "auto":
        return Noise(HALF_RANGE * noise, replicate, 1)
    coarse = plan.quantize(plan.levels[0].value)
    distance = nearest_other_distance(coarse, plan.settings.at(coarse.shape)[0])
    return Noise(max(RULE_OF_THUMB * distance, HALF_RANGE * LEAST_NOISE), replicate, DRAWS)


def synthesize_from_noise(
    plan: Plan, noise: Noise, seeds: Sequence[int], progress: Progress
) -> tuple[LevelOutput, list[float]]:
    """Draw noise until the layout of each sample is new, and go on from there.

    Also returns the standard deviations of the noise, where values span [-1, 1]. If the layout of
    one sample is drawn again, those of the others are made again as well.
    """
    opened = open_ends(plan)
    coarse = opened.initial_query()
    redraws = dict.fromkeys(seeds, 0)
    while True:
        start = stack([_add_noise(plan, coarse, noise, *draw) for draw in redraws.items()])
        levels = synthesize_periodic(plan, opened, start, seed=to_seed(seeds), progress=progress)
        layouts = list(islice(levels, LAYOUT_LEVELS))
        value = plan.levels[len(layouts) - 1].value
        alike = [
            seed
            for seed, layout in zip(seeds, layouts[-1].samples(), strict=True)
            if redraws[seed] < noise.draws - 1
            and _largest_share(layout.field, value.shape) > MOST_ALIKE
        ]
        if not alike:
            break
        for seed in alike:
            redraws[seed] += 1
    sigmas = [noise.sigma_of(redraw) / HALF_RANGE for redraw in redraws.values()]
    return finest(plan, chain(layouts, levels)), sigmas


def _add_noise(
    plan: Plan, coarse: NDArray[np.uint8], noise: Noise, seed: int, redraw: int
) -> NDArray[np.float32]:
    n_frames = 1 if noise.replicate else coarse.shape[0]
    # Drawn on the host: at this size a GPU would mostly wait for launches.
    drawn = rng.normal(np, (n_frames, *coarse.shape[1:]), seed, redraw)
    drawn *= np.float32(noise.sigma_of(redraw))
    return np.rint(coarse + plan.kernels.to_device(drawn))


def _largest_share(field: Field, value_shape: Sequence[int]) -> float:
    """The share of patches that have the most frequent shift relative to the clip.

    Shifts that differ by a few voxels count as one: a copy that sways is a copy.
    """
    places = np.arange(field.size, dtype=np.int32, like=field).reshape(field.shape)
    shifts: NDArray[np.int32] = to_nnf(field, value_shape) - to_nnf(places, field.shape)
    shifts = shifts.reshape(-1, 3)
    t, y, x = np.moveaxis(shifts.astype(np.int64), -1, 0)
    numbers = (t * WIDE + y) * WIDE + x
    different, counts = np.unique(numbers, return_counts=True)
    most = shifts[(numbers == different[counts.argmax()]).argmax()]
    return float((abs(shifts - most).max(axis=1) <= NEARLY).mean())
