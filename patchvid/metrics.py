"""Measures of generated videos against their source.

How much of a video is the source's (coherence), how much of the source it shows (completeness), how
alike their patches are as a whole (sliced Wasserstein), or what a network sees in them (SVFID), in
how large pieces a video has been copied (diversity of its field), and how far apart several videos
are (diversity index). Only SVFID needs learned weights.

Values are measured on the scale of 8 bits, 0 to 255: uint8 as it is, uint16 divided by 257, floats
with the source's least value as 0 and its greatest as 255. Patches have 3 frames of 7x7 pixels, and
1 frame where one of the two videos has no more.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid import estimates
from patchvid.checks import Triple, as_patch, as_size, as_video
from patchvid.device import on_device
from patchvid.errors import InvalidInput
from patchvid.estimates import Estimate as Estimate
from patchvid.pieces import NnfDiversity as NnfDiversity
from patchvid.pieces import nnf_diversity as nnf_diversity
from patchvid.svfid import find_c3d, frechet_distance, read_c3d, summarize
from patchvid.weights import StrPath

Floats = NDArray[np.float32]

PATCH: Triple = (3, 7, 7)

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


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


@on_device("source", "output", prepared="host")
def coherence(
    source: NDArray[Any],
    output: NDArray[Any],
    *,
    patch: Triple = PATCH,
    seed: int = 0,
    device: str = "auto",
) -> Estimate:
    """Mean squared difference between a patch of `output` and the nearest one of `source`.

    Parameters
    ----------
    source, output
        (t, y, x, c) of any sizes and the same number of channels; see the module for values.
    patch
        Frames, rows and columns of a patch.
    seed
        Of what is sampled. The same seed gives the same result, but for rounding.
    device
        Where to search: "cpu", "cuda", or "auto".

    Returns
    -------
    Mean over all patches, per value: 0 for a video made of patches of `source`, at most 255**2;
    less is better, but a copy is best. Exact if neither video has more than 7000 patches. Else it
    has a standard error, of 0.3 to 3 % on real clips.

    Raises
    ------
    InvalidInput
        For videos that cannot be compared, or are smaller than a patch.

    Notes
    -----
    One of the two terms of bidirectional similarity [1]_. In large videos PatchMatch gives every
    patch a cost that is a few percent too high. Of 128 patches, drawn with chances in proportion to
    that cost, the exact cost is found by comparison with every patch of the other video. The mean
    of the ratios of both corrects the mean cost, without bias [2]_, and the scatter of the ratios,
    which are between 0 and 1, is its error. Time is in proportion to the number of patches: 0.8 s a
    video of 13x144x256 on two cores.

    References
    ----------
    .. [1] D. Simakov et al., "Summarizing visual data using bidirectional similarity", CVPR 2008;
       in the form of N. Granot et al., "Drop the GAN" (GPNN), CVPR 2022, and N. Haim et al.,
       "Diverse generation from a single video made possible" (VGPNN), ECCV 2022.
    .. [2] M. H. Hansen and W. N. Hurwitz, "On the theory of sampling from finite populations",
       Ann. Math. Statist. 14(4), 1943: sampling with probability proportional to size.

    Examples
    --------
    >>> clip = np.random.default_rng(0).integers(0, 250, (4, 16, 20, 3), dtype=np.uint8)
    >>> coherence(clip, clip[1:, 2:, :-3])
    Estimate(value=0.0, error=0.0)
    """
    source, output, patch = _as_pair(source, output, patch)
    return estimates.mean_cost(output, source, patch, seed, device)[0]


@on_device("source", "output", prepared="host")
def completeness(
    source: NDArray[Any],
    output: NDArray[Any],
    *,
    patch: Triple = PATCH,
    seed: int = 0,
    device: str = "auto",
) -> Estimate:
    """Mean squared difference between a patch of `source` and the nearest one of `output`.

    0 where everything in `source` is also in `output`. Everything else is as for `coherence`.

    Examples
    --------
    >>> clip = np.random.default_rng(0).integers(0, 250, (4, 16, 20, 3), dtype=np.uint8)
    >>> completeness(clip, clip).value, completeness(clip, clip[1:, 2:, :-3]).value > 1000
    (0.0, True)
    """
    source, output, patch = _as_pair(source, output, patch)
    return estimates.mean_cost(source, output, patch, seed, device)[0]


@on_device("source", "output", prepared="host")
def sliced_wasserstein(
    source: NDArray[Any], output: NDArray[Any], *, patch: Triple = PATCH, seed: int = 0
) -> Estimate:
    """Distance between the patches of two videos as distributions, at three scales.

    Parameters
    ----------
    source, output, patch, seed
        As for `coherence`.

    Returns
    -------
    0 to about 255 times the square root of the number of values in a patch; less is better. The
    error is that of directions drawn one by one; orthogonal ones do better, by a factor of two and
    more.

    Raises
    ------
    InvalidInput
        As `coherence`.

    Notes
    -----
    Patches are projected on random unit vectors. Along each, the Wasserstein-1 distance is the mean
    difference between the sorted projections of as many patches of either video. The mean is taken
    over the directions [1]_ and over the scales: full size, and half and a quarter of height and
    width, by means of 2x2 pixels; a scale with fewer than two patches along a side is left out.
    There are 512 directions, or as many as a patch has values if that is less, which are orthogonal
    to each other [2]_. Of larger numbers of patches 16384 are taken, spread evenly and in the same
    places if the sizes are equal: identical videos are at 0, and what differs by less than 0.1 or
    0.2 may not be told apart.

    References
    ----------
    .. [1] J. Rabin et al., "Wasserstein barycenter and its application to texture mixing", SSVM
       2011; S. Kolouri et al., "Generalized sliced Wasserstein distances", NeurIPS 2019.
    .. [2] M. Rowland et al., "Orthogonal estimation of Wasserstein distances", AISTATS 2019.

    Examples
    --------
    >>> clip = np.random.default_rng(0).integers(0, 250, (4, 16, 20, 1), dtype=np.uint8)
    >>> sliced_wasserstein(clip, clip).value
    0.0
    """
    return estimates.sliced_wasserstein(*_as_pair(source, output, patch), seed)


@on_device("source", "outputs", prepared="host")
def diversity(source: NDArray[Any], outputs: Sequence[NDArray[Any]]) -> float:
    """Diversity index of a set of videos: how much a voxel varies from one to the next.

    Parameters
    ----------
    source
        (t, y, x, c), for the scale.
    outputs
        Two or more, of the same height and width. Longer ones are cut to the length of the
        shortest.

    Returns
    -------
    Standard deviation of a grey voxel over the videos, averaged over all voxels and divided by the
    standard deviation of all voxels of `source`: 0 for equal videos; many that have nothing in
    common come to about 1. Grey is the luma (Rec. 601) of three channels, which are taken as RGB,
    and the mean of any other number.

    Raises
    ------
    InvalidInput
        For less than two videos, different heights or widths, and a source of one grey.

    References
    ----------
    .. [1] T. R. Shaham et al., "SinGAN", ICCV 2019; for videos N. Haim et al. (VGPNN),
       ECCV 2022, supplement.

    Examples
    --------
    >>> clip = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    >>> diversity(clip, [clip, clip]), round(diversity(clip, [clip, clip[:, ::-1]]), 2)
    (0.0, 0.87)
    """
    if len(outputs) < 2:
        raise InvalidInput(f"outputs must be at least two videos, got {len(outputs)}")
    return _diversity(
        [_as_pair(source, output, (1, 1, 1), f"outputs[{i}]") for i, output in enumerate(outputs)]
    )


def _diversity(pairs: Sequence[tuple[NDArray[Any], NDArray[Any], Triple]]) -> float:
    if len({output.shape[1:] for _, output, _ in pairs}) > 1:
        raise InvalidInput("outputs must have the same height and width; evaluate others apart")
    contrast = _grey(pairs[0][0]).std(dtype=np.float64)
    if contrast == 0:
        raise InvalidInput("source must show more than one grey, to measure diversity by")
    n_frames = min(len(output) for _, output, _ in pairs)
    greys = np.stack([_grey(output[:n_frames]) for _, output, _ in pairs])
    return float(greys.std(axis=0).mean(dtype=np.float64) / contrast)


def svfid(
    source: NDArray[Any],
    output: NDArray[Any],
    *,
    weights: StrPath | None = None,
    device: str = "auto",
) -> Estimate:
    """Single video Frechet distance: how alike two videos are to a network for actions.

    Parameters
    ----------
    source, output
        (t, y, x, c) of any sizes with more than 128 positions, of one frame and 2x2 pixels each.
        Three channels are RGB; of any others the mean is used.
    weights
        Of C3D: a file, ``.pth`` as of MMAction or ``.npz`` as of Chainer; or "c3d_sports1m", the
        former, which is fetched once, 300 MB, and kept in the user's cache. None: what the
        environment variable PATCHVID_C3D says, or else "c3d_sports1m".
    device
        Where C3D runs: "cpu", "cuda", or "auto".

    Returns
    -------
    From 0 up, on the scale of the features squared; less is better, but a copy is best. All
    positions are used, and so there is no error of sampling; but videos of few positions are
    farther apart than long ones of the same kind.

    Raises
    ------
    InvalidInput
        For videos that cannot be compared or are too small, and files that are no weights of C3D.
    WeightsError
        If published weights are not in the cache and cannot be fetched.
    DeviceError
        For a device that is not there.

    Notes
    -----
    The squared Frechet distance between two normal distributions that have the means and the
    unbiased covariances of C3D's [1]_ features in either video [2]_.

    **It is not comparable with published numbers**, nor with those from other weights: which layer
    those were made with, and on which scale, was not published. Here it is the second convolution
    after its rectifier, before its pooling, as the images' measure that this one comes from does
    [3]_: 128 numbers a position, which sees 5 frames of 8x8 pixels. Videos are taken at the size
    they have, in 8 bits less the mean colour that the weights were made with, in their order of the
    channels. Time is in proportion to the number of voxels: 1 s for 13x144x256 on two cores.

    References
    ----------
    .. [1] D. Tran et al., "Learning Spatiotemporal Features with 3D Convolutional Networks", ICCV
       2015.
    .. [2] S. Gur et al., "Hierarchical Patch VAE-GAN", NeurIPS 2020.
    .. [3] T. R. Shaham et al., "SinGAN", ICCV 2019.
    """
    source, output, _ = _as_pair(source, output, (1, 1, 1))
    features = read_c3d(find_c3d(weights), device)
    return Estimate(frechet_distance(summarize(source, features), summarize(output, features)))


@on_device("source", "outputs", prepared="host")
def evaluate(
    source: NDArray[Any],
    outputs: Sequence[NDArray[Any]],
    *,
    patch: Triple = PATCH,
    seed: int = 0,
    device: str = "auto",
    weights: StrPath | None = None,
    names: Sequence[str] = (),
    progress: Callable[[float], object] | None = None,
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
    in proportion to the number of voxels: five outputs of 13x144x256 take 8 s on two cores.

    Examples
    --------
    >>> clip = np.random.default_rng(0).integers(0, 250, (4, 16, 20, 3), dtype=np.uint8)
    >>> scores, mean, index = evaluate(clip, [clip, clip[:, :, ::-1]])
    >>> scores[0].completeness.value, scores[0].longest_run.value, mean.largest_piece.value < 1
    (0.0, 4.0, True)
    """
    if not len(outputs):
        raise InvalidInput("outputs must be one or more videos, got none")
    names = names or [f"outputs[{i}]" for i in range(len(outputs))]
    pairs = [_as_pair(source, output, patch, name) for output, name in zip(outputs, names)]
    alike = len(outputs) > 1 and len({np.shape(output)[1:] for output in outputs}) == 1
    index = _diversity(pairs) if alike else None
    features = None if weights is None else read_c3d(find_c3d(weights), device)
    expected = None if features is None else summarize(pairs[0][0], features)
    scores: list[Scores] = []
    for ours, other, extents in pairs:
        told = _after(progress, len(scores), len(pairs))
        coherent, nnf = estimates.mean_cost(other, ours, extents, seed, device)
        told(0.4)
        complete, _ = estimates.mean_cost(ours, other, extents, seed, device)
        told(0.8)
        distance = estimates.sliced_wasserstein(ours, other, extents, seed)
        copied = (Estimate(float(value)) for value in nnf_diversity(nnf, patch=extents))
        row = Scores(coherent, complete, distance, *copied)
        if features is not None and expected is not None:
            row = row._replace(
                svfid=Estimate(frechet_distance(expected, summarize(other, features)))
            )
        scores.append(row)
        told(1.0)
    return Evaluation(scores, Scores(*map(_mean, zip(*scores))), index)


