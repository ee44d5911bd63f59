"""What a clip looks like where analogies compare it: how fast it moves, or how bright it is.

Source: section 1.3 of the supplement of Haim et al., "Diverse Video Generation from a Single Video"
(ECCV 2022).
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid.errors import InvalidInput
from patchvid.flow import Flow, as_rgb, flow_to_color
from patchvid.metrics import LUMA
from patchvid.pyramid import Level, resize

# The method's colours span [-1, 1], and its structure [0, 1], which is half of that.
MOST = 127

# That something moves tells more than how fast, and so the lower bins are further apart.
POWER = 0.25

SAMPLE = 10_000  # values that bins are made from

LEAST_MOTION = 0.1  # pixels a frame: estimates that differ by less show no motion

Estimator = Callable[..., Flow]


class Structure(NamedTuple):
    """What a clip looks like where it is compared by structure.

    `guides` are the (t, y, x, g) of uint8 in 0..127 of the levels that are guided, coarsest first.
    `flow` (t - 1, y, x, 2) is what they were made from, or None.
    """

    guides: list[NDArray[np.uint8]]
    flow: NDArray[np.float32] | None


def describe(
    name: str,
    clip: NDArray[Any],
    kind: Any,
    flow: Any,
    estimate: Estimator,
    n_bins: int,
    levels: Sequence[Level],
) -> Structure:
    """The structure of a clip on some levels."""
    if not isinstance(kind, str):
        return Structure([_fit(_as_channels(name, kind, clip), at, None) for at in levels], None)
    if kind == "flow":
        flow = _as_flow(name, flow, clip, estimate)
        values = _each_frame(np.hypot(flow[..., :1], flow[..., 1:]))
        if np.ptp(values) < LEAST_MOTION:
            raise InvalidInput(
                f"{name} does not move, or all of it alike, and so its flow tells nothing; "
                "use structure='luma' or another clip"
            )
    elif kind == "luma":
        flow = None
        grey = clip[..., :3] @ LUMA if clip.shape[3] in (3, 4) else clip.mean(axis=3)
        values = grey[..., None].astype(np.float32)
        if np.ptp(values) == 0:
            raise InvalidInput(
                f"{name} is equally bright everywhere, which tells nothing; use another clip"
            )
    else:
        raise InvalidInput(f"structure must be 'flow', 'luma' or an array, got {kind!r}")
    return Structure([_fit(values, at, n_bins) for at in levels], flow)


def show(clip: NDArray[Any], structure: Structure) -> NDArray[np.uint8]:
    """A clip, its flow and its structure side by side."""
    panels = [as_rgb(clip)]
    if structure.flow is not None:
        panels.append(flow_to_color(_each_frame(structure.flow)))
    guide = structure.guides[-1][..., :3] * np.uint8(255 // MOST)
    panels.append(as_rgb(resize(guide, clip.shape[:3])))
    return np.concatenate(panels, axis=2)


def _as_flow(name: str, flow: Any, clip: NDArray[Any], estimate: Estimator) -> Flow:
    """The flow of a clip, estimated or made elsewhere."""
    if isinstance(flow, str):
        if len(clip) == 1:
            raise InvalidInput(
                f"{name} must have two frames or more to move, got 1; use structure='luma'"
            )
        return estimate(clip, method=flow)
    flow, shape = np.asarray(flow), (len(clip) - 1, *clip.shape[1:3], 2)
    if flow.shape != shape or flow.dtype.kind != "f" or not np.isfinite(flow).all():
        raise InvalidInput(
            f"the flow of {name} must be finite floats of shape {shape}, "
            f"got {flow.dtype} {flow.shape}"
        )
    return flow.astype(np.float32, copy=False)


def _as_channels(name: str, array: Any, clip: NDArray[Any]) -> NDArray[np.float32]:
    """A structure that was given, (t, y, x, g) from 0 to 1."""
    array = np.asarray(array)
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
    """Something for each frame from what there is between frames; the last one is repeated."""
    return np.concatenate([motion, motion[-1:]])


def _fit(values: NDArray[Any], level: Level, n_bins: int | None) -> NDArray[np.uint8]:
    """Values at the size of a level, in bins if asked for, from 0 to `MOST`.

    Every level has bins of its own: what is small is pale on a coarse level, and would fall into
    the bins of its surroundings there.
    """
    values = resize(values, level.shape, scale=level.scale)
    if n_bins is not None:
        edges = _edges(values, n_bins)
        values = (np.searchsorted(edges, values) / max(len(edges), 1)) ** POWER
    return np.rint(np.clip(values, 0, 1) * MOST).astype(np.uint8)


def _edges(values: NDArray[np.float32], n_bins: int) -> NDArray[np.float64]:
    """Where one bin ends and the next begins: half way between the centres of k-means."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    drawn = np.random.default_rng(0).integers(0, values.size, min(SAMPLE, values.size))
    sample = values.reshape(-1, 1)[drawn].astype(np.float64)
    n_bins = min(n_bins, len(np.unique(sample)))
    with threadpool_limits(1):  # threads would add up in any order, and wait for each other
        means = KMeans(n_bins, n_init=3, random_state=0).fit(sample)
    centres = np.sort(means.cluster_centers_[:, 0])
    return (centres[1:] + centres[:-1]) / 2
