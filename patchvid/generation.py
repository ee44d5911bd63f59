"""Diverse generation: a new video with the look and motion of a clip.

At the coarsest level the query is the clip with noise, and everything else follows from it.

Source: section 2 of Haim et al., "Diverse Video Generation from a Single Video" (ECCV 2022), and
sections 1.1 and 1.2 of its supplement.
"""

import math
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid.checks import (
    Triple,
    as_alpha,
    as_kernel_dtype,
    as_numbers,
    as_size,
    as_video,
    as_whole,
)
from patchvid.errors import InvalidInput
from patchvid.kernels import backend
from patchvid.kernels.exact import nearest_other_distance
from patchvid.matching import MOST_VALUES, to_nnf
from patchvid.pyramid import Level, plan_levels, resize
from patchvid.synthesis import LevelReport, Progress, Quantizer, Settings, synthesize

# The paper's rule of thumb for the noise is the mean distance between a patch and its nearest other
# one. The same noise on all frames is not averaged out within a patch, and less of it will do; but
# smooth clips and some seeds need more. A draw whose layout is mostly the clip's own, perhaps
# shifted, is replaced by a stronger one; the layout is what the first levels, which take no time,
# make of it. The numbers balance coherence with diversity on the clips of `benchmarks`' quality.
RULE_OF_THUMB, LEAST_NOISE, STRONGER, DRAWS = 0.7, 1.33, 1.2, 12
LAYOUT_LEVELS, LARGEST_SHARE = 4, 0.6

# Completeness keeps parts of the clip from getting lost under the noise.
ALPHA, COMPLETE_LEVELS = 30.0, 6


class Generated(NamedTuple):
    """What `generate` returns with ``details=True``; arrays are (n, ...) with several samples.

    `nnf` is (t', y', x', 3): where in the clip each patch of the output was found last. `levels`
    reports the levels of all samples, one sample after the other.
    """

    video: NDArray[Any]
    nnf: NDArray[np.int32]
    seed: int
    levels: list[LevelReport]


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
        The same seed gives the same bytes on any number of threads. Sample i of a run equals the
        only sample of a run with seed + i. None draws one.
    samples
        Number of videos.
    scale, size
        Size of the output, relative to `video` (rounded up) or as (t, y, x); slightly fewer frames
        than the clip has make motions start at different times.
    noise
        Standard deviation of the noise at the coarsest level, where values span [-1, 1]; 2 to 5 are
        usual. "auto": 0.7 times the mean Euclidean distance between a patch of the clip and the
        nearest other one at that level, at least 1.33, and more where that would give the clip
        back.
    replicate_noise
        Whether all frames get the same noise, which keeps the output consistent over time.
    patch
        Frames, rows and columns of a patch. None: 3x7x7, and 3x5x5 above 7.5 million voxels.
    factor, coarsest
        Of the pyramid, see `build_pyramid`. A larger coarsest level rearranges smaller pieces.
    em
        Iterations a level. None: 5; 10 below 100 thousand voxels, 20 below 20 thousand, 1 above 3
        million.
    vote
        How overlapping patches are reconciled, see `vote`.
    alpha
        Completeness on the coarse levels, see `vpnn`. Smaller: more of the clip reappears. None:
        parts of it may vanish.
    tile
        "x", "y" or "xy": the output goes on around, without a seam where copies of it are laid side
        by side.
    device
        "cpu", or "auto".
    progress
        Called as ``progress(level, n_levels, fraction)`` with the level from 1, the coarsest, and
        the fraction of the whole work that is done.
    details
        Whether to return `Generated`.

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
    seed = secrets.randbits(32) if seed is None else as_whole("seed", seed, 0)
    noise = _as_noise(noise)
    if tile not in ("", "x", "y", "xy"):
        raise InvalidInput(f"tile must be '', 'x', 'y' or 'xy', got {tile!r}")
    settings = _settings(video, patch, em, vote, alpha)
    settings = replace(settings, periodic=(False, "y" in tile, "x" in tile))
    output_size = _output_size(video.shape[:3], scale, size)
    value_levels = plan_levels(video.shape[:3], factor=factor, coarsest=coarsest)
    output_levels = plan_levels(video.shape[:3], size=output_size, factor=factor, coarsest=coarsest)
    for levels in (value_levels, output_levels):
        _check_patches(settings, levels)
    source = as_kernel_dtype(video)
    coarser = [resize(source, level.shape, scale=level.scale) for level in value_levels[:-1]]
    values = [*coarser, source]
    quantize = Quantizer(source)
    coarse = quantize(values[0])
    if noise == "auto":
        patch = settings.at(coarse.shape)[0]
        sigma = RULE_OF_THUMB * nearest_other_distance(coarse, patch)
        sigma = max(sigma, 127.5 * LEAST_NOISE)
    else:
        sigma = 127.5 * noise
    coarse = resize(coarse, output_levels[0].shape)

    def draw(random: np.random.Generator, sigma: float) -> NDArray[np.float32]:
        n_frames = 1 if replicate_noise else coarse.shape[0]
        drawn = random.standard_normal((n_frames, *coarse.shape[1:]), dtype=np.float32)
        return np.rint(coarse + np.float32(sigma) * drawn)

    def make(
        start: NDArray[Any], number: int, levels: slice, report: Any = None
    ) -> tuple[NDArray[Any], NDArray[np.int32], list[LevelReport]]:
        return synthesize(
            kernels, values[levels], value_levels[levels], output_levels[levels], start,
            quantize=quantize, settings=settings, seed=number, progress=report,
        )  # fmt: skip

    def rearranges(start: NDArray[Any], number: int) -> bool:
        levels = slice(LAYOUT_LEVELS)
        field = make(start, number, levels)[1]
        return _largest_share(field, values[levels][-1].shape) <= LARGEST_SHARE

    results = []
    for number in range(seed, seed + samples):

        def report(level: int, fraction: float, sample: int = number - seed) -> None:
            if progress is not None:
                progress(level, len(values), (sample + fraction) / samples)

        random = np.random.default_rng(number)
        start = draw(random, sigma)
        if noise == "auto":
            for redraw in range(1, DRAWS):
                if rearranges(start, number):
                    break
                start = draw(random, sigma * STRONGER**redraw)
        results.append(make(start, number, slice(None), report))

    outputs = [output.astype(video.dtype, copy=False) for output, _, _ in results]
    if not details:
        return outputs[0] if samples == 1 else np.stack(outputs)
    fields = [to_nnf(field, video.shape) for _, field, _ in results]
    reports = [level for _, _, levels in results for level in levels]
    if samples == 1:
        return Generated(outputs[0], fields[0], seed, reports)
    return Generated(np.stack(outputs), np.stack(fields), seed, reports)


