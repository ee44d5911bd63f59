"""Reading and writing of clips: video files, pictures, folders of frames, arrays.

Files give 8-bit RGB; saved arrays stay as they are. A file that is written appears only when it is
complete.
"""

import operator
import os
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
from numpy.typing import ArrayLike, NDArray

from patchvid._device import backend_of
from patchvid._paths import StrPath, quoted, reason
from patchvid._validation import as_array, check_video, with_channels
from patchvid.errors import InvalidInput, PatchvidError, VideoError
from patchvid.io._files import (
    cannot_write,
    check_target_is_free,
    complete_or_nothing,
    naming_failures,
)
from patchvid.io.ffmpeg import CODECS, read_film, write_film
from patchvid.io.pictures import PICTURES, read_picture
from patchvid.io.sequences import ARRAYS, read_array, read_folder, write_array, write_folder

DEFAULT_FPS = 24.0

_MIN_FPS, _MAX_FPS = 0.01, 1000
_FILE_TYPES = ("uint8", "uint16", "float16", "float32", "float64")

# What decoders raise on damaged data. Anything else, such as a TypeError, is a bug, and must not be
# reported as a damaged file.
_DAMAGE = (
    *(av.FFmpegError, OSError, EOFError, ValueError, LookupError, ArithmeticError, SyntaxError),
    *(struct.error, zlib.error),
)


def read_video(
    path: StrPath, *, frames: tuple[int, int | None] = (0, None)
) -> tuple[NDArray[Any], float | None]:
    """Read a clip.

    Parameters
    ----------
    path : str or path
        A video file (mp4, mov, mkv, webm, avi and all else that FFmpeg opens), an animated or still
        picture (gif, png, webp, jpg, bmp, tif, avif), a folder of still pictures of one size, read
        in the natural order of their names, or an array: ``.npy``, or ``.npz`` with an array named
        ``video`` or a single array, of shape (t, y, x) or (t, y, x, c).
    frames : tuple of int
        The first frame to read and the one to stop before, counted from 0; None is the end. Later
        frames are not decoded.

    Returns
    -------
    video : array
        (t, y, x, c). A still picture has t = 1. Files give uint8 RGB: grey becomes RGB, 16-bit
        pixels are reduced to 8 bits, a fourth channel holds alpha if some pixel is not opaque, and
        the display rotation of phones is applied. Saved arrays keep their values, channels (grey
        has one) and type: uint8, uint16 or float.
    fps : float or None
        Mean number of frames per second, or None where the source has no rate between 0.01 and
        1000.

    Raises
    ------
    VideoError
        If there is no clip at `path`, or it is damaged or cut short.
    InvalidInput
        If `frames` is no range of the clip, or a saved array is no video by its shape, type or
        values.

    Notes
    -----
    A ``.webp`` stores equal neighbouring frames as one longer frame. They are separate again when
    read, as the durations tell. Only a clip whose frames are all repeated equally often is read
    with each of them once.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
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
            warnings.simplefilter("ignore")  # Pillow's warnings on odd files do not help a user
            video, fps = _reader(source)(source, first, last)
    except PatchvidError:
        raise
    except FileNotFoundError as error:
        raise VideoError(f"there is no {quoted(source)}; check the name") from error
    except _DAMAGE as error:
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
    if suffix in ARRAYS:
        return read_array
    return read_picture if suffix in PICTURES else read_film


def write_video(
    path: StrPath, video: ArrayLike, *, fps: float | None = None, overwrite: bool = False
) -> None:
    """Write a clip; `path` appears only when it is complete.

    The same video gives the same bytes, whatever the number of cores.

    Parameters
    ----------
    path : str or path
        The suffix chooses the format. ``.mp4``, ``.mov`` and ``.mkv`` are H.264 and ``.webm`` is
        VP9, visually lossless, with BT.709 colours; H.264 stores odd sizes without chroma
        subsampling, which not every player shows. ``.gif`` has 256 colours per frame and at most
        50 frames per second. ``.png`` and ``.webp`` are lossless animations; a ``.webp`` stores
        equal neighbouring frames as one longer frame, see `read_video`. No suffix, or a slash at
        the end, makes a folder of PNG frames, lossless too. ``.npy`` and ``.npz`` (one array named
        ``video``) keep the array as it is.
    video : array
        (t, y, x, c) on the host or on a GPU, with 1 (grey), 3 (RGB) or 4 (RGB and alpha) channels;
        saved arrays may have any number. Files hold 8 bits: uint8 as it is, uint16 divided by 257,
        floats in [0, 1] times 255, clipped. Folders, ``.png`` and ``.webp`` keep alpha; other
        formats blend it with white.
    fps : float, optional
        Frames per second, from 0.01 to 1000; by default 24. Folders and arrays do not hold it.
    overwrite : bool
        Replace an existing file. A folder is replaced only if it holds nothing but numbered PNGs.

    Raises
    ------
    TargetExists
        If something is at `path` that `overwrite` would replace.
    VideoError
        If `path` cannot be written; nothing is left behind.
    InvalidInput
        If `video` or `fps` is not as described.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> folder = tempfile.TemporaryDirectory()
    >>> write_video(f"{folder.name}/noise.mp4", np.random.rand(8, 32, 48, 3), fps=10)
    >>> video, fps = read_video(f"{folder.name}/noise.mp4")
    >>> video.shape, fps
    ((8, 32, 48, 3), 10.0)
    """
    check_target(path, overwrite=overwrite)
    suffix = _suffix(path)
    kernels = backend_of(video)
    video = with_channels("video", kernels.to_host(kernels.to_device(as_array(video))))
    check_video("video", video)
    fps = DEFAULT_FPS if fps is None else fps
    if suffix not in ARRAYS and video.shape[3] not in (1, 3, 4):
        raise InvalidInput(
            f"video must have 1, 3 or 4 channels, got {video.shape[3]}; write to .npz instead"
        )
    if suffix not in ARRAYS and video.dtype.name not in _FILE_TYPES:
        raise InvalidInput(
            f"video must hold uint8, uint16 or floats, got {video.dtype}; convert it, or write to "
            ".npz instead"
        )
    if not _MIN_FPS <= fps <= _MAX_FPS:
        raise InvalidInput(f"fps must be between {_MIN_FPS} and {_MAX_FPS}, got {fps}")
    target = Path(os.path.abspath(path))
    with naming_failures(path), complete_or_nothing(target, folder=not suffix) as part:
        if suffix in ARRAYS:
            write_array(part, video)
        elif suffix:
            write_film(part, video, suffix, fps)
        else:
            write_folder(part, video)


def check_target(path: StrPath, *, overwrite: bool = False) -> None:
    """Raise an error unless `write_video` can write to `path`, before the work is done in vain.

    Parameters
    ----------
    path : str or path
        As for `write_video`.
    overwrite : bool
        As for `write_video`.

    Raises
    ------
    TargetExists
        If something is at `path` that `overwrite` would replace.
    VideoError
        If `path` cannot be written for another reason.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> check_target(f"{folder.name}/new.mp4")  # it can be written
    """
    suffix = _suffix(path)
    if suffix and suffix not in CODECS and suffix not in ARRAYS:
        known = ", ".join([*CODECS, *ARRAYS])
        raise cannot_write(path, f"suffix must be {known} or none (a folder), got {suffix!r}")
    check_target_is_free(path, overwrite=overwrite, folder=not suffix)


def _suffix(path: StrPath) -> str:
    """The suffix that chooses the format, in lower case; empty for a folder of frames."""
    text = os.fspath(path)
    return "" if text.endswith(("/", os.sep)) else Path(text).suffix.lower()
