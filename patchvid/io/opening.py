"""Open a file of any kind, and choose its frame rate."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from patchvid._paths import StrPath, as_path, quoted
from patchvid._validation import check_flag, check_number
from patchvid.io.colors import needs_mapping
from patchvid.io.file_kinds import PICTURES, kind_of
from patchvid.io.film import film_source
from patchvid.io.info import ColorTags
from patchvid.io.pictures import picture_source
from patchvid.io.problems import naming_problems
from patchvid.io.sequences import array_source, folder_source
from patchvid.io.source import Source
from patchvid.io.timeline import resampled

MIN_FPS, MAX_FPS = 0.01, 1000

_READERS: dict[str, Callable[[Path], Source]] = {
    **dict.fromkeys(PICTURES, picture_source),
    **{"folder": folder_source, "npy": array_source, "npz": array_source},
}


def open_source(path: StrPath, *, fps: float | None = None, tone_map: bool = False) -> Source:
    """Open a clip of any kind, to be read at its own rate or at `fps`."""
    source, tone_map = as_path(path), check_flag("tone_map", tone_map)
    with naming_problems(source):
        opened = _READERS.get(kind_of(source), film_source)(source)
    if opened.info.variable_rate and fps is None:
        opened.words.append(
            f"{quoted(source)} has a variable frame rate; frames are repeated or left out for "
            f"{opened.info.fps:.5g} frames a second"
        )
    opened = _with_rate(opened, fps)
    if hdr := opened.info.color.hdr:
        what = "turned into standard dynamic range"
        if not tone_map:
            what = "kept; tone_map=True (--tone-map) turns it into standard dynamic range"
        opened.words.append(f"{quoted(source)} has high dynamic range ({hdr}), which is {what}")
    if tone_map and needs_mapping(opened.info.color):
        tags = ColorTags("bt709", "bt709", opened.info.color.matrix, opened.info.color.range)
        info = replace(opened.info, color=tags, mastering_display=None, content_light=None)
        opened = opened._replace(info=info, mapped=opened.info.color)
    return opened


def _with_rate(source: Source, fps: float | None) -> Source:
    timeline, times = source.timeline, source.times
    if fps is not None:
        check_number("fps", fps, MIN_FPS, MAX_FPS)
        if not len(times) and timeline.fps:
            times = timeline.order / timeline.fps
        if timeline.fps is None or not len(times):
            timeline = timeline._replace(fps=fps)
        elif abs(timeline.fps / fps - 1) > 1e-3:
            timeline = resampled(times, source.held, fps)
    elif timeline.fps is not None and not MIN_FPS <= timeline.fps <= MAX_FPS:
        timeline = timeline._replace(fps=None)
    info = replace(source.info, fps=timeline.fps, frames=len(timeline.order))
    return source._replace(timeline=timeline, info=info)
