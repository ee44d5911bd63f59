"""Fill a hole with patches from the rest of the clip.

The coarsest query is the clip with its hole filled smoothly, or with the cue in it; key and value
are the clip. Only patches that touch the hole are searched, keys lie outside of it, and all other
voxels are fixed. So of each level only a window around the hole is made. Without a cue, shades are
corrected on every level, see `patchvid.core.shades`.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._convert import ValueRange, compress_highlights, expand_highlights
from patchvid._progress import Progress
from patchvid._resampling import resample
from patchvid._validation import Axes, contiguous
from patchvid.apps._setup import Clip
from patchvid.apps.holes import (
    Region,
    fill_smoothly,
    first_level,
    hole_of,
    restrict_keys,
    window_of,
)
from patchvid.core.fields import Window
from patchvid.core.plan import LevelInputs, Plan, plan_synthesis
from patchvid.core.settings import Settings
from patchvid.core.shades import correct_shades
from patchvid.core.synthesis import LevelOutput, Retouch, finest, synthesize

COARSEST = (3, 15)

# With a cue, the coarsest level shows single objects, and coarse patches are small: if they are not
# much smaller than the painted area, most of them match no object, and the others are outvoted.
# Patches of 5 frames keep an object from dissolving midway.
CUED_COARSEST, CUED_PATCH = (7, 26), (5, 5, 5)

# A cue guides the levels whose shorter side has up to so many pixels, but not more than a share of
# the clip's. With more, objects take the painted shape; with fewer, they may vanish.
CUED_PIXELS, CUED_SHARE = 50, 0.21


def coarse_settings(
    shape: Sequence[int], coarsest: tuple[int, int] | None, *, is_cued: bool
) -> dict[str, Any]:
    """The settings of coarse levels, for a clip of a shape (t, y, x, c)."""
    if not is_cued:
        return {"coarsest": COARSEST if coarsest is None else coarsest}
    if coarsest is None:
        frames, pixels = CUED_COARSEST
        coarsest = frames, min(pixels, max(COARSEST[1], round(CUED_SHARE * min(shape[1:3]))))
    return {"coarsest": coarsest, "coarse_patch": CUED_PATCH}


def complete(
    kernels: ModuleType,
    clip: Clip,
    value: NDArray[Any],
    hole: Region,
    keys: Region,
    painted_on: NDArray[Any] | None,
    settings: Settings,
    seed: int,
    report: Progress,
) -> tuple[LevelOutput, Window]:
    """The window around a hole, filled by patches from the region of keys, and its place.

    No copy of the value is kept, so a caller who does not keep it either saves its memory.
    """
    t, y, x = (part.stop - part.start for part in window_of(hole, settings))
    filled = fill_smoothly(clip.compressed(value), hole)
    del value
    plan = plan_synthesis(kernels, filled, hole.shape, settings, (t, y, x)).map(
        partial(restrict_keys, hole, keys, settings)
    )
    plan = replace(plan, levels=plan.levels[first_level(plan.levels, settings) :])
    retouch: Retouch | None = None
    if painted_on is None:
        start = plan.quantize(_fill_hole(plan.levels[0], settings.periodic))
        retouch = partial(
            correct_shades, kernels=kernels, periodic=settings.periodic,
            values=ValueRange.of_values(filled),
        )  # fmt: skip
    else:
        guide = clip.compressed(painted_on)
        start = plan.quantize(_paint(guide, plan.levels[0]))
        quantize = plan.quantize
        pixels = min(CUED_PIXELS, round(CUED_SHARE * min(hole.shape[1:])))
        plan = plan.guided(lambda level: quantize(_paint(guide, level)), pixels)
    made = finest(plan, synthesize(plan, start, seed=seed, progress=report, retouch=retouch))
    window = plan.levels[-1].window
    assert window is not None
    return _restored(clip, plan, made), window


def _restored(clip: Clip, plan: Plan, made: LevelOutput) -> LevelOutput:
    """The output in the clip's own values, with its shades corrected."""
    restored = clip.restore(plan, made)
    if not clip.is_log:
        return restored
    change = made.output - plan.vote(plan.value, made.field)
    output = restored.output
    changed = expand_highlights(compress_highlights(output) + change)
    return made._replace(output=np.where(change == 0, output, changed).astype(output.dtype))


def _fill_hole(level: LevelInputs, periodic: Axes) -> NDArray[Any]:
    """The window with its hole filled smoothly from its surroundings, also across periodic ends."""
    assert level.window is not None
    hole = np.zeros(level.output_level.shape, bool, like=hole_of(level))
    hole[level.window] = hole_of(level)
    pads = [(n // 2 * wraps,) * 2 for n, wraps in zip(hole.shape, periodic)]
    filled = fill_smoothly(
        np.pad(level.value, [*pads, (0, 0)], mode="wrap"), np.pad(hole, pads, mode="wrap")
    )
    whole = filled[tuple(slice(begin, begin + n) for (begin, _), n in zip(pads, hole.shape))]
    return contiguous(whole[level.window])


def _paint(cue: NDArray[Any], level: LevelInputs) -> NDArray[Any]:
    """The window with the cue in its hole."""
    shape, scale = level.value_level
    return level.restore_fixed(resample(cue, shape, scale=scale, window=level.window))
