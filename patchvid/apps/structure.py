"""The structure that analogies match: how fast each place of a clip moves, or how bright it is.

Reference: section 1.3 of the supplement of Haim et al., "Diverse Generation from a Single Video
Made Possible" (ECCV 2022).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._convert import ValueRange, to_grey, to_rgb
from patchvid._device import backend_of, on_device
from patchvid._resampling import resize
from patchvid._validation import as_array
from patchvid.core.pyramid import Level
from patchvid.errors import InvalidInput
from patchvid.motion.color import flow_to_color
from patchvid.motion.optical_flow import Flow
from patchvid.results import AnalogyResult, Structure

# In the paper colours span [-1, 1] and structure [0, 1], so structure gets half of the 8 bits.
GUIDE_MAX = 127

# Whether a place moves matters more than how fast, and whether it is drawn more than how dark. So
# the values of the lower bins are further apart.
POWERS = {"flow": 0.25, "luma": 0.25, "contrast": 0.1}

MOST_DRAWN = 2_000  # values of each level that k-means gets

# The background around strokes is this percentile of a window: strokes leave at least as much of it
# bare. It is found on frames of GROUND_SIDE x GROUND_SIDE points, in windows half as wide and high.
GROUND_SIDE = 32
BARE = 20

# Flow is estimated on frames FINER times as high and wide as the finest level that uses it, and at
# least MIN_FLOW_SIDE pixels on a side. Larger frames would add no detail at that level.
FINER, MIN_FLOW_SIDE = 2, 240

LEAST_MOTION = 0.1  # pixels per frame: if speeds differ by less, they show no motion

Estimator = Callable[..., Flow]


def describe(
    name: str,
    clip: NDArray[Any],
    kind: Any,
    flow: Any,
    estimate: Estimator,
    n_bins: int,
    levels: Sequence[Level],
) -> Structure:
    """The structure of a clip on some levels, on the clip's device."""
    if not isinstance(kind, str):
        values = _as_channels(name, kind, clip)
        return Structure([_as_guide(_fit(values, level)) for level in levels], None)
    if kind == "flow":
        flow = _as_flow(name, flow, clip, estimate, levels[-1])
        values = _each_frame(np.sqrt(np.square(flow).sum(axis=3, keepdims=True)))
        if np.ptp(values) < LEAST_MOTION:
            raise InvalidInput(
                f"{name} does not move, or moves everywhere alike, so its flow has no structure; "
                "use structure='luma' or another clip"
            )
    elif kind in ("luma", "contrast"):
        flow, values = None, to_grey(ValueRange.of_values(clip).scale(clip))[..., None]
        if np.ptp(values) == 0:
            raise InvalidInput(
                f"{name} is equally bright everywhere and has no structure; use another clip"
            )
        if kind == "contrast":
            values = _relief(values)
    else:
        raise InvalidInput(
            f"structure must be 'flow', 'luma', 'contrast' or an array, got {kind!r}"
        )
    fitted = [_fit(values, level) for level in levels]
    return Structure(_in_bins(fitted, n_bins, POWERS[kind]), flow)


@on_device("content", "style", "made")
def show_structures(
    content: NDArray[Any], style: NDArray[Any], made: AnalogyResult
) -> NDArray[np.uint8]:
    """Show both clips of an analogy and their structures in one video.

    `content` is above `style`. Each row shows the clip, its flow in colours if its structure is the
    flow, and its structure on the finest level that it guides. The shorter clip repeats its last
    frame until the longer one ends.

    Parameters
    ----------
    content, style : array
        (t, y, x, c), the clips of the analogy.
    made : AnalogyResult
        The result of `analogy` with ``details=True``.

    Returns
    -------
    array of uint8
        (t, y, x, 3).

    Examples
    --------
    >>> from patchvid import analogy
    >>> content, style = np.random.default_rng(0).integers(0, 256, (2, 3, 20, 22, 3), np.uint8)
    >>> made = analogy(content, style, structure="luma", details=True, seed=1)
    >>> show_structures(content, style, made).shape
    (3, 40, 44, 3)
    """
    rows = [_panels(*pair) for pair in zip((content, style), made.structures, strict=True)]
    length, width = (max(row.shape[axis] for row in rows) for axis in (0, 2))
    for number, row in enumerate(rows):
        waiting = np.pad(row, [(0, length - len(row)), *[(0, 0)] * 3], mode="edge")
        rows[number] = np.pad(waiting, [(0, 0), (0, 0), (0, width - row.shape[2]), (0, 0)])
    return np.concatenate(rows, axis=1)


