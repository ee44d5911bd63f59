"""Optical flow: the motion of each pixel from a frame to the next.

The network RAFT, run by onnxruntime; or, without its weights, the dense inverse search of OpenCV.
"""

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from patchvid._convert import ValueRange, to_rgb
from patchvid._device import backend_of
from patchvid._paths import StrPath, quoted, raise_if_out_of_memory, reason
from patchvid._progress import Progress, reporting
from patchvid._resampling import resize
from patchvid._validation import check_choice, check_integer, check_video
from patchvid.errors import DeviceError, InvalidInput, WeightsError
from patchvid.kernels.threads import parallel_range
from patchvid.motion.classical import classical_flow
from patchvid.networks.checkpoint import read_tensors
from patchvid.networks.onnx_graph import check_ends, is_on_gpu, open_session
from patchvid.networks.raft import LEAST_SIDE, STRIDE, build_raft
from patchvid.networks.weights import find_weights

Flow = NDArray[np.float32]
Estimator = Callable[[NDArray[np.uint8], NDArray[np.uint8]], Flow]

# Names of weights, the default first; and the environment variable for a name or a path.
RAFT_NAMES = ("raft_small", "raft_large")
RAFT_VARIABLE = "PATCHVID_RAFT"

# Both methods miss most of the motion in frames of fewer pixels, so these are enlarged.
_ENOUGH = 192 * 192

# RAFT compares all pairs of features. If that takes more bytes, it works on one pair of frames at a
# time.
_MUCH_MEMORY = 2**28


def optical_flow(
    video: NDArray[Any],
    *,
    method: Literal["auto", "raft", "classical"] = "auto",
    weights: StrPath | None = None,
    iterations: int = 20,
    device: str = "auto",
    progress: Progress | bool | None = None,
) -> Flow:
    """Estimate how every pixel moves from each frame to the next.

    Parameters
    ----------
    video : array
        (t, y, x, c), uint8, uint16 or float, two frames or more. uint8 is used as it is, others
        are scaled by the range of their values. Three channels are RGB, four are RGB and alpha,
        which is blended with white; any others are averaged. Frames from 144x256 to 480x854 suit
        best. Smaller frames are enlarged for the estimate by a whole factor, to 192x192 pixels or
        more, which recovers motion of less than a pixel.
    method : {"auto", "raft", "classical"}
        "raft" is the network RAFT [1]_. "classical" is the dense inverse search [2]_ of OpenCV: it
        takes a twentieth of the time. Its magnitudes correlated with those of RAFT by 0.96 and 0.87
        on films of lava and water, but by 0.57 on a drawing. "auto" is "raft" if its weights are on
        this machine, otherwise "classical", with a warning. `fetch_weights` downloads them.
    weights : str or path, optional
        Weights of RAFT: "raft_small"; "raft_large", which takes three times as long; or a file:
        ``.pth`` or ``.npz`` with the tensors of either, or ``.onnx`` with two inputs (n, 3, y, x)
        of values from 0 to 255. By default the value of the environment variable PATCHVID_RAFT,
        otherwise "raft_small". `fetch_weights` puts these two into the user's cache.
    iterations : int
        Updates of the flow by RAFT, at least 1; an ``.onnx`` file has its own number.
    device : {"auto", "cpu", "cuda"}
        Where to run RAFT; "auto" uses a GPU if onnxruntime has one. Frames are copied to the host
        first.
    progress : callable or bool, optional
        Called as ``progress(fraction, message)``, with the fraction of the work done. None shows a
        bar in a terminal, False shows nothing.

    Returns
    -------
    array of float32
        (t - 1, y, x, 2), on the device of `video`: x to the right, then y downwards, in pixels per
        frame. It is the same with any number of threads.

    Raises
    ------
    InvalidInput
        If `video` is not a video or has one frame, a setting is out of range, or a file holds no
        weights of RAFT.
    WeightsError
        If `method` is "raft" and its weights are not on this machine.
    DeviceError
        If the device cannot be used.

    Notes
    -----
    RAFT compares every 8x8 block with all others. For a pair of frames, its time grows in
    proportion to the pixels, but its memory with their square: 15 MB at 242x432 and 6 GB at
    1080x1920.

    The classical method gives the same bytes on all PCs. The last digits of RAFT's flow depend on
    the processor and on the version of onnxruntime.

    References
    ----------
    .. [1] Z. Teed and J. Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", ECCV
       2020.
    .. [2] T. Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016.

    Examples
    --------
    >>> from patchvid import sample_clip
    >>> picture = sample_clip()[0]
    >>> video = np.stack([picture[:, 3 * i : 160 + 3 * i] for i in range(3)])
    >>> flow = optical_flow(video, method="classical")
    >>> flow.shape
    (2, 128, 160, 2)
    >>> np.median(flow, axis=(0, 1, 2)).round().astype(int)
    array([-3,  0])
    """
    kernels = backend_of(video)
    video = check_video("video", kernels.to_device(video))
    if len(video) < 2:
        raise InvalidInput("video must have two frames or more for a flow between them, got 1")
    check_choice("method", method, "auto", "raft", "classical")
    check_choice("device", device, "auto", "cpu", "cuda")
    iterations = check_integer("iterations", iterations, 1)
    with reporting(progress, "optical flow") as report:
        return _estimate(video, method, weights, iterations, device, report)


