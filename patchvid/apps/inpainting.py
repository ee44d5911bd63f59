"""Inpainting: fill a hole in a clip from the rest of it, or as a cue asks.

Background that other frames show is copied from them, see `patchvid.apps.background`. The rest of
the hole is made of patches, see `patchvid.apps.completing`.

Reference: section 4 of Haim et al., "Diverse Generation from a Single Video Made Possible" (ECCV
2022), conditional inpainting.
"""

import math
from collections.abc import Mapping
from typing import Any, Literal, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patchvid._alpha import is_translucent, made_opaque, transparency
from patchvid._device import backend, on_device
from patchvid._masks import Mask, check_soft_mask
from patchvid._memory import check_out, within_memory
from patchvid._progress import Progress, reporting
from patchvid._validation import (
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
from patchvid.apps.background import seen_elsewhere
from patchvid.apps.completing import coarse_settings, complete
from patchvid.apps.cues import painted
from patchvid.apps.holes import Region, dilate, window_of
from patchvid.apps.origins import name_found, name_made, own_places
from patchvid.apps.painted_frames import whole_cue
from patchvid.core.fields import Window, patches_within
from patchvid.core.plan import check_fits
from patchvid.core.rearranging import blend
from patchvid.core.settings import Settings
from patchvid.core.synthesis import LevelOutput
from patchvid.errors import InvalidInput
from patchvid.results import LevelTiming, Result

# Margin of the hole around the paint, as a share of the clip's shorter side: objects need not
# follow the paint's outline.
MARGIN = 0.05


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
@within_memory
@on_device("video", "mask", "cue", "source")
def inpaint(
    video: NDArray[Any],
    mask: ArrayLike | None = None,
    *,
    cue: NDArray[Any] | Mapping[int, NDArray[Any]] | None = None,
    follow: bool = False,
    source: ArrayLike | None = None,
    grow: int | None = None,
    seed: Seed = None,
    patch: Triple | None = None,
    factor: tuple[float, float] = (0.87, 0.82),
    coarsest: tuple[int, int] | None = None,
    iterations: int | None = None,
    reduce: Literal["median", "mean"] = "median",
    loop: bool = False,
    tile: str = "",
    device: str = "auto",
    memory: int | str | None = None,
    progress: Progress | bool | None = None,
    details: bool = False,
    out: Any = None,
) -> Any:
    """Fill a hole in `video` from the rest of it.

    Parameters
    ----------
    video : array
        (t, y, x, c) or (t, y, x), as for `generate`. Floats may be NaN where the mask is white.
    mask : array, optional
        The hole is white: (y, x) for all frames, (t, y, x), or a video. White is True, 1 in floats,
        and 255 in integers, or 1 if none is larger; greys blend the filling with the clip. None:
        the hole is the painted part of the cue or, without a cue, the transparent part of the clip.
    cue : array or mapping of int to array, optional
        A copy of `video` with flat colours painted on it, or a copy of one frame, whose paint then
        counts for all frames. A mapping from frame numbers to painted frames (y, x, c) counts in
        these frames only, unless `follow` is True. Each colour is replaced by parts of the clip
        that have this colour when blurred. Without a mask the hole is where the cue differs from
        `video`. If compression makes it differ as well, only areas of one colour count that differ
        clearly. You may also pass the cue as `video`; then only rectangles of one colour count.
    follow : bool
        Whether the paint of single frames follows the object under it through all frames, see
        `track`. Areas of the same colour count as one object.
    source : array, optional
        Where the filling may come from, a mask like `mask`: each patch lies entirely in the white.
        By default anywhere outside of the hole.
    grow : int, optional
        Pixels by which to enlarge the hole on all sides, in every frame. None is 0, or without a
        mask a twentieth of the clip's shorter side.
    seed : int or numpy.random.Generator, optional
        The same seed gives the same bytes, on every device and with any number of threads. None
        picks one at random.
    patch : tuple of int, optional
        As for `generate`.
    factor : tuple of float
        As for `generate`.
    coarsest : tuple of int, optional
        As for `generate`, but work starts at the finest level on which no patch lies entirely in
        the hole. None is (3, 15), or with a cue (7, 26) and fewer pixels for small clips.
    iterations : int, optional
        As for `generate`.
    reduce : {"median", "mean"}
        As for `generate`.
    loop : bool
        Whether the filling continues from the last frame to the first. The rest does not change. A
        hole that covers the last frames turns any clip into a loop.
    tile : {"", "x", "y", "xy"}
        Axes along which the filling continues from one end to the other.
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
        (t, y, x, c) of the dtype of `video`, and equal to it outside of the hole. If the hole was
        transparent, it is opaque now.

    Raises
    ------
    InvalidInput
        If a mask or cue has another size than the clip, or if no whole patch lies outside of the
        hole and within `source`.
    DeviceError
        If the device cannot be used, or has too little memory.

    Notes
    -----
    Without a cue and without `loop`, the background comes first: voxels that other frames show are
    found along the flow and the camera's motion. They are used if the same search also finds the
    known voxels around the hole. Patches fill places that no frame shows. So a moving object is
    replaced by its background.

    Without a cue, shades that the clip lacks are continued into the hole: patches vote on steps
    between neighbouring voxels too, and the filling is corrected to have these steps. Layers that
    are rearranged like the clip are not corrected.

    Time grows in proportion to the voxels of the hole and, far more slowly, to those of the clip.
    So does memory: the hole counts as the box around it in all frames, and each voxel of the clip
    takes about 27 bytes more in 8 bits and three channels. A box as large as the clip takes four
    times as much.

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
    check_out(out, given, video.shape[:3], details=details)
    settings = check_settings(
        video, patch=patch, iterations=iterations, reduce=reduce, loop=loop, tile=tile,
        factor=factor, first_iterations=None,
        **coarse_settings(video.shape, coarsest, is_cued=cue is not None),
    )  # fmt: skip
    cue = whole_cue(video, cue, follow=check_flag("follow", follow))
    clip = Clip.of(video)
    painted_on = None if cue is None else clip.to_values(cue)
    soft = _find_hole(clip.value, white, painted_on, grow)
    hole = soft > 0
    keys = ~hole
    if source is not None:
        keys &= check_soft_mask("source", as_array(source), video.shape) > 0.5
    _check_hole(hole, keys, settings)
    window, rest = window_of(hole, settings), hole
    found = made = None
    check_fits(kernels, clip.value, [part.stop - part.start for part in window])
    with reporting(progress, "inpaint") as report:
        if painted_on is None and not loop:
            seen, values, origins = seen_elsewhere(clip.value, hole, keys)
            if len(origins):
                found, rest = (seen, values), hole & ~seen
        if rest.any():
            made = complete(
                kernels, clip, clip.value if found is None else _insert(clip.value, *found), rest,
                keys, painted_on, settings, seed, report,
            )  # fmt: skip
        else:
            report(1.0, "found in other frames")
    field, filled = own_places(kernels, hole.shape, settings), clip.value[window]
    timings: list[LevelTiming] = []
    if found is not None:
        filled = _insert(filled, seen[window], values)
        name_found(field, seen, origins, window, settings)
    if made is not None:
        (output, places, timings), part = made
        filled = _put(filled, window, output, part, rest[part])
        name_made(field, places, part, rest, settings)
    filled = clip.straight(blend(filled, clip.value[window], soft[window]))
    output = video.copy()
    output[window] = np.where(hole[window][..., None], filled, video[window])
    return collect(
        LevelOutput(output, field, timings), video, given, seed, settings,
        details=details, made_share=soft, keeps_time=True, out=out,
    )  # fmt: skip


def _insert(video: NDArray[Any], place: Region, values: NDArray[np.float32]) -> NDArray[Any]:
    """The video with new values at the voxels of a place."""
    video = video.copy()
    if video.dtype.kind == "u":
        values = np.rint(values).clip(0, np.iinfo(video.dtype).max)
    video[place] = values.astype(video.dtype)
    return video


def _put(
    video: NDArray[Any], window: Window, made: NDArray[Any], part: Window, place: Region
) -> NDArray[Any]:
    """The video of a window with what was made in some place of a part of it."""
    video = video.copy()
    inner = tuple(
        slice(own.start - outer.start, own.stop - outer.start) for own, outer in zip(part, window)
    )
    video[inner] = np.where(place[..., None], made, video[inner])
    return video


def _without_gaps(video: NDArray[Any], mask: Mask) -> NDArray[Any]:
    """The video with zeros where it is not finite and the mask is white."""
    if video.dtype.kind != "f":
        return video
    gaps = (mask == 1)[..., None] & ~np.isfinite(video)
    return np.where(gaps, video.dtype.type(0), video)


def _find_hole(video: NDArray[Any], mask: Mask | None, cue: Any, grow: int | None) -> Mask:
    """The share of every voxel (t, y, x) that belongs to the hole."""
    if mask is not None:
        soft, margin = mask, 0
    elif cue is not None:
        soft, margin = painted(video, cue), math.ceil(MARGIN * min(video.shape[1:3]))
    else:
        raise InvalidInput(
            "inpaint needs a mask that is white in the hole, a cue, or a clip that is transparent "
            "in the hole; got none of them"
        )
    return dilate(soft, margin if grow is None else check_integer("grow", grow, 0))


def _check_hole(hole: Region, keys: Region, settings: Settings) -> None:
    if not hole.any():
        raise InvalidInput("mask must be white in the hole, got only black")
    patch, _ = settings.at(hole.shape)
    if (
        all(n >= extent for n, extent in zip(hole.shape, patch))
        and not patches_within(keys, patch).any()
    ):
        raise InvalidInput(
            f"no whole patch, {'x'.join(map(str, patch))}, of the clip is left to fill the hole "
            "from; use a smaller mask, a larger source or a smaller patch"
        )
