"""Loops: a clip repeats without a visible cut, and only frames near a cut change.

A join replaces the frames around a jump. Its coarsest query morphs the frames before the jump into
those after it, along the optical flow; this draft also guides the coarse levels. Key and value are
the clip, and the frames at both ends are fixed.

Reference: A. Schödl et al., "Video Textures" (SIGGRAPH 2000), for where to jump.
"""

from typing import Any, Literal, NamedTuple, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from patchvid._device import backend, backend_of, on_device
from patchvid._memory import as_lazy_as, check_out, within_memory, write_out
from patchvid._progress import Progress, part_of, reporting
from patchvid._resampling import resample
from patchvid._validation import (
    Seed,
    Triple,
    as_array,
    check_flag,
    check_integer,
    check_seed,
    check_video,
    like_input,
)
from patchvid.apps import _typing
from patchvid.apps._setup import Clip, check_settings
from patchvid.core.fields import Field
from patchvid.core.joins import frames_around, ragged_shares, synthesize_joins
from patchvid.core.jumps import Jump, jump_costs
from patchvid.core.plan import Plan, plan_synthesis
from patchvid.core.routes import Route, Spacing, find_route
from patchvid.errors import InvalidInput
from patchvid.motion.morphing import morph
from patchvid.results import LevelTiming, LoopResult

COARSEST_PIXELS = 15
COMPARED_PIXELS = 32  # shorter side of the frames when they are compared
MORPHED_PIXELS = 96  # shorter side of the frames when their optical flow is estimated

# Frames that change on each side of a jump: this share of the clip, and at most so many.
JOIN_SHARE, LONGEST_JOIN = 0.2, 8

# Jumps that cost less than this share of a mean step from frame to frame get no join.
UNSEEN = 0.25


@overload
def loop(
    video: NDArray[Any], *, details: Literal[False] = ..., **settings: Unpack[_typing.Loop]
) -> NDArray[Any]: ...
@overload
def loop(
    video: NDArray[Any], *, details: Literal[True], **settings: Unpack[_typing.Loop]
) -> LoopResult: ...
@within_memory
def loop(
    video: NDArray[Any],
    *,
    length: int | None = None,
    join: int | None = None,
    seed: Seed = None,
    patch: Triple | None = None,
    iterations: int | None = None,
    reduce: Literal["median", "mean"] = "median",
    device: str = "auto",
    memory: int | str | None = None,
    progress: Progress | bool | None = None,
    details: bool = False,
    out: Any = None,
) -> Any:
    """Make `video` a loop: the first frame follows the last, and no jump can be seen.

    Most frames do not change. The loop jumps back where frames look and move alike, and only the
    frames around a jump are made of patches.

    Parameters
    ----------
    video : array
        (t, y, x, c) or (t, y, x), as for `generate`.
    length : int, optional
        Frames of the loop. None uses the stretch of the clip that loops best; a longer stretch may
        have a more visible jump. A loop longer than the clip makes several jumps, picked at random
        from those that show least; its frames repeat, and are never slowed down.
    join : int, optional
        Frames that change on each side of a jump. More frames give objects more time to move to
        their new places. None is a fifth of the clip, but at most 8.
    seed : int or numpy.random.Generator, optional
        The same seed gives the same bytes, on every device and with any number of threads. None
        picks one at random.
    patch : tuple of int, optional
        As for `generate`.
    iterations : int, optional
        As for `generate`.
    reduce : {"median", "mean"}
        As for `generate`.
    device : {"auto", "cpu", "cuda"}
        As for `generate`.
    memory : int or str, optional
        As for `generate`.
    progress : callable, bool or None
        As for `generate`.
    details : bool
        Whether to return a `LoopResult`.
    out : array, optional
        As for `generate`.

    Returns
    -------
    array or LoopResult
        (t, y, x, c) of the dtype and range of `video`.

    Raises
    ------
    InvalidInput
        If a setting is out of range, or a clip is too short.
    DeviceError
        If the device cannot be used, or has too little memory.

    Notes
    -----
    Distances between frames are weighted mean squares at a coarse level, filtered to preserve
    dynamics [1]_. Their time grows with the square of the number of frames. The time of a join
    grows in proportion to its voxels and, far more slowly, to the clip's. A `LoopResult` holds each
    frame once, so its memory does not grow with `length`.

    References
    ----------
    .. [1] A. Schödl, R. Szeliski, D. H. Salesin and I. Essa, "Video Textures", SIGGRAPH 2000.

    Examples
    --------
    >>> hours = (np.arange(40)[:, None, None] + np.arange(24) * np.ones((20, 1))) % 12
    >>> waves = np.uint8(100 + 90 * np.sin(2 * np.pi * hours / 12))  # they repeat every 12 frames
    >>> looped = loop(waves, seed=0)
    >>> len(looped), bool((looped == waves[:36]).all())
    (36, True)
    """
    given = as_array(video)
    details = check_flag("details", details)
    with reporting(progress, "loop") as report:
        made = _make_joins(
            given, length=length, join=join, seed=seed, patch=patch, iterations=iterations,
            reduce=reduce, device=device, progress=report, out=out, details=details,
        )  # fmt: skip
    result = LoopResult(
        made.frames, made.order, made.seed, made.timings, [jump for _, jump in made.route.jumps],
        _rows=made.rows, _row_order=made.row_order, _patch=made.patch, _reduce=made.reduce,
        _shape=made.shape, _sources=made.route.frames,
    )  # fmt: skip
    if out is not None:
        return write_out(out, result.frames, result.order)
    return result if details else as_lazy_as(video, result.video)