def _panels(clip: NDArray[Any], structure: Structure) -> NDArray[np.uint8]:
    """A clip, its flow and its structure side by side."""
    panels = [to_rgb(ValueRange.of_values(clip).quantize(clip))]
    if structure.flow is not None:
        panels.append(flow_to_color(_each_frame(structure.flow)))
    guide = structure.guides[-1][..., :3] * np.uint8(255 // GUIDE_MAX)
    panels.append(to_rgb(resize(guide, clip.shape[:3])))
    return np.concatenate(panels, axis=2)


def _estimated(clip: NDArray[Any], method: str, estimate: Estimator, level: Level) -> Flow:
    """The flow of a clip in its pixels, estimated at the size that a level needs."""
    n_frames, height, width, _ = clip.shape
    enough = max(MIN_FLOW_SIDE, FINER * min(level.shape[1:])) / min(height, width)
    if enough >= 1:
        return estimate(clip, method=method)
    coarse = resize(clip, (n_frames, round(height * enough), round(width * enough)))
    scale = np.array([width / coarse.shape[2], height / coarse.shape[1]], np.float32)
    flow = estimate(coarse, method=method) * backend_of(clip).to_device(scale)
    return resize(flow, (n_frames - 1, height, width))


def _as_flow(name: str, flow: Any, clip: NDArray[Any], estimate: Estimator, level: Level) -> Flow:
    """The flow of a clip: as given, or estimated by the named method."""
    if isinstance(flow, str):
        if len(clip) == 1:
            raise InvalidInput(
                f"{name} must have two frames or more for a flow, got 1; use structure='luma'"
            )
        return _estimated(clip, flow, estimate, level)
    flow, shape = as_array(flow), (len(clip) - 1, *clip.shape[1:3], 2)
    if flow.shape != shape or flow.dtype.kind != "f" or not np.isfinite(flow).all():
        raise InvalidInput(
            f"the flow of {name} must be finite floats of shape {shape}, "
            f"got {flow.dtype} {flow.shape}"
        )
    return flow.astype(np.float32, copy=False)


def _as_channels(name: str, array: Any, clip: NDArray[Any]) -> NDArray[np.float32]:
    """The user's own structure, (t, y, x, g) from 0 to 1."""
    array = as_array(array)
    if array.shape[:3] != clip.shape[:3] or array.ndim not in (3, 4) or 0 in array.shape:
        raise InvalidInput(
            f"the structure of {name} must be (t, y, x) or (t, y, x, g) with the "
            f"{clip.shape[:3]} of the clip, got {array.shape}"
        )
    values = array.reshape(*clip.shape[:3], -1).astype(np.float32)
    if array.dtype == np.uint8:
        values /= 255
    if array.dtype.kind not in "buf" or not (0 <= values.min() <= values.max() <= 1):
        raise InvalidInput(
            f"the structure of {name} must be bool, uint8 or floats from 0 to 1, got {array.dtype}"
        )
    return values


def _each_frame(motion: NDArray[np.float32]) -> NDArray[np.float32]:
    """Repeat the last motion, so that every frame has one."""
    return np.concatenate([motion, motion[-1:]])


def _fit(values: NDArray[Any], level: Level) -> NDArray[Any]:
    return resize(values, level.shape, scale=level.scale)


def _as_guide(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Values from 0 to 1 as a guide."""
    return np.rint(np.clip(values, 0, 1) * np.float32(GUIDE_MAX)).astype(np.uint8)


def _in_bins(
    levels: Sequence[NDArray[np.float32]], n_bins: int, power: float
) -> list[NDArray[np.uint8]]:
    """The values of all levels as guides, in the same bins.

    k-means gets the same number of values from every level, because small objects are paler on the
    coarse levels.
    """
    kernels = backend_of(levels[0])
    count = min(MOST_DRAWN, *(values.size for values in levels))
    edges = _edges(np.concatenate([_draw(values, count) for values in levels]), n_bins)
    heights = _as_guide((np.arange(len(edges) + 1) / max(len(edges), 1)) ** power)
    edges, heights = kernels.to_device(edges), kernels.to_device(heights)
    return [heights[np.searchsorted(edges, values)] for values in levels]


def _draw(values: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Some of a level's values, drawn at random, on the host."""
    kernels = backend_of(values)
    places = np.random.default_rng(0).integers(0, values.size, count)
    return kernels.to_host(values.reshape(-1)[kernels.to_device(places)])


def _edges(values: NDArray[np.float32], n_bins: int) -> NDArray[np.float32]:
    """The edges between bins, half way between the centres of k-means."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    points = values[:, None].astype(np.float64)
    n_bins = min(n_bins, len(np.unique(points)))
    with threadpool_limits(1):  # several threads would add up in any order
        means = KMeans(n_bins, n_init=3, random_state=0).fit(points)
    centres = np.sort(means.cluster_centers_[:, 0])
    return ((centres[1:] + centres[:-1]) / 2).astype(np.float32)


def _relief(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values minus those of the background around them.

    Strokes cover less area than the background, so they are the longer tail of the distribution.
    """
    from scipy.ndimage import percentile_filter

    kernels = backend_of(values)
    are_bright = float(((values - values.mean()) ** 3).mean()) > 0
    coarse = kernels.to_host(resize(values, (len(values), GROUND_SIDE, GROUND_SIDE)))
    window = (1, GROUND_SIDE // 2 + 1, GROUND_SIDE // 2 + 1, 1)
    bare = BARE if are_bright else 100 - BARE
    ground = percentile_filter(coarse, bare, size=window, mode="nearest")
    return values - resize(kernels.to_device(ground), values.shape[:3])
