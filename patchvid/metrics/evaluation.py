"""All measures of some videos made from one source, taken together."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid._device import on_device
from patchvid._paths import StrPath
from patchvid._progress import Progress, part_of, reporting
from patchvid._validation import Triple
from patchvid.errors import InvalidInput
from patchvid.metrics import patches
from patchvid.metrics.comparison import Pair, check_pair
from patchvid.metrics.frechet import Features, find_c3d, frechet_distance, read_c3d, summarize
from patchvid.metrics.patches import PATCH, Estimate
from patchvid.metrics.regions import among_equals, nnf_diversity


class Scores(NamedTuple):
    """The measures of one video, named after their functions or after what those return.

    `svfid` is None where there are no weights to take it with.
    """

    coherence: Estimate
    completeness: Estimate
    swd: Estimate
    largest_piece: Estimate
    mean_piece: Estimate
    longest_run: Estimate
    svfid: Estimate | None = None


class Evaluation(NamedTuple):
    """What `evaluate` returns: a row for each video, their mean, and the set's diversity index."""

    scores: list[Scores]
    mean: Scores
    diversity: float | None


def evaluate(
    source: NDArray[Any],
    outputs: Sequence[NDArray[Any]],
    *,
    patch: Triple = PATCH,
    seed: int = 0,
    device: str = "auto",
    weights: StrPath | None = None,
    names: Sequence[str] = (),
    progress: Progress | bool | None = None,
) -> Evaluation:
    """Take all measures of videos made from one source.

    Parameters
    ----------
    source
        (t, y, x, c), uint8, uint16 or float.
    outputs
        Videos of any sizes, with as many channels.
    patch, seed, device
        As for `coherence`. All videos are sampled with the same seed, so that their differences are
        more certain than their errors say.
    weights
        Of C3D, as for `svfid`. None: it is left out.
    names
        What to call the outputs in errors.
    progress
        Called as ``progress(fraction, message)``, with the fraction of the work that is done. None
        shows a bar in a terminal, False shows nothing.

    Returns
    -------
    scores
        One row for each output: `coherence`, `completeness`, `sliced_wasserstein` (``swd``),
        `nnf_diversity` (``largest_piece``, ``mean_piece``, ``longest_run``), and `svfid`.
    mean
        Their means. The errors are means too, which is at most too large. They tell nothing about
        how much other outputs would scatter.
    diversity
        Diversity index of the set, None for a single output and for different heights or widths.

    Raises
    ------
    InvalidInput
        As the measures.

    Notes
    -----
    Measures each output as its own function would, with one search for coherence and field. Time is
    in proportion to the number of voxels: five outputs of 13x144x256 take 8 to 14 s on two cores.

    Examples
    --------
    >>> clip = np.random.default_rng(0).integers(0, 250, (4, 16, 20, 3), dtype=np.uint8)
    >>> scores, mean, index = evaluate(clip, [clip, clip[:, :, ::-1]])
    >>> scores[0].completeness.value, scores[0].longest_run.value, mean.largest_piece.value < 1
    (0.0, 4.0, True)
    """
    if not len(outputs):
        raise InvalidInput("outputs must be one or more videos, got none")
    features = None if weights is None else read_c3d(find_c3d(weights), device)
    names = names or [f"outputs[{i}]" for i in range(len(outputs))]
    if len(names) != len(outputs):
        raise InvalidInput(
            f"names must be one for each of {len(outputs)} outputs, got {len(names)}"
        )
    with reporting(progress, "evaluate") as report:
        return _evaluate(source, outputs, patch, seed, device, features, names, report)


@on_device("source", "outputs")
def _evaluate(
    source: NDArray[Any],
    outputs: Sequence[NDArray[Any]],
    patch: Triple,
    seed: int,
    device: str,
    features: Features | None,
    names: Sequence[str],
    progress: Progress,
) -> Evaluation:
    pairs = [check_pair(source, output, patch, name) for output, name in zip(outputs, names)]
    alike = len(pairs) > 1 and len({pair.output.shape[1:] for pair in pairs}) == 1
    index = patches.diversity_index(pairs) if alike else None
    expected = None if features is None else summarize(pairs[0].source, features)
    scores: list[Scores] = []
    known: dict[Any, Any] = {}
    for number, pair in enumerate(pairs):
        told = part_of(progress, number / len(pairs), (number + 1) / len(pairs), names[number])
        row = _score(pair, seed, device, told, known)
        if features is not None and expected is not None:
            distance = frechet_distance(expected, summarize(pair.output, features))
            row = row._replace(svfid=Estimate(distance))
        scores.append(row)
        told(1.0, "")
    return Evaluation(scores, Scores(*map(_mean, zip(*scores))), index)


def _score(pair: Pair, seed: int, device: str, told: Progress, known: dict[Any, Any]) -> Scores:
    """All measures of one video that need no network; `known` is for the next ones."""
    source, output, patch = pair
    coherent, nnf = patches.mean_cost(output, source, patch, seed, device)
    told(0.4, "coherence")
    complete, _ = patches.mean_cost(source, output, patch, seed, device)
    told(0.8, "completeness")
    distance = patches.sliced_wasserstein(source, output, patch, seed, device, known)
    nnf = among_equals(output, source, nnf, patch, device)
    copied = (Estimate(float(value)) for value in nnf_diversity(nnf, patch=patch))
    return Scores(coherent, complete, distance, *copied)


def _mean(column: Sequence[Estimate | None]) -> Any:
    present = [estimate for estimate in column if estimate is not None]
    return Estimate(*np.mean(present, axis=0).tolist()) if present else None
