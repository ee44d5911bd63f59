"""Read the inputs of a command: its clip, and the videos that go with it, at one size."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from patchvid.cli.command import is_typed
from patchvid.cli.estimate import Estimate
from patchvid.cli.records import Stamp, stamp
from patchvid.cli.values import Frames, Seconds, Times
from patchvid.io.info import DEFAULT_FPS, PREVIEW_FRAMES, PREVIEW_SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from patchvid.io.info import VideoInfo
    from patchvid.io.selecting import Frames as AnyFrames

# Reads a further input of a clip, given the clip's shape in its file and the frames in use.
Reader = Callable[[tuple[int, ...], "AnyFrames"], "NDArray[Any] | None"]


class ClipFile(NamedTuple):
    """A clip to read like the main clip of a job: its file, and its frames if they differ."""

    path: Path | None
    frames: Frames | None = None


class PaintedFrames(NamedTuple):
    """Files with painted copies of frames of the clip, and whether the paint follows the clip."""

    files: tuple[tuple[int, Path], ...]
    follow: bool


class Reading(NamedTuple):
    """How to read clips: the options of these names."""

    max_size: int | None
    fps: float | None
    depth: int | None
    tone_map: bool
    strict: bool
    preview: bool
    quiet: bool

    @property
    def bits(self) -> int | None:
        """The bits per channel of arrays: 16 for 10 and 12."""
        return self.depth and (8 if self.depth == 8 else 16)


class Inputs(NamedTuple):
    """The input videos of a job.

    `videos` has them by name; None is an unused option. `ratios` (t, y, x) is the size of the clip
    relative to the full job: below 1 only in a preview. `info` has the properties of the clip's
    file; None for the sample.
    """

    videos: dict[str, Any]
    fps: float | None
    ratios: tuple[float, ...]
    info: "VideoInfo | None"


def check_exists(*paths: Path | None) -> None:
    """Raise an error if an input is missing, before any error about outputs."""
    from patchvid import VideoError

    for path in paths:
        if path is not None and not path.exists():
            raise VideoError(f"there is no {str(path)!r}; check the name")


def read_inputs(
    clip: Path | None,
    frames: Frames,
    readers: Mapping[str, Reader | ClipFile | PaintedFrames],
    how: Reading,
    estimate: Estimate,
) -> Inputs:
    """Read the clip, or the sample if there is none, and the other inputs, shrunk alike.

    Before that, `estimate` warns of a large job, or refuses it.
    """
    if clip is None:
        read = _read_sample(frames, how, estimate)
    else:
        read = read_clip(clip, frames, how, estimate)
    videos: dict[str, Any] = {"clip": read.video}
    for name, reader in readers.items():
        if isinstance(reader, PaintedFrames):
            videos[name] = _read_painted(reader, clip, read, how)
        elif not isinstance(reader, ClipFile):
            videos[name] = _shrink(reader(read.whole, read.frames), how)
        elif reader.path is None:
            videos[name] = None
        else:
            own = reader.frames or _frames_of_still(reader.path, how) or frames
            videos[name] = read_clip(reader.path, own, how).video
    full = (read.n_frames, *_shrunk(read.whole, how.max_size))
    ratios = tuple(m / n for n, m in zip(full, read.video.shape))
    return Inputs(videos, read.fps and read.fps * ratios[0], ratios, read.info)


def in_proportion(settings: Mapping[str, Any], inputs: Inputs) -> dict[str, Any]:
    """Convert settings in seconds, frames and pixels to the frames and pixels of the inputs."""
    ratios = inputs.ratios
    scaled: dict[str, Any] = {}
    for name in ("length", "join"):
        if isinstance(value := settings.get(name), Seconds):
            scaled[name] = max(1, round(value * (inputs.fps or DEFAULT_FPS)))
        elif isinstance(value, Times):
            scaled[name] = math.ceil(value * len(inputs.videos["clip"]) - 1e-5)
        elif value:
            scaled[name] = max(1, round(value * ratios[0]))
    if size := settings.get("size"):
        n_frames, *sides = (n * ratio for n, ratio in zip(size, ratios))
        if ratios[1] < 1:
            sides = [2 * round(side / 2) for side in sides]  # players need even sides
        scaled["size"] = tuple(max(1, round(n)) for n in (n_frames, *sides))
    if grow := settings.get("grow"):
        scaled["grow"] = max(1, round(grow * ratios[1]))
    return scaled


class _Clip(NamedTuple):
    """A clip from a file: `whole` is its shape before shrinking, `frames` are those in use."""

    video: "NDArray[Any]"
    fps: float | None
    n_frames: int
    whole: tuple[int, ...]
    frames: "AnyFrames"
    info: "VideoInfo | None"


_KEPT = 2  # a clip and a style

_read: dict[tuple[Path, Stamp, Frames, Reading], _Clip] = {}


def read_clip(path: Path, frames: Frames, how: Reading, estimate: Estimate | None = None) -> _Clip:
    """Read a clip from a file and shrink it, after `estimate` has checked its size.

    The last clips are kept, because workers of a batch make several samples of a clip in turn.
    """
    key = path, stamp(path), frames, how
    if key not in _read:
        while len(_read) >= _KEPT:
            del _read[next(iter(_read))]
        _read[key] = _read_clip(path, frames, how, estimate)
    return _read[key]


def _read_clip(path: Path, frames: Frames, how: Reading, estimate: Estimate | None) -> _Clip:
    from patchvid.io.opening import open_source
    from patchvid.io.selecting import check_options, read_source

    source = open_source(path, fps=how.fps, tone_map=how.tone_map)
    info = source.info
    n_frames = len(source.timeline.order[slice(*frames)])
    step = _preview_step(n_frames, info.keyframe_interval) if how.preview else 1
    largest = _largest(how, max(info.height, info.width))
    if estimate and n_frames and not how.preview:
        shape = (n_frames, *_shrunk((n_frames, info.height, info.width), largest), info.channels)
        estimate.tell_size(path.name, shape, info.dtype)
    options = check_options((*frames, step), max_size=largest, depth=how.bits, strict=how.strict)
    video, _ = read_source(source, options, False if how.quiet else None)
    whole = (len(video), info.height, info.width, video.shape[3])
    return _Clip(_shrink(video, how), info.fps, n_frames, whole, (*frames, step), info)


def _frames_of_still(path: Path, how: Reading) -> Frames | None:
    """The frames of a clip of one frame, which applies to every frame of another; else None."""
    from patchvid.io.opening import open_source

    is_still = len(open_source(path, tone_map=how.tone_map).timeline.order) == 1
    return Frames() if is_still else None


def number_in_use(
    option: str, number: int, file: Path, clip: Path | None, frames: "AnyFrames", n_frames: int
) -> int:
    """Return the place of a frame among the `n_frames` frames in use, from 0."""
    first = frames[0]
    if not 0 <= number - first < n_frames:
        name = "the sample" if clip is None else repr(str(clip))
        raise click.UsageError(
            f"{option} {number}={file}: frame {number} is not in use; {name} has frames "
            f"{first} to {first + n_frames - 1}."
        )
    return number - first


def _read_painted(
    painted: PaintedFrames, clip: Path | None, read: _Clip, how: Reading
) -> "NDArray[Any]":
    """Read painted frames, and put their paint on a copy of the clip."""
    from patchvid import InvalidInput
    from patchvid.apps.painted_frames import cue_of_frames

    step = read.frames[2] if len(read.frames) > 2 else 1
    pictures = {}
    for number, file in painted.files:
        place = number_in_use("--cue", number, file, clip, read.frames, read.n_frames)
        picture = read_clip(file, Frames(), how).video
        if len(picture) > 1:
            raise InvalidInput(f"{str(file)!r} has {len(picture)} frames; give a picture of one")
        pictures[min(place // step, len(read.video) - 1)] = picture[0]
    return cue_of_frames(
        read.video, pictures, follow=painted.follow, progress=False if how.quiet else None
    )


def _read_sample(frames: Frames, how: Reading, estimate: Estimate) -> _Clip:
    from patchvid import InvalidInput
    from patchvid.data.sample_clip import SAMPLE_FPS, sample_clip

    video = sample_clip()[slice(*frames)]
    if not len(video):
        raise InvalidInput(f"the sample clip has no frame {frames[0]}; frames are counted from 0")
    shrunk = _shrink(video, how)
    if not how.preview:
        estimate.tell_size("the sample", shrunk.shape, "uint8")
    return _Clip(shrunk, SAMPLE_FPS, len(video), video.shape, frames, None)


def check_coarsest(
    settings: Mapping[str, Any], shape: Sequence[int], ratios: Sequence[float]
) -> None:
    """Refuse a --coarsest larger than the clip, which would leave no coarser level."""
    if not is_typed("coarsest"):
        return
    n_frames, *sides = (round(n / ratio) for n, ratio in zip(shape, ratios))
    frames, pixels = settings["coarsest"]
    if pixels > min(sides) or frames > n_frames > 1:
        raise click.UsageError(
            f"--coarsest {frames},{pixels} is larger than the clip of {n_frames} frames, whose "
            f"shorter side has {min(sides)} pixels; give smaller numbers."
        )


def _preview_step(n_frames: int, keyframe_interval: int | None) -> int:
    """The step between the frames of a preview, such that few other frames are decoded.

    If key frames are frequent enough, it steps from one to the next.
    """
    step = max(1, n_frames // PREVIEW_FRAMES)
    aligned = step - step % keyframe_interval if keyframe_interval else 0
    return aligned if 2 * aligned > step else step


def _shrink(video: Any, how: Reading) -> Any:
    """Shrink to the limits of the longer side and of a preview, unless done before."""
    from patchvid import resize

    if video is None:
        return None
    n_frames = min(len(video), PREVIEW_FRAMES) if how.preview else len(video)
    size = (n_frames, *_shrunk(video.shape, _largest(how, max(video.shape[1:3]))))
    return video if size == video.shape[:3] else resize(video, size)


def _largest(how: Reading, longer: int) -> int | None:
    return min(how.max_size or longer, PREVIEW_SIDE) if how.preview else how.max_size


def _shrunk(shape: Sequence[int], max_size: int | None) -> tuple[int, int]:
    from patchvid.io.selecting import shrunk_size

    return shrunk_size(shape[1], shape[2], max_size)
