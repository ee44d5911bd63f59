"""Variation of voxels: over a set of videos, and from frame to frame."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._convert import to_grey
from patchvid._device import on_device
from patchvid.errors import InvalidInput
from patchvid.metrics._comparison import Pair, check_pair, check_sequence


@on_device("source", "outputs")
def diversity(source: NDArray[Any], outputs: Sequence[NDArray[Any]]) -> float:
    """Diversity index of a set of videos: how much a voxel varies from one video to the next.

    Parameters
    ----------
    source : array
        (t, y, x, c), uint8, uint16 or float. The index is relative to its contrast.
    outputs : sequence of array
        Two or more videos of the same height and width, with as many channels as `source`. Longer
        videos are cut to the length of the shortest.

    Returns
    -------
    float
        Standard deviation of a grey voxel over the videos, averaged over all voxels and divided by
        the standard deviation of all voxels of `source`. It is 0 for equal videos, and about 1 for
        many unrelated videos.

    Raises
    ------
    InvalidInput
        If there are fewer than two outputs, if their heights or widths differ, or if `source` has
        only one grey.

    Notes
    -----
    Grey is the luma (Rec. 601) of three channels, RGB. Four channels are RGB and alpha, and are
    blended with white first. The grey of any other number of channels is their mean.

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
    outputs = check_sequence("outputs", outputs, 2)
    return diversity_index(
        [check_pair(source, output, (1, 1, 1), f"outputs[{i}]") for i, output in enumerate(outputs)]
    )


def diversity_index(pairs: Sequence[Pair]) -> float:
    """Measure checked videos, each paired with the source, as `diversity` does."""
    if len({pair.output.shape[1:] for pair in pairs}) > 1:
        raise InvalidInput("outputs must have the same height and width; measure them in groups")
    contrast = float(to_grey(pairs[0].source).std(dtype=np.float64))
    if contrast == 0:
        raise InvalidInput(
            "source must have more than one grey, because diversity is relative to its contrast"
        )
    n_frames = min(len(pair.output) for pair in pairs)
    greys = np.stack([to_grey(pair.output[:n_frames]) for pair in pairs])
    return float(greys.std(axis=0).mean(dtype=np.float64)) / contrast


@on_device("source", "output")
def flicker(source: NDArray[Any], output: NDArray[Any]) -> float:
    """Mean change between the frames of a video, relative to its source.

    Parameters
    ----------
    source, output : array
        (t, y, x, c) of two or more frames, as for `coherence`.

    Returns
    -------
    float
        Mean absolute difference between successive frames of `output`, divided by that of
        `source`: 1 if it moves as much, more if it flickers, and less if it moves less.

    Raises
    ------
    InvalidInput
        If the videos cannot be compared, a video has only one frame, or `source` stands still.

    Examples
    --------
    >>> clip = np.random.default_rng(0).integers(0, 250, (4, 16, 20, 3), dtype=np.uint8)
    >>> flicker(clip, clip), flicker(clip, clip[:1].repeat(4, axis=0))
    (1.0, 0.0)
    """
    ratio = relative_flicker(check_pair(source, output, (1, 1, 1)))
    if ratio is None:
        raise InvalidInput("source must move, and both videos must have two or more frames")
    return ratio


def relative_flicker(pair: Pair) -> float | None:
    """Measure checked videos as `flicker` does; None if the source is still or one frame long."""
    if min(len(pair.source), len(pair.output)) < 2:
        return None
    expected = _mean_change(pair.source)
    return _mean_change(pair.output) / expected if expected else None


def _mean_change(video: NDArray[Any]) -> float:
    """Mean absolute difference between successive frames."""
    changes = [
        float(np.abs(np.subtract(after, before, dtype=np.float32)).mean(dtype=np.float64))
        for before, after in pairwise(video)
    ]
    return float(np.mean(changes))
