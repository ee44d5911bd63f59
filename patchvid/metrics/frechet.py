"""Single video Frechet distance: how far apart two videos are in the features of C3D.

The features are those of its second convolution after the rectifier and before the pooling: 128
numbers for every frame and every 2x2 pixels. Each sees 5 frames of 8x8 pixels, about one of our
patches. Even a small clip has many more positions than a covariance of 128 numbers needs. Later
layers have four times as many numbers on an eighth of the frames and a 64th of the pixels, so their
covariance would not have full rank.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from patchvid._convert import to_rgb
from patchvid._device import backend_of
from patchvid._paths import StrPath, raise_if_out_of_memory, reason
from patchvid.errors import InvalidInput
from patchvid.kernels.fork_safety import unforked
from patchvid.metrics._comparison import Estimate, check_pair
from patchvid.networks.c3d import REACH, STRIDE, build_c3d
from patchvid.networks.checkpoint import read_tensors
from patchvid.networks.onnx_graph import open_session
from patchvid.networks.weights import find_weights

Doubles = NDArray[np.float64]
Features = Callable[[NDArray[Any]], NDArray[np.float32]]

_NAMES = ("c3d_sports1m",)
_VARIABLE = "PATCHVID_C3D"

BLOCK = 1 << 20  # voxels that go through the network at once; its 64 maps take 270 MB


class Statistics(NamedTuple):
    """The mean and the covariance of `number` vectors of features."""

    number: int
    mean: Doubles
    covariance: Doubles


def svfid(
    source: NDArray[Any],
    output: NDArray[Any],
    *,
    weights: StrPath | None = None,
    device: str = "auto",
) -> Estimate:
    """Single video Frechet distance: how different two videos are to a network for actions.

    Parameters
    ----------
    source, output : array
        (t, y, x, c) of any sizes with more than 128 positions, of one frame and 2x2 pixels each,
        and with the same number of channels. Three channels are RGB. Four are RGB and alpha, and
        are blended with white. Any others are replaced by their mean.
    weights : str or path-like, optional
        Weights of C3D: a ``.pth`` file from MMAction, an ``.npz`` file from Chainer, or
        "c3d_sports1m", which `fetch_weights` puts into the user's cache. By default the weights
        that the environment variable PATCHVID_C3D names, otherwise "c3d_sports1m".
    device : {"auto", "cpu", "cuda"}
        Where to run C3D.

    Returns
    -------
    Estimate
        0 or more, in units of the squared features. Lower is better, and a copy has 0. All
        positions are used, so there is no sampling error. Small videos have larger distances than
        long ones of the same kind.

    Raises
    ------
    InvalidInput
        If the videos cannot be compared or are too small, or the file holds no weights of C3D.
    WeightsError
        If published weights are not in the cache, see `fetch_weights`.
    DeviceError
        If the device cannot be used.

    Notes
    -----
    This is the squared Frechet distance between two normal distributions with the means and the
    unbiased covariances of C3D's [1]_ features in the two videos [2]_.

    **It is not comparable with published numbers**, nor with those from other weights: the layer
    and the scale of those numbers were not published. Here the features are those of the second
    convolution after its rectifier and before its pooling, as in the measure for images [3]_ that
    this one extends: 128 numbers per position, each of which sees 5 frames of 8x8 pixels. Videos
    keep their size. Their 8-bit values are reduced by the mean colour of the weights' training, and
    their channels are put into the order that the weights expect. The time is proportional to the
    number of voxels: 1 s for 13x144x256 on two cores.

    References
    ----------
    .. [1] D. Tran et al., "Learning Spatiotemporal Features with 3D Convolutional Networks", ICCV
       2015.
    .. [2] S. Gur et al., "Hierarchical Patch VAE-GAN", NeurIPS 2020.
    .. [3] T. R. Shaham et al., "SinGAN", ICCV 2019.

    Examples
    --------
    >>> from patchvid import sample_clip
    >>> clip = sample_clip()
    >>> svfid(clip, clip).value < svfid(clip, clip[:, ::-1]).value  # doctest: +SKIP
    True
    """
    source, output, _ = check_pair(source, output, (1, 1, 1))
    features = read_c3d(find_c3d(weights), device)
    return Estimate(frechet_distance(summarize(source, features), summarize(output, features)))


def find_c3d(weights: StrPath | None) -> Path:
    """Find the file of C3D's weights, with the errors of `find_weights`."""
    return find_weights(weights, names=_NAMES, variable=_VARIABLE)


