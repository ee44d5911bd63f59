"""Types of the applications' keyword arguments, for overloads on `details`."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from numpy.typing import ArrayLike, NDArray

from patchvid._progress import Progress
from patchvid._validation import Seed, Triple


class Common(TypedDict, total=False):
    """Arguments of all applications."""

    seed: Seed
    factor: tuple[float, float]
    reduce: Literal["median", "mean"]
    device: str
    memory: int | str | None
    progress: Progress | bool | None
    out: Any


class Generate(Common, total=False):
    """Arguments of `generate`."""

    patch: Triple | None
    coarsest: tuple[int, int]
    iterations: int | None
    samples: int
    scale: Sequence[float]
    size: Sequence[int] | None
    layout: Literal["auto", "flow", "noise"]
    novelty: float
    structure: float | Literal["auto"]
    noise: float | Literal["auto"]
    replicate_noise: bool
    alpha: float | None
    loop: bool
    tile: str


class Analogy(Common, total=False):
    """Arguments of `analogy`."""

    patch: Triple
    coarsest: tuple[int, int]
    iterations: int
    bins: tuple[int, int]
    structure: Any
    alpha: float | None
    structure_levels: float
    flow: Any
    flow_weights: Any


class Retarget(Common, total=False):
    """Arguments of `retarget`."""

    size: Sequence[int] | None
    scale: Sequence[float] | None
    patch: Triple | None
    coarsest: tuple[int, int] | None
    iterations: int | None
    keep: ArrayLike | None
    alpha: float | None
    loop: bool
    tile: str


class Inpaint(Common, total=False):
    """Arguments of `inpaint`."""

    patch: Triple | None
    coarsest: tuple[int, int] | None
    iterations: int | None
    cue: NDArray[Any] | Mapping[int, NDArray[Any]] | None
    follow: bool
    source: ArrayLike | None
    grow: int | None
    loop: bool
    tile: str


class Loop(TypedDict, total=False):
    """Arguments of `loop`."""

    length: int | None
    join: int | None
    seed: Seed
    patch: Triple | None
    iterations: int | None
    reduce: Literal["median", "mean"]
    device: str
    memory: int | str | None
    progress: Progress | bool | None
    out: Any
