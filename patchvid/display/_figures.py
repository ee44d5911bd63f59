"""Axes to draw into, and the frames to draw."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from patchvid._convert import to_8_bits
from patchvid._validation import check_integer, shown
from patchvid.errors import InvalidInput, PatchvidError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def import_pyplot() -> Any:
    """Import matplotlib.pyplot, or raise an error that says how to install it."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise PatchvidError(
            "figures need matplotlib, which is not installed; pip install 'patchvid[plot]'"
        ) from error
    return pyplot


def make_axes(ax: "Axes | None", size: tuple[float, float]) -> "Axes":
    """The axes to draw into; for None, those of a new figure of `size` inches."""
    pyplot = import_pyplot()
    if ax is not None:
        return ax
    _, new = pyplot.subplots(figsize=size, layout="compressed")
    made: Axes = new
    return made


def to_picture(video: NDArray[Any]) -> NDArray[Any]:
    """(t, y, x, 3 or 4) of uint8; or, of one channel, (t, y, x) of its values for a colour map."""
    return video[..., 0] if video.shape[3] == 1 else to_8_bits(video)


def choose_frames(frames: int | Sequence[int], n_frames: int) -> list[int]:
    """The numbers of the frames to draw."""
    if isinstance(frames, Sequence):
        chosen = [check_integer("frames", frame, 0) for frame in frames]
        if not chosen or max(chosen) >= n_frames:
            raise InvalidInput(f"frames must be below {n_frames}, got {shown(frames)}")
        return chosen
    count = min(check_integer("frames", frames, 1), n_frames)
    spread: list[int] = np.linspace(0, n_frames - 1, count).round().astype(int).tolist()
    return spread
