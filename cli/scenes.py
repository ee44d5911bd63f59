"""Scenes of a clip: report its cuts, and select one of several scenes (``--scene``)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from patchvid.cli.inputs import Reading
from patchvid.cli.values import Frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALL = 96  # longer side, in pixels, of a clip that is read to find its cuts


def frames_of_scene(clip: Path | None, frames: Frames, scene: int | None, how: Reading) -> Frames:
    """Return the frames of a scene, counted from 1, among `frames` of a clip."""
    if scene is None:
        return frames
    if clip is None:
        raise click.UsageError("The sample clip has only one scene; leave --scene out.")
    import numpy as np

    from patchvid import find_cuts
    from patchvid._progress import reporting
    from patchvid.io.opening import open_source
    from patchvid.io.selecting import check_options, iter_source

    source = open_source(clip, fps=how.fps, tone_map=how.tone_map)
    options = check_options(frames, max_size=SMALL, depth=8, strict=how.strict)
    n_frames = len(source.timeline.order[options.frames])
    small = []
    with reporting(False if how.quiet else None, f"finding scenes of {clip.name}") as progress:
        for frame in iter_source(source, options):
            small.append(frame)
            progress(len(small) / max(n_frames, len(small)), "")
    starts = [frames.first + cut for cut in (0, *find_cuts(np.stack(small)))]
    if scene > len(starts):
        raise click.UsageError(
            f"There is no scene {scene}: {clip.name} has {_told(starts, len(small))}."
        )
    return Frames(*[*starts, frames.first + len(small)][scene - 1 : scene + 1])


def tell_cuts(clip: Path | None, video: "NDArray[Any]", frames: Frames, how: Reading) -> None:
    """Report where a clip cuts to another scene, and how to select one scene."""
    if clip is None or how.preview or how.quiet:
        return
    from patchvid import find_cuts

    if cuts := find_cuts(video):
        starts = [frames.first + cut for cut in (0, *cuts)]
        click.echo(
            f"{clip.name} has {_told(starts, len(video))}, and new frames may mix them; "
            "--scene 1 takes the first",
            err=True,
        )


def _told(starts: list[int], n_frames: int) -> str:
    if len(starts) == 1:
        return "one scene"
    ends = [*starts[1:], starts[0] + n_frames]
    ranges = [f"{first}:{stop}" for first, stop in zip(starts, ends)]
    shown = [*ranges[:3], "...", ranges[-1]] if len(ranges) > 4 else ranges
    return f"{len(starts)} scenes (frames {', '.join(shown)})"
