"""The clips that a command reads, and the names of the files that it writes."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOWHERE = Path("-")  # as a name: no file

# What the output is by default: pictures and arrays stay what they are, the rest becomes video.
_KEPT = {".gif", ".webp", ".png", ".apng", ".npy", ".npz"}
_STILLS = {".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".ppm", ".pgm"}

PREVIEW_SIDE, PREVIEW_FRAMES = 160, 48


def read_clip(
    clip: Path | None, frames: tuple[int, int | None]
) -> tuple["NDArray[Any]", float | None]:
    """The frames of the clip, or of the sample when there is none, and their fps."""
    from patchvid import InvalidInput
    from patchvid.data.koi import SAMPLE_FPS, sample_clip
    from patchvid.io.video import read_video

    if clip is not None:
        return read_video(clip, frames=frames)
    video = sample_clip()[slice(*frames)]
    if not len(video):
        raise InvalidInput(f"the sample clip has no frame {frames[0]}; they are counted from 0")
    return video, SAMPLE_FPS


def shrink(video: Any, max_size: int | None, *, preview: bool) -> Any:
    """The video, or None, in the size that `shrunk` says."""
    from patchvid import resize

    if video is None:
        return None
    size = shrunk(video.shape, max_size, preview=preview)
    return video if size == video.shape[:3] else resize(video, size)


def shrunk(shape: Sequence[int], max_size: int | None, *, preview: bool) -> tuple[int, int, int]:
    """A size (t, y, x) with at most so many pixels on its longer side; less for a preview."""
    n_frames, height, width = shape[:3]
    longer = max(height, width)
    if preview:
        n_frames = min(n_frames, PREVIEW_FRAMES)
        max_size = min(max_size or longer, PREVIEW_SIDE)
    if max_size is not None and longer > max_size:
        height, width = (max(1, round(side * max_size / longer)) for side in (height, width))
    return n_frames, height, width


def name_outputs(
    output: Path | None,
    clip: Path | None,
    *,
    ending: str,
    samples: int,
    overwrite: bool,
    preview: bool,
) -> Sequence[Path | None]:
    """Where each sample goes, if anywhere; raises before any work if one cannot be written."""
    from patchvid.io.video import check_target

    if output == NOWHERE:
        return [None] * samples
    if output is None:
        clip = clip.resolve() if clip else Path("sample.mp4")
        name, kind = clip.stem, clip.suffix.lower()
        if clip.is_dir():
            name, kind = clip.name.replace(".", "_"), ""
        elif kind not in _KEPT:
            kind = ".png" if kind in _STILLS else ".mp4"
        output = Path(name + ending + kind)
    if preview:
        output = as_preview(output)
    outputs = [output]
    if samples > 1:
        digits = len(str(samples))
        outputs = [_marked(output, f"{i:0{digits}}") for i in range(1, samples + 1)]
    for path in outputs:
        check_target(path, overwrite=overwrite)
    return outputs


def as_preview(path: Path) -> Path:
    """The name of a file of a preview."""
    return _marked(path, "preview")


def _marked(path: Path, mark: str) -> Path:
    return path.with_name(f"{path.stem}_{mark}{path.suffix}")
