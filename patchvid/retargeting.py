"""Retargeting: a clip of another width, height or length, in which things keep shape and pace.

The coarsest query is the clip itself, squeezed or stretched to the new size. Patches of the clip
put in its place what has the right shape, and completeness keeps in what there is room for.

Source: section 4 of Haim et al., "Diverse Generation from a Single Video Made Possible" (ECCV
2022), spatio-temporal retargeting.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patchvid.application import (
    as_output_size,
    as_seed,
    as_settings,
    collect,
    plan_stages,
    report_sample,
    with_size,
)
from patchvid.checks import Triple, as_array, as_kernel_dtype, as_size, as_video
from patchvid.device import on_device
from patchvid.errors import InvalidInput
from patchvid.kernels import backend
from patchvid.looping import as_periodic, lengthened, synthesize_around, with_ends
from patchvid.masks import Mask, Region, as_soft_mask, blend, coarse_region, fill_smoothly
from patchvid.pyramid import Level, resample
from patchvid.synthesis import Progress, Quantizer, Stage, finest, synthesize

LEAST, MOST = 0.4, 3.0  # factors of a change
STEP = 1.2  # largest factor of one step of it
COARSEST, SMALLEST_COARSEST = (9, 28), (3, 15)

# A patch of 3 frames spans most of these, so that actions in sequence find room side by side.
SUMMARY_FRAMES = 4

# More completeness would squeeze two things into the room for one, and tear them.
ALPHA, COMPLETE_LEVELS = 100.0, 5


@on_device("video", "keep")
def retarget(
    video: NDArray[Any],
    *,
    size: Sequence[int] | None = None,
    scale: Sequence[float] | None = None,
    keep: ArrayLike | None = None,
    seed: int | None = None,
    patch: Triple | None = None,
    factor: tuple[float, float] = (0.87, 0.82),
    coarsest: tuple[int, int] | None = None,
    em: int | None = None,
    vote: Literal["median", "mean"] = "median",
    alpha: float | None = ALPHA,
    loop: bool = False,
    tile: str = "",
    device: str = "auto",
    progress: Progress | None = None,
    details: bool = False,
) -> Any:
    """Change the width, height or length of `video`, while all in it keeps its shape and pace.

    What is smaller shows less of what repeats itself, and things closer together; what is shorter
    shows side by side what came one after the other; what is larger or longer, more of the same.

    Parameters
    ----------
    video
        (t, y, x, c), uint8, uint16 or float, any number of channels.
    size, scale
        Size of the output as (t, y, x), or relative to `video`, rounded up: each axis from 0.4 to
        3 times as long.
    keep
        What must not change, white: (y, x) for all frames, (t, y, x), or a video, with values as
        for `inpaint`. It is in the output as it is, moved as a whole, so that its middle keeps its
        place relative to the video's. Greys blend it with what is made.
    seed
        The same seed gives the same bytes, whatever the device and the number of threads. None
        draws one.
    patch, factor, em, vote
        As for `generate`.
    coarsest
        Frames and pixels of the shorter side of the coarsest level. More: small things stay in, and
        keep their shape. Fewer: large ones do. None: (9, 28), and fewer for clips that have less
        than four times the frames or two and a half times the pixels, down to (3, 15); at most 4
        frames where the output is shorter than the clip.
    alpha
        Completeness on the coarse levels, see `vpnn`. Smaller: more of the clip stays in, and
        things that are alone in it may be torn. None: parts of it may vanish.
    loop, tile
        As for `generate`; what is to be kept does not change.
    device, progress, details
        As for `generate`.

    Returns
    -------
    (t, y, x, c) of the dtype and range of `video`.

    Raises
    ------
    InvalidInput
        For settings out of range, and a region to keep that does not fit.
    DeviceError
        For a device that is not there.

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
    video = as_video("video", video)
    seed = as_seed(seed)
    size = _as_new_size(video.shape[:3], size, scale)
    settings = as_settings(
        video, patch, em, vote, alpha, complete_levels=COMPLETE_LEVELS, coarsest_em=None,
        periodic=as_periodic(loop, tile, video.shape, size),
    )  # fmt: skip
    coarsest = _default_coarsest(video.shape, size) if coarsest is None else coarsest
    stages = plan_stages(video, size, settings, factor, coarsest)
    quantize = Quantizer(stages[-1].value)
    opening_size = lengthened(size, settings.periodic)
    opening = with_size(stages, opening_size, factor, coarsest)
    layout = quantize(stages[0].value)
    for between in _steps(video.shape[:3], opening_size):
        (first, *_) = with_size(stages, between, factor, coarsest)
        start = resample(layout, first.output_level.shape)
        draft = finest(
            synthesize(
                kernels, [first], start, quantize=quantize, settings=with_ends(settings), seed=seed
            )
        )
        layout = quantize(draft.output)
    start = resample(layout, opening[0].output_level.shape)
    if keep is not None:
        soft = as_soft_mask("keep", kernels.to_device(as_array(keep)), video.shape)
        kept, share = _place(kernels, video, soft, size)
        stages = _keeping(kept, share, stages)
        around = [(0, m - n) for n, m in zip(size, opening_size)]
        canvas, places = np.pad(kept, [*around, (0, 0)], "wrap"), np.pad(share, around, "wrap")
        opening = _keeping(canvas, places, opening)
    made = finest(
        synthesize_around(
            kernels, stages, opening, start, quantize=quantize, settings=settings, seed=seed,
            progress=report_sample(progress, len(stages), 0, 1),
        )
    )  # fmt: skip
    if keep is not None:
        made = made._replace(output=blend(made.output, kept, 1 - share))
    return collect([made], video, seed, details=details)


