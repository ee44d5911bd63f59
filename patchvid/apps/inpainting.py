"""Inpainting: a hole in a clip is completed from the rest of it, or by what a cue asks for.

The coarsest query is the clip with its hole filled smoothly, or with the cue in it; key and value
are the clip. Only patches that touch the hole are searched, keys lie outside of it, and all other
voxels are fixed.

Reference: section 4 of Haim et al., "Diverse Generation from a Single Video Made Possible" (ECCV
2022), conditional inpainting.
"""

import math
from dataclasses import replace
from functools import partial
from typing import Any, Literal, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patchvid._alpha import is_translucent, made_opaque, transparency
from patchvid._device import backend, on_device
from patchvid._masks import Mask, check_soft_mask
from patchvid._progress import Progress, reporting
from patchvid._resampling import resample
from patchvid._validation import (
    Axes,
    Seed,
    Triple,
    as_array,
    check_flag,
    check_integer,
    check_seed,
    check_video,
    with_channels,
)
from patchvid.apps import _typing
from patchvid.apps._setup import Clip, check_settings, collect
from patchvid.apps.cues import copy_paint, painted
from patchvid.apps.holes import (
    Region,
    dilate,
    fill_smoothly,
    first_level,
    hole_of,
    restrict_keys,
)
from patchvid.core.fields import Field, patches_within
from patchvid.core.plan import LevelInputs, Plan, Settings, plan_synthesis
from patchvid.core.rearranging import blend
from patchvid.core.synthesis import finest, synthesize
from patchvid.errors import InvalidInput
from patchvid.results import Result

# A cue guides the levels whose shorter side has up to this many pixels. With more, things take the
# painted shape; with fewer, they may vanish.
CUED_PIXELS = 45

# Margin of the hole around the paint, as a share of the clip's shorter side: things need not follow
# the paint's outline.
ROOM = 0.05


@overload
def inpaint(
    video: NDArray[Any],
    mask: ArrayLike | None = ...,
    *,
    details: Literal[False] = ...,
    **settings: Unpack[_typing.Inpaint],
) -> NDArray[Any]: ...
@overload
def inpaint(
    video: NDArray[Any],
    mask: ArrayLike | None = ...,
    *,
    details: Literal[True],
    **settings: Unpack[_typing.Inpaint],
) -> Result: ...
@on_device("video", "mask", "cue")
def inpaint(
    video: NDArray[Any],
    mask: ArrayLike | None = None,
    *,
    cue: NDArray[Any] | None = None,
    grow: int | None = None,
    seed: Seed = None,
    patch: Triple | None = None,
    factor: tuple[float, float] = (0.87, 0.82),
    coarsest: tuple[int, int] = (3, 15),
    iterations: int | None = None,
    reduce: Literal["median", "mean"] = "median",
    loop: bool = False,
    tile: str = "",
    device: str = "auto",
    progress: Progress | bool | None = None,
    details: bool = False,
) -> Any:
    """Complete a hole in `video` from the rest of it.

    Parameters
    ----------
    video : array
        (t, y, x, c) or (t, y, x), as for `generate`. Floats may be NaN where the mask is white.
    mask : array, optional
        The hole is white: (y, x) for all frames, (t, y, x), or a video. White is True, 1 in floats,
        and 255 in integers, or 1 if none is larger; greys blend the filling with the clip. None:
        the hole is what the cue paints, or without a cue where the clip is transparent.
    cue : array, optional
        A copy of `video` on which flat colours are painted, or of one of its frames, whose paint is
        then in all of them. Each is replaced by parts of the clip that have this colour when they
        are blurred. Without a mask the hole is where the cue differs from `video`. If compression
        makes it differ as well, only rectangles of one colour count. The cue may also be given as
        `video` itself.
    grow : int, optional
        Pixels by which the hole is larger than the mask, in every frame. None is 0, or without a
        mask a twentieth of the clip's shorter side.
    seed : int or numpy.random.Generator, optional
        The same seed gives the same bytes, on every device and on any number of threads. None draws
        one.
    patch : tuple of int, optional
        As for `generate`.
    factor : tuple of float
        As for `generate`.
    coarsest : tuple of int
        As for `generate`. But the first level is the finest one on which no patch lies wholly
        inside the hole.
    iterations : int, optional
        As for `generate`.
    reduce : {"median", "mean"}
        As for `generate`.
    loop : bool
        Whether the filling continues from the last frame to the first. The rest does not change. If
        the hole contains the last frames, any clip becomes a loop.
    tile : {"", "x", "y", "xy"}
        Axes along which the filling continues from one end to the other.
    device : {"auto", "cpu", "cuda"}
        As for `generate`.
    progress : callable, bool or None
        As for `generate`.
    details : bool
        Whether to return a `Result`.

    Returns
    -------
    array or Result
        (t, y, x, c) of the dtype of `video`, and equal to it outside of the hole; opaque if the
        hole was transparent.

    Raises
    ------
    InvalidInput
        If a mask or cue has another size than the clip, or a hole leaves no whole patch.
    DeviceError
        If the device cannot be used, or has too little memory.

    Notes
    -----
    Time grows in proportion to the number of voxels of the hole, and, far more slowly, of the clip.

    Examples
    --------
    >>> stripes = np.tile(np.uint8([0, 0, 90, 90]), (4, 20, 8))[..., None]
    >>> damaged, mask = stripes.copy(), np.zeros((20, 32), bool)
    >>> mask[5:12, 9:17] = True
    >>> damaged[:, mask] = 255
    >>> bool((inpaint(damaged, mask, seed=0) == stripes).all())
    True
    """
    kernels = backend(device)
    given, video, white = video, with_channels("video", video), None
    if mask is None and cue is None and video.ndim == 4 and is_translucent(video):
        mask, video = transparency(video), made_opaque(video)
    if mask is not None and video.ndim == 4:
        white = check_soft_mask("mask", kernels.to_device(as_array(mask)), video.shape)
        video = _without_gaps(video, white)
    video = check_video("video", video)
    seed, details = check_seed(seed), check_flag("details", details)
    settings = check_settings(
        video, patch=patch, iterations=iterations, reduce=reduce, loop=loop, tile=tile,
        factor=factor, coarsest=coarsest, first_iterations=None,
    )  # fmt: skip
    if cue is not None:
        cue = check_video("cue", cue)
        if cue.shape not in (video.shape, (1, *video.shape[1:])):
            raise InvalidInput(
                f"cue must have the shape of the clip, {video.shape}, or one frame of it, "
                f"got {cue.shape}"
            )
        if len(cue) < len(video):
            cue = copy_paint(video, cue)
    clip = Clip.of(video)
    painted_on = None if cue is None else clip.to_values(cue)
    soft = _find_hole(clip.value, white, painted_on, grow)
    hole = soft > 0
    _check_hole(hole, settings)
    with reporting(progress, "inpaint") as report:
        filled = fill_smoothly(clip.compressed(clip.value), hole)
        plan = plan_synthesis(kernels, filled, hole.shape, settings).map(
            partial(restrict_keys, hole)
        )
        first = first_level([*map(hole_of, plan.levels)], settings)
        plan = replace(plan, levels=plan.levels[first:])  # a plan of its own
        if painted_on is None:
            start = plan.quantize(_fill_hole(plan.levels[0], settings.periodic))
        else:
            guide = clip.compressed(painted_on)
            start = plan.quantize(_paint(guide, plan.levels[0]))
            plan = plan.map(partial(_guide_level, plan, guide))
        made = finest(synthesize(plan, start, seed=seed, progress=report))
    made = clip.restore(plan, made)
    output = clip.straight(blend(made.output, clip.value, soft))
    made = made._replace(
        output=np.where(hole[..., None], output, video),
        field=_name_untouched(made.field, hole, settings),
    )
    return collect(
        [made], video, given, seed, settings, details=details, made_share=soft, keeps_time=True
    )


