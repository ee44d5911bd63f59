"""Pyramids of a clip: the sizes of their levels.

The rule is that of VGPNN (Haim et al., ECCV 2022): every level is resized directly from the clip by
its exact scale, a power of the factor, and its size is rounded up. An axis that would fall below
its minimum stops shrinking while the others continue.
"""

import math
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from patchvid._device import on_device
from patchvid._resampling import resample, resize
from patchvid._validation import (
    check_integer,
    check_integers,
    check_numbers,
    check_size,
    check_video,
)
from patchvid.errors import InvalidInput

Shape = tuple[int, int, int]
Scale = tuple[float, float, float]

MOST_FACTOR = 0.98  # a hundred levels bring 144 pixels to 15


class Level(NamedTuple):
    """One level of a pyramid: its shape (t, y, x), and its scale relative to the whole clip.

    The shape is rounded up, the scale is exact. Resizing uses the scale.
    """

    shape: Shape
    scale: Scale


def plan_levels(
    shape: Sequence[int],
    *,
    size: Sequence[int] | None = None,
    factor: tuple[float, float] = (0.87, 0.82),
    coarsest: tuple[int, int] = (3, 15),
    smallest: int | None = None,
) -> list[Level]:
    """Levels of the pyramid of a clip, coarsest first; the last is the clip itself.

    Parameters
    ----------
    shape : tuple of int
        (t, y, x) of the clip.
    size : tuple of int, optional
        (t, y, x) of an output that is made from the clip. Its pyramid has as many levels as the
        clip's, and the same factors between them. An axis shorter than the clip's reaches its
        minimum sooner, and stays there.
    factor : tuple of float
        Time and space factor from one level to the next coarser one, above 0 and at most 0.98.
    coarsest : tuple of int
        Minimum of frames, and of pixels of the shorter side. Levels are added until both are
        reached. A smaller clip keeps its own size.
    smallest : int, optional
        Minimum of pixels of an axis of the output. None is that of `coarsest`.

    Returns
    -------
    list of Level
        Shape and scale of every level.

    Raises
    ------
    InvalidInput
        If a size is below 1 or a factor is out of range.

    Examples
    --------
    >>> for level in plan_levels((13, 144, 256), factor=(0.7, 0.4)):
    ...     print(level.shape, [round(s, 3) for s in level.scale])
    (3, 15, 26) [0.168, 0.1, 0.1]
    (4, 15, 26) [0.24, 0.1, 0.1]
    (5, 15, 26) [0.343, 0.1, 0.1]
    (7, 24, 41) [0.49, 0.16, 0.16]
    (10, 58, 103) [0.7, 0.4, 0.4]
    (13, 144, 256) [1.0, 1.0, 1.0]
    """
    shape = check_size("shape", shape)
    size = shape if size is None else check_size("size", size)
    for name, value in zip(("time", "space"), check_numbers("factor", factor, 2), strict=True):
        if value > MOST_FACTOR:
            raise InvalidInput(
                f"the {name} factor must be above 0 and at most {MOST_FACTOR}, got {value:g}"
            )
    frames, pixels = check_integers("coarsest", coarsest, 2)
    smallest = pixels if smallest is None else check_integer("smallest", smallest, 1)
    least = (min(shape[0], frames), *[min(*shape[1:], pixels, smallest)] * 2)
    levels = [Level(size, (1.0, 1.0, 1.0))]
    for time, space in _ratios(shape, factor, (frames, pixels)):
        scale = levels[-1].scale
        ratios = map(_next_ratio, size, scale, (time, space, space), least)
        scale_t, scale_y, scale_x = map(operator.mul, scale, ratios)
        t, y, x = map(_scaled, size, (scale_t, scale_y, scale_x))
        levels.append(Level((t, y, x), (scale_t, scale_y, scale_x)))
    return levels[::-1]


def level_shapes(
    shape: Sequence[int],
    *,
    size: Sequence[int] | None = None,
    factor: tuple[float, float] = (0.87, 0.82),
    coarsest: tuple[int, int] = (3, 15),
) -> list[Shape]:
    """Shapes of the levels of a clip's pyramid, coarsest first.

    Parameters
    ----------
    shape : tuple of int
        (t, y, x) of the clip.
    size : tuple of int, optional
        (t, y, x) of an output that is made from the clip.
    factor : tuple of float
        As for `plan_levels`.
    coarsest : tuple of int
        As for `plan_levels`.

    Returns
    -------
    list of tuple of int
        (t, y, x) of every level.

    Raises
    ------
    InvalidInput
        If a size is below 1 or a factor is out of range.

    Examples
    --------
    >>> level_shapes((13, 144, 256))[:3]
    [(3, 15, 26), (3, 17, 29), (4, 20, 36)]
    """
    levels = plan_levels(shape, size=size, factor=factor, coarsest=coarsest)
    return [level.shape for level in levels]


@on_device("video")
def build_pyramid(
    video: NDArray[Any],
    *,
    factor: tuple[float, float] = (0.87, 0.82),
    coarsest: tuple[int, int] = (3, 15),
) -> list[NDArray[Any]]:
    """Resize a clip to every level of its pyramid, coarsest first; the last is `video` itself.

    Parameters
    ----------
    video : array
        (t, y, x, c), uint8, uint16 or float of any range, as for `resize`.
    factor : tuple of float
        As for `plan_levels`.
    coarsest : tuple of int
        As for `plan_levels`.

    Returns
    -------
    list of array
        (t, y, x, c) of the dtype of `video`, one for every level.

    Raises
    ------
    InvalidInput
        If `video` is not a video, or a setting is out of range.

    Notes
    -----
    Every level is resized from the whole clip. This takes at least four multiplications per value
    of the clip, and not many more.

    Examples
    --------
    >>> import numpy as np
    >>> video = np.zeros((13, 144, 256, 3), np.uint8)
    >>> pyramid = build_pyramid(video)
    >>> len(pyramid), pyramid[0].shape, pyramid[-1] is video
    (13, (3, 15, 26, 3), True)
    """
    given, video = video, check_video("video", video)
    levels = plan_levels(video.shape[:3], factor=factor, coarsest=coarsest)
    coarser = [resize(given, level.shape, scale=level.scale) for level in levels[:-1]]
    return [*coarser, given]


def resample_levels(video: NDArray[Any], levels: Sequence[Level]) -> list[NDArray[Any]]:
    """Resize a video to each level, without checks; the last is `video` itself."""
    coarser = [resample(video, level.shape, scale=level.scale) for level in levels[:-1]]
    return [*coarser, video]


def _ratios(
    shape: Shape, factor: tuple[float, float], coarsest: tuple[int, int]
) -> list[tuple[float, float]]:
    """Time and space ratio of each level to the next finer one, finest first."""
    sides = (shape[0], min(shape[1:]))
    scales = (1.0, 1.0)
    ratios = []
    while any(_scaled(n, s) > least for n, s, least in zip(sides, scales, coarsest, strict=True)):
        time, space = map(_next_ratio, sides, scales, factor, coarsest)
        scales = (scales[0] * time, scales[1] * space)
        ratios.append((time, space))
    return ratios


def _next_ratio(n: int, scale: float, ratio: float, least: int) -> float:
    """`ratio`, or the smaller step that takes an axis of `n`, now at `scale`, to its minimum."""
    least = min(n, least)
    return ratio if _scaled(n, scale * ratio) >= least else least / _scaled(n, scale)


def _scaled(n: int, scale: float) -> int:
    return max(1, math.ceil(n * scale - 1e-5))
