"""Read the requested frames of an open clip, shrunk and converted."""

import operator
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid._alpha import opaque
from patchvid._convert import to_8_bits, to_16_bits
from patchvid._paths import quoted
from patchvid._progress import Progress, reporting
from patchvid._resampling import resize
from patchvid._validation import check_flag, check_integer, shown
from patchvid.errors import InvalidInput, VideoError
from patchvid.io._frames import stack_frames
from patchvid.io.colors import to_sdr
from patchvid.io.problems import naming_problems
from patchvid.io.source import Frame, Source, Wanted

Frames = tuple[int, int | None] | tuple[int, int | None, int]


class Options(NamedTuple):
    """Checked options of `patchvid.read_video`."""

    frames: slice
    max_size: int | None
    depth: int | None
    strict: bool


def check_options(
    frames: Sequence[int | None], *, max_size: int | None, depth: int | None, strict: bool
) -> Options:
    """Check the options of `patchvid.read_video`."""
    try:
        numbers = [None if number is None else operator.index(number) for number in frames]
        first, last, step = numbers if len(numbers) == 3 else (*numbers, 1)
    except (TypeError, ValueError):
        first = last = step = None
    if first is None or first < 0 or (last is not None and last <= first) or not step or step < 1:
        raise InvalidInput(
            "frames must be whole numbers (first, last) or (first, last, step) with 0 <= first < "
            f"last, got {shown(frames)}"
        )
    if max_size is not None:
        check_integer("max_size", max_size, 1)
    if getattr(depth, "ndim", 0) or depth not in (None, 8, 16):
        raise InvalidInput(f"depth must be 8, 16 or None, got {shown(depth)}")
    return Options(slice(first, last, step), max_size, depth, check_flag("strict", strict))


def shrunk_size(height: int, width: int, max_size: int | None) -> tuple[int, int]:
    """The size whose longer side has at most `max_size` pixels.

    If it shrinks, its sides are even, because players need that.
    """
    longer = max(height, width)
    if max_size is None or longer <= max_size:
        return height, width
    most = max_size - max_size % 2 or 1

    def shrink(side: int) -> int:
        return min(side, most, max(2, 2 * round(side * max_size / longer / 2)))

    return shrink(height), shrink(width)


def iter_source(source: Source, how: Options) -> Iterator[Frame]:
    """Yield the wanted frames, (y, x, c)."""
    info, order = source.info, source.timeline.order[how.frames]
    if not len(order):
        raise InvalidInput(
            f"{quoted(source.path)} has no frame {how.frames.start}; they are counted from 0"
        )
    is_kept = info.container in ("npy", "npz") or np.dtype(info.dtype).kind == "f"
    is_whole = len(order) == len(source.timeline.order) and not source.timeline.is_variable
    is_deep = how.depth == 16 or (how.depth is None and info.dtype == "uint16")
    size = shrunk_size(info.height, info.width, how.max_size)
    wanted = Wanted(None if is_whole else order, size, is_deep or source.mapped is not None)
    for words in source.words:
        warnings.warn(words, stacklevel=3)
    _tell_damage(source, 0, strict=how.strict)
    n_told = len(source.damage)
    decoded = source.decode(wanted)
    while True:
        with naming_problems(source.path):
            frame = next(decoded, None)
        if frame is None:
            break
        if frame.shape[:2] != size and frame.shape[:2] == (info.height, info.width):
            frame = resize(frame[None], (1, *size))[0]
        if source.mapped is not None:
            frame = to_sdr(to_16_bits(frame), source.mapped)
        if how.depth or not is_kept:
            frame = to_16_bits(frame) if is_deep else to_8_bits(frame)
        if info.channels == 4 and frame.shape[2] == 3:
            alpha = np.full_like(frame[..., :1], opaque(frame.dtype))
            frame = np.concatenate([frame, alpha], axis=2)
        yield np.ascontiguousarray(frame)
    _tell_damage(source, n_told, strict=how.strict)


def read_source(
    source: Source, how: Options, progress: Progress | bool | None
) -> tuple[NDArray[Any], float | None]:
    """Read the wanted frames into one array, and find their rate."""
    n_frames = len(source.timeline.order[how.frames])

    def told(report: Progress) -> Iterator[Frame]:
        for number, frame in enumerate(iter_source(source, how), 1):
            yield frame
            report(min(number / n_frames, 1), f"frame {number} of {n_frames}")

    with reporting(progress, f"reading {source.path.name}") as report:
        video = stack_frames(told(report), n_frames, source.path)
    if source.info.codec is None or source.info.container == "folder":
        _tell_range(source, video)
    fps = source.timeline.fps
    return video, fps and fps / how.frames.step


def _tell_range(source: Source, video: NDArray[Any]) -> None:
    """Warn if values of fewer bits are stored in 16, as by cameras of microscopes."""
    if video.dtype != np.uint16:
        return
    largest = int(video.max())
    for bits in (10, 12):
        if 255 < largest < 2**bits:
            warnings.warn(
                f"the values of {quoted(source.path)} never exceed {2**bits - 1}, as if they had "
                f"{bits} bits; white is 65535, so it is dark: multiply them by {2 ** (16 - bits)}",
                stacklevel=3,
            )
            return


def _tell_damage(source: Source, n_told: int, *, strict: bool) -> None:
    for words in source.damage[n_told:]:
        if strict:
            raise VideoError(words)
        warnings.warn(words, stacklevel=4)
