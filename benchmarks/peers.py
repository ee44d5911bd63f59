"""Packages with a PatchMatch of their own, at equal cost: pictures, patches of 7x7 pixels.

They are measured if they are installed (``pip install pypatchmatch patchmatch-cython``). Ours is
timed with the fewest sweeps, or iterations, whose cost is no higher than the other package's. All
costs are measured by our own `patch_distance`.
"""

from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

import numba
import numpy as np
from harness import Options, Row, Rows, timed
from numpy.typing import NDArray

import patchvid
from patchvid.apps.inpainting import inpaint

Picture, Mask = NDArray[np.uint8], NDArray[np.bool_]

PATCH = (1, 7, 7)
HALF = 3  # pixels from the edge of a patch to its middle, where other packages place it
ITERATIONS = (2, 5, 10)  # of patchmatch-cython; 5 is its default
MOST_SWEEPS, MOST_EM = 60, 10
REPEATS = 5


class Result(NamedTuple):
    """Seconds that a package took, and the mean squared difference per value that it reached."""

    seconds: float
    cost: float


def peers(options: Options) -> Rows:
    """Measure all that are installed, one after another; a row says which are missing."""
    for package, case in CASES.items():
        try:
            installed = version(package)
            rows = case(options)
        except (PackageNotFoundError, ImportError) as error:
            yield "peers, left out", {"package": package, "reason": str(error)}
        else:
            for row in rows:
                table = "peers" if "work" in row else "peers, left out"
                yield table, {"package": f"{package} {installed}", **row}


def _cython(options: Options) -> list[Row]:
    from patchmatch_cython import inpaint_pyramid

    def fill(picture: Picture, hole: Mask) -> Picture:
        return inpaint_pyramid(picture, hole, patch_size=PATCH[1], seed=1)

    return _search(options) + _fill(options, fill)


def _pypatchmatch(options: Options) -> list[Row]:
    import patchmatch

    patchmatch.set_random_seed(1)
    return _fill(options, partial(patchmatch.inpaint, patch_size=HALF))


def _search(options: Options) -> list[Row]:
    """Search for a field between two pictures, after several numbers of the peer's iterations."""
    query, key = _pictures(options, 360)

    def ours(sweeps: int) -> Result:
        fields: list[Any] = []
        search = partial(patchvid.search, query[None], key[None], patch=PATCH, seed=1)
        seconds = min(timed(lambda: fields.append(search(sweeps=sweeps)), REPEATS))
        return Result(seconds, float(fields[0][1].mean()))

    rows = []
    for iterations in options.some(ITERATIONS):
        work = f"search, {_size(query)}, {iterations} iterations"
        theirs = _search_with_cython(query, key, iterations)
        rows += _rows(work, "sweeps", theirs, ours, range(1, MOST_SWEEPS + 1))
    return rows


def _search_with_cython(query: Picture, key: Picture, iterations: int) -> Result:
    """Time the search that the package makes to fill a hole.

    The picture that it gets has the query above the key, and the query is marked as a hole.
    """
    from patchmatch_cython.cython_solver_impl import CythonSolverImpl

    class SearchAlone(CythonSolverImpl):  # type: ignore[misc]
        """Without painting, the hole keeps the query, and only the search takes time."""

        def _paint_with_nnf(self, target: Any) -> None:
            pass

    height, width, _ = query.shape
    both = np.concatenate([query, key]).astype(np.float32)
    hole = np.zeros(both.shape[:2], np.uint8)
    hole[:height] = 1
    solver = SearchAlone(both, hole, PATCH[1])
    seconds = min(timed(partial(solver, iterations, seed=1), REPEATS))
    middles = solver.nnf[HALF : height - HALF, HALF : width - HALF]  # x, then y
    nnf = np.zeros((1, *middles.shape[:2], 3), np.int32)
    nnf[0, ..., 1] = middles[..., 1] - HALF - height
    nnf[0, ..., 2] = middles[..., 0] - HALF
    cost = patchvid.patch_distance(query[None], key[None], nnf, patch=PATCH)
    return Result(seconds, float(cost.mean()))


def _fill(options: Options, fill: Callable[[Picture, Mask], Picture]) -> list[Row]:
    """Fill a hole in a picture.

    The cost is that of the patches that touch the hole, against their nearest patches outside it.
    """
    picture, _ = _pictures(options, 240)
    height, width, _ = picture.shape
    hole = np.zeros((height, width), bool)
    hole[3 * height // 8 : 5 * height // 8, 3 * width // 8 : 5 * width // 8] = True
    touched = np.lib.stride_tricks.sliding_window_view(hole, PATCH[1:]).any(axis=(2, 3))
    around = tuple(
        slice(places.min(), places.max() + extent)
        for places, extent in zip(np.nonzero(touched), PATCH[1:])
    )

    def cost(filled: Picture) -> float:
        _, costs = patchvid.search(
            filled[around][None],
            picture[None],
            patch=PATCH,
            key_mask=~touched[None],
            method="exact",
        )
        return float(costs.mean())

    def measured(fill: Callable[[], Picture]) -> Result:
        filled: list[Picture] = []
        seconds = min(timed(lambda: filled.append(fill()), REPEATS))
        return Result(seconds, cost(filled[0]))

    def ours(iterations: int) -> Result:
        video = picture[None]
        return measured(lambda: inpaint(video, hole, seed=1, patch=PATCH, iterations=iterations)[0])

    theirs = measured(lambda: fill(picture, hole))
    work = f"inpainting, {_size(picture)}, {np.count_nonzero(hole)} pixels"
    return _rows(work, "iterations", theirs, ours, range(1, MOST_EM + 1))


def _placeholder(options: Options) -> list[Row]:
    import ebsynth

    names = [name for name in vars(ebsynth) if not name.startswith("_")]
    return [
        {"reason": f"a placeholder on PyPI: all it has is {', '.join(names)}(), which is empty"}
    ]


def _rows(
    work: str, unit: str, theirs: Result, ours: Callable[[int], Result], numbers: Sequence[int]
) -> list[Row]:
    """Make rows for ours on one thread and on all, with the fewest passes that do as well."""
    threads = numba.get_num_threads()
    results = ((number, ours(number)) for number in numbers)
    number = next((number for number, result in results if result.cost <= theirs.cost), None)
    rows = []
    for used in dict.fromkeys((1, threads)):
        row: Row = {"work": work, "seconds": theirs.seconds, "cost": theirs.cost}
        if number is None:
            row["ours"] = f"does not reach the cost in {numbers[-1]} {unit}"
        else:
            numba.set_num_threads(used)
            result = ours(number)
            row |= {"ours": f"{number} {unit}", "our threads": used, "our seconds": result.seconds}
            row |= {"our cost": result.cost, "times faster": theirs.seconds / result.seconds}
        rows.append(row)
    numba.set_num_threads(threads)
    return rows[:1] if number is None else rows


def _pictures(options: Options, height: int) -> Any:
    """Read the first and the last frame of a film."""
    video, _ = patchvid.read_video(options.data("clips/large/balloons_1080p.mp4"))
    height = 72 if options.quick else height
    return patchvid.resize(video[[0, -1]], (2, height, height * 16 // 9))


def _size(picture: Picture) -> str:
    return "x".join(map(str, picture.shape[:2]))


CASES: dict[str, Callable[[Options], list[Row]]] = {
    "patchmatch-cython": _cython,
    "pypatchmatch": _pypatchmatch,
    "ebsynth": _placeholder,
}
