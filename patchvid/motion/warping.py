"""Flow in both directions, and pictures carried along it."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from patchvid._paths import StrPath
from patchvid._progress import Progress, part_of
from patchvid.motion.optical_flow import Flow, optical_flow

SLACK, SHARE = 0.5, 0.05  # error allowed in a round trip: pixels, and a share of its length


def both_ways(
    video: NDArray[Any],
    progress: Progress,
    *,
    method: Literal["auto", "raft", "classical"],
    weights: StrPath | None = None,
    device: str = "auto",
) -> tuple[Flow, Flow]:
    """The flows (t - 1, y, x, 2) between neighbouring frames, forwards and backwards in time."""
    forward = optical_flow(
        video, method=method, weights=weights, device=device, progress=part_of(progress, 0, 0.5)
    )
    backward = optical_flow(
        video[::-1], method=method, weights=weights, device=device,
        progress=part_of(progress, 0.5, 1),
    )  # fmt: skip
    return forward, backward[::-1]


def warp(picture: NDArray[Any], flow: Flow) -> NDArray[Any]:
    """Sample a picture (y, x, c) at the ends of a flow (y, x, 2) that leads to it.

    Values between pixels are interpolated cubically; beyond the border they repeat it.
    """
    import cv2

    height, width = flow.shape[:2]
    x = np.arange(width, dtype=np.float32) + flow[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + flow[..., 1]
    channels = [
        cv2.remap(
            np.ascontiguousarray(picture[..., c]), x, y, cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for c in range(picture.shape[2])
    ]  # fmt: skip
    return np.stack(channels, axis=2)


def returns(flow: Flow, back: Flow) -> NDArray[np.bool_]:
    """Where going along a flow (y, x, 2) and back along the other leads to the start."""
    missed = np.hypot(*np.moveaxis(flow + warp(back, flow), 2, 0))
    length = np.hypot(*np.moveaxis(flow, 2, 0))
    return missed < SLACK + SHARE * length