class _Made(NamedTuple):
    """The parts of a loop, see `LoopResult`."""

    frames: NDArray[Any]
    order: NDArray[Any]
    rows: Field
    row_order: NDArray[Any]
    route: Route
    seed: int
    timings: list[LevelTiming]
    patch: Triple
    reduce: Literal["median", "mean"]
    shape: Triple


@on_device("video")
def _make_joins(
    video: NDArray[Any],
    *,
    length: int | None,
    join: int | None,
    seed: Seed,
    patch: Triple | None,
    iterations: int | None,
    reduce: Literal["median", "mean"],
    device: str,
    progress: Progress,
    out: Any,
    details: bool,
) -> Any:
    """Find the route, and make the join of each different jump once."""
    kernels = backend(device)
    given, video = video, check_video("video", video)
    seed = check_seed(seed)
    n_frames, height, width, _ = video.shape
    length = None if length is None else check_integer("length", length, 1)
    settings = check_settings(
        video, patch=patch, iterations=iterations, reduce=reduce, factor=(0.87, 0.82),
        coarsest=(n_frames, COARSEST_PIXELS), first_iterations=None,
    )  # fmt: skip
    half = _default_join(n_frames) if join is None else check_integer("join", join, 1)
    extents, _ = settings.at((2 * half, height, width))
    context = extents[0] - 1
    spacing = Spacing(half, max(context, 2))
    size = (2 * (half + context), height, width)
    if n_frames < (least := max(spacing.shortest, size[0])):
        raise InvalidInput(
            f"a loop whose joins are {half} frames on each side needs a clip of {least} "
            f"frames or more, got {n_frames}; give a longer clip or a smaller join"
        )
    clip = Clip.of(video)
    plan = plan_synthesis(kernels, clip.compressed(clip.value), size, settings)
    patch, _ = settings.at(size)
    quantized = plan.quantize(plan.value)
    costs = jump_costs(_shrunk(quantized, COMPARED_PIXELS).astype(np.float32))
    route = find_route(costs, length, spacing, seed)
    check_out(out, given, (len(route.frames), height, width), details=details)
    seen = [jump for _, jump in route.jumps if jump.cost >= UNSEEN]
    jumps = list(dict.fromkeys(seen))
    small = _shrunk(quantized, MORPHED_PIXELS)
    outputs = synthesize_joins(
        plan, jumps, lambda jump: _draft(plan, small, jump, context, seed), context, seed=seed,
        progress=part_of(progress, 0.05, 1),
    )  # fmt: skip
    timings = [timing for output in outputs for timing in output.timings]
    finished = [clip.finish(plan, output) for output in outputs]
    inside = slice(context, context + 2 * half)
    frames = [given, *(like_input(output.output[inside], given) for output in finished)]
    order, row_order = _orders(route, jumps, n_frames, half, context)
    rows = [_own_places(video, patch), *(output.field for output in finished)]
    progress(1.0, "")
    return _Made(
        np.concatenate(frames), order, np.concatenate(rows), row_order, route, seed, timings,
        patch, settings.reduce, (n_frames, height, width),
    )  # fmt: skip


def _default_join(n_frames: int) -> int:
    return int(np.clip(int(JOIN_SHARE * n_frames), 1, LONGEST_JOIN))


def _shrunk(video: NDArray[np.uint8], pixels: int) -> NDArray[np.uint8]:
    """The clip on the host, its shorter side reduced to at most `pixels`."""
    scale = min(1.0, pixels / min(video.shape[1:3]))
    sides = (max(1, round(n * scale)) for n in video.shape[1:3])
    small: NDArray[np.uint8] = backend_of(video).to_host(resample(video, (len(video), *sides)))
    return small


def _draft(
    plan: Plan, small: NDArray[np.uint8], jump: Jump, context: int, seed: int
) -> NDArray[np.uint8]:
    """The draft of a join, at the size of the small clip."""
    n, *_ = plan.size
    before, after = frames_around(jump, n, len(small))
    shares = ragged_shares((n, *small.shape[1:3]), context, seed)
    ways = ((np.arange(n) - context + 0.5) / (n - 2 * context)).clip(0, 1).astype(np.float32)
    morphed = np.rint(morph(small[before], small[after], ways, shares)).astype(np.uint8)
    draft: NDArray[np.uint8] = plan.kernels.to_device(morphed)
    return draft


def _orders(
    route: Route, jumps: list[Jump], n_frames: int, half: int, context: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each frame of the loop, the indices of its frame and of its row of the field.

    Frames are numbered with the clip's own first, then those of every join; so are the rows.
    """
    order, row_order = route.frames.copy(), route.frames.copy()
    for position, jump in route.jumps:
        if jump not in jumps:
            continue
        number = jumps.index(jump)
        for offset in range(-half, half):
            place = (position + offset) % len(order)
            order[place] = n_frames + number * 2 * half + half + offset
        for offset in range(-half - context, half):
            place = (position + offset) % len(order)
            row_order[place] = n_frames + number * (2 * half + context) + half + context + offset
    return order, row_order


def _own_places(video: NDArray[Any], patch: Triple) -> Field:
    """The field that maps every patch to itself, and patches of the last frames to earlier ones."""
    n_frames, height, width, _ = video.shape
    t, y, x = (n - extent + 1 for n, extent in zip(video.shape, patch))
    xp = backend_of(video).xp
    own = xp.arange(n_frames * height * width, dtype=np.int32).reshape(n_frames, height, width)
    places: Field = own[xp.arange(n_frames).clip(0, t - 1), :y, :x]
    return places
