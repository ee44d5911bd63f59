"""Diverse generation: a new video with the look and motion of a clip.

At the coarsest level the query is a layout drawn by flow matching, or the clip plus noise; key and
value are the clip. On finer levels the query is the output so far.

Reference: section 2 of Haim et al., "Diverse Generation from a Single Video Made Possible" (ECCV
2022), and sections 1.1 and 1.2 of its supplement.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, Unpack, overload

from numpy.typing import NDArray

from patchvid._device import backend, on_device
from patchvid._memory import check_out, within_memory
from patchvid._progress import Progress, reporting
from patchvid._validation import (
    Seed,
    Triple,
    check_flag,
    check_integer,
    check_number,
    check_seed,
    check_video,
    shown,
)
from patchvid.apps import _typing
from patchvid.apps._setup import Clip, check_output_size, check_settings, collect
from patchvid.core.layouts import Layouts
from patchvid.core.noise import choose_noise, synthesize_from_noise
from patchvid.core.plan import plan_synthesis
from patchvid.core.samples import Make, synthesize_samples
from patchvid.core.synthesis import LevelOutput
from patchvid.errors import InvalidInput
from patchvid.results import GenerateResult

MOST_NOISE = 1000

NOVELTY = 0.75

# Completeness keeps parts of the clip from getting lost in the layout.
ALPHA, COMPLETE_LEVELS = 15.0, 6


@overload
def generate(
    video: NDArray[Any], *, details: Literal[False] = ..., **settings: Unpack[_typing.Generate]
) -> NDArray[Any]: ...
@overload
def generate(
    video: NDArray[Any], *, details: Literal[True], **settings: Unpack[_typing.Generate]
) -> GenerateResult: ...
@within_memory
@on_device("video")
def generate(
    video: NDArray[Any],
    *,
    seed: Seed = None,
    samples: int = 1,
    scale: Sequence[float] = (1, 1, 1),
    size: Sequence[int] | None = None,
    layout: Literal["auto", "flow", "noise"] = "auto",
    novelty: float = NOVELTY,
    structure: float | Literal["auto"] = "auto",
    noise: float | Literal["auto"] = "auto",
    replicate_noise: bool = True,
    patch: Triple | None = None,
    factor: tuple[float, float] = (0.87, 0.82),
    coarsest: tuple[int, int] = (3, 15),
    iterations: int | None = None,
    reduce: Literal["median", "mean"] = "median",
    alpha: float | None = ALPHA,
    loop: bool = False,
    tile: str = "",
    device: str = "auto",
    memory: int | str | None = None,
    progress: Progress | bool | None = None,
    details: bool = False,
    out: Any = None,
) -> Any:
    """Generate new videos that look and move like `video`.

    Parameters
    ----------
    video : array
        (t, y, x, c) with any number of channels, or (t, y, x) for grey. One frame is an image.
        Patches are compared in 8 bits that span the range of the values. They are copied exactly,
        except that float64 is rounded to float32. uint8 and uint16 are fastest; other integers, up
        to 2**24, and booleans work as well. Four channels are RGB and alpha, see `resize`: the
        colours of transparent pixels are neither compared nor shown. Floats with 1, 3 or 4 channels
        are taken as linear light with highlights if most are at most 1 and some exceed 2; they are
        compared on a logarithmic scale.
    seed : int or numpy.random.Generator, optional
        The same seed gives the same bytes, on every device and with any number of threads. Sample i
        equals the single sample of a call with seed + i. None picks one at random.
    samples : int
        Number of videos, at least 1.
    scale : tuple of float
        Size of the output relative to `video`, (t, y, x), rounded up. If the output is slightly
        shorter than the clip, its motions can start at different times.
    size : tuple of int, optional
        Size of the output, (t, y, x), in place of `scale`.
    layout : {"auto", "flow", "noise"}
        How to make the coarsest level. "flow" draws eight layouts by flow matching on the clip's
        patches; horizons and bars stay in place. It tries those that are novel enough on coarse
        levels, and finishes the best. "noise" adds noise to the clip, as in the paper. "auto" is
        "flow", or "noise" if `noise` or `replicate_noise` is given.
    novelty : float
        How much a layout of "flow" must differ from the clip, 0 to 1. 1 is the mean difference
        between the clip and the clip shifted sideways.
    structure : float or "auto"
        How firmly a layout of "flow" keeps colours at the height and side where the clip has them:
        0 is not at all, 1 as much as possible. "auto" is at most the share of the clip that the
        mean colours of its rows or columns explain, and less if the layout would not be novel.
    noise : float or "auto"
        Standard deviation of the noise at the coarsest level, where values span [-1, 1]: 0 to 1000,
        and usually 2 to 5. "auto" is 0.8 times the mean Euclidean distance at that level between a
        patch of the clip and its nearest other patch, at least 1.7, and more if the layout would
        otherwise be mostly the clip's own.
    replicate_noise : bool
        Whether all frames get the same noise. This keeps the output consistent over time.
    patch : tuple of int, optional
        Frames, rows and columns of a patch. None is 3x7x7, and 3x5x5 above 7.5 million voxels.
    factor : tuple of float
        Size of a level relative to the next finer one, in time and in space, see `build_pyramid`.
    coarsest : tuple of int
        Frames, and pixels of the shorter side, of the coarsest level. A larger one rearranges
        smaller pieces.
    iterations : int, optional
        Searches and votes on each level. None is 5, but 10 below 20,000 voxels and 1 above 3
        million.
    reduce : {"median", "mean"}
        How to combine overlapping patches, see `vote`.
    alpha : float, optional
        Completeness on the coarse levels, in the unit of `search`'s cost in 8 bits, see `vpnn`. The
        smaller, the more of the clip reappears. With None, parts of it may vanish.
    loop : bool
        Whether the video is a loop: the first frame follows the last.
    tile : {"", "x", "y", "xy"}
        Axes along which copies of the video fit together without a seam.
    device : {"auto", "cpu", "cuda"}
        "auto" uses a GPU if one works. An array on a GPU stays there, and so does the result. Every
        device gives the same bytes, except for floats with a `reduce` of "mean".
    memory : int or str, optional
        Most memory that the process may use meanwhile, in bytes or as text such as "4GB"; on the
        CPU only. What does not fit goes to files in the folder that ``TMPDIR`` names, or in
        ``/var/tmp``. None is what is free.
    progress : callable, bool or None
        Called as ``progress(fraction, message)``, with the fraction of the work done, after every
        step and several times a second during long steps. If it raises an exception, the work ends.
        None shows a bar in a terminal, False shows nothing.
    details : bool
        Whether to return a `GenerateResult`: the video, its field, the seed, the noise and the
        times of the levels.
    out : array, optional
        Array of the shape and dtype of the result that it is written to, such as a memory map or
        an array of zarr. It is returned.

    Returns
    -------
    array or GenerateResult
        (t, y, x, c) of the dtype and range of `video`; (n, t, y, x, c) for several samples.

    Raises
    ------
    InvalidInput
        If a setting is out of range, or a clip or an output is smaller than a patch.
    DeviceError
        If the device cannot be used, or has too little memory.

    Notes
    -----
    Time and memory grow in proportion to the number of voxels.

    Examples
    --------
    >>> import numpy as np
    >>> clip = np.random.default_rng(0).integers(0, 256, (4, 20, 24, 3), dtype=np.uint8)
    >>> generate(clip, seed=1, size=(3, 20, 30)).shape
    (3, 20, 30, 3)
    """
    kernels = backend(device)
    given, video = video, check_video("video", video)
    samples, seed = check_integer("samples", samples, 1), check_seed(seed)
    details = check_flag("details", details)
    noise = check_or_auto("noise", noise, MOST_NOISE)
    replicate_noise = check_flag("replicate_noise", replicate_noise)
    drawn_by = _check_layout(layout, is_noisy=noise != "auto" or not replicate_noise)
    novelty = check_number("novelty", novelty, 0, 1)
    structure = check_or_auto("structure", structure, 1)
    if structure != "auto" and drawn_by == "noise":
        raise InvalidInput("structure belongs to layout='flow', not to noise; leave it out")
    size = check_output_size(video.shape, scale, size)
    check_out(out, given, size, samples=samples, details=details)
    settings = check_settings(
        video, patch=patch, iterations=iterations, reduce=reduce, alpha=alpha, loop=loop, tile=tile,
        size=size, factor=factor, coarsest=coarsest, complete_levels=COMPLETE_LEVELS,
        explores=False,
    )  # fmt: skip
    clip = Clip.of(video)
    synthesize: Make
    with reporting(progress, "generate") as report:
        value = clip.compressed(clip.value)
        plan = plan_synthesis(kernels, value, size, settings, samples=samples)
        if drawn_by == "flow":
            synthesize = Layouts(plan, novelty, structure).synthesize
        else:
            chosen = choose_noise(plan, noise, replicate=replicate_noise)
            synthesize = partial(synthesize_from_noise, plan, chosen)

        def make(seeds: Sequence[int], progress: Progress) -> tuple[LevelOutput, list[Any]]:
            made, measures = synthesize(seeds, progress)
            return clip.finish(plan, made), measures

        made, measures = synthesize_samples(plan, make, range(seed, seed + samples), report)
    result = collect(made, video, given, seed, settings, details=details, out=out)
    if not details:
        return result
    result = GenerateResult(**result._asdict())
    if drawn_by == "noise":
        return result._replace(noise=measures)
    return result._replace(
        novelty=[measure.novelty for measure in measures],
        structure=[measure.structure for measure in measures],
    )


def check_or_auto(name: str, value: Any, high: float) -> float | Literal["auto"]:
    """Check "auto" or a number from 0 to `high`."""
    if isinstance(value, str) and value == "auto":
        return "auto"
    if isinstance(value, str):
        raise InvalidInput(f"{name} must be 'auto' or a number, got {shown(value)}")
    return check_number(name, value, 0, high)


def _check_layout(layout: Any, *, is_noisy: bool) -> str:
    if not isinstance(layout, str) or layout not in ("auto", "flow", "noise"):
        raise InvalidInput(f"layout must be 'auto', 'flow' or 'noise', got {shown(layout)}")
    if layout == "flow" and is_noisy:
        raise InvalidInput(
            "noise and replicate_noise belong to layout='noise', got layout='flow'; use novelty"
        )
    return "noise" if is_noisy else "flow" if layout == "auto" else layout
