"""All measures of a set of videos made from one source, in one call."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid._device import on_device
from patchvid._paths import StrPath
from patchvid._progress import Progress, part_of, reporting
from patchvid._validation import Triple
from patchvid.errors import InvalidInput
from patchvid.metrics._comparison import PATCH, Estimate, Pair, check_pair, check_sequence
from patchvid.metrics.copied_pieces import copied_pieces, prefer_frequent_shifts
from patchvid.metrics.field_complexity import field_diversity
from patchvid.metrics.frechet import Features, find_c3d, frechet_distance, read_c3d, summarize
from patchvid.metrics.layout import distance_of_layouts
from patchvid.metrics.similarity import mean_cost
from patchvid.metrics.voxels import diversity_index, relative_flicker
from patchvid.metrics.wasserstein import Projections, distribution_distance


class Scores(NamedTuple):
    """The measures of one video.

    Attributes
    ----------
    coherence : Estimate
        See `coherence`; lower is better.
    completeness : Estimate
        See `completeness`; lower is better.
    swd : Estimate
        See `sliced_wasserstein`; lower is better.
    layout : Estimate
        See `layout_distance`; lower is better.
    nnfdiv, nnfdist : Estimate
        See `NnfDiversity`.
    largest_piece, mean_piece, longest_run : Estimate
        See `CopiedPieces`.
    flicker : Estimate or None
        See `flicker`; near 1 is best. None if the source stands still, or a video is a picture.
    svfid : Estimate or None
        See `svfid`; lower is better. None if no weights were given.
    """

    coherence: Estimate
    completeness: Estimate
    swd: Estimate
    layout: Estimate
    nnfdiv: Estimate
    nnfdist: Estimate
    largest_piece: Estimate
    mean_piece: Estimate
    longest_run: Estimate
    flicker: Estimate | None
    svfid: Estimate | None = None


class Evaluation(NamedTuple):
    """The measures of a set of videos.

    Attributes
    ----------
    scores : list of Scores
        One for each video.
    mean : Scores
        The means of the scores. The errors are means too, which overestimates them. They do not
        tell how much other outputs would differ.
    diversity : float or None
        Diversity index of the set, see `diversity`. None for a single video, or if heights or
        widths differ.
    """

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
    source : array
        (t, y, x, c), uint8, uint16 or float.
    outputs : sequence of array
        Videos of any sizes, with as many channels as `source`.
    patch : tuple of int
        Frames, rows and columns of a patch.
    seed : int
        The same seed gives the same samples. All outputs are sampled with one seed, so differences
        between them are more certain than their errors suggest.
    device : {"auto", "cpu", "cuda"}
        Where to measure. Arrays on a GPU are measured there.
    weights : str or path-like, optional
        Weights of C3D, as for `svfid`. By default `svfid` is left out.
    names : sequence of str, optional
        Names of the outputs in progress messages and errors.
    progress : callable or bool, optional
        Called as ``progress(fraction, message)``, with the fraction of the work done, from 0 to 1.
        None shows a bar in a terminal, False shows nothing.

    Returns
    -------
    Evaluation
        The scores of each output, their mean, and the diversity index of the set.

    Raises
    ------
    InvalidInput
        If the videos cannot be compared, or are smaller than a patch.
    WeightsError
        If published weights are not on this machine, see `fetch_weights`.
    DeviceError
        If the device cannot be used.

    Notes
    -----
    Every measure equals the result of its own function, except for the pieces: if several patches
    of the source are equally near, as in a still, the most frequent shifts are preferred. One
    search serves coherence and the pieces, another nnfdiv and nnfdist. The time is proportional to
    the number of voxels: 15 to 25 s for five outputs of 13x144x256 on two cores.

    Examples
    --------
    >>> clip = np.random.default_rng(0).integers(0, 250, (4, 16, 20, 3), dtype=np.uint8)
    >>> scores, mean, index = evaluate(clip, [clip, clip[:, :, ::-1]])
    >>> scores[0].completeness.value, scores[0].longest_run.value, mean.largest_piece.value < 1
    (0.0, 4.0, True)
    """
    outputs = check_sequence("outputs", outputs, 1)
    names = names or [f"outputs[{i}]" for i in range(len(outputs))]
    if len(names) != len(outputs):
        raise InvalidInput(
            f"names must be one for each of {len(outputs)} outputs, got {len(names)}"
        )
    features = None if weights is None else read_c3d(find_c3d(weights), device)
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
    same_size = len(pairs) > 1 and len({pair.output.shape[1:] for pair in pairs}) == 1
    index = diversity_index(pairs) if same_size else None
    expected = None if features is None else summarize(pairs[0].source, features)
    scores: list[Scores] = []
    projections: Projections = {}
    for number, pair in enumerate(pairs):
        report = part_of(progress, number / len(pairs), (number + 1) / len(pairs), names[number])
        row = _score(pair, seed, device, projections, report)
        if features is not None and expected is not None:
            distance = frechet_distance(expected, summarize(pair.output, features))
            row = row._replace(svfid=Estimate(distance))
        scores.append(row)
        report(1.0, "")
    return Evaluation(scores, Scores(*map(_mean, zip(*scores))), index)


def _score(
    pair: Pair, seed: int, device: str, projections: Projections, progress: Progress
) -> Scores:
    """All measures of one video that need no network."""
    source, output, patch = pair
    coherent, nnf = mean_cost(output, source, patch, seed, device)
    progress(0.2, "coherence")
    complete, _ = mean_cost(source, output, patch, seed, device)
    progress(0.4, "completeness")
    distance = distribution_distance(source, output, patch, seed, device, projections)
    layout = Estimate(distance_of_layouts(pair))
    progress(0.6, "layout")
    nnfdiv, nnfdist = field_diversity(pair, seed, device)
    nnf = prefer_frequent_shifts(output, source, nnf, patch, device)
    largest, middle, run = (Estimate(float(x)) for x in copied_pieces(nnf, patch=patch))
    ratio = relative_flicker(pair)
    return Scores(
        coherent, complete, distance, layout, Estimate(nnfdiv), nnfdist, largest, middle, run,
        None if ratio is None else Estimate(ratio),
    )  # fmt: skip


def _mean(column: Sequence[Estimate | None]) -> Any:
    present = [estimate for estimate in column if estimate is not None]
    return Estimate(*np.mean(present, axis=0).tolist()) if present else None
