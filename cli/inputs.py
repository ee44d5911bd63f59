"""What a job reads: its clip, and whatever else goes with it, at the size of the job."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from patchvid.cli.command import is_typed
from patchvid.cli.values import Frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Reads an input that goes with a clip, given the clip's shape in the file and the frames in use.
Reader = Callable[[tuple[int, ...], Frames], "NDArray[Any] | None"]

PREVIEW_SIDE, PREVIEW_FRAMES = 160, 48


class Inputs(NamedTuple):
    """The videos that a job works on.

    `videos` has them by name; None is an option that was not used. `ratios` (t, y, x) is the size
    of the clip relative to the full job: below 1 in a preview only.
    """

    videos: dict[str, Any]
    fps: float | None
    ratios: tuple[float, ...]


def check_exists(*paths: Path | None) -> None:
    """Raise an error if an input is missing, before anything is said of the outputs."""
    from patchvid import VideoError

    for path in paths:
        if path is not None and not path.exists():
            raise VideoError(f"there is no {str(path)!r}; check the name")


def read_inputs(
    clip: Path | None,
    frames: Frames,
    readers: Mapping[str, Reader],
    *,
    max_size: int | None,
    preview: bool,
) -> Inputs:
    """Read the clip, or the sample if there is none, and what else is needed; shrink them all."""
    video, fps = _read_clip(clip, frames)
    whole = video.shape
    read: dict[str, Any] = {name: reader(whole, frames) for name, reader in readers.items()}
    videos = {
        name: _shrink(array, max_size, preview=preview)
        for name, array in {"clip": video, **read}.items()
    }
    full = _shrunk_size(whole, max_size, preview=False)
    ratios = tuple(m / n for n, m in zip(full, videos["clip"].shape))
    return Inputs(videos, fps and fps * ratios[0], ratios)


def read_layers(
    paths: Sequence[Path],
    frames: Frames,
    shape: Sequence[int],
    *,
    max_size: int | None,
    preview: bool,
) -> "dict[Path, NDArray[Any]]":
    """Read layers of a clip whose shape in use is given, and shrink them as the clip was."""
    from patchvid import InvalidInput, read_video

    layers = {}
    for path in paths:
        layer = _shrink(read_video(path, frames=frames)[0], max_size, preview=preview)
        if layer.shape[:3] != tuple(shape[:3]):
            raise InvalidInput(
                f"the layer {str(path)!r} is {_by(layer.shape)}, and its clip is {_by(shape)}; "
                "give a layer with the clip's frames, rows and columns"
            )
        layers[path] = layer
    return layers


def in_proportion(settings: Mapping[str, Any], ratios: Sequence[float]) -> dict[str, Any]:
    """Return the settings that are in frames and pixels, for a clip smaller by these ratios."""
    scaled: dict[str, Any] = {}
    if size := settings.get("size"):
        scaled["size"] = tuple(max(1, round(n * ratio)) for n, ratio in zip(size, ratios))
    if grow := settings.get("grow"):
        scaled["grow"] = max(1, round(grow * ratios[1]))
    return scaled


def _read_clip(clip: Path | None, frames: Frames) -> "tuple[NDArray[Any], float | None]":
    from patchvid import InvalidInput, read_video
    from patchvid.data.sample_clip import SAMPLE_FPS, sample_clip

    if clip is not None:
        return read_video(clip, frames=frames)
    video = sample_clip()[slice(*frames)]
    if not len(video):
        raise InvalidInput(f"the sample clip has no frame {frames[0]}; frames are counted from 0")
    return video, SAMPLE_FPS


def check_coarsest(
    settings: Mapping[str, Any], shape: Sequence[int], ratios: Sequence[float]
) -> None:
    """Refuse a --coarsest that is larger than the clip, so that there would be no coarser level."""
    if not is_typed("coarsest"):
        return
    n_frames, *sides = (round(n / ratio) for n, ratio in zip(shape, ratios))
    frames, pixels = settings["coarsest"]
    if pixels > min(sides) or frames > n_frames > 1:
        raise click.UsageError(
            f"--coarsest {frames},{pixels} is larger than the clip of {n_frames} frames, whose "
            f"shorter side has {min(sides)} pixels; give smaller numbers."
        )


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape[:3]))


def _shrink(video: Any, max_size: int | None, *, preview: bool) -> Any:
    from patchvid import resize

    if video is None:
        return None
    size = _shrunk_size(video.shape, max_size, preview=preview)
    return video if size == video.shape[:3] else resize(video, size)


def _shrunk_size(
    shape: Sequence[int], max_size: int | None, *, preview: bool
) -> tuple[int, int, int]:
    """Return a size (t, y, x) whose longer side is within `max_size`, and the preview's limits."""
    n_frames, height, width = shape[:3]
    longer = max(height, width)
    if preview:
        n_frames = min(n_frames, PREVIEW_FRAMES)
        max_size = min(max_size or longer, PREVIEW_SIDE)
    if max_size is not None and longer > max_size:
        height, width = (max(1, round(side * max_size / longer)) for side in (height, width))
    return n_frames, height, width