def _as_new_size(shape: Sequence[int], size: Any, scale: Any) -> Triple:
    """The size of the output, in the range of what can be done."""
    if size is None and scale is None:
        raise InvalidInput("retarget needs the new size, or a scale of the clip's; got neither")
    new = as_output_size(shape, (1, 1, 1) if scale is None else scale, size)
    factors = [m / n for m, n in zip(new, shape)]
    if not all(LEAST <= factor <= MOST for factor in factors):
        by = ", ".join(f"{factor:.3g}" for factor in factors)
        raise InvalidInput(
            f"length, height and width can change by factors from {LEAST} to {MOST:g}, got {by}; "
            "make larger changes one after the other"
        )
    return new


def _default_coarsest(shape: Sequence[int], size: Triple) -> tuple[int, int]:
    frames, pixels = np.clip(
        (shape[0] // 4, 2 * min(shape[1:3]) // 5), SMALLEST_COARSEST, COARSEST
    ).tolist()
    return min(frames, SUMMARY_FRAMES) if size[0] < shape[0] else frames, pixels


def _steps(shape: Triple, size: Triple) -> list[Triple]:
    """The sizes between two that lie further apart than one step goes."""
    largest = max(abs(math.log(m / n)) for n, m in zip(shape, size))
    count = math.ceil(largest / math.log(STEP) - 1e-9)
    between = [
        [n * (m / n) ** (step / count) for n, m in zip(shape, size)] for step in range(1, count)
    ]
    return [as_size("size", map(round, sizes)) for sizes in between]


def _place(
    kernels: ModuleType, video: NDArray[Any], keep: Mask, size: Triple
) -> tuple[NDArray[Any], Mask]:
    """What is to be kept, in an output of `size`, and to which share every voxel is."""
    if not keep.any():
        raise InvalidInput("keep must be white where the clip must not change, got only black")
    source, target = [], []
    for axis, (n, m) in enumerate(zip(keep.shape, size)):
        others = tuple(other for other in range(3) if other != axis)
        white = np.flatnonzero(keep.any(axis=others))
        first, last = int(white[0]), int(white[-1])
        length = last - first + 1
        if length > m:
            name = ("frames", "pixels of the height", "pixels of the width")[axis]
            raise InvalidInput(
                f"what is to be kept spans {length} {name} of the clip, and does not fit into {m}"
            )
        middle = (first + length / 2) * m / n
        begin = min(max(round(middle - length / 2), 0), m - length)
        source.append(slice(first, first + length))
        target.append(slice(begin, begin + length))
    kept = kernels.xp.zeros((*size, video.shape[3]), video.dtype)
    share = kernels.xp.zeros(size, np.float32)
    kept[tuple(target)], share[tuple(target)] = video[tuple(source)], keep[tuple(source)]
    return kept, share


def _keeping(kept: NDArray[Any], share: Mask, stages: Sequence[Stage]) -> list[Stage]:
    """The levels with what is kept in its place."""
    canvas = fill_smoothly(as_kernel_dtype(kept), share == 0)

    def known(level: Level) -> tuple[Region, NDArray[Any]]:
        return coarse_region(share < 1, level), resample(canvas, level.shape, scale=level.scale)

    return [replace(stage, known=known(stage.output_level)) for stage in stages]
