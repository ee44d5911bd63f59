"""Measures of generated videos against their source.

How much of a video is the source's (coherence), how much of the source it shows (completeness), how
alike their patches are as a whole (sliced Wasserstein), or what a network sees in them (SVFID), in
how large pieces a video has been copied (diversity of its field), and how far apart several videos
are (diversity index). Only SVFID needs learned weights.

Values are measured on the scale of 8 bits, 0 to 255: uint8 as it is, uint16 divided by 257, floats
with the source's least value as 0 and its greatest as 255. Patches have 3 frames of 7x7 pixels, and
1 frame where one of the two videos has no more.
"""

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from patchvid._device import on_device
from patchvid._paths import StrPath
from patchvid._validation import Triple
from patchvid.errors import InvalidInput
from patchvid.metrics import patches
from patchvid.metrics.comparison import check_pair
from patchvid.metrics.evaluation import Evaluation as Evaluation
from patchvid.metrics.evaluation import Scores as Scores
from patchvid.metrics.evaluation import evaluate as evaluate
from patchvid.metrics.frechet import find_c3d, frechet_distance, read_c3d, summarize
from patchvid.metrics.patches import PATCH
from patchvid.metrics.patches import Estimate as Estimate
from patchvid.metrics.regions import NnfDiversity as NnfDiversity
from patchvid.metrics.regions import nnf_diversity as nnf_diversity

__all__ = [
    "Estimate",
    "Evaluation",
    "NnfDiversity",
    "Scores",
    "coherence",
    "completeness",
    "diversity",
    "evaluate",
    "nnf_diversity",
    "sliced_wasserstein",
    "svfid",
]


@on_device("source", "output")
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
    patch a cost that is a few percent too high. Of 128 patches, in videos of more than two
    million patches of fewer, but 64 at least, drawn with chances in proportion to that cost, the
    exact cost is found by comparison with every patch of the other video. The mean
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
    >>> import numpy as np
    >>> clip = np.random.default_rng(0).integers(0, 250, (4, 16, 20, 3), dtype=np.uint8)
    >>> coherence(clip, clip[1:, 2:, :-3])
    Estimate(value=0.0, error=0.0)
    """
    source, output, patch = check_pair(source, output, patch)
    return patches.mean_cost(output, source, patch, seed, device)[0]


@on_device("source", "output")
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
    >>> import numpy as np
    >>> clip = np.random.default_rng(0).integers(0, 250, (4, 16, 20, 3), dtype=np.uint8)
    >>> completeness(clip, clip).value, completeness(clip, clip[1:, 2:, :-3]).value > 1000
    (0.0, True)
    """
    source, output, patch = check_pair(source, output, patch)
    return patches.mean_cost(source, output, patch, seed, device)[0]


@on_device("source", "output")
def sliced_wasserstein(
    source: NDArray[Any],
    output: NDArray[Any],
    *,
    patch: Triple = PATCH,
    seed: int = 0,
    device: str = "auto",
) -> Estimate:
    """Distance between the patches of two videos as distributions, at three scales.

    Parameters
    ----------
    source, output, patch, seed
        As for `coherence`.
    device
        Where to project and sort: "cpu", "cuda", or "auto".

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
    >>> import numpy as np
    >>> clip = np.random.default_rng(0).integers(0, 250, (4, 16, 20, 1), dtype=np.uint8)
    >>> sliced_wasserstein(clip, clip).value
    0.0
    """
    return patches.sliced_wasserstein(*check_pair(source, output, patch), seed, device)


@on_device("source", "outputs")
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
    >>> import numpy as np
    >>> clip = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    >>> diversity(clip, [clip, clip]), round(diversity(clip, [clip, clip[:, ::-1]]), 2)
    (0.0, 0.87)
    """
    if len(outputs) < 2:
        raise InvalidInput(f"outputs must be at least two videos, got {len(outputs)}")
    return patches.diversity_index(
        [check_pair(source, output, (1, 1, 1), f"outputs[{i}]") for i, output in enumerate(outputs)]
    )


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
    source, output, _ = check_pair(source, output, (1, 1, 1))
    features = read_c3d(find_c3d(weights), device)
    return Estimate(frechet_distance(summarize(source, features), summarize(output, features)))
