"""How far apart two videos are by what a network sees in them: statistics of C3D's features.

Features are those of the second of C3D's convolutions, rectified, before their pooling: 128 numbers
for every frame and every 2x2 pixels. What a position sees, 5 frames of 8x8 pixels, is about a patch
of ours, and a small clip still has many more positions than a covariance of 128 numbers needs; four
times as many numbers on an eighth of the frames and a 64th of the pixels, as in the later layers,
would leave the covariance without full rank.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from patchvid._device import backend_of
from patchvid._paths import StrPath, reason
from patchvid._progress import Progress, ignore
from patchvid.errors import InvalidInput
from patchvid.networks.c3d import REACH, STRIDE, build_c3d
from patchvid.networks.checkpoint import read_tensors
from patchvid.networks.onnx_graph import open_session
from patchvid.networks.weights import find_weights

Doubles = NDArray[np.float64]
Features = Callable[[NDArray[Any]], NDArray[np.float32]]

_NAMES = ("c3d_sports1m",)
_VARIABLE = "PATCHVID_C3D"

_BLOCK = 1 << 20  # voxels at once: the first convolution makes 64 maps of them, 270 MB


class Statistics(NamedTuple):
    """The mean and the covariance of so many features."""

    number: int
    mean: Doubles
    covariance: Doubles


def find_c3d(weights: StrPath | None, progress: Progress = ignore) -> Path:
    """The file of C3D's weights, as `find_weights` finds it, and with the errors of that."""
    return find_weights(weights, names=_NAMES, variable=_VARIABLE, progress=progress)


def read_c3d(file: Path, device: str) -> Features:
    """The network, as a function from frames (t, y, x, 3) in 0..255 to maps of features.

    Raises
    ------
    InvalidInput
        For a file that holds no weights of C3D.
    DeviceError
        For a device that is not there.
    """
    session = open_session(build_c3d(read_tensors(file)).SerializeToString(), device)

    def features(frames: NDArray[Any]) -> NDArray[np.float32]:
        try:
            return session.run(None, {"clip": frames.astype(np.float32)})[0]
        except Exception as error:  # onnxruntime's own errors have no common base
            raise InvalidInput(
                f"cannot run {str(file)!r} as C3D: {reason(error)}; give other weights"
            ) from error

    return features


def summarize(video: NDArray[Any], features: Features) -> Statistics:
    """Statistics of the features of all positions of a video.

    Parameters
    ----------
    video
        (t, y, x, c) in 0..255. Three channels are RGB; of any others the mean is used.
    features
        As `read_c3d` returns it.

    Raises
    ------
    InvalidInput
        For a video with no more positions than features have numbers.
    """
    video = backend_of(video).to_host(video)  # the network takes arrays of the host
    if video.shape[3] != 3:
        video = np.repeat(video.mean(axis=3, keepdims=True, dtype=np.float32), 3, axis=3)
    n_frames, height, width, _ = video.shape
    n_rows, n_columns = height // STRIDE, width // STRIDE
    rows = max(1, _BLOCK // (n_frames * width * STRIDE))
    total = None
    for first in range(0, n_rows if n_columns else 0, rows):
        stop = min(first + rows, n_rows)
        # The network has zeros around what it is given. Only around the whole are they wanted.
        above = max(0, first * STRIDE - REACH)
        block = features(video[:, above : stop * STRIDE + REACH])
        start = first - above // STRIDE
        block = block[:, :, start : start + stop - first].reshape(len(block), -1)
        some = _of_columns(block)
        total = some if total is None else _join(total, some)
    if total is None or total.number <= len(total.mean):
        raise InvalidInput(
            f"a video of {n_frames}x{height}x{width} is too small for SVFID: it has "
            f"{n_frames * n_rows * n_columns} positions, and the features of C3D 128 numbers; use "
            "a larger one"
        )
    return total


def _of_columns(features: NDArray[np.float32]) -> Statistics:
    """Statistics of features that are the columns; the covariance of a single one is 0."""
    values = features.astype(np.float64)
    mean = values.mean(axis=1)
    values -= mean[:, None]
    return Statistics(values.shape[1], mean, values @ values.T / max(values.shape[1] - 1, 1))


def _join(a: Statistics, b: Statistics) -> Statistics:
    """Statistics of both together [T. F. Chan et al., "Updating formulae", 1979]."""
    number = a.number + b.number
    apart = b.mean - a.mean
    scatter = (a.number - 1) * a.covariance + (b.number - 1) * b.covariance
    scatter += np.outer(apart, apart) * (a.number * b.number / number)
    return Statistics(number, a.mean + apart * (b.number / number), scatter / (number - 1))


def frechet_distance(a: Statistics, b: Statistics) -> float:
    """Squared Frechet distance of the normal distributions with these means and covariances.

    The trace of the root of the product of both covariances is the sum of the singular values of
    the product of their roots, which are symmetric: no root of an unsymmetric matrix is needed,
    which may be complex and is inexact if the covariances are nearly singular.
    """
    product = _root(a.covariance) @ _root(b.covariance)
    common = scipy.linalg.svdvals(product).sum()
    spread = np.trace(a.covariance) + np.trace(b.covariance) - 2 * common
    return max(0.0, float(((a.mean - b.mean) ** 2).sum() + spread))  # but for rounding


def _root(covariance: Doubles) -> Doubles:
    """The symmetric root; eigenvalues below 0 are rounding."""
    values, vectors = scipy.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
