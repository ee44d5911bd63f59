"""Rebuild the frames around a jump so that it cannot be seen.

Frames before and after the join do not change. A draft that leads from one to the other is rebuilt
from coarse to fine, from patches of the whole clip. The draft also guides the coarse levels.
Without it they would put all change into one frame, because only few patches contain that frame.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._progress import Progress, part_of
from patchvid._resampling import resample
from patchvid._validation import Triple
from patchvid.core.jumps import Jump
from patchvid.core.plan import LevelInputs, Plan
from patchvid.core.synthesis import LevelOutput, finest, synthesize
from patchvid.kernels import rng

GUIDED_PIXELS = 100  # the draft guides levels whose shorter side has up to so many pixels
PARTS = 4  # along the shorter side of a picture; each part changes at its own time
DURATION = 3  # frames in which a part changes


def frames_around(jump: Jump, n: int, n_frames: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """The numbers of the `n` clip frames around a jump's last frame, and around its first.

    Where the clip ends, its border frame repeats.
    """
    offsets = np.arange(n) - n // 2
    before, after = jump.last + 1 + offsets, jump.first + offsets
    return before.clip(0, n_frames - 1), after.clip(0, n_frames - 1)


def synthesize_joins(
    plan: Plan,
    jumps: Iterable[Jump],
    draft_of: Callable[[Jump], NDArray[np.uint8]],
    context: int,
    *,
    seed: int,
    progress: Progress,
) -> list[LevelOutput]:
    """Make the frames around every jump.

    Parameters
    ----------
    plan : Plan
        The plan of a single join. It has `context` frames of the clip at either end.
    jumps : iterable of Jump
        The jumps.
    draft_of : callable
        Makes the draft of a join (t, y, x, c), in 8 bits and of any height and width.
    context : int
        Frames at either end that do not change.
    seed : int
        Seed of the searches.
    progress : callable
        Called as ``progress(fraction, message)``.
    """
    jumps = list(jumps)
    made = []
    for number, jump in enumerate(jumps):
        message = f"join {number + 1}/{len(jumps)}" if len(jumps) > 1 else ""
        report = part_of(progress, number / len(jumps), (number + 1) / len(jumps), message)
        draft = draft_of(jump)
        join = _keep_ends(plan, jump, context).guided(partial(_at_level, draft), GUIDED_PIXELS)
        start = resample(draft, plan.levels[0].output_level.shape)
        made.append(finest(join, synthesize(join, start, seed=seed, progress=report)))
    return made


def ragged_shares(shape: Triple, context: int, seed: int) -> NDArray[np.float32]:
    """The share that the frames after the jump have in each pixel (t, y, x) of a join.

    Parts of the picture change one after the other, so that little changes at a time.
    """
    n, height, width = shape
    side = min(height, width)
    coarse = (1, *(max(1, round(PARTS * n / side)) for n in (height, width)), 1)
    noise = resample(rng.normal(np, coarse, seed, 0), (1, height, width)).ravel()
    order = noise.argsort(kind="stable").argsort()
    duration = min(DURATION, n - 2 * context)
    begin = order.reshape(height, width) * ((n - 2 * context - duration) / noise.size)
    middles = np.arange(n)[:, None, None] + 0.5 - context
    shares: NDArray[np.float32] = ((middles - begin) / duration).clip(0, 1).astype(np.float32)
    return shares


def _at_level(draft: NDArray[np.uint8], level: LevelInputs) -> NDArray[np.uint8]:
    return resample(draft, level.output_level.shape)


def _keep_ends(plan: Plan, jump: Jump, context: int) -> Plan:
    """The plan with the frames before and after the join fixed on all levels."""
    n, *_ = plan.size
    before, after = frames_around(jump, n, len(plan.value))
    frames = np.where(np.arange(n) < n // 2, before, after)
    canvas = plan.value[plan.kernels.to_device(frames)]
    is_end = np.ones(n, bool)
    is_end[context : n - context] = False

    def fix(level: LevelInputs) -> LevelInputs:
        shape, scale = level.output_level
        mask = np.broadcast_to(plan.kernels.to_device(is_end)[:, None, None], shape).copy()
        return replace(level, fixed=(mask, resample(canvas, shape, scale=scale)))

    return plan.map(fix)
