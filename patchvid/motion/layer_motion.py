"""Estimate the motion of one layer, an object or its background, over the whole frame.

An affine motion is fitted robustly to the flow where that is known to be the layer's. The rest of
the flow there continues smoothly into the surroundings.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid.motion.optical_flow import Flow

Region = NDArray[np.bool_]

FEWEST = 8  # fewest known pixels that suffice to estimate a motion
MOST = 4000  # number of pixels that is enough for that
ROUNDS = 8  # of the fit; each weights pixels by the errors of the last round
LEAST_ERROR = 0.2  # pixels; every flow has such an error
# Weight of the expected motion, as a share of the layer's pixels: for its shift, and for rotation,
# growth and shear, of which a small part of a layer tells little.
EXPECTED = (0.002, 0.03, 0.03)
STEP = 2.0**-12  # motions are rounded to this, so that the order of sums does not change the bytes
REACH = 8.0  # pixels over which the flow beyond the affine motion fades
LARGEST_REST = 3.0  # largest difference from the affine motion, in pixels, within a layer
TRUSTED = 0.05  # a pixel moves like the known pixels around it if these have a larger share


class Motion(NamedTuple):
    """An affine motion of a layer.

    Attributes
    ----------
    parameters : array of float64
        (3, 2): x and y of the shift of its centre, and of the changes to it one radius to the right
        and one radius down.
    flow : array of float32
        (y, x, 2): the flow of the layer in the whole frame, even where the layer is hidden.
    """

    parameters: NDArray[np.float64]
    flow: Flow


def layer_motion(
    flow: Flow,
    known: Region,
    layer: Region,
    expected: NDArray[np.float64] | None = None,
    *,
    largest_rest: float = LARGEST_REST,
) -> Motion:
    """Estimate the motion of a layer.

    Parameters
    ----------
    flow : array of float32
        (y, x, 2), of everything visible.
    known : array of bool
        (y, x): where the flow is surely the layer's.
    layer : array of bool
        (y, x): where the layer is, visible or hidden.
    expected : array of float64, optional
        Parameters of the motion in the frame before; by default a shift by the median.
    largest_rest : float
        Flow that differs from the affine motion by more pixels than this belongs to another layer.
    """
    height, width = layer.shape
    rows, columns = np.nonzero(layer if layer.any() else np.ones_like(layer))
    centre, radius = (rows.mean(), columns.mean()), max(3.0, (len(rows) / np.pi) ** 0.5)
    y = (np.arange(height)[:, None] - centre[0]) / radius
    x = (np.arange(width) - centre[1]) / radius
    places = np.stack(np.broadcast_arrays(1.0, x, y), axis=2)
    parameters = np.zeros((3, 2)) if expected is None else expected
    sure = np.flatnonzero(known)
    if len(sure) >= FEWEST:
        some = sure[:: -(-len(sure) // MOST)]
        seen = flow.reshape(-1, 2)[some].astype(np.float64)
        share = len(rows) * len(some) / len(sure)
        if expected is None:
            parameters[0] = np.median(seen, axis=0)
        parameters = _fit(places.reshape(-1, 3)[some], seen, parameters, share)
    affine = np.einsum("yxk,kc->yxc", places, parameters).astype(np.float32)
    return Motion(parameters, affine + _rest(flow - affine, known, largest_rest))


def _fit(
    places: NDArray[np.float64],
    flow: NDArray[np.float64],
    expected: NDArray[np.float64],
    n_pixels: float,
) -> NDArray[np.float64]:
    """Least squares with weights that fall with the error, starting at the expected motion.

    The lower quartile of the errors sets the scale of the weights.
    """
    parameters = expected
    prior = np.diag(np.multiply(EXPECTED, n_pixels))
    for _ in range(ROUNDS):
        errors = np.hypot(*(flow - _sums(places, parameters.T)).T)
        scale = max(LEAST_ERROR, 3 * float(np.quantile(errors, 0.25)))
        weighted = places / ((1 + (errors / scale) ** 2) ** 2)[:, None]
        parameters = np.linalg.solve(
            _sums(places.T, weighted.T) + prior, _sums(weighted.T, flow.T) + prior @ expected
        )
    return np.rint(parameters / STEP) * STEP


def _sums(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scalar products of rows, without the BLAS, whose threads would mostly wait for each other."""
    return np.einsum("ik,jk->ij", one, other)


def _rest(flow: Flow, known: Region, largest: float) -> Flow:
    """The flow beyond an affine motion: unchanged where it is known, fading out around there."""
    import cv2

    good = known & (np.hypot(flow[..., 0], flow[..., 1]) < largest)
    shown = np.where(good[..., None], flow, np.float32(0))
    share = cv2.GaussianBlur(good.astype(np.float32), (0, 0), REACH)
    around = cv2.GaussianBlur(shown, (0, 0), REACH) / (share[..., None] + np.float32(TRUSTED))
    return np.where(good[..., None], flow, around)
