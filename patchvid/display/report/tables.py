"""The tables of a report: the measures of its outputs, and the times they took."""

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

from numpy.typing import NDArray

from patchvid import metrics
from patchvid._progress import Progress
from patchvid.display.report.page import table
from patchvid.errors import InvalidInput
from patchvid.results import LevelTiming

EXPLANATION = """\
Coherence: mean squared difference between a patch of the video and the nearest one of the source;
completeness: the same from the source to the video; swd: sliced Wasserstein distance between the
patches of both; layout: the same for patches with their places, on a coarse level. Lower is better.
Nnfdiv: size of the compressed field of patches of 3x3x3, higher if pieces are smaller; nnfdist:
coherence of these patches. Largest_piece: size of the largest copied piece, 1 if the whole video is
a copy; mean_piece: mean size of the copied piece that a patch belongs to; longest_run: frames for
which half of the picture continues exactly as in the source. Flicker: difference between successive
frames, relative to the source; best near 1. Numbers after ± are standard errors."""


class Sample(NamedTuple):
    """An output of the report, at the size at which it is measured."""

    name: str
    seed: int
    seconds: float
    levels: Sequence[LevelTiming]
    video: NDArray[Any]


def measures(
    source: NDArray[Any], samples: Sequence[Sample], *, shrunk: bool, progress: Progress
) -> str:
    """A table of the measures that `patchvid eval` prints, with an explanation."""
    names = [sample.name for sample in samples]
    try:
        scores, mean, diversity = metrics.evaluate(
            source, [sample.video for sample in samples], names=names, progress=progress
        )
    except InvalidInput as error:
        return f"<p>Not measured: {escape(str(error))}.</p>\n"
    header = [name for name, estimate in mean._asdict().items() if estimate is not None]
    rows = [(name, *_cells(row, header)) for name, row in zip(names, scores, strict=True)]
    if len(samples) > 1:
        rows.append(("mean", *_cells(mean, header)))
    words = EXPLANATION
    if diversity is not None:
        words += f" Diversity of the outputs: {diversity:.3f}; 0 if they are all equal."
    if shrunk:
        words += f" Measured at {source.shape[1]}x{source.shape[2]} pixels."
    return table(["", *header], rows, numeric=True) + f"<p>{escape(words)}</p>\n"


def _cells(row: metrics.Scores, measures: Sequence[str]) -> list[str]:
    estimates = (getattr(row, measure) for measure in measures)
    return [
        "" if estimate is None
        else f"{estimate.value:.3f}" + (f" ±{estimate.error:.3f}" if estimate.error else "")
        for estimate in estimates
    ]  # fmt: skip


def times(samples: Sequence[Sample]) -> str:
    """A table of the time of each level of each output, in seconds."""
    seconds: dict[tuple[str, str, int], dict[int, str]] = {}
    for column, sample in enumerate(samples):
        number: Counter[tuple[str, str]] = Counter()
        for level in sample.levels:
            name = "x".join(map(str, level.shape)), str(level.iterations)
            number[name] += 1  # levels of one size have a row each
            seconds.setdefault((*name, number[name]), {})[column] = f"{level.seconds:.2f}"
    columns = range(len(samples))
    rows = [
        (shape, iterations, *(cells.get(column, "") for column in columns))
        for (shape, iterations, _), cells in seconds.items()
    ]
    rows.append(("total", "", *(f"{sample.seconds:.2f}" for sample in samples)))
    header = (f"seconds, seed {sample.seed}" for sample in samples)
    return table(["level", "iterations", *header], rows, numeric=True)
