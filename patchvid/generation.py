"""Diverse generation: a new video with the look and motion of a clip.

At the coarsest level the query is the clip with noise, and everything else follows from it.

Source: section 2 of Haim et al., "Diverse Generation from a Single Video Made Possible" (ECCV
2022), and sections 1.1 and 1.2 of its supplement.
"""

import math
from collections.abc import Sequence
from itertools import chain, islice
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from patchvid.application import (
    as_output_size,
    as_seed,
    as_settings,
    collect,
    plan_stages,
    report_sample,
    with_size,
)
from patchvid.checks import Triple, as_video, as_whole
from patchvid.device import on_device
from patchvid.errors import InvalidInput
from patchvid.kernels import backend, random
from patchvid.kernels.exact import nearest_other_distance
from patchvid.looping import as_periodic, lengthened, synthesize_around
from patchvid.matching import to_nnf
from patchvid.pyramid import resample
from patchvid.synthesis import Progress, Quantizer, finest

# The paper's rule of thumb for the noise is the mean distance between a patch and its nearest other
# one. The same noise on all frames is not averaged out within a patch, and less of it will do; but
# smooth clips and some seeds need more. A draw whose layout is mostly the clip's own, perhaps
# shifted, is replaced by a stronger one; the layout is what the first levels, which take no time,
# make of it. The numbers balance coherence with diversity on the clips of `benchmarks`' quality.
RULE_OF_THUMB, LEAST_NOISE, STRONGER, DRAWS = 0.8, 1.7, 1.2, 12
LAYOUT_LEVELS, MOST_ALIKE, NEARLY = 6, 0.6, 2
MOST_NOISE = 1000

WIDE = 1 << 20  # more than any frame

# Completeness keeps parts of the clip from getting lost under the noise.
ALPHA, COMPLETE_LEVELS = 15.0, 6


