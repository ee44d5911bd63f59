"""The plan of an output: what query, key and value are on each level, and how levels are made.

Source: figure 2 of Haim et al., "Diverse Generation from a Single Video Made Possible" (ECCV 2022),
and section 1 of its supplement.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from patchvid._convert import ValueRange
from patchvid._resampling import resample
from patchvid._validation import Axes, Triple, to_kernel_dtype
from patchvid.core.fields import NOT_PERIODIC
from patchvid.core.pyramid import Level, plan_levels
from patchvid.errors import InvalidInput

# Iterations of a level of up to so many voxels.
ITERATIONS = ((20_000, 10), (3_000_000, 5), (math.inf, 1))


@dataclass(frozen=True)
class Settings:
    """How the levels are made; the defaults are those of the paper's supplement.

    Attributes
    ----------
    patch, iterations
        None: by the size of the level. 3x7x7 and 5 iterations; above 3 million voxels one
        iteration, above 7.5 million 3x5x5. Small levels, whose iterations cost little, have more of
        them, which settles what the noise has torn apart.
    reduce
        How votes become one value.
    alpha, complete_levels
        Completeness, on so many of the coarsest levels.
    periodic
        Axes (t, y, x) along which the output is periodic.
    factor, coarsest
        Of the pyramid, see `build_pyramid`.
    first_iterations
        Iterations of the first level. None: as on any other of its size.
    explores
        Whether a level begins with a random search around the keys that were carried to it. That
        mends outputs which are not yet made of whole pieces of the clip. Where they are, it tears
        them apart: what is scaled up is blurred, and much looks alike by chance.
    """

    patch: Triple | None = None
    iterations: int | None = None
    reduce: Literal["median", "mean"] = "median"
    alpha: float | None = None
    complete_levels: int = 0
    periodic: Axes = NOT_PERIODIC
    factor: tuple[float, float] = (0.87, 0.82)
    coarsest: tuple[int, int] = (3, 15)
    first_iterations: int | None = 1
    explores: bool = True

    def at(self, shape: Sequence[int]) -> tuple[Triple, int]:
        """Patch and number of iterations for an output of `shape`."""
        n_voxels = math.prod(shape[:3])
        patch = self.patch or ((3, 7, 7) if n_voxels <= 7_500_000 else (3, 5, 5))
        return patch, self.iterations or next(n for size, n in ITERATIONS if n_voxels <= size)


@dataclass(frozen=True)
class LevelInputs:
    """The inputs of one level beside the query, which comes from the coarser level.

    Attributes
    ----------
    value, value_level
        Patches are taken from `value` (t, y, x, c).
    output_level
        The size of the output, and its scale.
    source_mask
        (t, y, x) of bool: patches are taken from inside it. None: from everywhere.
    guides
        Extra channels (t, y, x, g) of uint8 for query and key, which are compared as well.
    fixed
        A mask (t, y, x) of bool and a video: inside the mask the output is the video's.
    """

    value: NDArray[Any]
    value_level: Level
    output_level: Level
    source_mask: NDArray[np.bool_] | None = None
    guides: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None = None
    fixed: tuple[NDArray[np.bool_], NDArray[Any]] | None = None

    def restore_fixed(self, video: NDArray[Any]) -> NDArray[Any]:
        """The video with the fixed voxels as they must be."""
        if self.fixed is None:
            return video
        mask, given = self.fixed
        return np.where(mask[..., None], given, video)


@dataclass(frozen=True)
class Plan:
    """An output before it is made.

    Attributes
    ----------
    kernels
        The back end of the device that holds the arrays.
    levels
        Coarsest first.
    settings
        How they are made.
    quantize
        Maps values to 8 bits, in which patches are compared.
    offset
        Number of coarser levels that another plan makes.
    """

    kernels: ModuleType
    levels: Sequence[LevelInputs]
    settings: Settings
    quantize: Callable[[NDArray[Any]], NDArray[np.uint8]]
    offset: int = 0

    @property
    def value(self) -> NDArray[Any]:
        """The clip that patches are taken from, at full size."""
        return self.levels[-1].value

    @property
    def size(self) -> Triple:
        """(t, y, x) of the output."""
        return self.levels[-1].output_level.shape

    def start(self) -> NDArray[np.uint8]:
        """The clip at the coarsest level, in 8 bits and at the size of the output."""
        first = self.levels[0]
        return resample(self.quantize(first.value), first.output_level.shape)

    def map(self, change: Callable[[LevelInputs], LevelInputs]) -> Self:
        """The plan with other inputs on every level."""
        return replace(self, levels=[change(level) for level in self.levels])

    def with_size(self, size: Triple) -> Self:
        """The same plan for an output of another size."""
        levels = plan_levels(
            self.value.shape[:3], size=size, factor=self.settings.factor,
            coarsest=self.settings.coarsest,
        )  # fmt: skip
        pairs = zip(self.levels, levels, strict=True)
        return replace(self, levels=[replace(own, output_level=level) for own, level in pairs])

    def before(self, stop: int) -> Self:
        """The part of the plan with the coarsest levels up to number `stop`."""
        return replace(self, levels=self.levels[:stop])

    def after(self, start: int) -> Self:
        """The part of the plan with the levels from number `start` on."""
        return replace(self, levels=self.levels[start:], offset=self.offset + start)

    def schedule(self) -> list[tuple[Triple, int]]:
        """Patch and iterations of every level."""
        schedule = [self.settings.at(level.output_level.shape) for level in self.levels]
        patch, iterations = schedule[0]
        return [(patch, self.settings.first_iterations or iterations), *schedule[1:]]

    def footprint(self) -> int:
        """Bytes that the finest level takes beside its value: at least, and on a GPU at most."""
        n_voxels = max(math.prod(self.value.shape[:3]), math.prod(self.size))
        # Field, cost and 8-bit words of query and key; the votes' words, and the output in 8 bits.
        return n_voxels * (16 + self.value.shape[3] * (8 * self.value.itemsize - 4))


def plan_synthesis(
    kernels: ModuleType, video: NDArray[Any], size: Triple, settings: Settings
) -> Plan:
    """The plan of an output of `size` whose values are the pyramid of a clip."""
    source = to_kernel_dtype(video)
    quantize = ValueRange.of_values(source).quantize
    plan = partial(plan_levels, video.shape[:3], factor=settings.factor, coarsest=settings.coarsest)
    value_levels, output_levels = plan(), plan(size=size)
    for levels in (value_levels, output_levels):
        _check_patches(settings, levels)
    coarser = [resample(source, level.shape, scale=level.scale) for level in value_levels[:-1]]
    inputs = zip([*coarser, source], value_levels, output_levels, strict=True)
    return Plan(kernels, [LevelInputs(*level) for level in inputs], settings, quantize)


def _check_patches(settings: Settings, levels: Sequence[Level]) -> None:
    """Every level must hold at least one patch; the coarsest is the smallest."""
    for level in (levels[-1], levels[0]):
        patch = settings.at(level.shape)[0]
        if any(n < extent for n, extent in zip(level.shape, patch, strict=True)):
            t, y, x = level.shape
            is_whole = level is levels[-1]
            what = "a video" if is_whole else "the coarsest level"
            raise InvalidInput(
                f"{what} of {t} frames, {y}x{x} pixels is smaller than the patch "
                f"{'x'.join(map(str, patch))}; use a smaller patch or a larger "
                + ("video" if is_whole else "coarsest level")
            )