def _without_gaps(video: NDArray[Any], mask: Mask) -> NDArray[Any]:
    """The video with zeros where it is not finite and the mask is white."""
    if video.dtype.kind != "f":
        return video
    gaps = (mask == 1)[..., None] & ~np.isfinite(video)
    return np.where(gaps, video.dtype.type(0), video)


def _find_hole(video: NDArray[Any], mask: Mask | None, cue: Any, grow: int | None) -> Mask:
    """The share of every voxel (t, y, x) that belongs to the hole."""
    if mask is not None:
        soft, room = mask, 0
    elif cue is not None:
        soft, room = painted(video, cue), math.ceil(ROOM * min(video.shape[1:3]))
    else:
        raise InvalidInput(
            "inpaint needs a mask, white where the hole is, a cue, or a clip that is transparent "
            "where the hole is; got none"
        )
    return dilate(soft, room if grow is None else check_integer("grow", grow, 0))


def _check_hole(hole: Region, settings: Settings) -> None:
    if not hole.any():
        raise InvalidInput("mask must be white where the clip is to be completed, got only black")
    patch, _ = settings.at(hole.shape)
    if (
        all(n >= extent for n, extent in zip(hole.shape, patch))
        and not patches_within(~hole, patch).any()
    ):
        raise InvalidInput(
            f"the hole leaves no whole patch of the clip, {'x'.join(map(str, patch))}, to complete "
            "it from; use a smaller mask or a smaller patch"
        )


def _fill_hole(level: LevelInputs, periodic: Axes) -> NDArray[Any]:
    """The value with its hole filled smoothly from around it, also across periodic ends."""
    hole = hole_of(level)
    pads = [(n // 2 * wraps,) * 2 for n, wraps in zip(hole.shape, periodic)]
    filled = fill_smoothly(
        np.pad(level.value, [*pads, (0, 0)], mode="wrap"), np.pad(hole, pads, mode="wrap")
    )
    return filled[tuple(slice(begin, begin + n) for (begin, _), n in zip(pads, hole.shape))]


def _paint(cue: NDArray[Any], level: LevelInputs) -> NDArray[Any]:
    """The value with the cue in its hole."""
    hole = hole_of(level)
    return level.restore_fixed(resample(cue, hole.shape, scale=level.value_level.scale))


def _guide_level(plan: Plan, cue: NDArray[Any], level: LevelInputs) -> LevelInputs:
    """The inputs of a level, guided by the cue if it is coarse."""
    if level is not plan.levels[0] and min(level.value.shape[1:3]) > CUED_PIXELS:
        return level
    guides = plan.quantize(_paint(cue, level)), plan.quantize(level.value)
    return replace(level, guides=guides)


def _name_untouched(field: Field, hole: Region, settings: Settings) -> Field:
    """The field in which patches outside of the hole name themselves.

    Patches that wrap around a periodic end do not occur in the clip, so they keep their keys.
    """
    untouched = patches_within(~hole, settings.at(hole.shape)[0])
    inside = tuple(map(slice, untouched.shape))
    itself = np.arange(hole.size, dtype=np.int32, like=field).reshape(hole.shape)
    field = field.copy()
    field[inside] = np.where(untouched, itself[inside], field[inside])
    return field
