"""Map floats to unsigned integers in the same order, for the bitwise median."""

import numpy as np


def to_ordinals(values):
    """Unsigned integers in the order of the values: the values themselves, or the bits of floats.

    The sign bit of a float is flipped; if it is negative, all other bits are flipped too.
    """
    if values.dtype != np.float32:
        return values
    bits = values.view(np.uint32)
    return bits ^ ((bits >> 31) * 0x7FFFFFFF | 0x80000000)


def from_ordinals(ordinals, dtype):
    """Undo `to_ordinals` for values of this dtype."""
    if dtype != np.float32:
        return ordinals
    return (ordinals ^ (0xFFFFFFFF - (ordinals >> 31) * 0x7FFFFFFF)).view(np.float32)
