"""The plan of an output: query, key and value of each level.

Reference: figure 2 of Haim et al., "Diverse Generation from a Single Video Made Possible" (ECCV
2022).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from patchvid._convert import ValueRange
from patchvid._resampling import resample
from patchvid._validation import Triple, to_kernel_dtype, too_small
from patchvid.core.fields import Field, Window
from patchvid.core.pyramid import Level, plan_levels, resample_levels
from patchvid.core.settings import Settings
from patchvid.errors import DeviceError, InvalidInput

COARSER_LEVELS = 1.4  # all their voxels relative to the finest level's, with the default factors
FIELD_BYTES = 4  # of a patch


@dataclass(frozen=True)
class LevelInputs:
    """The inputs of one level, except for the query, which comes from the coarser level.

    Attributes
    ----------
    value, value_level
        Patches are copied from `value` (t, y, x, c).
    output_level
        The size of the output, and its scale.
    key_region
        (t, y, x) of bool: keys lie entirely inside it. None: they lie anywhere.
    guides
        Extra channels (t, y, x, g) of uint8 for query and key, which are compared as well; or, for
        several samples, (n, t, y, x, g).
    fixed
        A mask (t, y, x) of bool and a video: inside the mask the output equals the video. Of a
        stretch of a film, the video has the first frames only, which are fixed.
    window
        The part of the output that is made; elsewhere the output equals the value. The query, its
        guide, and the fixed mask and video have the size of the window. None: the whole output.
    past
        The field of the first frames of the window, which are fixed, if the window is a stretch of
        a film. Then nothing is known of the output elsewhere.
    """

    value: NDArray[Any]
    value_level: Level
    output_level: Level
    key_region: NDArray[np.bool_] | None = None
    guides: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None = None
    fixed: tuple[NDArray[np.bool_], NDArray[Any]] | None = None
    window: Window | None = None
    past: Field | None = None

    @property
    def made_shape(self) -> Triple:
        """(t, y, x) of the part that is made."""
        if self.window is None:
            return self.output_level.shape
        t, y, x = (part.stop - part.start for part in self.window)
        return t, y, x

    @property
    def key_shape(self) -> tuple[int, ...]:
        """The shape of the key, which has the channels of the value and of its guide."""
        if self.guides is None:
            return self.value.shape
        *shape, n_guides = self.guides[1].shape
        return *shape, self.value.shape[3] + n_guides

    @property
    def n_made(self) -> int:
        """Number of voxels that are made."""
        return math.prod(self.made_shape)

    @property
    def first(self) -> Triple:
        """The first voxel that is made."""
        if self.window is None:
            return (0, 0, 0)
        t, y, x = (part.start for part in self.window)
        return t, y, x

    def known(self, made: NDArray[Any]) -> NDArray[Any]:
        """All that is known of the output, of which the window was made."""
        if self.window is None or self.past is not None:
            return made
        whole: NDArray[Any] = np.broadcast_to(self.value, (*made.shape[:-4], *self.value.shape))
        whole = whole.copy()
        whole[(..., *self.window, slice(None))] = made
        return whole

    def restore_fixed(self, video: NDArray[Any]) -> NDArray[Any]:
        """The video with the fixed voxels put back."""
        if self.fixed is None:
            return video
        mask, given = self.fixed
        if self.past is not None:
            video[: len(given)] = given
            return video
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
        Settings of the levels.
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

    def initial_query(self) -> NDArray[np.uint8]:
        """The clip at the coarsest level, in 8 bits and at the size of the output."""
        first = self.levels[0]
        return resample(self.quantize(first.value), first.output_level.shape)

    def map(self, change: Callable[[LevelInputs], LevelInputs]) -> Self:
        """The plan with other inputs on every level."""
        return replace(self, levels=[change(level) for level in self.levels])

    def guided(self, guide_of: Callable[[LevelInputs], NDArray[np.uint8]], pixels: int) -> Self:
        """The plan in which a guide of the query is compared with the value of each level.

        `guide_of` makes the guide, in 8 bits (t, y, x, c) and at the size of the query, for the
        coarsest level and for those whose shorter side has up to `pixels` pixels.
        """

        def guide(level: LevelInputs) -> LevelInputs:
            if level is not self.levels[0] and min(level.value.shape[1:3]) > pixels:
                return level
            return replace(level, guides=(guide_of(level), self.quantize(level.value)))

        return self.map(guide)

    def with_size(self, size: Triple) -> Self:
        """The same plan for an output of another size."""
        levels = plan_levels(
            self.value.shape[:3], size=size, factor=self.settings.factor,
            coarsest=self.settings.coarsest, smallest=self.settings.smallest,
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

    def vote(self, value: NDArray[Any], field: Field) -> NDArray[Any]:
        """An output of the finest level from other values, by the field of that level."""
        settings = self.settings
        output: NDArray[Any] = self.kernels.vote(
            value, field, patch=settings.at(self.size)[0], periodic=settings.periodic,
            reduce=settings.reduce,
        )  # fmt: skip
        return output

    def footprint(self) -> int:
        """Bytes of the finest level, without its value."""
        sizes = math.prod(self.value.shape[:3]), self.levels[-1].n_made
        return self.kernels.footprint(*sizes, self.value.shape[3], self.value.itemsize)


def footprint(
    kernels: ModuleType, shape: Sequence[int], size: Sequence[int], itemsize: int, samples: int = 1
) -> int:
    """Bytes needed, in addition to a clip (t, y, x, c), to make outputs of `size` from it."""
    n_voxels, channels = math.prod(shape[:3]), shape[3]
    levels = math.ceil(COARSER_LEVELS * n_voxels) * channels * itemsize
    kept = 0 if samples == 1 else samples * math.prod(size) * (channels * itemsize + FIELD_BYTES)
    return levels + kept + kernels.footprint(n_voxels, math.prod(size), channels, itemsize)


def check_fits(
    kernels: ModuleType, video: NDArray[Any], size: Sequence[int], samples: int = 1
) -> None:
    """Refuse to make outputs of `size` from a clip if the memory is too small."""
    itemsize = to_kernel_dtype(video[:1]).itemsize
    if problem := kernels.check_memory(footprint(kernels, video.shape, size, itemsize, samples)):
        raise DeviceError(f"{_by(size)} voxels out of {_by(video.shape[:3])}: {problem}")


def plan_synthesis(
    kernels: ModuleType,
    video: NDArray[Any],
    size: Triple,
    settings: Settings,
    made: Triple | None = None,
    *,
    samples: int = 1,
) -> Plan:
    """The plan of an output of `size` with the pyramid of a clip as values.

    The check of memory is for so many samples, of the part that is `made`, by default the whole.
    """
    source = to_kernel_dtype(video)
    check_fits(kernels, source, made or size, samples)
    quantize = ValueRange.of_values(source).quantize
    levels_of = partial(
        plan_levels, video.shape[:3], factor=settings.factor, coarsest=settings.coarsest,
        smallest=settings.smallest,
    )  # fmt: skip
    value_levels, output_levels = levels_of(), levels_of(size=size)
    for levels in (value_levels, output_levels):
        _check_patches(settings, levels)
    inputs = zip(resample_levels(source, value_levels), value_levels, output_levels, strict=True)
    return Plan(kernels, [LevelInputs(*level) for level in inputs], settings, quantize)


def _check_patches(settings: Settings, levels: Sequence[Level]) -> None:
    """Every level must hold at least one patch; the coarsest is the smallest."""
    for level in (levels[-1], levels[0]):
        patch = settings.at(level.shape)[0]
        if any(n < extent for n, extent in zip(level.shape, patch, strict=True)):
            is_whole = level is levels[-1]
            problem = too_small("a video" if is_whole else "the coarsest level", level.shape, patch)
            larger = "video" if is_whole else "coarsest level"
            raise InvalidInput(f"{problem}; use a smaller patch or a larger {larger}")


def _by(size: Sequence[int]) -> str:
    return "x".join(map(str, size))
