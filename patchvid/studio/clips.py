"""Clips and results in the studio, and their frames and films for the page."""

import io
import math
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import patchvid
from patchvid.data.sample_clip import SAMPLE_FPS
from patchvid.display.notebook import MOST_PIXELS, encode
from patchvid.display.report.films import to_film
from patchvid.io.info import DEFAULT_FPS, VideoInfo
from patchvid.studio.errors import Refused

SMALL = 600_000  # frames of up to so many pixels are sent without loss
PREVIEW_SIDE, PREVIEW_FRAMES = 160, 24  # so that a preview takes about two seconds
JPEG = {"quality": 92, "subsampling": 0}


@dataclass(frozen=True, eq=False)
class Clip:
    """A video in the studio.

    Attributes
    ----------
    name
        Name of its file in command lines; empty for the sample.
    video
        (t, y, x, c).
    fps
        Frames per second.
    path
        The file that it was read from, if any.
    info
        Properties of that file.
    audio
        The file with its sound.
    is_copy
        Whether the file is the studio's own copy, so that a project must include it.
    commands
        The command lines that make it.
    files
        Masks and other arrays that these command lines read, by file name.
    cuts
        The first frame of each scene after the first.
    part
        The frames of its file from which it was taken, if it is one of several scenes.
    length
        The frames of that file.
    """

    name: str
    video: NDArray[Any] = field(repr=False)
    fps: float
    path: Path | None = None
    info: VideoInfo | None = None
    audio: Path | None = None
    is_copy: bool = False
    commands: tuple[str, ...] = ()
    files: dict[str, NDArray[Any]] = field(default_factory=dict, repr=False)
    cuts: tuple[int, ...] = ()
    part: tuple[int, int] | None = None
    length: int = 0

    @property
    def shape(self) -> tuple[int, int, int]:
        """(t, y, x)."""
        n_frames, height, width = self.video.shape[:3]
        return n_frames, height, width

    def scenes(self) -> list[tuple[int, int]]:
        """Return the first and the stop frame of each scene; empty if there is only one."""
        ends = [0, *self.cuts, len(self.video)]
        return [*pairwise(ends)] if self.cuts else []

    def scene(self, number: Any) -> "Clip":
        """Return a scene, counted from 1."""
        scenes = self.scenes()
        if not isinstance(number, int) or not 1 <= number <= len(scenes):
            raise Refused(f"there is no scene {number!r}")
        first, stop = scenes[number - 1]
        return replace(
            self, video=self.video[first:stop], cuts=(), part=(first, stop), length=len(self.video)
        )

    @property
    def stem(self) -> str:
        """The beginning of the names of outputs."""
        return Path(self.name or "sample").stem

    def facts(self) -> dict[str, Any]:
        """Return the facts that the page shows."""
        return {"name": Path(self.name).name or "sample clip", "shape": self.shape, "fps": self.fps}

    def write(self, path: Path) -> None:
        """Write it in the format of the path's suffix."""
        patchvid.write_video(path, self.video, fps=self.fps, info=self.info, audio=self.audio)

    def film(self) -> bytes:
        """Return the clip as an MP4 for browsers, of even sizes and not too large."""
        n_frames, height, width = self.shape
        ratio = min(1.0, math.sqrt(MOST_PIXELS / (height * width)))
        size = (n_frames, *(max(2, 2 * round(n * ratio / 2)) for n in (height, width)))
        pixels = to_film(self.video, self.video, 1)
        if size != self.shape:
            pixels = patchvid.resize(pixels, size)
        return encode(pixels, self.fps, preset="veryfast")

    def frame(self, number: int) -> tuple[bytes, str]:
        """Return a frame as a picture, and its media type: without loss if it is small."""
        if not 0 <= number < len(self.video):
            raise Refused(f"there is no frame {number}")
        picture = Image.fromarray(to_film(self.video[number : number + 1], self.video, 1)[0])
        file = io.BytesIO()
        if picture.width * picture.height <= SMALL:
            picture.save(file, "png", compress_level=1)
            return file.getvalue(), "image/png"
        picture.save(file, "jpeg", **JPEG)
        return file.getvalue(), "image/jpeg"


def read_clip(path: Path, *, name: str, is_copy: bool = False) -> Clip:
    """Read a clip from a file or folder."""
    if not (path.is_file() or path.is_dir()):
        raise Refused(f"there is no clip {str(path)!r}; check the name")
    info = patchvid.video_info(path)
    video, fps = patchvid.read_video(path, progress=False)
    if video.shape[3] not in (1, 3, 4):
        raise Refused(f"{name} has {video.shape[3]} channels; a clip here has 1, 3 or 4")
    cuts = tuple(patchvid.find_cuts(video))
    return Clip(name, video, fps or DEFAULT_FPS, path, info, is_copy=is_copy, cuts=cuts)


def sample() -> Clip:
    """Return the sample clip."""
    return Clip("", patchvid.sample_clip(), SAMPLE_FPS)


def shrunk(clip: Clip) -> Clip:
    """Return a clip that is small and short enough for a preview."""
    step = preview_step(len(clip.video))
    video = np.ascontiguousarray(clip.video[::step])
    ratio = min(1.0, PREVIEW_SIDE / max(video.shape[1:3]))
    if ratio < 1:
        sides = [max(2, 2 * round(n * ratio / 2)) for n in video.shape[1:3]]
        video = patchvid.resize(video, (len(video), *sides))
    return replace(clip, video=video, fps=clip.fps * len(video) / len(clip.video))


def preview_step(n_frames: int) -> int:
    """Return the step from one frame of a preview to the next, in frames of the clip."""
    return math.ceil(n_frames / PREVIEW_FRAMES)