def _after(
    progress: Callable[[float], object] | None, done: int, total: int
) -> Callable[[float], object]:
    """Tells the fraction of all videos that is done, from that of the next one."""
    if progress is None:
        return lambda fraction: None
    return lambda fraction: progress((done + fraction) / total)


def _mean(column: Sequence[Estimate | None]) -> Any:
    present = [estimate for estimate in column if estimate is not None]
    return Estimate(*np.mean(present, axis=0).tolist()) if present else None


def _as_pair(
    source: Any, output: Any, patch: Any, name: str = "output"
) -> tuple[NDArray[Any], NDArray[Any], Triple]:
    """Both videos on the scale of 8 bits, as uint8 or float32, and the patch that they have."""
    source, output = as_video("source", source), as_video(name, output)
    if source.shape[3] != output.shape[3]:
        raise InvalidInput(
            f"{name} must have as many channels as source, "
            f"got {output.shape[3]} and {source.shape[3]}"
        )
    if (source.dtype.kind == "f") != (output.dtype.kind == "f"):
        raise InvalidInput(
            f"{name} must hold {'floats' if source.dtype.kind == 'f' else 'integers'} as source "
            f"does, got {output.dtype}; convert one of them"
        )
    n_frames, height, width = as_size("patch", patch)
    n_frames = 1 if min(len(source), len(output)) == 1 else n_frames
    patch = as_patch((n_frames, height, width), source.shape)
    try:
        as_patch(patch, output.shape)
    except InvalidInput as error:
        raise InvalidInput(f"{name}: {error}") from error
    if source.dtype == output.dtype == np.uint8:
        return source, output, patch
    low, high = float(source.min()), float(source.max())  # of floats
    return _to_8_bits(source, low, high), _to_8_bits(output, low, high), patch


def _to_8_bits(video: NDArray[Any], low: float, high: float) -> Floats:
    if video.dtype.kind == "u":
        low, high = 0, np.iinfo(video.dtype).max
    shifted = np.subtract(video, low, dtype=np.result_type(video, np.float32))
    return (shifted * (255 / (high - low or 255))).astype(np.float32, copy=False)


def _grey(video: NDArray[Any]) -> Floats:
    if video.shape[3] == len(LUMA):
        return video @ LUMA
    return video.mean(axis=3, dtype=np.float32)
