"""Estimate the motion of one layer, an object or its background, over the whole frame.

An affine motion is fitted to the flow where it is known to be the layer's, robustly; what the flow
has beyond it goes on smoothly around there.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid.motion.optical_flow import Flow

Region = NDArray[np.bool_]

FEWEST = 8  # pixels that say how a layer moves
MOST = 4000  # pixels that are enough for that
ROUNDS = 8  # of the fit, each with weights by the errors of the last one
LEAST_ERROR = 0.2  # pixels of error that any flow has
# Weight of the motion that is expected, as a share of the layer's pixels: for its shift, and for
# how it turns, grows and shears, of which a small part of a layer tells little.
EXPECTED = (0.002, 0.03, 0.03)
STEP = 2.0**-12  # to which a motion is rounded, so that sums in another order give the same bytes
REACH = 8.0  # pixels over which the flow beyond the affine motion fades
LARGEST_REST = 3.0  # pixels of flow beyond it
TRUSTED = 0.05  # share of known pixels around one from which on it moves as they do


class Motion(NamedTuple):
    """An affine motion of a layer.

    Attributes
    ----------
    parameters : array of float64
        (3, 2): x and y of the shift of its centre, and what a radius to the right and one downwards
        add to that.
    flow : array of float32
        (y, x, 2): the flow of the layer in the whole frame, also where something hides it.
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
    """Find how a layer moves.

    Parameters
    ----------
    flow : array of float32
        (y, x, 2), of all that is seen.
    known : array of bool
        (y, x): where the flow is surely the layer's.
    layer : array of bool
        (y, x): where the layer is, whether it is seen or not.
    expected : array of float64, optional
        Parameters of the motion in the frame before; by default a shift by the median.
    largest_rest : float
        Pixels of flow beyond the affine motion from which on it is taken for that of another layer.
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
    """Least squares with weights that fall with the error, beginning at the expected motion.

    A quarter of the pixels is enough to say what errors are usual.
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
    """Scalar products of rows; the threads of the BLAS would mostly wait for each other here."""
    return np.einsum("ik,jk->ij", one, other)


def _rest(flow: Flow, known: Region, largest: float) -> Flow:
    """What a flow has beyond an affine motion: as it is where it is known, and fading around."""
    import cv2

    good = known & (np.hypot(flow[..., 0], flow[..., 1]) < largest)
    shown = np.where(good[..., None], flow, np.float32(0))
    share = cv2.GaussianBlur(good.astype(np.float32), (0, 0), REACH)
    around = cv2.GaussianBlur(shown, (0, 0), REACH) / (share[..., None] + np.float32(TRUSTED))
    return np.where(good[..., None], flow, around)