def read_c3d(file: Path, device: str) -> Features:
    """Read the network as a function from frames (t, y, x, 3) in 0..255 to maps of features.

    Raises
    ------
    InvalidInput
        If the file holds no weights of C3D.
    DeviceError
        If the device cannot be used.
    """
    session = open_session(build_c3d(read_tensors(file)).SerializeToString(), device)

    def features(frames: NDArray[Any]) -> NDArray[np.float32]:
        try:
            return session.run(None, {"clip": frames.astype(np.float32)})[0]
        except Exception as error:  # onnxruntime's own errors have no common base
            raise_if_out_of_memory(error)
            raise InvalidInput(
                f"cannot run {str(file)!r} as C3D: {reason(error)}; give other weights"
            ) from error

    return features


def summarize(video: NDArray[Any], features: Features) -> Statistics:
    """Statistics of the features at all positions of a video.

    Parameters
    ----------
    video : array
        (t, y, x, c), uint8, or float32 in 0..255.
    features : callable
        The function from `read_c3d`.

    Raises
    ------
    InvalidInput
        If the video has no more positions than a feature has numbers.
    """
    video = to_rgb(backend_of(video).to_host(video))  # the network takes arrays on the host
    n_frames, height, width, _ = video.shape
    n_rows, n_columns = height // STRIDE, width // STRIDE
    rows = max(1, BLOCK // (n_frames * width * STRIDE))
    total = None
    for first in range(0, n_rows if n_columns else 0, rows):
        stop = min(first + rows, n_rows)
        # The network pads its input with zeros, but only the whole video should be padded.
        above = max(0, first * STRIDE - REACH)
        block = features(video[:, above : stop * STRIDE + REACH])
        start = first - above // STRIDE
        block = block[:, :, start : start + stop - first].reshape(len(block), -1)
        some = _of_columns(block)
        total = some if total is None else _join(total, some)
    if total is None or total.number <= len(total.mean):
        raise InvalidInput(
            f"a video of {n_frames}x{height}x{width} is too small for SVFID, which needs more than "
            f"128 positions of 2x2 pixels, got {n_frames * n_rows * n_columns}; use a larger one"
        )
    return total


def _of_columns(features: NDArray[np.float32]) -> Statistics:
    """Statistics of the columns; the covariance of a single one is 0."""
    values = features.astype(np.float64)
    mean = values.mean(axis=1)
    values -= mean[:, None]
    with unforked():
        products = values @ values.T
    return Statistics(values.shape[1], mean, products / max(values.shape[1] - 1, 1))


def _join(a: Statistics, b: Statistics) -> Statistics:
    """Statistics of both together [T. F. Chan et al., "Updating formulae", 1979]."""
    number = a.number + b.number
    apart = b.mean - a.mean
    scatter = (a.number - 1) * a.covariance + (b.number - 1) * b.covariance
    scatter += np.outer(apart, apart) * (a.number * b.number / number)
    return Statistics(number, a.mean + apart * (b.number / number), scatter / (number - 1))


def frechet_distance(a: Statistics, b: Statistics) -> float:
    """Squared Frechet distance of the normal distributions with these means and covariances.

    It needs the trace of the root of the product of both covariances. That is the sum of the
    singular values of the product of their symmetric roots. The root of the product itself, which
    is not symmetric, may be complex, and is inexact if the covariances are nearly singular.
    """
    with unforked():
        product = _root(a.covariance) @ _root(b.covariance)
        common = scipy.linalg.svdvals(product).sum()
    spread = np.trace(a.covariance) + np.trace(b.covariance) - 2 * common
    return max(0.0, float(((a.mean - b.mean) ** 2).sum() + spread))  # rounding can make it negative


def _root(covariance: Doubles) -> Doubles:
    """The symmetric root; eigenvalues below 0 come from rounding."""
    values, vectors = scipy.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
