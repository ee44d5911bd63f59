"""Writing of clips: video files, pictures, folders of frames, arrays.

A file appears only when it is complete.
"""

import os
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from patchvid._paths import StrPath, as_path
from patchvid._srgb import to_srgb
from patchvid._validation import as_array, check_number, shown
from patchvid.errors import InvalidInput
from patchvid.io._files import (
    NUMBERED,
    cannot_write,
    check_target_is_free,
    complete_or_nothing,
    naming_failures,
)
from patchvid.io._frames import first_frames
from patchvid.io.codecs import FORMATS, check_codec, states_colors
from patchvid.io.deep_pictures import write_tiff
from patchvid.io.encoder import encode_film
from patchvid.io.encoding import choose_encoding, warn_of_aspect, without_tags
from patchvid.io.exr import check_openexr
from patchvid.io.gif import clear_between_frames
from patchvid.io.info import DEFAULT_FPS, VideoInfo
from patchvid.io.opening import MAX_FPS, MIN_FPS
from patchvid.io.sequences import ARRAYS, write_array, write_folder
from patchvid.io.sound import find_sound
from patchvid.io.stills import STILLS, shown_light, still_frames, write_still

_NUMBER = re.compile(r"%0?\d*d")
_LINEAR = (*ARRAYS, ".exr", ".tif", ".tiff")  # formats that hold linear light

_FILE_TYPES = ("uint8", "uint16", "float16", "float32", "float64")


