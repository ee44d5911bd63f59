"""Random arrays that depend only on a seed and a place, so every device draws the same.

The hash behind them is `random_stream` and `mix` in `rules`, where the search inside the kernels
draws from it too. Seeds that are not given are drawn by `check_seed` in `_validation`.
"""

import math

import numpy as np

from patchvid.kernels import rules


def words(places, *seed):
    """Draw 32 random bits (uint64) for each of some places; places and seed are whole numbers."""
    return rules.mix(places.astype(np.uint64) ^ rules.random_stream(*seed))


def below(limit, places, *seed):
    """Draw a whole number in [0, limit) for each of some places."""
    return (words(places, *seed) * limit >> 32).astype(np.int64)


def normal(xp, shape, *seed):
    """Draw normal numbers (float32) of mean 0 and variance 1, within six deviations.

    Each is the sum of twelve uniform integers, which is close to normal and exact on every device.
    """
    places = xp.arange(math.prod(shape))
    total = xp.zeros(len(places), np.int64)
    for part in range(6):
        bits = words(places, *seed, part)
        total += (bits & 0xFFFF).astype(np.int64) + (bits >> 16).astype(np.int64) - 0xFFFF
    return (total.astype(np.float32) / np.float32(2**16)).reshape(shape)
