"""Bidirectional similarity: distances of each video's patches to the nearest in the other.

Random numbers are drawn on the host, so that every device takes the same samples.
"""

import math
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._convert import Floats
from patchvid._device import backend, on_device
from patchvid._validation import Triple, check_integer
from patchvid.core.search import search
from patchvid.kernels.fork_safety import unforked
from patchvid.metrics._comparison import PATCH, Estimate, check_pair
from patchvid.metrics._patches import copy_rows, count, middle_of, unfold

# Videos of up to EXACT_PATCHES are searched exactly. In larger ones PatchMatch makes SWEEPS, and an
# exact search for a sample of patches finds by how much its costs are too high.
EXACT_PATCHES, SWEEPS = 7000, 4
PAIRS, SAMPLE = 1 << 28, (64, 128)  # most pairs in that exact search; limits of the sample
CHUNK = 1 << 13  # patches that are unfolded at once: 14 MB


@on_device("source", "output")
def coherence(
    source: NDArray[Any],
    output: NDArray[Any],
    *,
    patch: Triple = PATCH,
    seed: int = 0,
    device: str = "auto",
) -> Estimate:
    """Mean squared difference between a patch of `output` and the nearest patch of `source`.

    Parameters
    ----------
    source, output : array
        (t, y, x, c) of any sizes, with the same number of channels: uint8 or uint16, or floats.
        `patchvid.metrics` says how values are scaled.
    patch : tuple of int
        Frames, rows and columns of a patch.
    seed : int
        The same seed gives the same samples, and the same result up to rounding.
    device : {"auto", "cpu", "cuda"}
        Where to search. Arrays on a GPU are searched there.

    Returns
    -------
    Estimate
        Mean over all patches, per value: 0 if every patch is in `source`, at most 255**2. Lower is
        better, but a mere copy of the source has 0. It is exact if neither video has more than 7000
        patches. Otherwise it has a standard error, 0.3 to 3 % on real clips.

    Raises
    ------
    InvalidInput
        If the videos cannot be compared, or are smaller than a patch.
    DeviceError
        If the device cannot be used.

    Notes
    -----
    This is one of the two terms of bidirectional similarity [1]_. In large videos PatchMatch finds
    a cost for every patch that is a few percent too high. A sample of 128 patches is compared with
    every patch of the other video to find their exact costs; in videos of more than two million
    patches the sample is smaller, but never below 64. Patches are drawn with probabilities in
    proportion to the cost that PatchMatch found. The mean ratio of exact to found cost, which lies
    between 0 and 1, corrects the mean cost without bias [2]_; the scatter of the ratios gives the
    standard error. The time is proportional to the number of patches: 0.8 s for a video of
    13x144x256 on two cores.

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
    return mean_cost(output, source, patch, seed, device)[0]


@on_device("source", "output")
def completeness(
    source: NDArray[Any],
    output: NDArray[Any],
    *,
    patch: Triple = PATCH,
    seed: int = 0,
    device: str = "auto",
) -> Estimate:
    """Mean squared difference between a patch of `source` and the nearest patch of `output`.

    Parameters
    ----------
    source, output : array
        (t, y, x, c), as for `coherence`.
    patch : tuple of int
        Frames, rows and columns of a patch.
    seed : int
        The same seed gives the same samples, and the same result up to rounding.
    device : {"auto", "cpu", "cuda"}
        As for `coherence`.

    Returns
    -------
    Estimate
        Mean over all patches, per value: 0 if every patch is in `output`, at most 255**2. Lower
        is better. It is exact in small videos, as for `coherence`.

    Raises
    ------
    InvalidInput
        If the videos cannot be compared, or are smaller than a patch.
    DeviceError
        If the device cannot be used.

    Notes
    -----
    This is the other term of bidirectional similarity; see `coherence` for the method, its time and
    its references.

    Examples
    --------
    >>> import numpy as np
    >>> clip = np.random.default_rng(0).integers(0, 250, (4, 16, 20, 3), dtype=np.uint8)
    >>> completeness(clip, clip).value, completeness(clip, clip[1:, 2:, :-3]).value > 1000
    (0.0, True)
    """
    source, output, patch = check_pair(source, output, patch)
    return mean_cost(source, output, patch, seed, device)[0]


def mean_cost(
    query: NDArray[Any],
    key: NDArray[Any],
    patch: Triple,
    seed: int,
    device: str,
    sweeps: int = SWEEPS,
) -> tuple[Estimate, NDArray[np.int32]]:
    """Mean cost of the nearest neighbours of the patches of `query`, and their field."""
    seed = check_integer("seed", seed, 0)
    kernels = backend(device)
    queries, keys = (unfold(video, patch, middle_of(key)) for video in (query, key))
    if max(count(queries), count(keys)) <= EXACT_PATCHES:
        nnf, cost = search(query, key, patch=patch, method="exact", device=device)
        return Estimate(float(cost.mean(dtype=np.float64))), nnf
    nnf, cost = search(query, key, patch=patch, sweeps=sweeps, seed=seed, device=device)
    cumulated = cost.cumsum(dtype=np.float64)
    if cumulated[-1] == 0:
        return Estimate(0.0), nnf
    n_drawn = int(np.clip(PAIRS // count(keys), *SAMPLE))
    strata = np.arange(n_drawn) + np.random.default_rng(seed).random(n_drawn)
    strata = kernels.to_device(strata / n_drawn)
    drawn = np.searchsorted(cumulated[:-1], strata * cumulated[-1], side="right")
    found = cost.ravel()[drawn]
    ratios = np.minimum(_least_cost(copy_rows(queries, drawn), keys), found) / found
    mean = float(cumulated[-1]) / cost.size
    error = mean * float(ratios.std(ddof=1)) / math.sqrt(n_drawn)
    return Estimate(mean * float(ratios.mean()), error), nnf


def _least_cost(rows: Floats, keys: Floats) -> Floats:
    """Mean squared difference per value between each row and the nearest of all keys."""
    least = np.full(len(rows), np.inf, np.float32, like=rows)
    nearest = np.zeros(len(rows), np.int64, like=rows)
    n_frames, height, width = keys.shape[:3]
    band = max(1, CHUNK // width)
    for t, y in product(range(n_frames), range(0, height, band)):
        some = keys[t, y : y + band].reshape(-1, rows.shape[1])
        with unforked():
            distance = (-2 * rows) @ some.T
        distance += np.einsum("ij,ij->i", some, some)
        found = distance.min(axis=1)
        place = distance.argmin(axis=1) + (t * height + y) * width
        nearest = np.where(found < least, place, nearest)
        least = np.minimum(found, least)
    return ((rows - copy_rows(keys, nearest)) ** 2).mean(axis=1)  # without the product's rounding
