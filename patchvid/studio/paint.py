"""Layers of paint on a clip, which may follow its objects through the clip."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from patchvid.studio.errors import Refused

Paint = NDArray[np.uint8]
Mode = Literal["follow", "same", "only"]

# The layers, and the ways to fill frames without paint.
MODES: dict[str, tuple[Mode, ...]] = {
    "remove": ("follow", "same", "only"),
    "source": ("same", "follow", "only"),
    "cue": ("same", "follow", "only"),
    "keep": ("follow", "same", "only"),
}


@dataclass
class Layer:
    """The paint of one kind.

    Attributes
    ----------
    name
        One of the names in `MODES`.
    mode
        The way to fill frames without paint: paint follows its object from the nearest painted
        frame, stays in the same place, or is only in its own frame.
    keys
        The paint (y, x) by frame: masks from 0 to 255, or numbers of colours from 1 on.
    followed
        The paint (t, y, x) found by following the keys; None before that, or if they changed.
    lost
        The frames in which following lost an object.
    """

    name: str
    mode: Mode
    keys: dict[int, Paint] = field(default_factory=dict)
    followed: Paint | None = None
    lost: list[int] = field(default_factory=list)

    @classmethod
    def named(cls, name: str) -> "Layer":
        """Make the empty layer of a name."""
        return cls(name, MODES[name][0])

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The modes to choose from."""
        return MODES[self.name]

    def copy(self) -> "Layer":
        """Return a copy that later changes do not affect."""
        return replace(self, keys=dict(self.keys))

    def put(self, frame: int, paint: Paint | None) -> None:
        """Replace the paint of a frame; None removes it."""
        self.keys.pop(frame, None)
        if paint is not None:
            self.keys[frame] = paint
        self.followed, self.lost = None, []

    def choose(self, mode: Any) -> None:
        """Choose how to fill frames without paint."""
        if mode not in self.modes:
            raise Refused(f"mode must be one of {', '.join(self.modes)}, got {mode!r}")
        self.mode = mode

    def needs_following(self, n_frames: int) -> bool:
        """Whether paint must still follow its object to other frames."""
        return self.mode == "follow" and self.followed is None and 0 < len(self.keys) < n_frames

    def labels(self) -> dict[int, Paint]:
        """Return the numbers (y, x) of objects by painted frame; a mask is one object."""
        if self.name == "cue":
            return self.keys
        return {frame: np.uint8(255) * (paint > 127) for frame, paint in self.keys.items()}

    def keep_followed(self, found: Paint) -> None:
        """Take note of paint (t, y, x) found by following, with the numbers of `labels`."""
        seen = [(found == number).any(axis=(1, 2)) for number in np.unique(found) if number]
        self.followed, self.lost = found, np.flatnonzero(~np.all(seen, axis=0)).tolist()

    def at(self, frame: int, shape: tuple[int, int]) -> Paint:
        """Return the paint (y, x) of a frame."""
        if self.mode == "follow" and self.followed is not None:
            followed = self.followed[frame]
            own = self.keys.get(frame, followed)
            return np.where(own > 0, own, followed)
        if frame in self.keys:
            return self.keys[frame]
        if self.mode == "same" and self.keys:
            return self.keys[min(self.keys, key=lambda key: (abs(key - frame), key))]
        return np.zeros(shape, np.uint8)

    def all(self, shape: tuple[int, ...]) -> Paint:
        """Return the paint of all frames, (t, y, x)."""
        n_frames, height, width = shape[:3]
        return np.stack([self.at(frame, (height, width)) for frame in range(n_frames)])

    def shrunk(self, step: int, shape: tuple[int, int, int]) -> "Layer":
        """Return the layer for a clip of a smaller shape that has every step-th frame of its clip.

        Paint of frames that are left out moves to the nearest one before.
        """
        if self.mode == "follow" and self.followed is not None:
            keys = {n: self.at(n * step, self.followed.shape[1:]) for n in range(shape[0])}
        else:
            keys = {frame // step: paint for frame, paint in self.keys.items()}
        small = {frame: _shrink(paint, shape[1:]) for frame, paint in keys.items()}
        return Layer(self.name, self.mode, small)


def _shrink(paint: Paint, shape: tuple[int, int]) -> Paint:
    """Shrink paint (y, x) without blending its values: paint of single pixels remains."""
    for axis, n in enumerate(shape):
        paint = np.maximum.reduceat(paint, np.arange(n) * paint.shape[axis] // n, axis)
    return paint
