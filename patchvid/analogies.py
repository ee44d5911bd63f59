"""Video analogies: a video with the layout of one clip, and the look and dynamics of another.

Where and how fast a clip moves is its structure. At the coarsest level patches are compared by
structure alone, on the other coarse levels by structure and colour, and on the fine ones by colour.

Source: section 4 of Haim et al., "Diverse Generation from a Single Video Made Possible" (ECCV
2022), and sections 1.3 and 2.2 of its supplement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid.application import (
    LevelReport,
    Made,
    Report,
    as_seed,
    as_settings,
    collect,
    plan_stages,
    report_sample,
)
from patchvid.checks import Triple, as_alpha, as_video, as_wholes
from patchvid.device import on_device
from patchvid.errors import InvalidInput
from patchvid.flow import optical_flow
from patchvid.kernels import backend, backend_of
from patchvid.structures import Estimator, Structure, describe, show
from patchvid.synthesis import Progress, Quantizer, Stage, finest, synthesize
from patchvid.weights import StrPath

# Settings for a drawing as `content`. Drawings do not move like anything, and so what stands out by
# its brightness is the structure. What is drawn takes more room than what it shall be made of: much
# completeness has that repeated, and more levels with structure keep its outline. The pyramid is
# the paper's.
SKETCH: Mapping[str, Any] = MappingProxyType(
    {
        "bins": (4, 5),
        "structure": "contrast",
        "alpha": 1 / 100,
        "structure_levels": 0.75,
        "factor": (0.78, 0.78),
        "coarsest": (5, 35),
        "em": 3,
    }
)

HALF_RANGE = 127.5  # of 8 bits: 1 where values span [-1, 1]

# Where structure says nothing, style keeps its place: at the coarsest level it costs a little to be
# far away, so much at the other end of the frame.
FAR = 60


class Analogy(NamedTuple):
    """What `analogy` returns with ``details=True``: as `Made`, and the structures of both clips."""

    video: NDArray[Any]
    nnf: NDArray[np.int32]
    seed: int
    levels: list[LevelReport]
    structures: list[Structure]


@on_device("content", "style", "structure", "flow")
def analogy(
    content: NDArray[Any],
    style: NDArray[Any],
    *,
    bins: tuple[int, int] = (4, 8),
    structure: Any = "flow",
    alpha: float | None = 1.0,
    structure_levels: float = 0.5,
    seed: int | None = None,
    flow: Any = "auto",
    flow_weights: StrPath | None = None,
    patch: Triple = (3, 5, 5),
    factor: tuple[float, float] = (0.9, 0.9),
    coarsest: tuple[int, int] = (3, 20),
    em: int = 1,
    vote: Literal["median", "mean"] = "median",
    device: str = "auto",
    progress: Progress | None = None,
    details: bool = False,
) -> Any:
    """Make a video with the layout of `content` in space and time, and the look of `style`.

    What moves in `content` is made of what moves in `style`, and looks and moves like it. For a
    drawing as `content`, ``analogy(drawing, style, **SKETCH)`` has settings that suit.

    Parameters
    ----------
    content, style
        (t, y, x, c), uint8, uint16 or float, of any two sizes and numbers of channels.
    bins
        Into how many bins the structures of `content` and `style` are quantised, by k-means.
    structure
        "flow": how fast every pixel moves. "luma": how bright it is, which needs no motion.
        "contrast": how bright it is against the ground around it, which suits strokes. Or what you
        make it: an array (t, y, x) or (t, y, x, g) of bool, of uint8 or of floats from 0 to 1, as
        long, high and wide as its clip, which is compared as it is. One for both clips, or a pair
        for `content` and `style`.
    alpha
        Completeness, in mean squared differences where values span [-1, 1]. Smaller: more of
        `style` appears, and what there is too little of is repeated rather than made up. None:
        parts of it may vanish.
    structure_levels
        Share of the levels, from the coarsest on, on which structure is compared: more keep the
        layout of `content`, fewer the look of `style`. The coarsest level always is one of them.
    seed
        The same seed gives the same bytes on any number of threads. None draws one.
    flow
        How motion is estimated, see the `method` of `optical_flow`; or flows (t - 1, y, x, 2) made
        elsewhere. One for both clips, or a pair. Large clips are made smaller for the estimate, as
        far as the levels with structure allow.
    flow_weights
        The `weights` of `optical_flow`.
    patch, vote
        As for `generate`.
    factor, coarsest
        Of the pyramid of `style`, see `build_pyramid`; that of the output has the same factors.
    em
        Iterations a level.
    device
        As for `generate`. RAFT runs on a GPU where onnxruntime has one.
    progress
        Called as ``progress(level, n_levels, fraction)`` with the level from 1, the coarsest, or 0
        while motion is estimated, and the fraction of the whole work that is done.
    details
        Whether to return `Analogy`: the video, its field, the seed, what each level cost, and the
        structures of both clips.

    Returns
    -------
    As long, high and wide as `content`, with the channels, the dtype and the range of `style`.

    Raises
    ------
    InvalidInput
        For settings out of range, clips that are smaller than a patch, and clips without structure.
    DeviceError
        For a device that is not there.
    WeightsError
        If `flow` is "raft" and its weights cannot be fetched.

    Notes
    -----
    Patches are compared in 8 bits, as `generate` does it. A channel of structure weighs as much as
    one of colour would if it had half the contrast. Where the structure of a patch of `content` is
    that of many patches of `style`, as in what does not move, the one in the same place of the
    frame is preferred at the coarsest level.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> content, style = random.integers(0, 256, (2, 4, 20, 24, 3), dtype=np.uint8)
    >>> analogy(content[:, :, :22], style, structure="luma", seed=1).shape
    (4, 20, 22, 3)
    """
    kernels = backend(device)
    clips = as_video("content", content), as_video("style", style)
    content, style = clips
    seed = as_seed(seed)
    if not 0 < structure_levels <= 1:
        raise InvalidInput(
            f"structure_levels must be above 0 and at most 1, got {structure_levels}"
        )
    n_bins = as_wholes("bins", bins, 2)
    if min(n_bins) < 2:
        raise InvalidInput(f"bins must be two or more for each clip, got {bins}")
    alpha = as_alpha(alpha)
    alpha = None if alpha is None else alpha * HALF_RANGE**2
    settings = as_settings(min(clips, key=len), patch, em, vote, alpha)
    stages = plan_stages(style, content.shape[:3], settings, factor, coarsest)
    settings = replace(settings, complete_levels=len(stages))
    guided = stages[: max(1, int(len(stages) * structure_levels))]
    kinds, flows = _as_pair("structure", structure), _as_pair("flow", flow)
    n_parts = 1 + sum(map(_is_estimated, kinds, flows))  # of the work: flows, then the synthesis

    def report(part: int) -> Report:
        return report_sample(progress, len(stages), part, n_parts)

    # onnxruntime may have no GPU although CuPy does.
    raft_device = "cpu" if kernels.DEVICE == "cpu" else "auto"

    def estimate(part: int) -> Estimator:
        told = partial(_tell, report(part))
        return partial(optical_flow, weights=flow_weights, device=raft_device, progress=told)

    structures = [
        describe(
            "content", content, kinds[0], flows[0], estimate(0),
            n_bins[0], [stage.output_level for stage in guided],
        ),
        describe(
            "style", style, kinds[1], flows[1], estimate(n_parts - 2),
            n_bins[1], [stage.value_level for stage in guided],
        ),
    ]  # fmt: skip
    stages[: len(guided)] = _guide(guided, structures)
    result = finest(
        synthesize(
            kernels, stages, None, quantize=Quantizer(stages[-1].value), settings=settings,
            seed=seed, progress=report(n_parts - 1),
        )
    )  # fmt: skip
    made: Made = collect([result], style, seed, details=True)
    return Analogy(*made, structures) if details else made.video


@on_device("content", "style", "made")
def show_structures(content: NDArray[Any], style: NDArray[Any], made: Analogy) -> NDArray[np.uint8]:
    """A film of what two clips look like to the method, (t, y, x, 3).

    `content` is above `style`. From left to right: the clip; its flow in colours, if that is its
    structure; and its structure on the finest level that is guided by it, of which up to three
    channels are shown. The shorter clip waits for the longer one with its last frame.
    """
    rows = [show(*pair) for pair in zip((content, style), made.structures, strict=True)]
    length, width = (max(row.shape[axis] for row in rows) for axis in (0, 2))
    for number, row in enumerate(rows):
        waiting = np.pad(row, [(0, length - len(row)), *[(0, 0)] * 3], mode="edge")
        rows[number] = np.pad(waiting, [(0, 0), (0, 0), (0, width - row.shape[2]), (0, 0)])
    return np.concatenate(rows, axis=1)


def _as_pair(name: str, value: Any) -> tuple[Any, Any]:
    """What there is for content and for style, from one thing for both or a pair."""
    if not isinstance(value, (tuple, list)):
        return value, value
    if len(value) != 2:
        raise InvalidInput(
            f"{name} must be one for both clips or a pair for content and style, got {len(value)}"
        )
    return value[0], value[1]


def _is_estimated(kind: Any, flow: Any) -> bool:
    return isinstance(kind, str) and kind == "flow" and isinstance(flow, str)


def _tell(report: Report, what: str, fraction: float) -> None:
    """Report how much of a flow is done; fetching weights first is no part of the work."""
    if what == "flow":
        report(0, fraction)


def _guide(stages: Sequence[Stage], structures: Sequence[Structure]) -> list[Stage]:
    """The stages with the structures as guides, and with the places on the coarsest one."""
    pairs = list(zip(*(structure.guides for structure in structures), strict=True))
    channels = [guide.shape[3] for guide in pairs[0]]
    if channels[0] != channels[1]:
        raise InvalidInput(
            f"the structures of content and style must have as many channels, got {channels[0]} "
            f"and {channels[1]}"
        )
    query, key = pairs[0]
    pairs[0] = _placed(query), _placed(key)
    return [replace(stage, guides=pair) for stage, pair in zip(stages, pairs, strict=True)]


def _placed(guide: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The guide with two more channels that say where in the frame a voxel is."""
    _, height, width, _ = guide.shape
    places = np.meshgrid(np.linspace(0, FAR, height), np.linspace(0, FAR, width), indexing="ij")
    channels = np.rint(np.stack(places, axis=-1)).astype(np.uint8)
    channels = backend_of(guide).to_device(channels)
    return np.concatenate([guide, np.broadcast_to(channels, (*guide.shape[:3], 2))], axis=3)
