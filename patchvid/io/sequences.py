"""Folders of frames, and arrays in ``.npy`` and ``.npz`` files."""

import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._paths import StrPath, quoted, raise_if_out_of_memory
from patchvid._validation import check_form, check_video, with_channels
from patchvid.errors import VideoError
from patchvid.io.deep_pictures import is_deep
from patchvid.io.file_kinds import PICTURES, check_is_file, kind_of
from patchvid.io.info import VideoInfo
from patchvid.io.pictures import picture_source, read_still, still_size
from patchvid.io.problems import naming_problems
from patchvid.io.source import Frame, Source, Wanted
from patchvid.io.stills import STILLS, write_still
from patchvid.io.timeline import Timeline
from patchvid.kernels.cpu_memory import check_room

ARRAYS = (".npy", ".npz")
_SAME = {".jpeg": ".jpg", ".tiff": ".tif"}
_SUFFIXES = (
    *STILLS, ".apng", ".gif", ".webp", ".avif", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm"
)  # fmt: skip


def folder_source(path: Path) -> Source:
    """Open a folder of pictures of one kind and size; others are left out. It has no rate."""
    words: list[str] = []
    pictures = _of_one_size(path, _of_one_kind(path, words), words)
    with naming_problems(pictures[0]):
        source = picture_source(pictures[0])
    first = source.info
    words += source.words
    depths = {is_deep(picture, kind_of(picture)) for picture in pictures}
    info = replace(
        first, frames=len(pictures), fps=None, variable_rate=False, container="folder",
        codec=first.container, dtype="uint16" if depths == {True, False} else first.dtype,
    )  # fmt: skip

    def decode(wanted: Wanted) -> Iterator[Frame]:
        chosen = range(len(pictures)) if wanted.stored is None else wanted.stored
        for index in chosen:
            with naming_problems(pictures[index]):
                frame = read_still(pictures[index])
            yield frame

    return _timeless(path, info, decode)._replace(words=words)


def _of_one_kind(folder: Path, words: list[str]) -> list[Path]:
    """The pictures of a folder whose names have the most common suffix, in natural order."""
    files = [file for file in folder.iterdir() if file.is_file() and file.name[:1] != "."]
    pictures = [file for file in files if _is_picture(file)]
    if not pictures:
        raise VideoError(f"the folder {quoted(folder)} holds no pictures; put frames into it")
    pictures.sort(key=lambda file: (natural_order(file.name), file.name))
    kinds = [_SAME.get(file.suffix.lower(), file.suffix.lower()) for file in pictures]
    (kind, _), *others = Counter(kinds).most_common()
    if others:
        left_out = [file.name for file, other in zip(pictures, kinds) if other != kind]
        words.append(f"{quoted(folder)}: {_listed(left_out)} left out; most files are {kind}")
    return [file for file, other in zip(pictures, kinds) if other == kind]


def _is_picture(file: Path) -> bool:
    """Whether a file is a picture by its name, even if damaged, or by its content."""
    if file.suffix.lower() in _SUFFIXES:
        return True
    try:
        return kind_of(file) in PICTURES
    except (VideoError, OSError):
        return False


def _of_one_size(folder: Path, pictures: list[Path], words: list[str]) -> list[Path]:
    sizes = []
    for picture in pictures:
        with naming_problems(picture):
            sizes.append(still_size(picture))
    (size, count), *others = Counter(sizes).most_common()
    if not others:
        return pictures
    shown = " and ".join(f"{width}x{height}" for height, width in Counter(sizes))
    if 2 * count <= len(sizes):
        raise VideoError(f"the frames of {quoted(folder)} must have one size, got {shown} pixels")
    left_out = [file.name for file, other in zip(pictures, sizes) if other != size]
    words.append(
        f"{quoted(folder)}: {_listed(left_out)} left out; most frames are {size[1]}x{size[0]}"
    )
    return [file for file, other in zip(pictures, sizes) if other == size]


def _listed(names: list[str]) -> str:
    """The first of some names, with "is" or "are"."""
    shown = ", ".join(map(repr, names[:3]))
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{shown}{more} {'is' if len(names) == 1 else 'are'}"


def write_folder(path: Path, frames: Iterable[NDArray[Any]], pattern: str) -> None:
    """Write `still_frames` to an empty folder; ``%05d.png`` names them 00000.png and so on."""
    for index, frame in enumerate(frames):
        write_still(path / (pattern % index), frame)


def natural_order(name: str) -> list[str | int]:
    """Sort key that puts frame2 before frame10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def array_source(path: Path) -> Source:
    """Open a saved array (t, y, x) or (t, y, x, c). It has no rate."""
    name = quoted(path)
    video = with_channels(name, load_array(path, "video"))
    check_form(name, video)
    n_frames, height, width, channels = video.shape
    dtype = video.dtype.newbyteorder("=")

    def decode(wanted: Wanted) -> Iterator[Frame]:
        for index in range(n_frames) if wanted.stored is None else wanted.stored:
            frame = np.array(video[index], dtype)
            check_video(name, frame[None])
            yield frame

    info = VideoInfo(n_frames, height, width, channels, dtype.name, None, container=kind_of(path))
    return _timeless(path, info, decode)


def _timeless(path: Path, info: VideoInfo, decode: Callable[[Wanted], Iterator[Frame]]) -> Source:
    timeline = Timeline(None, np.arange(info.frames or 0))
    return Source(path, info, timeline, decode, np.empty(0), 0.0, [], [])


def write_array(path: Path, video: NDArray[Any]) -> None:
    """Write an array to ``.npy``, or to ``.npz`` under the name ``video``."""
    if path.suffix.lower() == ".npy":
        with path.open("wb") as file:
            np.save(file, video, allow_pickle=False)
        return
    # The level of np.savez_compressed takes three times as long for a file a third smaller.
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("video.npy", "w", force_zip64=True) as member,
    ):
        np.lib.format.write_array(member, video, allow_pickle=False)


def load_array(path: StrPath, *names: str) -> NDArray[Any]:
    """Load the array in a ``.npy`` file; in a ``.npz`` file, the named one or the only one.

    Parameters
    ----------
    path : str or path
        The file.
    *names : str
        Names to look for in a ``.npz`` file, the first one first.

    Returns
    -------
    array
        As it was saved. A ``.npy`` is memory-mapped: its values are read when they are used.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file does not hold the array.
    """
    check_is_file(Path(path))
    try:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            held = loaded.files
            named = [name for name in names if name in held]
            if named or len(held) == 1:
                name = (named or held)[0]
                if problem := check_room(loaded.zip.getinfo(f"{name}.npy").file_size):
                    raise MemoryError(f"{quoted(path)}: {problem}")
                return loaded[name]
    except FileNotFoundError:
        raise
    except Exception as error:  # damaged archives raise nearly anything; NumPy suggests to unpickle
        raise_if_out_of_memory(error)
        raise ValueError("it holds no array of numbers, or is cut short") from None
    got = ", ".join(map(repr, held)) or "none"
    raise ValueError(f"it must hold an array named {names[0]!r} or one array only, got {got}")