def _estimate(
    video: NDArray[Any],
    method: str,
    weights: StrPath | None,
    iterations: int,
    device: str,
    progress: Progress,
) -> Flow:
    kernels = backend_of(video)
    n_frames, height, width, _ = video.shape
    file = None if method == "classical" else _raft_or_none(method, weights)
    if file is None and device == "cuda":
        raise DeviceError("the classical method has no device 'cuda'; use 'cpu' or 'auto'")

    factor = math.ceil(math.sqrt(_ENOUGH / (height * width)))
    frames = to_rgb(ValueRange.of_values(video).quantize(video))
    if factor > 1:
        frames = resize(frames, (n_frames, height * factor, width * factor))
    frames, inside = _padded(kernels.to_host(frames))
    estimate: Estimator = classical_flow
    together = True
    if file is not None:
        n_features = math.prod(frames.shape[1:3]) // STRIDE**2
        together = 4 * 4 / 3 * n_features**2 <= _MUCH_MEMORY
        estimate, on_gpu = _raft(file, iterations, device, together=together)
        together = together and not on_gpu
    flow = _between(frames, estimate, together=together, progress=progress)[inside]
    flow = kernels.to_device(flow)
    return flow if factor == 1 else resize(flow / np.float32(factor), (n_frames - 1, height, width))


def _raft_or_none(method: str, weights: StrPath | None) -> Path | None:
    """The file of weights, or None to use the classical method."""
    try:
        return find_weights(weights, names=RAFT_NAMES, variable=RAFT_VARIABLE)
    except WeightsError as error:
        if method == "raft":
            raise
        warnings.warn(f"{error}; using a classical method instead of RAFT", stacklevel=4)
        return None


def _padded(frames: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], tuple[slice, slice, slice]]:
    """Pad frames with their edges to a size that RAFT takes; also return where they are in it."""
    extra = [max(-size % STRIDE, LEAST_SIDE - size) for size in frames.shape[1:3]]
    top, left = (n // 2 for n in extra)
    pads = [(0, 0), (top, extra[0] - top), (left, extra[1] - left), (0, 0)]
    _, height, width, _ = frames.shape
    inside = np.s_[:, top : top + height, left : left + width]
    return np.pad(frames, pads, mode="edge"), inside


def _between(
    frames: NDArray[np.uint8],
    estimate: Estimator,
    *,
    together: bool,
    progress: Progress,
) -> Flow:
    """Estimate the flow of all pairs of frames, in parallel or one after the other."""
    n_pairs = len(frames) - 1
    flow = np.empty((n_pairs, *frames.shape[1:3], 2), np.float32)
    done, lock = 0, Lock()

    def work(first: int, stop: int) -> None:
        nonlocal done
        for pair in range(first, stop):
            flow[pair] = estimate(frames[pair], frames[pair + 1])
            with lock:
                done += 1
                progress(done / n_pairs, f"optical flow {done}/{n_pairs}")

    parallel_range(work, n_pairs, grain=1 if together else n_pairs)
    return flow


def _raft(file: Path, iterations: int, device: str, *, together: bool) -> tuple[Estimator, bool]:
    """Return RAFT as a function of two frames, and whether it runs on a GPU."""
    if file.suffix.lower() == ".onnx":
        model = file.read_bytes()
    else:
        model = build_raft(read_tensors(file), iterations).SerializeToString()
    threads = 1 if together else 0  # one for each pair, or all for one pair
    try:
        if file.suffix.lower() == ".onnx":
            check_ends(model)
        session = open_session(model, device, threads)
        names = [x.name for x in session.get_inputs() if len(x.shape) == 4]
        if len(names) != 2:
            raise ValueError(f"it must have two inputs (n, 3, y, x), got {len(names)}")
    except DeviceError:
        raise
    except Exception as error:  # onnxruntime's own errors have no common base
        raise_if_out_of_memory(error)
        raise _useless(file, error) from error
    on_gpu = is_on_gpu(session)

    def estimate(*pair: NDArray[np.uint8]) -> Flow:
        images = [x.transpose(2, 0, 1)[None].astype(np.float32, order="C") for x in pair]
        try:
            outputs = session.run(None, dict(zip(names, images, strict=True)))
        except Exception as error:
            raise_if_out_of_memory(error)
            raise _useless(file, error) from error
        size = (1, 2, *images[0].shape[2:])
        fields = [output for output in outputs if output.shape == size]
        if not fields:
            raise _useless(file, ValueError(f"none of its outputs is a flow of shape {size}"))
        if not np.isfinite(fields[-1]).all():
            raise _useless(file, ValueError("its flow is not finite"))
        return fields[-1][0].transpose(1, 2, 0)

    return estimate, on_gpu


def _useless(file: Path, error: Exception) -> InvalidInput:
    return InvalidInput(f"cannot run {quoted(file)} as RAFT: {reason(error)}; give other weights")
