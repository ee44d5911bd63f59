"""A clip that a reader has opened: its properties, and how its frames are decoded."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid.io.info import ColorTags, VideoInfo
from patchvid.io.timeline import Timeline

Frame = NDArray[Any]


class Wanted(NamedTuple):
    """The frames that a reader should yield.

    Attributes
    ----------
    stored
        Indices of stored frames, ascending, some perhaps repeated; None for all in their order.
    size
        Wanted height and width; a reader that cannot shrink yields larger frames.
    is_deep
        Whether uint16 is wanted; a reader may yield uint8 for pictures with 8 bits.
    """

    stored: NDArray[np.intp] | None
    size: tuple[int, int]
    is_deep: bool


class Source(NamedTuple):
    """A clip that can be read.

    Attributes
    ----------
    path
        The file or folder.
    info
        Its properties.
    timeline
        The stored frame of each frame.
    decode
        Yields the wanted frames, (y, x, c).
    times, held
        When each stored frame begins to show, in seconds, and for how long the last one shows;
        empty if unknown.
    words
        Warnings for the user. Decoding may add more.
    damage
        Descriptions of damage, which `strict` refuses. Decoding may add more.
    mapped
        The colours of the file, if they are converted to those of `info`.
    """

    path: Path
    info: VideoInfo
    timeline: Timeline
    decode: Callable[[Wanted], Iterator[Frame]]
    times: NDArray[np.float64]
    held: float
    words: list[str]
    damage: list[str]
    mapped: ColorTags | None = None
