"""Orientation: turn stored frames upright, such as those of phones.

A video file has a display matrix, which is read and applied here. A photo has an EXIF tag, which
imageio applies when `pictures` reads it.
"""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray


class Orientation(NamedTuple):
    """How to turn stored frames upright: exchange rows and columns, then reverse them.

    Attributes
    ----------
    swaps
        Whether rows and columns are exchanged.
    flips_y, flips_x
        Whether to reverse the order of rows, and of columns, after that.
    """

    swaps: bool
    flips_y: bool
    flips_x: bool

    @classmethod
    def of(cls, matrix: bytes | None) -> Self:
        """Read FFmpeg's display matrix: (x, y) becomes (a x + c y, b x + d y), counted from 0."""
        if matrix is None:
            return cls(False, False, False)
        a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].tolist()
        if abs(a) + abs(d) < abs(b) + abs(c):
            return cls(True, b < 0, c < 0)
        return cls(False, d < 0, a < 0)

    @property
    def rotation(self) -> int:
        """Degrees, counter-clockwise, by which frames are turned after they are mirrored."""
        if self.swaps:
            return 90 if self.flips_y != self.mirrored else 270
        return 180 if self.flips_y else 0

    @property
    def mirrored(self) -> bool:
        """Whether frames are mirrored from left to right."""
        return bool(sum(self) % 2)

    def turn_upright(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Turn the pixels (y, x, c) of a stored frame upright."""
        pixels = pixels.swapaxes(0, 1) if self.swaps else pixels
        return pixels[:: -1 if self.flips_y else 1, :: -1 if self.flips_x else 1]
