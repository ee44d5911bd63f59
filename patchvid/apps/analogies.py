"""Video analogies: a video with the layout of one clip, and the look and dynamics of another.

The structure of a clip is where and how fast it moves. Key and value are the style clip. The
coarsest level compares patches by structure alone, the other coarse levels by structure and colour,
and the fine levels by colour.

Reference: section 4 of Haim et al., "Diverse Generation from a Single Video Made Possible" (ECCV
2022), and sections 1.3 and 2.2 of its supplement.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from patchvid._convert import HALF_RANGE
from patchvid._device import backend, backend_of, on_device
from patchvid._memory import check_out, within_memory
from patchvid._paths import StrPath
from patchvid._progress import Progress, part_of, reporting
from patchvid._validation import (
    Seed,
    Triple,
    check_flag,
    check_integers,
    check_number,
    check_seed,
    check_video,
)
from patchvid.apps import _typing
from patchvid.apps._setup import Clip, check_settings, collect
from patchvid.apps.structure import Estimator, describe
from patchvid.core.plan import Plan, plan_synthesis
from patchvid.core.synthesis import finest, synthesize
from patchvid.errors import InvalidInput
from patchvid.motion.optical_flow import optical_flow
from patchvid.results import AnalogyResult, Structure

ALPHA = HALF_RANGE**2  # the paper's 1, which is for values that span [-1, 1]

# Settings for a drawing as `content`. A drawing has no useful motion, so its structure is contrast.
# Its strokes cover more area than the objects that replace them: strong completeness repeats the
# objects, and more levels with structure keep the outline. The pyramid is the paper's.
SKETCH: Mapping[str, Any] = MappingProxyType(
    {
        "bins": (4, 5),
        "structure": "contrast",
        "alpha": ALPHA / 100,
        "structure_levels": 0.75,
        "factor": (0.78, 0.78),
        "coarsest": (5, 35),
        "iterations": 3,
    }
)

# Where structures do not differ, parts of the style should keep their place in the frame. So at the
# coarsest level distance costs a little, up to this difference at the other end of the frame.
FAR = 60


@overload
def analogy(
    content: NDArray[Any],
    style: NDArray[Any],
    *,
    details: Literal[False] = ...,
    **settings: Unpack[_typing.Analogy],
) -> NDArray[Any]: ...
@overload
def analogy(
    content: NDArray[Any],
    style: NDArray[Any],
    *,
    details: Literal[True],
    **settings: Unpack[_typing.Analogy],
) -> AnalogyResult: ...
@within_memory
@on_device("content", "style", "structure", "flow")
def analogy(
    content: NDArray[Any],
    style: NDArray[Any],
    *,
    bins: tuple[int, int] = (4, 8),
    structure: Any = "flow",
    alpha: float | None = ALPHA,
    structure_levels: float = 0.5,
    seed: Seed = None,
    flow: Any = "auto",
    flow_weights: StrPath | None = None,
    patch: Triple = (3, 5, 5),
    factor: tuple[float, float] = (0.9, 0.9),
    coarsest: tuple[int, int] = (3, 20),
    iterations: int = 1,
    reduce: Literal["median", "mean"] = "median",
    device: str = "auto",
    memory: int | str | None = None,
    progress: Progress | bool | None = None,
    details: bool = False,
    out: Any = None,
) -> Any:
    """Make a video with the layout of `content` in space and time, and the look of `style`.

    Moving parts of `content` are replaced by moving parts of `style`. If `content` is a drawing,
    use the settings made for drawings: ``analogy(drawing, style, **SKETCH)``.

    Parameters
    ----------
    content, style : array
        (t, y, x, c) or (t, y, x), as for `generate`. Sizes and numbers of channels may differ.
    bins : tuple of int
        Number of bins into which k-means quantises the structure of `content` and of `style`, at
        least 2.
    structure : {"flow", "luma", "contrast"}, array, or tuple of two
        "flow": the speed of every pixel. "luma": its brightness, which needs no motion. "contrast":
        its brightness relative to the background around it, which suits strokes. An array is your
        own structure: (t, y, x) or (t, y, x, g) of bool, uint8 or floats from 0 to 1, with the
        frames, rows and columns of its clip. One value for both clips, or a pair for `content` and
        `style`.
    alpha : float, optional
        Completeness, in the unit of `search`'s cost in 8 bits, see `vpnn`. The smaller, the more of
        `style` appears; parts that it lacks are repeated, not invented. With None, parts of `style`
        may vanish. The default is the paper's.
    structure_levels : float
        Share of the levels, coarsest first, that compare structure: above 0 and at most 1. More
        keep the layout of `content`, fewer the look of `style`. The coarsest level always does.
    seed : int or numpy.random.Generator, optional
        The same seed gives the same bytes with any number of threads; with RAFT, on the same
        processor. None picks one at random.
    flow : str, array, or tuple of two
        How to estimate motion, see the `method` of `optical_flow`; or flows (t - 1, y, x, 2)
        computed elsewhere. One value for both clips, or a pair. Large clips are made smaller for
        the estimate, as far as the levels with structure allow.
    flow_weights : str or path, optional
        The `weights` of `optical_flow`.
    patch : tuple of int
        As for `generate`.
    factor : tuple of float
        Size of a level relative to the next finer one, in time and in space, see `build_pyramid`.
    coarsest : tuple of int
        Frames, and pixels of the shorter side, of the coarsest level of `style`.
    iterations : int
        Searches and votes on each level.
    reduce : {"median", "mean"}
        As for `generate`.
    device : {"auto", "cpu", "cuda"}
        As for `generate`. RAFT runs on a GPU where onnxruntime has one.
    memory : int or str, optional
        As for `generate`.
    progress : callable, bool or None
        As for `generate`.
    details : bool
        Whether to return an `AnalogyResult`.
    out : array, optional
        As for `generate`.

    Returns
    -------
    array or AnalogyResult
        With the frames, rows and columns of `content`, and the channels, dtype and range of
        `style`.

    Raises
    ------
    InvalidInput
        If a setting is out of range, or a clip is smaller than a patch or has no structure.
    DeviceError
        If the device cannot be used, or has too little memory.
    WeightsError
        If `flow` is "raft" and its weights are not on this machine, see `fetch_weights`.

    Notes
    -----
    Patches are compared in 8 bits, as by `generate`. A channel of structure weighs as much as a
    colour channel of half its contrast. If many patches of `style` have the structure of a patch of
    `content`, as in parts that do not move, the coarsest level prefers the one at the same place in
    the frame.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> content, style = random.integers(0, 256, (2, 4, 20, 24, 3), dtype=np.uint8)
    >>> analogy(content[:, :, :22], style, structure="luma", seed=1).shape
    (4, 20, 22, 3)
    """
    kernels = backend(device)
    clips = check_video("content", content), check_video("style", style)
    given, (content, style) = style, clips
    seed, details = check_seed(seed), check_flag("details", details)
    check_out(out, given, content.shape[:3], details=details)
    if not check_number("structure_levels", structure_levels, 0, 1):
        raise InvalidInput("structure_levels must be above 0, got 0")
    n_bins = check_integers("bins", bins, 2)
    if min(n_bins) < 2:
        raise InvalidInput(f"bins must be two or more for each clip, got {bins}")
    settings = check_settings(
        min(clips, key=len),  # patches are flat if one of the clips is an image
        patch=patch, iterations=iterations, reduce=reduce, alpha=alpha,
        factor=factor, coarsest=coarsest,
    )  # fmt: skip
    kinds, flows = _as_pair("structure", structure), _as_pair("flow", flow)
    # onnxruntime may have no GPU although CuPy does.
    raft_device = "cpu" if kernels.DEVICE == "cpu" else "auto"
    n_parts = 1 + sum(map(_is_estimated, kinds, flows))  # of the work: flows, then the synthesis
    clip = Clip.of(style)
    with reporting(progress, "analogy") as report:
        plan = plan_synthesis(kernels, clip.compressed(clip.value), content.shape[:3], settings)
        plan = replace(plan, settings=replace(settings, complete_levels=len(plan.levels)))
        n_guided = max(1, int(len(plan.levels) * structure_levels))
        guided = plan.levels[:n_guided]

        def estimate(part: int) -> Estimator:
            """The estimator of flow for a part of the work; unused if no flow is estimated."""
            told = part_of(report, part / n_parts, (part + 1) / n_parts)
            return partial(optical_flow, weights=flow_weights, device=raft_device, progress=told)

        structures = [
            describe(
                "content", content, kinds[0], flows[0], estimate(0),
                n_bins[0], [level.output_level for level in guided],
            ),
            describe(
                "style", style, kinds[1], flows[1], estimate(n_parts - 2),
                n_bins[1], [level.value_level for level in guided],
            ),
        ]  # fmt: skip
        plan = _guide_plan(plan, structures)
        told = part_of(report, (n_parts - 1) / n_parts, 1)
        made = finest(plan, synthesize(plan, None, seed=seed, progress=told))
    made = clip.finish(plan, made)
    result = collect(made, style, given, seed, settings, details=details, out=out)
    return AnalogyResult(**result._asdict(), structures=structures) if details else result


def _as_pair(name: str, value: Any) -> tuple[Any, Any]:
    """The values for content and for style, from one value for both or a pair."""
    if not isinstance(value, (tuple, list)):
        return value, value
    if len(value) != 2:
        raise InvalidInput(
            f"{name} must be one value for both clips or a pair for content and style, "
            f"got {len(value)}"
        )
    return value[0], value[1]


def _is_estimated(kind: Any, flow: Any) -> bool:
    return isinstance(kind, str) and kind == "flow" and isinstance(flow, str)


def _guide_plan(plan: Plan, structures: list[Structure]) -> Plan:
    """The plan with the structures as guides, and with positions on the coarsest level."""
    pairs = list(zip(*(structure.guides for structure in structures), strict=True))
    channels = [guide.shape[3] for guide in pairs[0]]
    if channels[0] != channels[1]:
        raise InvalidInput(
            "the structures of content and style must have the same number of channels, "
            f"got {channels[0]} and {channels[1]}"
        )
    query, key = pairs[0]
    pairs[0] = _placed(query), _placed(key)
    guided = [replace(level, guides=pair) for level, pair in zip(plan.levels, pairs)]
    return replace(plan, levels=[*guided, *plan.levels[len(guided) :]])


def _placed(guide: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The guide with two more channels for the position of a voxel in the frame."""
    _, height, width, _ = guide.shape
    places = np.meshgrid(np.linspace(0, FAR, height), np.linspace(0, FAR, width), indexing="ij")
    channels = np.rint(np.stack(places, axis=-1)).astype(np.uint8)
    channels = backend_of(guide).to_device(channels)
    return np.concatenate([guide, np.broadcast_to(channels, (*guide.shape[:3], 2))], axis=3)
