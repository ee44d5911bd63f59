"""Indices of what a mask chooses, on the CPU."""

import numpy as np

from patchvid.kernels.jit import kernel
from patchvid.kernels.threads import parallel_range


def indices(mask):
    """Flat indices where a mask is True, in order."""
    return np.flatnonzero(mask)


@kernel
def _select(mask, ends, ranks, chosen, first, stop):
    width = mask.shape[1]
    for number in range(first, stop):
        row = np.searchsorted(ends, ranks[number], side="right")
        left = ranks[number] - (ends[row - 1] if row else 0)
        x = 0
        while left or not mask[row, x]:
            left -= mask[row, x]
            x += 1
        chosen[number] = row * width + x


def select(mask, ranks):
    """Flat indices where a mask is True, by their ranks in order.

    They are ``indices(mask)[ranks]``, and take memory for the ranks only.
    """
    rows = mask.reshape(-1, mask.shape[-1])
    ends = np.cumsum(np.count_nonzero(rows, axis=1))
    ranks, chosen = ranks.reshape(-1), np.empty(ranks.size, np.int64)

    def work(first: int, stop: int) -> None:
        _select(rows, ends, ranks, chosen, first, stop)

    parallel_range(work, ranks.size, grain=4096)
    return chosen
