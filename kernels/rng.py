"""Random numbers that depend on a seed and a place alone, and so are the same on every device."""

import math

import numpy as np

from patchvid.kernels import rules


def words(places, *seed):
    """Numbers of 32 bits (uint64) for some places, which are whole numbers, from other such."""
    return rules.mix(places.astype(np.uint64) ^ rules.random_stream(*seed))


def below(limit, places, *seed):
    """Whole numbers in [0, limit) for some places."""
    return (words(places, *seed) * limit >> 32).astype(np.int64)


def normal(xp, shape, *seed):
    """Numbers (float32) of mean 0 and variance 1, within six deviations.

    They are sums of twelve uniform ones, which are as good as normal and, being integers, exact.
    """
    places = xp.arange(math.prod(shape))
    total = xp.zeros(len(places), np.int64)
    for part in range(6):
        bits = words(places, *seed, part)
        total += (bits & 0xFFFF).astype(np.int64) + (bits >> 16).astype(np.int64) - 0xFFFF
    return (total.astype(np.float32) / np.float32(2**16)).reshape(shape)
