"""Optical flow by OpenCV's dense inverse search, the same on every processor of a kind.

With AVX2 or FMA, OpenCV adds in another order, or without intermediate rounding. Its plain code is
as fast here, so it is used everywhere.

Reference: T. Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

_lock, _users, _before = Lock(), 0, True


def classical_flow(frame1: NDArray[np.uint8], frame2: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Estimate the flow (y, x, 2) from one RGB frame (y, x, 3) to another."""
    import cv2

    with _plain_code():
        grey = [cv2.cvtColor(np.ascontiguousarray(x), cv2.COLOR_RGB2GRAY) for x in (frame1, frame2)]
        search: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        return search.calc(*grey, None)


@contextmanager
def _plain_code() -> Iterator[None]:
    """Make OpenCV avoid special instructions, until the last of several threads is done.

    The setting for Intel's IPP belongs to each thread.
    """
    import cv2

    global _users, _before
    with_ipp = cv2.ipp.useIPP()
    with _lock:
        if not _users:
            _before = cv2.useOptimized()
            cv2.setUseOptimized(False)
        _users += 1
    cv2.ipp.setUseIPP(False)
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                cv2.setUseOptimized(_before)
        cv2.ipp.setUseIPP(with_ipp)
