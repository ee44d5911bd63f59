"""What applications return beside the video, with ``details=True``."""

from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class LevelTiming:
    """The size of a level, its iterations, and the time it took.

    Attributes
    ----------
    shape : tuple of int
        (t, y, x) of the level's output.
    iterations : int
        Searches and votes that were made.
    seconds : float
        The time they took. Reading it for the first time waits for a GPU to finish.
    """

    shape: tuple[int, int, int]
    iterations: int
    _kernels: ModuleType
    _begin: Any
    _end: Any

    @cached_property
    def seconds(self) -> float:
        """The time it took, in seconds."""
        return float(self._kernels.seconds_between(self._begin, self._end))

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled or copied: the seconds, and nothing of the device."""
        return {"shape": self.shape, "iterations": self.iterations, "seconds": self.seconds}

    def __repr__(self) -> str:
        return f"LevelTiming({self.shape}, iterations={self.iterations}, {self.seconds:.3f} s)"


class Result(NamedTuple):
    """A video and how it was made; of several samples arrays are (n, ...).

    Attributes
    ----------
    video : array
        (t, y, x, c), what is returned without details.
    nnf : array of int32
        (t', y', x', 3): the first voxel in the source of the patch at each place of the video, as
        the last search found it.
    seed : int
        The same seed makes the same video.
    levels : list of LevelTiming
        The levels of all samples, coarsest first, one sample after the other.
    """

    video: NDArray[Any]
    nnf: NDArray[np.int32]
    seed: int
    levels: list[LevelTiming]


class Structure(NamedTuple):
    """The structure of a clip.

    Attributes
    ----------
    guides : list of array of uint8
        (t, y, x, g) in 0..127, for every level that it guides, coarsest first.
    flow : array of float32 or None
        (t - 1, y, x, 2), if the structure was made from a flow.
    """

    guides: list[NDArray[np.uint8]]
    flow: NDArray[np.float32] | None


class AnalogyResult(NamedTuple):
    """A `Result`, and the structures of both clips.

    Attributes
    ----------
    video, nnf, seed, levels
        As for `Result`.
    structures : list of Structure
        Of `content` and `style`.
    """

    video: NDArray[Any]
    nnf: NDArray[np.int32]
    seed: int
    levels: list[LevelTiming]
    structures: list[Structure]