def _as_noise(noise: Any) -> float | Literal["auto"]:
    if noise == "auto":
        return "auto"
    try:
        sigma = float(noise)
    except (TypeError, ValueError):
        sigma = math.nan
    if not 0 <= sigma < math.inf:
        raise InvalidInput(f"noise must be 'auto' or at least 0, got {noise!r}")
    return sigma


def _settings(video: NDArray[Any], patch: Any, em: Any, vote: Any, alpha: Any) -> Settings:
    if vote not in ("median", "mean"):
        raise InvalidInput(f"vote must be 'median' or 'mean', got {vote!r}")
    if patch is not None:
        patch = as_size("patch", patch)
        if math.prod(patch) * video.shape[3] > MOST_VALUES:
            raise InvalidInput(f"a patch may hold {MOST_VALUES} values, got {patch} voxels")
    if len(video) == 1:  # an image: patches are flat
        patch = (1, *(patch or (3, 7, 7))[1:])
    em = None if em is None else as_whole("em", em, 1)
    return Settings(patch, em, vote, as_alpha(alpha), COMPLETE_LEVELS)


def _output_size(shape: Sequence[int], scale: Any, size: Any) -> Triple:
    factors = as_numbers("scale", scale, 3)
    if size is None:
        return as_size("size", [math.ceil(n * f - 1e-5) for n, f in zip(shape, factors)])
    if any(factor != 1 for factor in factors):
        raise InvalidInput("give either scale or size, got both")
    return as_size("size", size)


def _check_patches(settings: Settings, levels: Sequence[Level]) -> None:
    """Every level must hold at least one patch; the coarsest is the smallest."""
    for level in (levels[-1], levels[0]):
        patch = settings.at(level.shape)[0]
        if any(n < extent for n, extent in zip(level.shape, patch, strict=True)):
            t, y, x = level.shape
            what = "a video" if level is levels[-1] else "the coarsest level"
            raise InvalidInput(
                f"{what} of {t} frames, {y}x{x} pixels is smaller than the patch "
                f"{'x'.join(map(str, patch))}; use a smaller patch or a larger video"
            )


def _largest_share(field: NDArray[np.int32], value_shape: Sequence[int]) -> float:
    """Share of the patches that the most frequent shift against the clip has brought in place."""
    shifts = to_nnf(field, value_shape) - np.moveaxis(np.indices(field.shape), 0, -1)
    _, counts = np.unique(shifts.reshape(-1, 3), axis=0, return_counts=True)
    return float(counts.max() / field.size)
