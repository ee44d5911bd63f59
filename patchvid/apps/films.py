"""Films longer than memory: generation and retargeting, stretch by stretch.

The coarsest query of a stretch is a layout that goes on from the one before, or a part of the clip,
stretched; key and value are the clip. Frames are yielded as soon as they are final.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Literal

from numpy.typing import NDArray

from patchvid._device import backend, on_device
from patchvid._progress import Progress, reporting
from patchvid._validation import (
    Seed,
    Triple,
    check_integer,
    check_integers,
    check_number,
    check_numbers,
    check_seed,
    check_video,
    like_input,
)
from patchvid.apps import retargeting
from patchvid.apps._setup import Clip, check_output_size, check_settings
from patchvid.apps.generation import ALPHA, COMPLETE_LEVELS, NOVELTY, check_or_auto
from patchvid.core.layouts import FilmLayouts
from patchvid.core.plan import Plan, plan_synthesis
from patchvid.core.retarget_steps import FilmQueries
from patchvid.core.stretches import Start, synthesize_film
from patchvid.errors import InvalidInput

SHORTEST = 24  # frames of a stretch; shorter ones would mostly make their ends again


@on_device("video")
def generate_long(
    video: NDArray[Any],
    *,
    length: int,
    seed: Seed = None,
    scale: Sequence[float] = (1, 1),
    size: Sequence[int] | None = None,
    novelty: float = NOVELTY,
    structure: float | Literal["auto"] = "auto",
    patch: Triple | None = None,
    factor: tuple[float, float] = (0.87, 0.82),
    coarsest: tuple[int, int] = (3, 15),
    iterations: int | None = None,
    reduce: Literal["median", "mean"] = "median",
    alpha: float | None = ALPHA,
    device: str = "auto",
    progress: Progress | bool | None = None,
) -> Iterator[NDArray[Any]]:
    """Generate a film of any length that looks and moves like `video`, frame by frame.

    The scene goes on and changes slowly. Memory does not depend on the length.

    Parameters
    ----------
    video : array
        (t, y, x, c) or (t, y, x), as for `generate`, with at least two frames.
    length : int
        Frames of the film, at least 1.
    seed : int or numpy.random.Generator, optional
        The same seed and length give the same bytes, on every device and with any number of
        threads. None picks one at random.
    scale : tuple of float
        Size of the frames relative to those of `video`, (y, x), rounded up.
    size : tuple of int, optional
        Size of the frames, (y, x), in place of `scale`.
    novelty : float
        As for `generate`, at the beginning of the film.
    structure : float or "auto"
        As for `generate`.
    patch : tuple of int, optional
        As for `generate`.
    factor : tuple of float
        As for `generate`.
    coarsest : tuple of int
        As for `generate`.
    iterations : int, optional
        As for `generate`.
    reduce : {"median", "mean"}
        As for `generate`.
    alpha : float, optional
        As for `generate`.
    device : {"auto", "cpu", "cuda"}
        As for `generate`.
    progress : callable, bool or None
        As for `generate`.

    Returns
    -------
    iterator of array
        Frames (y, x, c) of the dtype and range of `video`; `write_video` takes them as they are.

    Raises
    ------
    InvalidInput
        If a setting is out of range, or the clip or a frame is smaller than a patch.
    DeviceError
        If the device cannot be used, or has too little memory.

    Notes
    -----
    Frames are made in stretches as long as the clip, and at least 24 frames. Memory is about that
    of `generate` for one stretch. Each stretch begins with the last frames of the one before, on
    every level, and coarse levels are ahead of finer ones. So no frame of the film is a seam on
    more than one level. Noise, and so the layout, changes completely in about eight times the
    length of the clip.

    Examples
    --------
    >>> import numpy as np
    >>> clip = np.random.default_rng(0).integers(0, 256, (4, 20, 24, 3), dtype=np.uint8)
    >>> frames = generate_long(clip, length=1000, seed=1)
    >>> next(frames).shape
    (20, 24, 3)
    """
    kernels = backend(device)
    given, video = video, _check_clip(video)
    length, seed = check_integer("length", length, 1), check_seed(seed)
    novelty = check_number("novelty", novelty, 0, 1)
    structure = check_or_auto("structure", structure, 1)
    stretch = _stretch_size(video, scale, size)
    settings = check_settings(
        video, patch=patch, iterations=iterations, reduce=reduce, alpha=alpha, size=stretch,
        factor=factor, coarsest=coarsest, complete_levels=COMPLETE_LEVELS, explores=False,
    )  # fmt: skip
    clip = Clip.of(video)
    plan = plan_synthesis(kernels, clip.compressed(clip.value), stretch, settings)

    layouts = partial(FilmLayouts, plan, novelty, structure, seed)
    return _frames(clip, given, plan, length, lambda: layouts().start, seed, progress)


@on_device("video")
def retarget_long(
    video: NDArray[Any],
    *,
    length: int,
    seed: Seed = None,
    scale: Sequence[float] = (1, 1),
    size: Sequence[int] | None = None,
    patch: Triple | None = None,
    factor: tuple[float, float] = (0.87, 0.82),
    coarsest: tuple[int, int] | None = None,
    iterations: int | None = None,
    reduce: Literal["median", "mean"] = "median",
    alpha: float | None = retargeting.ALPHA,
    device: str = "auto",
    progress: Progress | bool | None = None,
) -> Iterator[NDArray[Any]]:
    """Make `video` longer, as long as you like, and yield it frame by frame.

    As with `retarget`, objects keep their shape, and the film shows more of the same. Its events
    come in the order of the clip's.

    Parameters
    ----------
    video : array
        (t, y, x, c) or (t, y, x), as for `generate`, with at least two frames.
    length : int
        Frames of the film, at least as many as `video` has.
    seed : int or numpy.random.Generator, optional
        As for `generate_long`.
    scale : tuple of float
        Size of the frames relative to those of `video`, (y, x), rounded up; 0.4 to 3.
    size : tuple of int, optional
        Size of the frames, (y, x), in place of `scale`.
    patch : tuple of int, optional
        As for `generate`.
    factor : tuple of float
        As for `generate`.
    coarsest : tuple of int, optional
        As for `retarget`.
    iterations : int, optional
        As for `generate`.
    reduce : {"median", "mean"}
        As for `generate`.
    alpha : float, optional
        As for `retarget`, in each stretch.
    device : {"auto", "cpu", "cuda"}
        As for `generate`.
    progress : callable, bool or None
        As for `generate`.

    Returns
    -------
    iterator of array
        Frames (y, x, c) of the dtype and range of `video`; `write_video` takes them as they are.

    Raises
    ------
    InvalidInput
        If a setting is out of range, or the clip or a frame is smaller than a patch.
    DeviceError
        If the device cannot be used, or has too little memory.

    Notes
    -----
    The coarsest level of the whole film is made before the first frame. All finer levels are made
    in stretches, as for `generate_long`. So memory hardly grows with the length.

    Examples
    --------
    >>> import numpy as np
    >>> clip = np.random.default_rng(0).integers(0, 256, (4, 20, 24, 3), dtype=np.uint8)
    >>> frames = retarget_long(clip, length=40, seed=1)
    >>> next(frames).shape
    (20, 24, 3)
    """
    kernels = backend(device)
    given, video = video, _check_clip(video)
    length, seed = check_integer("length", length, len(video)), check_seed(seed)
    stretch = _stretch_size(video, scale, size)
    retargeting.check_new_size(video.shape[:3], (len(video), *stretch[1:]), None)
    settings = retargeting.retarget_settings(
        video, stretch, patch=patch, iterations=iterations, reduce=reduce, alpha=alpha,
        factor=factor, coarsest=coarsest,
    )  # fmt: skip
    clip = Clip.of(video)
    plan = plan_synthesis(kernels, clip.compressed(clip.value), stretch, settings)
    queries = partial(FilmQueries, plan, length, seed)
    return _frames(clip, given, plan, length, lambda: queries().start, seed, progress)


def _check_clip(video: Any) -> NDArray[Any]:
    checked = check_video("video", video)
    if len(checked) == 1:
        raise InvalidInput("a single frame makes no film; give a clip of at least two frames")
    return checked


def _stretch_size(video: NDArray[Any], scale: Sequence[float], size: Any) -> Triple:
    """The size (t, y, x) of a stretch whose frames have a size or scale (y, x)."""
    n_frames, factors = max(len(video), SHORTEST), check_numbers("scale", scale, 2)
    if size is not None:
        return check_output_size(
            video.shape, (1, *factors), (n_frames, *check_integers("size", size, 2))
        )
    _, height, width = check_output_size(video.shape, (1, *factors), None)
    return n_frames, height, width


def _frames(
    clip: Clip,
    given: Any,
    plan: Plan,
    length: int,
    begin: Callable[[], Start],
    seed: int,
    progress: Progress | bool | None,
) -> Iterator[NDArray[Any]]:
    """Yield the frames of a film, each as soon as it is final."""
    n_left = length
    with reporting(progress, "film") as report:
        for made, new in synthesize_film(plan, length, begin(), seed=seed, progress=report):
            frames = like_input(clip.finish(plan, made).output[new], given)[:n_left]
            del made  # its field, while the frames are written
            n_left -= len(frames)
            yield from frames
            del frames  # their memory, for the next stretch
