"""The results of applications with ``details=True``: the video, its field, seed and times."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any, Literal, NamedTuple

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
        Number of searches and votes.
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
        """Pickle or copy the seconds, and nothing of the device."""
        return {"shape": self.shape, "iterations": self.iterations, "seconds": self.seconds}

    def __repr__(self) -> str:
        return f"LevelTiming({self.shape}, iterations={self.iterations}, {self.seconds:.3f} s)"


def to_nnf(field: NDArray[np.int32], key_shape: Sequence[int]) -> NDArray[np.int32]:
    """(t', y', x', 3) of first voxels from a field of flat voxel indices."""
    rows, x = field // key_shape[2], field % key_shape[2]
    return np.stack([rows // key_shape[1], rows % key_shape[1], x], axis=-1)


class PatchField(NamedTuple):
    """A field, and everything else needed to rearrange other layers of its clip, see `rearrange`.

    Attributes
    ----------
    places : array of int32
        (t', y', x'): for the patch at each place of the output, its first voxel in the source, from
        the last search, as an index ``(t * height + y) * width + x``; (n, t', y', x') for several
        samples.
    patch : tuple of int
        Frames, rows and columns of a patch.
    periodic : tuple of bool
        Axes (t, y, x) along which the output is periodic.
    reduce : {"median", "mean"}
        How overlapping patches are combined, see `vote`.
    shape : tuple of int
        (t, y, x) of the source.
    made : array of float32 or None
        (t, y, x): the share of each voxel of the output that is made of patches, from 0 to 1. The
        rest is kept from the source. None: everything is made of patches.
    shift : tuple of int
        Shift (t, y, x) of the parts kept from the source.
    keeps_time : bool
        Whether the output keeps the timing of the source, so that its sound fits.
    frames : array of int or None
        For every frame of the output, the frame of the source from which its kept parts come. None:
        the frames in their order, from the first one on.
    """

    places: NDArray[np.int32]
    patch: tuple[int, int, int]
    periodic: tuple[bool, bool, bool]
    reduce: Literal["median", "mean"]
    shape: tuple[int, int, int]
    made: NDArray[np.float32] | None = None
    shift: tuple[int, int, int] = (0, 0, 0)
    keeps_time: bool = False
    frames: NDArray[np.int64] | None = None

    @property
    def nnf(self) -> NDArray[np.int32]:
        """The places as voxels, (t', y', x', 3)."""
        return to_nnf(self.places, self.shape)


class Result(NamedTuple):
    """A video and how it was made; for several samples, arrays are (n, ...).

    Attributes
    ----------
    video : array
        (t, y, x, c), the result without details.
    field : PatchField
        Where its patches come from, for `rearrange`.
    nnf : array of int32
        (t', y', x', 3): for the patch at each place of the video, its first voxel (t, y, x) in the
        source, from the last search.
    seed : int
        The same seed makes the same video.
    levels : list of LevelTiming
        The levels of all samples, coarsest first, one sample after the other. Samples that a GPU
        makes at once have their levels listed once.
    """

    video: NDArray[Any]
    field: PatchField
    seed: int
    levels: list[LevelTiming]

    @property
    def nnf(self) -> NDArray[np.int32]:
        """The first voxel in the source of the patch at each place."""
        return self.field.nnf


LAYOUT_MEASURES = ("novelty", "structure", "noise")  # attributes of `GenerateResult`


class GenerateResult(NamedTuple):
    """A `Result`, and measures of the layout of each sample.

    Attributes
    ----------
    video, field, nnf, seed, levels
        As for `Result`.
    novelty : list of float or None
        For every sample, the difference between its layout and the clip, relative to that between
        the clip and the clip shifted sideways. None for ``layout="noise"``.
    structure : list of float or None
        How firmly each layout keeps colours in their places, 0 to 1. None for ``layout="noise"``.
    noise : list of float or None
        For every sample, the standard deviation of its noise, where values span [-1, 1]. None for
        ``layout="flow"``.
    """

    video: NDArray[Any]
    field: PatchField
    seed: int
    levels: list[LevelTiming]
    novelty: list[float] | None = None
    structure: list[float] | None = None
    noise: list[float] | None = None

    @property
    def nnf(self) -> NDArray[np.int32]:
        """The first voxel in the source of the patch at each place."""
        return self.field.nnf


class Structure(NamedTuple):
    """The structure of a clip.

    Attributes
    ----------
    guides : list of array of uint8
        (t, y, x, g) in 0..127, one for every level that it guides, coarsest first.
    flow : array of float32 or None
        (t - 1, y, x, 2), if the structure was made from a flow.
    """

    guides: list[NDArray[np.uint8]]
    flow: NDArray[np.float32] | None


class AnalogyResult(NamedTuple):
    """A `Result`, and the structures of both clips.

    Attributes
    ----------
    video, field, nnf, seed, levels
        As for `Result`.
    structures : list of Structure
        The structures of `content` and `style`.
    """

    video: NDArray[Any]
    field: PatchField
    seed: int
    levels: list[LevelTiming]
    structures: list[Structure]

    @property
    def nnf(self) -> NDArray[np.int32]:
        """The first voxel in the source of the patch at each place."""
        return self.field.nnf


@dataclass(frozen=True, eq=False)
class LoopResult:
    """A loop, and how it was made.

    `video`, `field` and `nnf` are as long as the loop. They are computed when first read.

    Attributes
    ----------
    frames : array
        (m, y, x, c): the frames of the clip, then those of all joins.
    order : array of int
        For every frame of the loop, its index in `frames`.
    seed : int
        The same seed makes the same loop.
    levels : list of LevelTiming
        The levels of all joins, coarsest first, one join after the other.
    jumps : list
        The jumps of the loop, in order. Each goes from frame `last` of the clip to frame `first`,
        and has a `cost`: 1 is a mean step from a frame to the next. A jump made several times is
        listed as often.
    video : array
        (t, y, x, c), the result without details: the frames in their order.
    field : PatchField
        As for `Result`.
    nnf : array of int32
        As for `Result`.
    """

    frames: NDArray[Any]
    order: NDArray[np.int64]
    seed: int
    levels: list[LevelTiming]
    jumps: list[Any]
    _rows: NDArray[np.int32]
    _row_order: NDArray[np.int64]
    _patch: tuple[int, int, int]
    _reduce: Literal["median", "mean"]
    _shape: tuple[int, int, int]
    _sources: NDArray[np.int64]

    @cached_property
    def video(self) -> NDArray[Any]:
        """The frames in their order."""
        video: NDArray[Any] = self.frames[self.order]
        return video

    @cached_property
    def field(self) -> PatchField:
        """Where the patches come from. Frames outside of joins are the clip's own."""
        is_made = (self.order >= self._shape[0]).astype(np.float32)
        made = np.broadcast_to(is_made[:, None, None], (len(is_made), *self._shape[1:])).copy()
        return PatchField(
            self._rows[self._row_order], self._patch, (True, False, False), self._reduce,
            self._shape, made, frames=self._sources,
        )  # fmt: skip

    @property
    def nnf(self) -> NDArray[np.int32]:
        """The first voxel in the source of the patch at each place."""
        return self.field.nnf


AnyResult = Result | GenerateResult | AnalogyResult | LoopResult
