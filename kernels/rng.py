"""Random arrays that depend only on a seed and a place, so every device draws the same.

Their hash is `random_stream` and `mix` in `rules`, which the searches in kernels use too. If no
seed is given, `check_seed` in `_validation` draws one.
"""

import math

import numpy as np

from patchvid.kernels import rules


def words(places, *seed):
    """Draw 32 random bits (uint64) for each place; places and seed are integers.

    The first number of the seed may be a tuple, of one number for each sample: (n, *places.shape).
    """
    first, *others = seed
    if isinstance(first, tuple):
        bits = [rules.random_stream(one, *others) for one in first]
        stream = np.array(bits, np.uint64, like=places).reshape(-1, *[1] * places.ndim)
    else:
        stream = rules.random_stream(*seed)
    return rules.mix(places.astype(np.uint64) ^ stream)


def below(limit, places, *seed):
    """Draw an integer in [0, limit) for each place."""
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