def write_video(
    path: StrPath,
    video: ArrayLike | Iterator[ArrayLike],
    *,
    fps: float | None = None,
    codec: str | None = None,
    quality: int | None = None,
    depth: int | None = None,
    audio: StrPath | None = None,
    audio_range: tuple[float, float | None] = (0, None),
    info: VideoInfo | None = None,
    order: Sequence[int] | None = None,
    overwrite: bool = False,
) -> None:
    """Write a clip; `path` appears only when it is complete.

    The same video gives the same bytes, whatever the number of cores.

    Parameters
    ----------
    path : str or path
        The suffix chooses the format. ``.mp4``, ``.mov``, ``.mkv`` and ``.webm`` are video files,
        visually lossless, see `codec`. ``.gif`` has 256 colours per frame and at most 50 frames
        per second; pixels less than half opaque are transparent. ``.png`` and ``.webp`` are
        lossless animations; a ``.webp`` stores equal neighbouring frames as one longer frame, see
        `read_video`. ``.tif`` holds all frames as pages, and ``.exr`` one frame of linear light.
        No suffix, or a slash at the end, makes a folder of lossless PNG frames; a name such as
        ``frames/%05d.exr`` makes the folder ``frames`` of OpenEXR, TIFF or PNG pictures. ``.npy``
        and ``.npz`` (one array named ``video``) keep the array as it is.
    video : array or iterator of array
        (t, y, x, c) on the host or on a GPU, with 1 (grey), 3 (RGB) or 4 (RGB and alpha) channels;
        saved arrays may have any number. An iterator yields frames (y, x, c), such as those of
        `iter_video` and `generate_long`. Each is written at once; ``.npy`` and ``.npz`` need
        all of them in memory. Integers span their type, uint8 or uint16, and floats
        span [0, 1]. Floats beyond that are clipped, except in TIFF and OpenEXR.
        PNG and TIFF hold the 16 bits of uint16. Where a file holds fewer bits or no alpha, a
        warning says so. Colours are blended with white where alpha is not kept.
    fps : float, optional
        Frames per second, from 0.01 to 1000; by default 24. Folders and arrays do not hold it.
    codec : {"h264", "h265", "prores", "vp9", "av1", "ffv1"}, optional
        The codec of a video file. By default it is the first of its format that holds the depth
        and the alpha of `video`: H.264, then H.265 and AV1 in ``.mp4``; H.264, ProRes and
        H.265 in ``.mov``; VP9 and AV1 in ``.webm``; any in ``.mkv``. H.264 and H.265 store odd
        sizes without chroma subsampling, which some players do not show. FFV1 is lossless. VP9,
        ProRes (4444, otherwise 422 HQ) and FFV1 keep alpha.
    quality : int, optional
        How much detail H.264, H.265, VP9 and AV1 keep, from 1 to 100. By default it is 84, without
        a visible loss; films on the web have about 50.
    depth : {8, 10, 12, 16}, optional
        Bits per channel of a video file, by default 10 for uint16 and otherwise 8. H.264 and VP9
        hold 8; AV1 10; ProRes always 10; H.265 up to 12; FFV1 8 or 16.
    audio : str or path, optional
        A clip whose sound is copied to the video file, without being encoded again.
    audio_range : tuple of float
        The part of the sound to copy: start and stop in seconds, counted from the first frame of
        the clip `audio`; None is the end.
    info : VideoInfo, optional
        The properties of the clip that the video was made from, see `video_info`. Its pixel aspect
        ratio is written, and, if it has high dynamic range or a wide gamut, its colour primaries
        and transfer curve. Pictures cannot state these: wide gamuts are converted to sRGB, and a
        warning tells of high dynamic range. Without `info`, pixels are square, and colours are
        BT.709.
    order : sequence of int, optional
        Numbers of the frames of `video` in the order to write them, for a clip that repeats some.
        By default each is written once.
    overwrite : bool
        Replace an existing file. A folder is replaced only if it holds nothing but numbered
        pictures.

    Raises
    ------
    TargetExists
        If something is at `path` that `overwrite` would replace.
    VideoError
        If `path` cannot be written or `audio` cannot be read. No partial file remains.
    InvalidInput
        If an argument is not as described, or the format does not support it.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from patchvid import read_video
    >>> folder = tempfile.TemporaryDirectory()
    >>> write_video(f"{folder.name}/noise.mp4", np.random.rand(8, 32, 48, 3), fps=10)
    >>> video, fps = read_video(f"{folder.name}/noise.mp4")
    >>> video.shape, fps
    ((8, 32, 48, 3), 10.0)
    """
    check_target(path, overwrite=overwrite, codec=codec, quality=quality, depth=depth)
    if info is not None and not isinstance(info, VideoInfo):
        raise InvalidInput(f"info must come from video_info, got {shown(info)}")
    suffix, pattern = _suffix(path), numbered_name(path)
    is_lazy = isinstance(video, Iterator)
    sample, rest = first_frames(video)
    if order is not None and is_lazy:
        raise InvalidInput("order needs an array of frames, got an iterator; leave order out")
    order = range(len(sample)) if order is None else _check_order(order, len(sample))
    fps = DEFAULT_FPS if fps is None else fps
    if suffix not in ARRAYS and sample.shape[3] not in (1, 3, 4):
        raise InvalidInput(
            f"video must have 1, 3 or 4 channels, got {sample.shape[3]}; write to .npz instead"
        )
    if suffix not in ARRAYS and sample.dtype.name not in _FILE_TYPES:
        raise InvalidInput(
            f"video must hold uint8, uint16 or floats, got {sample.dtype}; convert it, or write to "
            ".npz instead"
        )
    check_number("fps", fps, MIN_FPS, MAX_FPS)
    check_length(path, len(order))
    is_linear = info is not None and info.color.transfer == "linear"
    if is_linear and (suffix or _folder_suffix(info)) not in _LINEAR:
        sample, rest = shown_light(path, sample), map(to_srgb, rest)
    elif info is not None and suffix not in ARRAYS and not states_colors(suffix):
        convert = without_tags(path, info.color)
        sample, rest = convert(sample), (convert(frame[None])[0] for frame in rest)
    target = Path(os.path.abspath(path if pattern is None else Path(path).parent))
    is_folder = not suffix or pattern is not None
    sound = None if audio is None else find_sound(path, audio, audio_range)
    frames = chain((sample[number] for number in order), rest)
    kind = Path(pattern).suffix if pattern is not None else suffix or _folder_suffix(info)
    with naming_failures(path), complete_or_nothing(target, folder=is_folder) as part:
        if suffix in ARRAYS:
            is_whole = isinstance(order, range) and not is_lazy
            write_array(part, sample if is_whole else np.stack([*frames]))
        elif pattern is not None:
            write_folder(part, still_frames(frames, sample, kind), pattern)
        elif suffix in (".tif", ".tiff"):
            write_tiff(part, still_frames(frames, sample, kind))
        elif suffix == ".exr":
            write_still(part, next(still_frames(frames, sample, kind)))
        elif suffix:
            alpha = sample.shape[3] == 4 if is_lazy else None
            how = choose_encoding(
                path, sample, alpha=alpha, codec=codec, quality=quality, depth=depth, info=info
            )
            encode_film(f"file:{part}", frames, how, fps, sound=sound)
            if suffix == ".gif" and how.has_alpha:
                clear_between_frames(part)
        else:
            if info is not None and info.pixel_aspect != 1:
                warn_of_aspect(path, info.pixel_aspect)
            write_folder(part, still_frames(frames, sample, kind), f"%05d{kind}")


