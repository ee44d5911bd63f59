"""Sliced Wasserstein distance between the distributions of the patches of two videos.

Random numbers are drawn on the host, so that every device takes the same patches and directions.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._convert import Floats
from patchvid._device import backend, on_device
from patchvid._validation import Triple, check_integer
from patchvid.kernels.fork_safety import unforked
from patchvid.kernels.threads import parallel_range
from patchvid.metrics._comparison import PATCH, Estimate, check_pair
from patchvid.metrics._patches import copy_rows, middle_of, unfold

SCALES = 3
DIRECTIONS = 512
PROJECTED = 1 << 14  # most patches of each video

# Sorted projections of the source's patches by scale, patch and number of patches.
Projections = dict[tuple[int, Triple, int], Floats]


@on_device("source", "output")
def sliced_wasserstein(
    source: NDArray[Any],
    output: NDArray[Any],
    *,
    patch: Triple = PATCH,
    seed: int = 0,
    device: str = "auto",
) -> Estimate:
    """Distance between the distributions of the patches of two videos, at three scales.

    Parameters
    ----------
    source, output : array
        (t, y, x, c), as for `coherence`.
    patch : tuple of int
        Frames, rows and columns of a patch.
    seed : int
        The same seed gives the same samples and directions, and the same result up to rounding.
    device : {"auto", "cpu", "cuda"}
        Where to project and sort. Arrays on a GPU stay there.

    Returns
    -------
    Estimate
        From 0 to about 255 times the square root of the number of values in a patch; lower is
        better. The error is computed as if the directions were independent. They are orthogonal,
        so the true error is smaller by a factor of two or more.

    Raises
    ------
    InvalidInput
        If the videos cannot be compared, or are smaller than a patch.
    DeviceError
        If the device cannot be used.

    Notes
    -----
    Patches are projected on random unit vectors. Along each vector, the Wasserstein-1 distance is
    the mean difference between the sorted projections of equally many patches of both videos. It is
    averaged over the vectors [1]_ and over the scales: full size, and half and a quarter of height
    and width, from means of 2x2 pixels. A scale with fewer than two patches along a side is left
    out.

    There are 512 vectors, or as many as a patch has values if that is fewer, and they are
    orthogonal to each other [2]_. At most 16384 patches of each video are used, spread evenly, and
    at the same places if the sizes are equal. Identical videos therefore have a distance of 0, but
    distances below 0.1 or 0.2 may not be significant.

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
    return distribution_distance(*check_pair(source, output, patch), seed, device, {})


def distribution_distance(
    source: NDArray[Any],
    output: NDArray[Any],
    patch: Triple,
    seed: int,
    device: str,
    projections: Projections,
) -> Estimate:
    """Measure checked videos as `sliced_wasserstein` does.

    `projections` keeps those of the source, for the next output with the same source and seed.
    """
    random = np.random.default_rng(check_integer("seed", seed, 0))
    kernels = backend(device)
    n_values = math.prod(patch) * source.shape[3]
    normal = random.standard_normal((n_values, min(n_values, DIRECTIONS)))
    with unforked():
        orthogonal = np.linalg.qr(normal)[0]
    directions = kernels.to_device(orthogonal.T.astype(np.float32))

    def project(video: NDArray[Any], middle: Any, count: int, number: int) -> Floats:
        places = kernels.to_device(_spread(count, number, seed))
        rows = copy_rows(unfold(video, patch, middle), places)
        with unforked():
            projected: Floats = directions @ rows.T
        if kernels.DEVICE == "cpu":
            parallel_range(
                lambda first, stop: projected[first:stop].sort(axis=1), len(projected), grain=32
            )
        else:
            projected.sort(axis=1)
        return projected

    distances = []
    for scale in range(SCALES):
        if scale:
            source, output = _halve(source), _halve(output)
        both = (source, output)
        if scale and any(n <= k for v in both for n, k in zip(v.shape[1:3], patch[1:])):
            break
        counts = [math.prod(kernels.patch_grid(video.shape, patch)) for video in both]
        number = min(PROJECTED, *counts)
        middle = middle_of(source)
        if (scale, patch, number) not in projections:
            projections[scale, patch, number] = project(source, middle, counts[0], number)
        expected = projections[scale, patch, number]
        apart = np.abs(expected - project(output, middle, counts[1], number))
        distances.append(kernels.to_host(apart.mean(axis=1, dtype=np.float64)))
    distance = np.mean(distances, axis=0)
    return Estimate(float(distance.mean()), float(distance.std() / math.sqrt(len(distance))))


def _spread(count: int, number: int, seed: int) -> NDArray[np.int64]:
    """Draw `number` places out of `count`, one from each of `number` equal stretches."""
    edges = np.arange(number + 1) * count // number
    return np.random.default_rng(seed).integers(edges[:-1], edges[1:])


def _halve(video: NDArray[Any]) -> Floats:
    """Means of 2x2 pixels; an odd row or column is left out."""
    n_frames, height, width, channels = video.shape
    height, width = height // 2, width // 2
    even = video[:, : 2 * height, : 2 * width]
    blocks = even.reshape(n_frames, height, 2, width, 2, channels)
    return blocks.mean(axis=(2, 4), dtype=np.float32)
