"""Folders of frames, and arrays in ``.npy`` and ``.npz`` files."""

import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray

from patchvid._paths import StrPath, quoted
from patchvid._validation import check_video, with_channels
from patchvid.errors import VideoError
from patchvid.io._frames import rgb_frames
from patchvid.io.info import VideoInfo
from patchvid.io.kinds import check_is_file, kind_of
from patchvid.io.pictures import PICTURES, picture_source, read_still
from patchvid.io.source import Frame, Source, Wanted
from patchvid.io.timeline import Timeline

ARRAYS = (".npy", ".npz")


def folder_source(path: Path) -> Source:
    """A folder of pictures of one size. It has no rate."""
    pictures = _pictures(path)
    first = picture_source(pictures[0]).info
    info = replace(first, frames=len(pictures), fps=None, variable_rate=False, container="folder")

    def decode(wanted: Wanted) -> Iterator[Frame]:
        chosen = range(len(pictures)) if wanted.stored is None else wanted.stored
        return (read_still(pictures[index]) for index in chosen)

    return _timeless(path, info, decode)


def _pictures(folder: Path) -> list[Path]:
    pictures = [
        file
        for file in folder.iterdir()
        if file.suffix.lower() in PICTURES and not file.name.startswith(".")
    ]
    if not pictures:
        raise VideoError(f"the folder {quoted(folder)} holds no pictures; put frames into it")
    return sorted(pictures, key=lambda file: natural_order(file.name))


def write_folder(path: Path, video: NDArray[Any]) -> None:
    """Write the frames of a video (t, y, x, 1, 3 or 4) to an empty folder: 00000.png and so on."""
    for index, frame in enumerate(rgb_frames(video, keep_alpha=True)):
        iio.imwrite(path / f"{index:05d}.png", frame, plugin="pillow", compress_level=3)


def natural_order(name: str) -> list[str | int]:
    """Sort key that puts frame2 before frame10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def array_source(path: Path) -> Source:
    """A saved array. It has no rate."""
    video = read_array(path)
    n_frames, height, width, channels = video.shape
    kind, dtype = kind_of(path), video.dtype.name
    info = VideoInfo(n_frames, height, width, channels, dtype, None, container=kind)
    return _timeless(
        path, info, lambda wanted: iter(video if wanted.stored is None else video[wanted.stored])
    )


def _timeless(path: Path, info: VideoInfo, decode: Callable[[Wanted], Iterator[Frame]]) -> Source:
    timeline = Timeline(None, np.arange(info.frames or 0))
    return Source(path, info, timeline, decode, np.empty(0), 0.0, [], [])


def read_array(path: Path) -> NDArray[Any]:
    """Read a saved array (t, y, x) or (t, y, x, c)."""
    name = quoted(path)
    video = with_channels(name, load_array(path, "video"))
    check_video(name, video)
    return video.astype(video.dtype.newbyteorder("="), copy=False)


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
        As it was saved.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file does not hold the array.
    """
    check_is_file(Path(path))
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            held = loaded.files
            named = [name for name in names if name in held]
            if named or len(held) == 1:
                return loaded[(named or held)[0]]
    except (FileNotFoundError, MemoryError):
        raise
    except Exception:  # damaged archives raise nearly anything, and NumPy suggests unpickling them
        raise ValueError("it holds no array of numbers, or is cut short") from None
    got = ", ".join(map(repr, held)) or "none"
    raise ValueError(f"it must hold an array named {names[0]!r} or one array only, got {got}")
