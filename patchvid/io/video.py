"""Clips in and out: video files, animated and still pictures, folders of frames, arrays.

Whatever a file holds becomes 8-bit RGB; saved arrays stay as they are. What is written appears
only when it is complete.
"""

import operator
import os
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patchvid.errors import InvalidInput, PatchvidError, VideoError
from patchvid.io._files import complete_or_nothing, load_array, obstacle, reason, unwritable
from patchvid.io.ffmpeg import (
    CODECS,
    DAMAGE,
    PICTURES,
    StrPath,
    quoted,
    read_film,
    read_folder,
    read_picture,
    write_film,
    write_folder,
)

DEFAULT_FPS = 24.0

_MIN_FPS, _MAX_FPS = 0.01, 1000
_ARRAYS = (".npy", ".npz")


def read_video(
    path: StrPath, *, frames: tuple[int, int | None] = (0, None)
) -> tuple[NDArray[Any], float | None]:
    """Read a clip.

    Parameters
    ----------
    path
        A video file (mp4, mov, mkv, webm, avi and whatever FFmpeg opens), an animated or still
        picture (gif, png, webp, jpg, bmp, tif, avif), a folder of still pictures, taken in the
        natural order of their names and all of one size, or an array: ``.npy``, or ``.npz`` with
        an array named ``video`` or one array only, of shape (t, y, x) or (t, y, x, c).
    frames
        The first frame to read and the one to stop before, counted from 0. Nothing after it is
        decoded.

    Returns
    -------
    video : array of shape (t, y, x, c)
        A still picture has t = 1. Files give uint8 RGB: grey becomes RGB, 16-bit pixels are
        reduced to 8 bits, a fourth channel holds alpha if some pixel is not opaque, and the
        display rotation of phones is applied. Saved arrays keep their values, their channels
        (grey has one) and their type: uint8, uint16 or float.
    fps : float or None
        Frames per second, averaged over the clip, or None where the source has no rate that makes
        sense (0.01 to 1000).

    Raises
    ------
    VideoError
        If there is no clip at `path`, or it is damaged or cut short.
    InvalidInput
        If `frames` is no range of the clip, or a saved array is no video by its shape, type or
        values.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> np.save(f"{folder.name}/noise.npy", np.random.rand(8, 32, 48, 3))
    >>> video, fps = read_video(f"{folder.name}/noise.npy", frames=(0, 5))
    >>> video.shape, fps
    ((5, 32, 48, 3), None)
    """
    try:
        first, last = (None if end is None else operator.index(end) for end in frames)
    except (TypeError, ValueError):
        first = last = None
    if first is None or first < 0 or (last is not None and last <= first):
        raise InvalidInput(
            f"frames must be whole numbers (first, last) with 0 <= first < last, got {frames!r}"
        )
    source = Path(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd files are no news to a user
            video, fps = _reader(source)(source, first, last)
    except PatchvidError:
        raise
    except FileNotFoundError as error:
        raise VideoError(f"there is no {quoted(source)}; check the name") from error
    except DAMAGE as error:
        raise VideoError(
            f"cannot read {quoted(source)}: {reason(error)}; it may be damaged or no video"
        ) from error
    if not len(video):
        raise InvalidInput(f"{quoted(source)} has no frame {first}; they are counted from 0")
    return video, fps if fps is not None and _MIN_FPS <= fps <= _MAX_FPS else None


def _reader(path: Path) -> Callable[[Path, int, int | None], tuple[NDArray[Any], float | None]]:
    suffix = path.suffix.lower()
    if path.is_dir():
        return read_folder
    if suffix in _ARRAYS:
        return _read_array
    return read_picture if suffix in PICTURES else read_film


def _read_array(path: Path, first: int, last: int | None) -> tuple[NDArray[Any], None]:
    video = load_array(path, "video")
    video = video.astype(video.dtype.newbyteorder("="), copy=False)
    video = video[..., None] if video.ndim == 3 else video
    return _checked(video, quoted(path))[first:last], None


def write_video(
    path: StrPath, video: ArrayLike, *, fps: float | None = None, overwrite: bool = False
) -> None:
    """Write a clip; `path` appears only when it is complete.

    The same video gives the same bytes, whatever the number of cores.

    Parameters
    ----------
    path
        The suffix chooses the format. ``.mp4``, ``.mov`` and ``.mkv`` are H.264 and ``.webm`` is
        VP9, visually lossless, with BT.709 colours; H.264 stores odd sizes without chroma
        subsampling, which not every player shows. ``.gif`` has 256 colours a frame and at most
        50 frames a second. ``.png`` and ``.webp`` are lossless animations, but the latter holds
        equal neighbouring frames as one. No suffix, or a slash at the end, makes a folder of PNG
        frames, lossless too. ``.npy`` and ``.npz`` (one array named ``video``) keep the array as
        it is.
    video
        Array of shape (t, y, x, c) with 1 (grey), 3 (RGB) or 4 (RGB and alpha) channels; saved
        arrays may have any number. Files hold 8 bits: uint8 as it is, uint16 divided by 257,
        floats taken to span [0, 1], clipped. Folders, ``.png`` and ``.webp`` keep alpha; it is
        blended with white elsewhere.
    fps
        Frames per second, 24 if not given. Folders and arrays do not hold it.
    overwrite
        Replace what is at `path`. A folder is replaced only if it holds numbered PNGs alone.

    Raises
    ------
    VideoError
        If `path` cannot be written; nothing is left behind.
    InvalidInput
        If `video` or `fps` is not as described.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> write_video(f"{folder.name}/noise.mp4", np.random.rand(8, 32, 48, 3), fps=10)
    >>> video, fps = read_video(f"{folder.name}/noise.mp4")
    >>> video.shape, fps
    ((8, 32, 48, 3), 10.0)
    """
    check_target(path, overwrite=overwrite)
    suffix = _suffix(path)
    video = _checked(np.asarray(video), "video")
    fps = DEFAULT_FPS if fps is None else fps
    if suffix not in _ARRAYS and video.shape[3] not in (1, 3, 4):
        raise InvalidInput(
            f"video must have 1, 3 or 4 channels, got {video.shape[3]}; write to .npz instead"
        )
    if not _MIN_FPS <= fps <= _MAX_FPS:
        raise InvalidInput(f"fps must be between {_MIN_FPS} and {_MAX_FPS}, got {fps}")
    target = Path(os.path.abspath(path))
    with unwritable(path), complete_or_nothing(target) as part:
        if suffix in _ARRAYS:
            _write_array(part, video)
        elif suffix:
            write_film(part, video, suffix, fps)
        else:
            write_folder(part, video)


def check_target(path: StrPath, *, overwrite: bool = False) -> None:
    """Raise VideoError unless `write_video` can write to `path`, so that no work is in vain.

    Parameters
    ----------
    path, overwrite
        As for `write_video`.
    """
    with unwritable(path):
        problem = _problem(Path(path), _suffix(path), overwrite=overwrite)
    if problem:
        raise VideoError(f"cannot write {quoted(path)}: {problem}")


def _problem(target: Path, suffix: str, *, overwrite: bool) -> str | None:
    """What stands against writing to `target`, and the remedy."""
    if suffix and suffix not in CODECS and suffix not in _ARRAYS:
        known = ", ".join([*CODECS, *_ARRAYS])
        return f"suffix must be {known} or none (a folder), got {suffix!r}"
    return obstacle(target, overwrite=overwrite, folder=not suffix)


def _suffix(path: StrPath) -> str:
    """The suffix that chooses the format, in lower case; empty for a folder of frames."""
    text = os.fspath(path)
    return "" if text.endswith(("/", os.sep)) else Path(text).suffix.lower()


def _write_array(part: Path, video: NDArray[Any]) -> None:
    if part.suffix.lower() == ".npy":
        with part.open("wb") as file:
            np.save(file, video, allow_pickle=False)
        return
    # The level of np.savez_compressed takes three times as long for a file a third smaller.
    with (
        zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("video.npy", "w", force_zip64=True) as member,
    ):
        np.lib.format.write_array(member, video, allow_pickle=False)


def _checked(video: NDArray[Any], name: str) -> NDArray[Any]:
    """Return `video` if its shape, type and values are those of a clip."""
    if video.ndim != 4 or 0 in video.shape:
        raise InvalidInput(f"{name} must be of shape (t, y, x, c) without zeros, got {video.shape}")
    is_float = np.issubdtype(video.dtype, np.floating)
    if not is_float and video.dtype not in (np.uint8, np.uint16):
        raise InvalidInput(f"{name} must be uint8, uint16 or float, got {video.dtype}; convert it")
    if is_float and not np.isfinite(video).all():
        raise InvalidInput(f"{name} must be finite, got NaN or infinity; replace those values")
    return video
