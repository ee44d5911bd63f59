"""Completeness: keys that no query is near to cost less, so that they are chosen more often.

Reference: equation 3 of Granot et al., "Drop the GAN" (CVPR 2022).
"""

import numpy as np
from numpy.typing import NDArray


def completeness_weights(reverse_cost: NDArray[np.float32], alpha: float) -> NDArray[np.float32]:
    """Factor of every key's cost, from the cost of the query that is nearest to the key."""
    return np.float32(1) / (np.float32(alpha) + reverse_cost)
