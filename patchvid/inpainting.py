"""Inpainting: a hole in a clip is completed from the rest of it, or by what a cue asks for.

Only patches that touch the hole are searched, and only its voxels are made, of keys that lie
outside of it. The coarsest query is the clip with the hole filled smoothly, or with the cue in it.

Source: section 4 of Haim et al., "Diverse Generation from a Single Video Made Possible" (ECCV
2022), conditional inpainting.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patchvid.application import as_seed, as_settings, collect, plan_stages, report_sample
from patchvid.checks import Axes, Triple, as_array, as_kernel_dtype, as_video, as_whole
from patchvid.cues import painted
from patchvid.device import on_device
from patchvid.errors import InvalidInput
from patchvid.kernels import backend
from patchvid.looping import as_periodic
from patchvid.masks import Mask, Region, as_soft_mask, blend, coarse_region, dilate, fill_smoothly
from patchvid.matching import patches_within
from patchvid.pyramid import resample
from patchvid.synthesis import Progress, Quantizer, Settings, Stage, finest, synthesize

# A cue says what should appear on levels of so many pixels on the shorter side; more make what
# appears take the shape of the cue, fewer may lose it.
CUED_PIXELS = 45

# Around what a cue paints there is room for what does not fit into its shape, relative to the
# shorter side of the clip.
ROOM = 0.05

FEWEST_KEYS = 0.1  # share of a level's patches that must lie outside of the hole
FEWEST_LEVELS = 3  # for a thin hole too: what goes on behind it is best seen from afar


@on_device("video", "mask", "cue")
def inpaint(
    video: NDArray[Any],
    mask: ArrayLike | None = None,
    *,
    cue: NDArray[Any] | None = None,
    grow: int | None = None,
    seed: int | None = None,
    patch: Triple | None = None,
    factor: tuple[float, float] = (0.87, 0.82),
    coarsest: tuple[int, int] = (3, 15),
    em: int | None = None,
    vote: Literal["median", "mean"] = "median",
    loop: bool = False,
    tile: str = "",
    device: str = "auto",
    progress: Progress | None = None,
    details: bool = False,
) -> Any:
    """Complete a hole in `video` from the rest of it.

    Parameters
    ----------
    video
        (t, y, x, c), uint8, uint16 or float, any number of channels. Floats may be NaN where the
        mask is white.
    mask
        What is to be made, white: (y, x) for all frames, (t, y, x), or a video. True, 1 in floats
        and 255 in whole numbers, or 1 if none is larger, are white; greys blend what is made with
        the clip. None: what the cue paints.
    cue
        A copy of `video` on which flat colours show what should appear, and where: it looks like
        those parts of the clip that have these colours when they are seen from afar. Without a mask
        that is where the cue differs from `video`; if it differs by compression as well, where it
        has rectangles of one colour that differ. The cue itself may be given as `video`.
    grow
        Pixels by which the hole is larger than the mask, in every frame. None: 0, and without a
        mask a twentieth of the shorter side around what the cue paints.
    seed
        The same seed gives the same bytes, whatever the device and the number of threads. None
        draws one.
    patch, factor, coarsest, em, vote
        As for `generate`. Levels on which some patches see nothing but the hole, or all do, are
        avoided where possible: work starts at the finest level on which every patch sees something
        of the clip.
    loop, tile
        As for `generate`: what is made goes on from one end of the clip to the other. The rest does
        not change, and so a hole that takes in the last frames makes a loop of any clip.
    device, progress, details
        As for `generate`.

    Returns
    -------
    (t, y, x, c) of the dtype of `video`, and equal to it outside of the hole.

    Raises
    ------
    InvalidInput
        For masks and cues of another size than the clip, and holes that leave no whole patch.
    DeviceError
        For a device that is not there.

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
    video, white = as_array(video), None
    if mask is not None and video.ndim == 4:
        white = as_soft_mask("mask", kernels.to_device(as_array(mask)), video.shape)
        video = _without_gaps(video, white)
    video = as_video("video", video)
    seed = as_seed(seed)
    settings = as_settings(
        video, patch, em, vote, None, coarsest_em=None,
        periodic=as_periodic(loop, tile, video.shape),
    )  # fmt: skip
    if cue is not None:
        cue = as_video("cue", cue)
        if cue.shape != video.shape:
            raise InvalidInput(
                f"cue must have the shape of the clip, {video.shape}, got {cue.shape}"
            )
    soft = _as_hole(video, white, cue, grow)
    hole = soft > 0
    _check_hole(hole, settings)
    filled = fill_smoothly(as_kernel_dtype(video), hole)
    quantize = Quantizer(filled)
    stages = plan_stages(filled, hole.shape, settings, factor, coarsest)
    holes = [coarse_region(hole, stage.value_level) for stage in stages]
    first = _first_level(holes, settings)
    stages = [
        replace(stage, usable=~made, known=(made, stage.value))
        for stage, made in zip(stages[first:], holes[first:])
    ]
    start = quantize(_fill_around(stages[0].value, holes[first], settings.periodic))
    if cue is not None:
        start, stages = _cued(stages, holes[first:], as_kernel_dtype(cue), quantize)
    made = finest(
        synthesize(
            kernels, stages, start, quantize=quantize, settings=settings, seed=seed,
            progress=report_sample(progress, len(stages), 0, 1),
        )
    )  # fmt: skip
    # What goes across a seam is no patch of the clip, even where nothing was made.
    untouched = patches_within(~hole, settings.at(hole.shape)[0])
    whole = tuple(map(slice, untouched.shape))
    itself = kernels.xp.arange(hole.size, dtype=np.int32).reshape(hole.shape)
    field = made.field.copy()
    field[whole] = np.where(untouched, itself[whole], field[whole])
    made = made._replace(output=blend(made.output, video, soft), field=field)
    return collect([made], video, seed, details=details)


