"""The cost of each jump from one frame of a clip to another: how visible it would be.

Reference: A. Schödl et al., "Video Textures" (SIGGRAPH 2000): the distances of frames, filtered to
preserve dynamics.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Costs = NDArray[np.float64]

# Weights of the pairs of frames that should be alike, from two frames before a jump to one after.
AROUND = {-2: 1, -1: 3, 0: 3, 1: 1}


class Jump(NamedTuple):
    """A jump from one frame to another; its cost is relative to a mean step of the clip."""

    last: int
    first: int
    cost: float

    @property
    def length(self) -> int:
        """The number of frames of the loop that this jump closes."""
        return self.last + 1 - self.first


def jump_costs(video: NDArray[np.float32]) -> Costs:
    """The cost of every jump of a small clip (t, y, x, c), indexed by last and first frame.

    1 is the mean of the steps from each frame to the next. Parts that stand still count more than
    parts that always change, because there a jump is visible.
    """
    n_frames = len(video)
    rows = video.reshape(n_frames, -1)
    steps = np.square(rows[1:] - rows[:-1]).mean(axis=0)
    scale = steps.mean()
    weights = 1 / (steps + scale) if scale > 0 else np.ones_like(steps)
    distances = np.zeros((n_frames, n_frames))
    for lag in range(1, n_frames):
        apart = (np.square(rows[lag:] - rows[:-lag]) * weights).mean(axis=1, dtype=np.float64)
        later = np.arange(lag, n_frames)
        distances[later, later - lag] = distances[later - lag, later] = apart
    step = distances[np.arange(1, n_frames), np.arange(n_frames - 1)].mean()
    return _preserve_dynamics(distances / (step if step > 0 else 1))


def _preserve_dynamics(distances: Costs) -> Costs:
    """Costs of jumps: weighted means of the distances of the frames around them that exist."""
    n_frames = len(distances)
    total, weight = np.zeros_like(distances), np.zeros_like(distances)
    last, first = np.indices(distances.shape)
    for offset, share in AROUND.items():
        one, other = last + 1 + offset, first + offset
        exists = (one >= 0) & (one < n_frames) & (other >= 0) & (other < n_frames)
        near = distances[one.clip(0, n_frames - 1), other.clip(0, n_frames - 1)]
        total += np.where(exists, share * near, 0)
        weight += share * exists
    # The jump from the very last frame to the very first one has no frames around it.
    return np.where(weight > 0, total / weight.clip(1), distances)
