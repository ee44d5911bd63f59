"""Retargeting: change a clip's width, height or length; objects keep their shape and pace.

The coarsest query is the clip itself, squeezed or stretched to the new size; key and value are the
clip. Height and width are squeezed where little is shown, so that objects stay whole if there is
room for them. Patches of the clip restore the right shapes, and completeness keeps as much of the
clip as fits.

Reference: section 4 of Haim et al., "Diverse Generation from a Single Video Made Possible" (ECCV
2022), spatio-temporal retargeting.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patchvid._device import backend, on_device
from patchvid._masks import Mask, check_soft_mask
from patchvid._memory import check_out, within_memory
from patchvid._progress import Progress, reporting
from patchvid._resampling import resample
from patchvid._validation import (
    Seed,
    Triple,
    as_array,
    check_flag,
    check_seed,
    check_video,
)
from patchvid.apps import _typing
from patchvid.apps._setup import Clip, check_output_size, check_settings, collect
from patchvid.apps.holes import coarse_region, fill_smoothly
from patchvid.core.fields import Window
from patchvid.core.periodic import open_ends, synthesize_periodic
from patchvid.core.plan import LevelInputs, Plan, plan_synthesis
from patchvid.core.rearranging import NOT_SHIFTED, blend, moved
from patchvid.core.retarget_steps import retarget_query
from patchvid.core.settings import Settings
from patchvid.core.synthesis import finest
from patchvid.errors import InvalidInput
from patchvid.results import Result

MIN_CHANGE, MAX_CHANGE = 0.4, 3.0  # factors of a change
COARSEST, SMALLEST_COARSEST = (9, 28), (3, 15)

# With shorter patches, an object may turn into another while both come closer to each other.
# A summary, which is shorter than the clip, needs short ones.
COARSE_PATCH = (5, 7, 7)

# A patch of 3 frames spans most of these, so successive actions end up side by side.
SUMMARY_FRAMES = 4

# More completeness would squeeze two objects into the space of one, and tear them.
ALPHA, COMPLETE_LEVELS = 100.0, 5


@overload
def retarget(
    video: NDArray[Any], *, details: Literal[False] = ..., **settings: Unpack[_typing.Retarget]
) -> NDArray[Any]: ...
@overload
def retarget(
    video: NDArray[Any], *, details: Literal[True], **settings: Unpack[_typing.Retarget]
) -> Result: ...
@within_memory
@on_device("video", "keep")
def retarget(
    video: NDArray[Any],
    *,
    size: Sequence[int] | None = None,
    scale: Sequence[float] | None = None,
    keep: ArrayLike | None = None,
    seed: Seed = None,
    patch: Triple | None = None,
    factor: tuple[float, float] = (0.87, 0.82),
    coarsest: tuple[int, int] | None = None,
    iterations: int | None = None,
    reduce: Literal["median", "mean"] = "median",
    alpha: float | None = ALPHA,
    loop: bool = False,
    tile: str = "",
    device: str = "auto",
    memory: int | str | None = None,
    progress: Progress | bool | None = None,
    details: bool = False,
    out: Any = None,
) -> Any:
    """Change the width, height or length of `video`; objects keep their shape and pace.

    A smaller video moves objects closer together, and drops what does not fit. A shorter one shows
    successive actions side by side. A larger or longer one shows more of the same.

    Parameters
    ----------
    video : array
        (t, y, x, c) or (t, y, x), as for `generate`.
    size : tuple of int, optional
        Size of the output, (t, y, x); each axis 0.4 to 3 times as long as the clip's.
    scale : tuple of float, optional
        Size of the output relative to `video`, rounded up, in place of `size`.
    keep : array, optional
        A mask, white where the clip must not change: (y, x) for all frames, (t, y, x), or a video,
        with values as for the mask of `inpaint`. This region appears in the output unchanged. It
        moves as a whole: its middle stays at the same fraction of the length, height and width.
        Greys blend it with the rest.
    seed : int or numpy.random.Generator, optional
        The same seed gives the same bytes, on every device and with any number of threads. None
        picks one at random.
    patch : tuple of int, optional
        As for `generate`. If the output is not shorter than the clip, None has up to 5 frames on
        levels whose shorter side has up to 80 pixels.
    factor : tuple of float
        As for `generate`.
    coarsest : tuple of int, optional
        Frames, and pixels of the shorter side, of the coarsest level. Higher values preserve small
        objects and their shape, lower values large objects. None is (9, 28), reduced for short or
        small clips to a quarter of the frames and two fifths of the pixels, but not below (3, 15);
        at most 4 frames if the output is shorter than the clip.
    iterations : int, optional
        As for `generate`.
    reduce : {"median", "mean"}
        As for `generate`.
    alpha : float, optional
        Completeness on the coarse levels, in the unit of `search`'s cost in 8 bits, see `vpnn`. The
        smaller, the more of the clip stays, but objects that it shows only once may be torn. With
        None, parts of it may vanish.
    loop : bool
        Whether the video is a loop. The region to keep does not change.
    tile : {"", "x", "y", "xy"}
        Axes along which copies of the video fit together without a seam.
    device : {"auto", "cpu", "cuda"}
        As for `generate`.
    memory : int or str, optional
        As for `generate`.
    progress : callable, bool or None
        As for `generate`.
    details : bool
        Whether to return a `Result`.
    out : array, optional
        As for `generate`.

    Returns
    -------
    array or Result
        (t, y, x, c) of the dtype and range of `video`.

    Raises
    ------
    InvalidInput
        If a setting is out of range, or a region to keep does not fit.
    DeviceError
        If the device cannot be used, or has too little memory.

    Notes
    -----
    Time and memory grow in proportion to the number of voxels.

    Examples
    --------
    >>> bars = np.tile(np.repeat(np.uint8([30, 200]), 5), (4, 20, 4))[..., None]
    >>> wider = retarget(bars, scale=(1, 1, 1.5), seed=0)
    >>> wider.shape
    (4, 20, 60, 1)
    """
    kernels = backend(device)
    given, video = video, check_video("video", video)
    seed, details = check_seed(seed), check_flag("details", details)
    size = check_new_size(video.shape[:3], size, scale)
    check_out(out, given, size, details=details)
    settings = retarget_settings(
        video, size, patch=patch, iterations=iterations, reduce=reduce, alpha=alpha, loop=loop,
        tile=tile, factor=factor, coarsest=coarsest,
    )  # fmt: skip
    clip = Clip.of(video)
    kept: tuple[NDArray[Any], Mask] | None = None
    shift, spans = NOT_SHIFTED, None
    if keep is not None:
        soft = check_soft_mask("keep", kernels.to_device(as_array(keep)), video.shape)
        region = _find_region(soft)
        shift = _find_shift(region, video.shape, size)
        spans = [(part.start / n, part.stop / n) for part, n in zip(region, video.shape)]
        kept = moved(clip.value, shift, size), moved(soft, shift, size)
    with reporting(progress, "retarget") as report:
        plan = plan_synthesis(kernels, clip.compressed(clip.value), size, settings)
        opened = open_ends(plan)
        start = retarget_query(opened, seed=seed, spans=spans)
        if kept is not None:
            canvas = clip.compressed(kept[0]), kept[1]
            plan, opened = _keep(plan, *canvas), _keep(opened, *_repeat(canvas, opened.size))
        made = finest(plan, synthesize_periodic(plan, opened, start, seed=seed, progress=report))
    made = clip.restore(plan, made)
    made_share = None if kept is None else 1 - kept[1]
    if kept is None or made_share is None:
        made = made._replace(output=clip.straight(made.output))
    else:
        output = clip.straight(blend(made.output, kept[0], made_share))
        same = moved(video, shift, size)
        made = made._replace(output=np.where((made_share > 0)[..., None], output, same))
    return collect(
        made, video, given, seed, settings, details=details, made_share=made_share, shift=shift,
        keeps_time=len(made.output) == len(video), out=out,
    )  # fmt: skip


def retarget_settings(
    video: NDArray[Any], size: Triple, *, coarsest: tuple[int, int] | None, **given: Any
) -> Settings:
    """The settings of every level, for an output of `size`."""
    if coarsest is None:
        coarsest = _default_coarsest(video.shape, size)
    return check_settings(
        video, size=size, coarsest=coarsest, smallest=SMALLEST_COARSEST[1],
        coarse_patch=COARSE_PATCH if size[0] >= video.shape[0] else None,
        complete_levels=COMPLETE_LEVELS, first_iterations=None, **given,
    )  # fmt: skip


def check_new_size(shape: Sequence[int], size: Any, scale: Any) -> Triple:
    """The size of the output, if it is in range."""
    if size is None and scale is None:
        raise InvalidInput("retarget needs a size or a scale, got neither")
    new = check_output_size(shape, (1, 1, 1) if scale is None else scale, size)
    factors = [m / n for m, n in zip(new, shape)]
    if not all(MIN_CHANGE <= factor <= MAX_CHANGE for factor in factors):
        by = ", ".join(f"{factor:.3g}" for factor in factors)
        raise InvalidInput(
            f"length, height and width can change by factors from {MIN_CHANGE} to {MAX_CHANGE:g}, "
            f"got {by}; make larger changes in several calls, and longer films with retarget_long "
            "or patchvid retarget --scale"
        )
    return new


def _default_coarsest(shape: Sequence[int], size: Triple) -> tuple[int, int]:
    frames, pixels = np.clip(
        (shape[0] // 4, 2 * min(shape[1:3]) // 5), SMALLEST_COARSEST, COARSEST
    ).tolist()
    return min(frames, SUMMARY_FRAMES) if size[0] < shape[0] else frames, pixels


def _find_region(keep: Mask) -> Window:
    """The part of the clip that the region to keep spans."""
    if not keep.any():
        raise InvalidInput("keep must be white where the clip must not change, got only black")
    whites = [np.flatnonzero(keep.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    t, y, x = (slice(int(white[0]), int(white[-1]) + 1) for white in whites)
    return t, y, x


def _find_shift(region: Window, shape: Sequence[int], size: Triple) -> Triple:
    """The shift (t, y, x) that brings the region to keep to its place in an output of `size`."""
    shift = []
    for axis, (part, n, m) in enumerate(zip(region, shape, size)):
        first, length = part.start, part.stop - part.start
        if length > m:
            name = ("frames", "pixels of the height", "pixels of the width")[axis]
            raise InvalidInput(
                f"the region to keep spans {length} {name} of the clip and does not fit into {m}; "
                "give a smaller mask or a larger size"
            )
        middle = (first + length / 2) * m / n
        shift.append(min(max(round(middle - length / 2), 0), m - length) - first)
    t, y, x = shift
    return t, y, x


def _repeat(kept: tuple[NDArray[Any], Mask], size: Triple) -> tuple[NDArray[Any], Mask]:
    """The region to keep and its mask, repeated periodically up to a larger size."""
    region, share = kept
    pads = [(0, m - n) for n, m in zip(share.shape, size)]
    return np.pad(region, [*pads, (0, 0)], "wrap"), np.pad(share, pads, "wrap")


def _keep(plan: Plan, kept: NDArray[Any], share: Mask) -> Plan:
    """The plan with the kept region fixed on all levels."""
    canvas = fill_smoothly(kept, share == 0)

    def fix(level: LevelInputs) -> LevelInputs:
        shape, scale = level.output_level
        mask = ~coarse_region(share < 1, level.output_level)
        return replace(level, fixed=(mask, resample(canvas, shape, scale=scale)))

    return plan.map(fix)
