"""Shared parts of all applications: checks of settings and sizes, values to compare, results."""

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Self

from numpy.typing import NDArray

from patchvid._alpha import is_translucent, premultiply, straight
from patchvid._convert import compress_highlights, has_highlights
from patchvid._masks import Mask
from patchvid._memory import write_out
from patchvid._validation import (
    MOST_VOXELS,
    Triple,
    check_alpha,
    check_choice,
    check_flag,
    check_integer,
    check_integers,
    check_numbers,
    check_reduce,
    check_size,
    like_input,
    shown,
    to_kernel_dtype,
)
from patchvid.core.plan import Plan
from patchvid.core.rearranging import NOT_SHIFTED
from patchvid.core.settings import PATCHES, Settings
from patchvid.core.synthesis import LevelOutput
from patchvid.errors import InvalidInput
from patchvid.results import PatchField, Result


def check_settings(
    video: NDArray[Any],
    *,
    patch: Any,
    iterations: int | None,
    reduce: Literal["median", "mean"],
    alpha: float | None = None,
    loop: bool = False,
    tile: str = "",
    size: Sequence[int] | None = None,
    coarsest: tuple[int, int],
    coarse_patch: Triple | None = None,
    **others: Any,
) -> Settings:
    """The settings of every level, for an output of `size` made of patches of `video`.

    A coarse patch has fewer frames if the clip, the output or the coarsest level has.
    """
    if patch is not None:
        patch = check_size("patch", patch)
    iterations = None if iterations is None else check_integer("iterations", iterations, 1)
    sizes = [video.shape[:3], video.shape[:3] if size is None else size]
    n_frames, height, width = map(min, zip(*sizes))
    if check_flag("loop", loop) and n_frames == 1:
        raise InvalidInput("a single frame makes no loop; give a clip, or leave loop out")
    check_choice("tile", tile, "", "x", "y", "xy")
    if ("y" in tile and height == 1) or ("x" in tile and width == 1):
        raise InvalidInput("a single row or column makes no tile; leave tile out")
    frames, pixels = check_integers("coarsest", coarsest, 2)
    if coarse_patch is not None:
        (least, *_), (most, *sides) = PATCHES[0][1], coarse_patch
        coarse_patch = max(least, min(most, frames, n_frames)), sides[0], sides[1]
    return Settings(
        patch=patch, coarse_patch=coarse_patch, is_flat=len(video) == 1, iterations=iterations,
        reduce=check_reduce(reduce), alpha=check_alpha(alpha),
        periodic=(bool(loop), "y" in tile, "x" in tile), coarsest=(frames, pixels), **others,
    )  # fmt: skip


def check_output_size(shape: Sequence[int], scale: Sequence[float], size: Any) -> Triple:
    """The size (t, y, x) of the output, as given or from a scale of the clip's shape."""
    factors = check_numbers("scale", scale, 3)
    if size is None:
        size = [math.ceil(min(n * f, MOST_VOXELS) - 1e-5) for n, f in zip(shape, factors)]
    elif any(factor != 1 for factor in factors):
        raise InvalidInput("give either scale or size, got both")
    new = check_size("size", size)
    if math.prod(new) > MOST_VOXELS:
        raise InvalidInput(f"an output must have fewer than 2**31 voxels, got size {shown(new)}")
    return new


class Clip(NamedTuple):
    """A clip as it was given, and the values that its patches copy and compare.

    Attributes
    ----------
    video
        The clip (t, y, x, c), checked.
    value
        The same, its colours premultiplied if it has alpha.
    is_log
        Whether highlights are compressed where patches are compared and levels are resized.
    """

    video: NDArray[Any]
    value: NDArray[Any]
    is_log: bool

    @classmethod
    def of(cls, video: NDArray[Any]) -> Self:
        """Make the clip of a checked video."""
        value = premultiply(video) if is_translucent(video) else video
        return cls(video, value, has_highlights(video))

    def to_values(self, other: NDArray[Any]) -> NDArray[Any]:
        """Another video of the same kind, such as a cue, in the values of this one."""
        return premultiply(other) if is_translucent(self.video) else other

    def compressed(self, value: NDArray[Any]) -> NDArray[Any]:
        """Values for the kernels, with their highlights compressed if this clip has any."""
        return compress_highlights(value) if self.is_log else to_kernel_dtype(value)

    def restore(self, plan: Plan, made: LevelOutput) -> LevelOutput:
        """The output of a plan, made from compressed values, in the clip's own values."""
        if not self.is_log:
            return made
        output = plan.vote(to_kernel_dtype(self.value), made.field)
        return made._replace(output=output)

    def straight(self, value: NDArray[Any]) -> NDArray[Any]:
        """Values with straight colours, as in the given clip."""
        return straight(value, self.video.dtype) if is_translucent(self.video) else value

    def finish(self, plan: Plan, made: LevelOutput) -> LevelOutput:
        """The output of a plan as a video of the same kind as the given clip."""
        made = self.restore(plan, made)
        return made._replace(output=self.straight(made.output))


def collect(
    made: LevelOutput,
    video: NDArray[Any],
    given: Any,
    seed: int,
    settings: Settings,
    *,
    details: bool,
    made_share: Mask | None = None,
    shift: Triple = NOT_SHIFTED,
    keeps_time: bool = False,
    out: Any = None,
) -> Any:
    """The output in the type of the given clip, or with details a `Result`.

    It is written to `out` if that is given. `made_share`, `shift` and `keeps_time` are those of
    `PatchField`.
    """
    result = like_input(made.output, given)
    if out is not None:
        return write_out(out, result)
    if not details:
        return result
    t, y, x, _ = video.shape
    patch, _ = settings.at(made.output.shape[-4:])
    field = PatchField(
        made.field, patch, settings.periodic, settings.reduce, (t, y, x), made_share, shift,
        keeps_time,
    )  # fmt: skip
    return Result(result, field, seed, made.timings)
