"""NNFDIV and NNFDIST: how complex a nearest-neighbour field is, and how far it reaches."""

import math
import zlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid._device import backend_of, on_device
from patchvid._validation import Triple
from patchvid.metrics._comparison import Estimate, Pair, check_pair
from patchvid.metrics.similarity import mean_cost

SMALL_PATCH: Triple = (3, 3, 3)
SWEEPS = 8  # more sweeps change nnfdiv by 2 % at most


class NnfDiversity(NamedTuple):
    """NNFDIV and NNFDIST of a video.

    Attributes
    ----------
    nnfdiv : float
        Compressed size of the field, relative to its size: near 0 for a copy, and at most about 1.
    nnfdist : Estimate
        Mean squared difference between a patch and the nearest patch of the source, per value:
        at most 255**2.
    """

    nnfdiv: float
    nnfdist: Estimate


@on_device("source", "output")
def nnf_diversity(
    source: NDArray[Any], output: NDArray[Any], *, seed: int = 0, device: str = "auto"
) -> NnfDiversity:
    """Measure the compressed size of the field from `output` to `source`, and its cost.

    Parameters
    ----------
    source, output : array
        (t, y, x, c), as for `coherence`.
    seed : int
        The same seed gives the same search and the same samples.
    device : {"auto", "cpu", "cuda"}
        Where to search. Arrays on a GPU are searched there.

    Returns
    -------
    NnfDiversity
        NNFDIV, which is larger for videos with a new arrangement of small pieces, and NNFDIST,
        which is larger for videos of poor quality. A good video has a high NNFDIV and a low
        NNFDIST.

    Raises
    ------
    InvalidInput
        If the videos cannot be compared, or are smaller than a patch.
    DeviceError
        If the device cannot be used.

    Notes
    -----
    Both were introduced with SinFusion [1]_. Patches have 3 frames of 3x3 pixels, or 1 frame if one
    of the two videos has only one. The shift from each patch of `output` to the nearest one of
    `source` is written as three bytes, modulo 256: first the shifts in time of all patches, then
    those along y, then those along x. NNFDIV is the size of these bytes, compressed by zlib,
    divided by their number [2]_. It also grows with noise, with the size of the video, and if many
    patches are equally near. So compare only videos of one size, made from one source and
    compressed alike. NNFDIST is `coherence` with these patches, in the unit of that measure.

    References
    ----------
    .. [1] Y. Nikankin, N. Haim, M. Irani: "SinFusion: Training Diffusion Models on a Single Image
       or Video", ICML 2023, section 7.2.
    .. [2] N. Haim, B. Feinstein, Y. Nikankin, M. Irani: "NNFDIV: A Nearest-Neighbour-Field Approach
       for Quantifying Diversity of Generated Samples", 2023, the authors' code.

    Examples
    --------
    >>> clip = np.random.default_rng(0).integers(0, 250, (4, 16, 20, 3), dtype=np.uint8)
    >>> nnfdiv, nnfdist = nnf_diversity(clip, clip[:, :, 4:])
    >>> nnfdiv < 0.05, nnfdist.value
    (True, 0.0)
    """
    return field_diversity(check_pair(source, output, SMALL_PATCH), seed, device)


def field_diversity(pair: Pair, seed: int, device: str) -> NnfDiversity:
    """Measure checked videos as `nnf_diversity` does."""
    small: Any = tuple(map(min, SMALL_PATCH, pair.patch))
    distance, nnf = mean_cost(pair.output, pair.source, small, seed, device, sweeps=SWEEPS)
    return NnfDiversity(compressed_share(nnf), distance)


def compressed_share(nnf: NDArray[np.int32]) -> float:
    """Compressed size of the shifts of a field (t', y', x', 3), relative to their size."""
    on_host = backend_of(nnf).to_host(nnf)
    planes = np.moveaxis(on_host, 3, 0) - np.indices(on_host.shape[:3], np.int32)
    shifts = (planes % 256).astype(np.uint8).tobytes()
    return len(zlib.compress(shifts)) / math.prod(nnf.shape)
