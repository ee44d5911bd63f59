"""Random numbers that depend on a seed and a place alone, and so are the same on every device."""

import math

import numpy as np

from patchvid.kernels import rules


def words(xp, count, *seed):
    """So many numbers of 32 bits (uint64) from whole numbers; `xp` is NumPy or CuPy."""
    return rules.mix(xp.arange(count, dtype=np.uint64) ^ rules.random_stream(*seed))


def below(xp, limit, shape, *seed):
    """Whole numbers in [0, limit)."""
    return (words(xp, math.prod(shape), *seed) * limit >> 32).astype(np.int64).reshape(shape)


def normal(xp, shape, *seed):
    """Numbers (float32) of mean 0 and variance 1, within six deviations.

    They are sums of twelve even ones, which are as good as normal and, being integers, exact.
    """
    total = xp.zeros(math.prod(shape), np.int64)
    for part in range(6):
        bits = words(xp, len(total), *seed, part)
        total += (bits & 0xFFFF).astype(np.int64) + (bits >> 16).astype(np.int64) - 0xFFFF
    return (total.astype(np.float32) / np.float32(2**16)).reshape(shape)
