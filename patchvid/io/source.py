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
    """The frames that a reader is asked for.

    Attributes
    ----------
    stored
        Indices of stored frames, ascending, some perhaps repeated; None for all as they come.
    size
        Height and width that are wanted; a reader that cannot shrink yields larger frames.
    is_deep
        Whether uint16 is wanted; a reader may yield uint8 for pictures that hold no more.
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
        Yields the frames that are wanted, (y, x, c).
    times, held
        Seconds at which the stored frames begin to show, and for which the last one shows; empty
        where they are not known.
    words
        Warnings for the user. Decoding may add to them.
    damage
        Descriptions of damage, which `strict` refuses. Decoding may add to them.
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
