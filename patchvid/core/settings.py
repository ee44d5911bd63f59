"""The settings of the levels of an output: patch, iterations and others.

Reference: section 1 of the supplement of Haim et al., "Diverse Generation from a Single Video Made
Possible" (ECCV 2022).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from patchvid._validation import Axes, Triple
from patchvid.core.fields import NOT_PERIODIC

# (voxels, iterations): a level with up to so many voxels gets so many iterations; then likewise
# for patches.
ITERATIONS = ((20_000, 10), (3_000_000, 5), (math.inf, 1))
PATCHES: tuple[tuple[float, Triple], ...] = ((7_500_000, (3, 7, 7)), (math.inf, (3, 5, 5)))
COARSE_PIXELS = 80  # levels whose shorter side has up to so many pixels are coarse


@dataclass(frozen=True)
class Settings:
    """How the levels are made.

    The defaults are those of the paper's supplement, except that small levels have more iterations.

    Attributes
    ----------
    patch, iterations
        None depends on the size of the level: 3x7x7 and 5 iterations; above 3 million voxels one
        iteration, above 7.5 million 3x5x5. Levels below 20,000 voxels get 10 iterations, which cost
        little and repair damage by the noise.
    coarse_patch
        Patch of levels of up to 80 pixels, unless `patch` is given. Long patches keep objects from
        turning into others, at little cost on small levels.
    is_flat
        Whether patches have one frame, as for images.
    reduce
        How votes become one value.
    alpha, complete_levels
        Completeness, and the number of coarsest levels that use it.
    periodic
        Axes (t, y, x) along which the output is periodic.
    factor, coarsest, smallest
        Settings of the pyramid, see `plan_levels`.
    first_iterations
        Iterations of the first level of a plan. None: as on any other of its size.
    share
        Share of the output that is made at a time. Patch and iterations depend on its size.
    explores
        Whether a level begins with a random search around its carried keys. This repairs outputs
        that do not consist of whole pieces of the clip yet. It breaks up others: the first query of
        a level is blurred, so many wrong patches match it.
    """

    patch: Triple | None = None
    coarse_patch: Triple | None = None
    is_flat: bool = False
    iterations: int | None = None
    reduce: Literal["median", "mean"] = "median"
    alpha: float | None = None
    complete_levels: int = 0
    periodic: Axes = NOT_PERIODIC
    factor: tuple[float, float] = (0.87, 0.82)
    coarsest: tuple[int, int] = (3, 15)
    smallest: int | None = None
    first_iterations: int | None = 1
    explores: bool = True
    share: float = 1.0

    def at(self, shape: Sequence[int]) -> tuple[Triple, int]:
        """Patch and number of iterations for an output of `shape`."""
        n_voxels = self.share * math.prod(shape[:3])
        patch = self.patch or next(patch for size, patch in PATCHES if n_voxels <= size)
        if self.patch is None and self.coarse_patch and min(shape[1:3]) <= COARSE_PIXELS:
            patch = self.coarse_patch
        if self.is_flat:
            patch = (1, *patch[1:])
        return patch, self.iterations or next(n for size, n in ITERATIONS if n_voxels <= size)
