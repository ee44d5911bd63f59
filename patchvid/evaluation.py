"""All measures of some videos made from one source, taken together."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid import estimates
from patchvid.checks import Triple
from patchvid.comparison import Pair, as_pair
from patchvid.device import on_device
from patchvid.errors import InvalidInput
from patchvid.estimates import PATCH, Estimate
from patchvid.pieces import among_equals, nnf_diversity
from patchvid.svfid import Features, find_c3d, frechet_distance, read_c3d, summarize
from patchvid.weights import StrPath

Progress = Callable[[float], object]


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
    progress: Progress | None = None,
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
        Called with the fraction that is done, from 0 to 1.

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
    return _evaluate(source, outputs, patch, seed, device, features, names, progress)


@on_device("source", "outputs")
def _evaluate(
    source: NDArray[Any],
    outputs: Sequence[NDArray[Any]],
    patch: Triple,
    seed: int,
    device: str,
    features: Features | None,
    names: Sequence[str],
    progress: Progress | None,
) -> Evaluation:
    pairs = [as_pair(source, output, patch, name) for output, name in zip(outputs, names)]
    alike = len(pairs) > 1 and len({pair.output.shape[1:] for pair in pairs}) == 1
    index = estimates.diversity_index(pairs) if alike else None
    expected = None if features is None else summarize(pairs[0].source, features)
    scores: list[Scores] = []
    known: dict[Any, Any] = {}
    for number, pair in enumerate(pairs):
        told = _after(progress, number, len(pairs))
        row = _score(pair, seed, device, told, known)
        if features is not None and expected is not None:
            distance = frechet_distance(expected, summarize(pair.output, features))
            row = row._replace(svfid=Estimate(distance))
        scores.append(row)
        told(1.0)
    return Evaluation(scores, Scores(*map(_mean, zip(*scores))), index)


def _score(pair: Pair, seed: int, device: str, told: Progress, known: dict[Any, Any]) -> Scores:
    """All measures of one video that need no network; `known` is for the next ones."""
    source, output, patch = pair
    coherent, nnf = estimates.mean_cost(output, source, patch, seed, device)
    told(0.4)
    complete, _ = estimates.mean_cost(source, output, patch, seed, device)
    told(0.8)
    distance = estimates.sliced_wasserstein(source, output, patch, seed, device, known)
    nnf = among_equals(output, source, nnf, patch, device)
    copied = (Estimate(float(value)) for value in nnf_diversity(nnf, patch=patch))
    return Scores(coherent, complete, distance, *copied)


def _after(progress: Progress | None, done: int, total: int) -> Progress:
    """Tells the fraction of all videos that is done, from that of the next one."""
    if progress is None:
        return lambda fraction: None
    return lambda fraction: progress((done + fraction) / total)


def _mean(column: Sequence[Estimate | None]) -> Any:
    present = [estimate for estimate in column if estimate is not None]
    return Estimate(*np.mean(present, axis=0).tolist()) if present else None