def _without_gaps(video: NDArray[Any], mask: Mask) -> NDArray[Any]:
    """The video with zeros where it is not finite and the mask is white: they play no part."""
    if video.dtype.kind != "f":
        return video
    gaps = (mask == 1)[..., None] & ~np.isfinite(video)
    return np.where(gaps, video.dtype.type(0), video)


def _as_hole(video: NDArray[Any], mask: Mask | None, cue: Any, grow: int | None) -> Mask:
    """How much of every voxel (t, y, x) is made."""
    if mask is not None:
        soft, room = mask, 0
    elif cue is not None:
        soft, room = painted(video, cue), math.ceil(ROOM * min(video.shape[1:3]))
    else:
        raise InvalidInput("inpaint needs a mask, white where the hole is, or a cue; got neither")
    return dilate(soft, room if grow is None else as_whole("grow", grow, 0))


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


def _first_level(holes: Sequence[Region], settings: Settings) -> int:
    """The finest level on which every patch holds something of the clip.

    If few patches there lie outside of the hole, the next one with enough of them.
    """
    sighted, shares = 0, []
    last = max(0, len(holes) - FEWEST_LEVELS)
    for number, hole in enumerate(holes):
        patch, _ = settings.at(hole.shape)
        shares.append(float(patches_within(~hole, patch).mean()))
        if number <= last and not patches_within(hole, patch, settings.periodic).any():
            sighted = number
    rich = (n for n in range(sighted, len(holes)) if shares[n] >= FEWEST_KEYS)
    return next(rich, int(np.argmax(shares)))


def _fill_around(video: NDArray[Any], hole: Region, periodic: Axes) -> NDArray[Any]:
    """The video with what is around a hole, also across the seam of an axis, spread into it."""
    around = [(n // 2 * wraps,) * 2 for n, wraps in zip(hole.shape, periodic)]
    filled = fill_smoothly(
        np.pad(video, [*around, (0, 0)], mode="wrap"), np.pad(hole, around, mode="wrap")
    )
    return filled[tuple(slice(begin, begin + n) for (begin, _), n in zip(around, hole.shape))]


def _cued(
    stages: Sequence[Stage], holes: Sequence[Region], cue: NDArray[Any], quantize: Quantizer
) -> tuple[NDArray[Any], list[Stage]]:
    """The start that a cue makes, and the levels, of which it guides the coarse ones."""
    queries: list[NDArray[Any]] = []
    guided = []
    for stage, hole in zip(stages, holes):
        if not queries or min(hole.shape[1:]) <= CUED_PIXELS:
            seen = resample(cue, hole.shape, scale=stage.value_level.scale)
            query = quantize(np.where(hole[..., None], seen, stage.value))
            queries.append(query)
            stage = replace(stage, guides=(query, quantize(stage.value)))
        guided.append(stage)
    return queries[0], guided