def _check_order(order: Any, n_frames: int) -> Sequence[int]:
    """Check the numbers of the frames to write."""
    numbers = as_array(order)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or not numbers.size:
        raise InvalidInput(f"order must be a sequence of whole numbers, got {shown(order)}")
    if numbers.min() < 0 or numbers.max() >= n_frames:
        raise InvalidInput(
            f"order must hold numbers of frames, 0 to {n_frames - 1}, got {numbers.min()} to "
            f"{numbers.max()}"
        )
    checked: list[int] = numbers.tolist()
    return checked


def check_target(
    path: StrPath,
    *,
    overwrite: bool = False,
    codec: str | None = None,
    quality: int | None = None,
    depth: int | None = None,
) -> None:
    """Raise an error unless `write_video` can write to `path`; call it before long work.

    Parameters
    ----------
    path : str or path
        As for `write_video`.
    overwrite : bool
        As for `write_video`.
    codec : str, optional
        As for `write_video`.
    quality : int, optional
        As for `write_video`.
    depth : int, optional
        As for `write_video`.

    Raises
    ------
    TargetExists
        If something is at `path` that `overwrite` would replace.
    VideoError
        If `path` cannot be written for another reason.
    InvalidInput
        If the format does not have this codec, quality or depth.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> check_target(f"{folder.name}/new.mp4")  # it can be written
    """
    suffix, pattern = _suffix(path), numbered_name(path)
    if suffix and suffix not in (*FORMATS, *ARRAYS, *STILLS):
        known = ", ".join(dict.fromkeys([*FORMATS, *STILLS, *ARRAYS]))
        raise cannot_write(path, f"suffix must be {known} or none (a folder), got {suffix!r}")
    check_codec(suffix, codec, quality, depth)
    if suffix == ".exr":
        check_openexr(path)
    if pattern is not None:
        before, after = _NUMBER.split(pattern)
        names = rf"{re.escape(before)}\d+{re.escape(after)}"
        check_target_is_free(Path(path).parent, overwrite=overwrite, folder=names)
    else:
        check_target_is_free(path, overwrite=overwrite, folder=None if suffix else NUMBERED)


def check_length(path: StrPath, n_frames: int) -> None:
    """Raise an error unless a file can hold `n_frames` frames.

    Raises
    ------
    InvalidInput
        If it holds fewer.
    """
    if _suffix(path) == ".exr" and numbered_name(path) is None and n_frames > 1:
        raise InvalidInput(
            f"an .exr file holds one frame, got {n_frames}; give a name such as 'frames/%05d.exr' "
            "for a folder of them"
        )


def numbered_name(path: StrPath) -> str | None:
    """The name in a path if it is a pattern for numbered pictures, such as ``%05d.exr``."""
    name = Path(path).name
    return name if len(_NUMBER.findall(name)) == 1 and _suffix(path) in STILLS else None


def _folder_suffix(info: VideoInfo | None) -> str:
    """The suffix of pictures in a folder: PNG, or or the clip's own if PNG cannot hold them."""
    is_deep = info is not None and info.container == "folder" and info.dtype != "uint8"
    kind = info.codec if info is not None and is_deep else None
    return {"exr": ".exr", **dict.fromkeys(("tiff", "pfm", "hdr"), ".tif")}.get(kind or "", ".png")


def _suffix(path: StrPath) -> str:
    """The suffix that chooses the format, in lower case; empty for a folder of frames."""
    as_path(path)
    text = os.fsdecode(path)
    return "" if text.endswith(("/", os.sep)) else Path(text).suffix.lower()