@on_device("video")
def generate(
    video: NDArray[Any],
    *,
    seed: int | None = None,
    samples: int = 1,
    scale: Sequence[float] = (1, 1, 1),
    size: Sequence[int] | None = None,
    noise: float | Literal["auto"] = "auto",
    replicate_noise: bool = True,
    patch: Triple | None = None,
    factor: tuple[float, float] = (0.87, 0.82),
    coarsest: tuple[int, int] = (3, 15),
    em: int | None = None,
    vote: Literal["median", "mean"] = "median",
    alpha: float | None = ALPHA,
    loop: bool = False,
    tile: str = "",
    device: str = "auto",
    progress: Progress | None = None,
    details: bool = False,
) -> Any:
    """Generate new videos that look and move like `video`.

    Parameters
    ----------
    video
        (t, y, x, c), uint8, uint16 or float, any number of channels. One frame is an image. Patches
        are compared in 8 bits over the range of its values, and copied as they are; only double
        precision becomes single.
    seed
        The same seed gives the same bytes, whatever the device and the number of threads. Sample i
        of a run equals the only sample of a run with seed + i. None draws one.
    samples
        Number of videos.
    scale, size
        Size of the output, relative to `video` (rounded up) or as (t, y, x); slightly fewer frames
        than the clip has make motions start at different times.
    noise
        Standard deviation of the noise at the coarsest level, where values span [-1, 1]; 2 to 5 are
        usual. "auto": 0.8 times the mean Euclidean distance between a patch of the clip and the
        nearest other one at that level, at least 1.7, and more where that would give the clip
        back.
    replicate_noise
        Whether all frames get the same noise, which keeps the output consistent over time.
    patch
        Frames, rows and columns of a patch. None: 3x7x7, and 3x5x5 above 7.5 million voxels.
    factor, coarsest
        Of the pyramid, see `build_pyramid`. A larger coarsest level rearranges smaller pieces.
    em
        Iterations a level. None: 5; 10 below 20 thousand voxels, 1 above 3 million.
    vote
        How overlapping patches are reconciled, see `vote`.
    alpha
        Completeness on the coarse levels, see `vpnn`. Smaller: more of the clip reappears. None:
        parts of it may vanish.
    loop
        Whether the last frame goes on into the first.
    tile
        "x", "y" or "xy": the output goes on around, without a seam where copies of it are laid side
        by side.
    device
        "cpu", "cuda", or "auto" for a GPU where one can be used. An array that is on a GPU stays
        there, and so does the result. The bytes are the same on every device, but for those of
        floats that `vote` by their mean.
    progress
        Called as ``progress(level, n_levels, fraction)`` with the level from 1, the coarsest, and
        the fraction of the whole work that is done.
    details
        Whether to return `Made`: the video, its field, the seed and what each level cost.

    Returns
    -------
    (t, y, x, c) of the dtype and range of `video`, with several samples (n, t, y, x, c).

    Raises
    ------
    InvalidInput
        For settings out of range, and clips or outputs smaller than a patch.
    DeviceError
        For a device that is not there.

    Notes
    -----
    Time and memory grow in proportion to the number of voxels.

    Examples
    --------
    >>> clip = np.random.default_rng(0).integers(0, 256, (4, 20, 24, 3), dtype=np.uint8)
    >>> generate(clip, seed=1, size=(3, 20, 30)).shape
    (3, 20, 30, 3)
    """
    kernels = backend(device)
    video = as_video("video", video)
    samples = as_whole("samples", samples, 1)
    seed = as_seed(seed)
    noise = _as_noise(noise)
    size = as_output_size(video.shape, scale, size)
    settings = as_settings(
        video, patch, em, vote, alpha, complete_levels=COMPLETE_LEVELS, explores=False,
        periodic=as_periodic(loop, tile, video.shape, size),
    )  # fmt: skip
    stages = plan_stages(video, size, settings, factor, coarsest)
    quantize = Quantizer(stages[-1].value)
    coarse = quantize(stages[0].value)
    if noise == "auto":
        patch = settings.at(coarse.shape)[0]
        sigma = RULE_OF_THUMB * nearest_other_distance(coarse, patch)
        sigma = max(sigma, 127.5 * LEAST_NOISE)
    else:
        sigma = 127.5 * noise
    opening = with_size(stages, lengthened(size, settings.periodic), factor, coarsest)
    coarse = resample(coarse, opening[0].output_level.shape)

    def draw(number: int, redraw: int) -> NDArray[np.float32]:
        n_frames = 1 if replicate_noise else coarse.shape[0]
        drawn = random.normal(kernels.xp, (n_frames, *coarse.shape[1:]), number, redraw)
        return np.rint(coarse + np.float32(sigma * STRONGER**redraw) * drawn)

    results = []
    for number in range(seed, seed + samples):
        report = report_sample(progress, len(stages), number - seed, samples)
        with kernels.beside():
            for redraw in range(DRAWS):
                levels = synthesize_around(
                    kernels, stages, opening, draw(number, redraw),
                    quantize=quantize, settings=settings, seed=number, progress=report,
                )  # fmt: skip
                layouts = list(islice(levels, LAYOUT_LEVELS))
                value = stages[len(layouts) - 1].value
                if noise != "auto" or _largest_share(layouts[-1].field, value.shape) <= MOST_ALIKE:
                    break
            results.append(finest(chain(layouts, levels)))
    kernels.finish()
    return collect(results, video, seed, details=details)


def _as_noise(noise: Any) -> float | Literal["auto"]:
    if noise == "auto":
        return "auto"
    try:
        sigma = float(noise)
    except (TypeError, ValueError):
        sigma = math.nan
    if not 0 <= sigma <= MOST_NOISE:
        raise InvalidInput(f"noise must be 'auto' or from 0 to {MOST_NOISE}, got {noise!r}")
    return sigma


def _largest_share(field: NDArray[np.int32], value_shape: Sequence[int]) -> float:
    """Share of the patches that the most frequent shift against the clip has put in place.

    Shifts that differ by a few voxels count as one: a copy that sways is a copy.
    """
    places = np.arange(field.size, dtype=np.int32, like=field).reshape(field.shape)
    shifts: NDArray[np.int32] = to_nnf(field, value_shape) - to_nnf(places, field.shape)
    shifts = shifts.reshape(-1, 3)
    t, y, x = np.moveaxis(shifts.astype(np.int64), -1, 0)
    numbers = (t * WIDE + y) * WIDE + x
    different, counts = np.unique(numbers, return_counts=True)
    most = shifts[(numbers == different[counts.argmax()]).argmax()]
    return float((abs(shifts - most).max(axis=1) <= NEARLY).mean())
