"""Options for writing: format, even sizes, and the sound of the clip."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from patchvid.cli.inputs import Inputs
from patchvid.cli.options import option, together
from patchvid.cli.values import Frames

writing_options = together(
    option(
        "--codec",
        type=click.Choice(["h264", "h265", "prores", "vp9", "av1", "ffv1"]),
        metavar="NAME",
        help="Codec of a video file: h264, h265, prores, vp9, av1 or ffv1.  [default: the first of "
        "the format that holds all bits and alpha; in .mp4 h264, then h265]",
    ),
    option(
        "--quality",
        type=click.IntRange(1, 100),
        metavar="Q",
        help="Detail that h264, h265, vp9 and av1 keep, from 1 to 100: videos on the web use "
        "about 50.  [default: 84, with no visible loss]",
    ),
    option("--no-audio", is_flag=True, help="Leave the sound out."),
)


_TIMELESS = ("", ".npy", ".npz", ".exr", ".tif", ".tiff")  # files that hold no frame rate


class Writing(NamedTuple):
    """How to write videos: the options of these names, and whether frames keep their order."""

    codec: str | None
    quality: int | None
    depth: int | None
    no_audio: bool
    keeps_order: bool

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments of `patchvid.write_video`."""
        depth = self.depth if self.depth in (10, 12) else None
        return {"codec": self.codec, "quality": self.quality, "depth": depth}


def even_size(settings: Mapping[str, Any], shape: tuple[int, ...]) -> dict[str, Any]:
    """Return the size for a scale; sides that the scale changes are made even.

    Players need even sides, and a scale leaves us the choice.
    """
    scale = settings.get("scale", (1, 1, 1))
    if settings.get("size") or scale[1] == scale[2] == 1:
        return {}
    size = [math.ceil(min(n * factor, 2**31 - 2) - 1e-5) for n, factor in zip(shape, scale)]
    for axis in (1, 2):
        if scale[axis] != 1 and size[axis] % 2:
            size[axis] += 1 if scale[axis] < 1 else -1
    return {"scale": (1, 1, 1), "size": tuple(size)}


def length_of(settings: Mapping[str, Any], n_frames: int) -> int:
    """The number of frames of an output."""
    if length := settings.get("length"):
        return int(length)
    if size := settings.get("size"):
        return int(size[0])
    return math.ceil(n_frames * settings.get("scale", (1,))[0] - 1e-5)


def check_lengths(paths: Iterable[Path | None], n_frames: int) -> None:
    """Refuse files that cannot hold `n_frames` frames, before any work."""
    from patchvid.io.writing import check_length

    for path in filter(None, paths):
        check_length(path, n_frames)


def choose_rate(
    clip: Path | None, inputs: Inputs, paths: Sequence[Path | None], *, quiet: bool
) -> float:
    """The rate of the outputs, with a message if the clip has none and it matters."""
    from patchvid.io.info import DEFAULT_FPS

    if inputs.fps is not None:
        return inputs.fps
    needs_rate = any(path and path.suffix.lower() not in _TIMELESS for path in paths)
    if needs_rate and len(inputs.videos["clip"]) > 1 and not quiet:
        line = f"{clip} has no frame rate; 24 frames a second are used; --fps sets another rate"
        click.echo(line, err=True)
    return DEFAULT_FPS * inputs.ratios[0]


def choose_sound(
    clip: Path | None, frames: Frames, inputs: Inputs, n_frames: int, how: Writing
) -> tuple[dict[str, Any], str | None]:
    """Return the arguments that copy the clip's sound, or a message why it is left out."""
    info = inputs.info
    if clip is None or info is None or not info.has_audio or not info.fps or how.no_audio:
        return {}, None
    left_out = f"{clip.name}: its sound is left out, because {{}} (--no-audio hides this line)"
    if not how.keeps_order:
        return {}, left_out.format("the output does not keep the clip's timing")
    n_before = len(inputs.videos["clip"])
    if n_frames != n_before:
        length = "longer" if n_frames > n_before else "shorter"
        return {}, left_out.format(f"the output is {length} than the clip")
    whole = frames.stop is None or (info.frames is not None and frames.stop >= info.frames)
    stop = None if whole or frames.stop is None else frames.stop / info.fps
    return {"audio": clip, "audio_range": (frames.first / info.fps, stop)}, None
