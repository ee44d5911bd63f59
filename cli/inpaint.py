"""``patchvid inpaint``: holes in a clip filled from the rest of it, or as a cue asks."""

from pathlib import Path
from typing import Any

import click

from patchvid.cli import options
from patchvid.cli.command import Command
from patchvid.cli.estimate import memory_option
from patchvid.cli.inputs import ClipFile, PaintedFrames, Reader
from patchvid.cli.layers import layers_of
from patchvid.cli.making import make_videos
from patchvid.cli.masks import mask_options, mask_reader
from patchvid.cli.outputs import Sample
from patchvid.cli.values import parse_cue
from patchvid.cli.writing import writing_options

EXAMPLES = """\b
Examples:
  patchvid inpaint clip.mp4 --mask hole.png       clip_inpaint.mp4
  patchvid inpaint clip.mp4 --box 12,10,14,12 -o without.mp4
  patchvid inpaint clip.mp4 --mask moving.mp4 --grow 2      removes the masked object
  patchvid inpaint clip.mp4 --cue painted.mp4     painted.mp4: clip.mp4 with colours painted on it
  patchvid inpaint clip.mp4 --cue 4=painted.png --follow    one painted frame
"""

cue_options = options.together(
    options.option(
        "--source",
        type=click.Path(path_type=Path),
        multiple=True,
        help="Mask that is white where the filling may come from, of any kind that --mask takes; "
        "repeatable.  [default: anywhere outside the hole]",
    ),
    options.option(
        "--cue",
        type=parse_cue,
        metavar="[FRAME=]FILE",
        multiple=True,
        help="Copy of CLIP, or of one of its frames, with flat colours painted where something of "
        "this colour should appear. FRAME=FILE, which is repeatable, paints only frame FRAME; the "
        "first frame is 0.",
    ),
    options.option(
        "--follow",
        is_flag=True,
        help="Let the paint of --cue FRAME=FILE follow the object under it through all frames.",
    ),
    options.option(
        "--grow",
        type=click.IntRange(0, 2**31 - 1),
        metavar="PX",
        help="Grow the hole beyond the mask by so many pixels.  [default: 0; without a mask, a "
        "twentieth of CLIP's shorter side]",
    ),
)


@click.command(
    cls=Command, epilog=EXAMPLES, short_help="Fill holes in a clip, or paint objects into it."
)
@options.source
@options.output_of("CLIP")
@writing_options
@layers_of("CLIP")
@mask_options("mask", "where the hole is")
@cue_options
@options.periodic
@options.seeds
@options.levels_with(coarsest=None, adapted="3,15; with a cue up to 7,26")
@memory_option
@options.device
def inpaint(
    mask: tuple[Path, ...],
    boxes: tuple[Any, ...],
    cue: tuple[tuple[int | None, Path], ...],
    follow: bool,
    source: tuple[Path, ...],
    **settings: Any,
) -> list[Sample]:
    """Fill a hole in CLIP from the rest of it, or paint objects in with a cue.

    If the hole or the camera moves, the background is copied from other frames that show it; for
    masks that move, see patchvid track. The rest is made of patches of CLIP.

    A cue is a copy of CLIP with flat colours painted on it. Each painted area is filled with parts
    of CLIP that have this colour when seen from a distance. Without a mask, the hole is where the
    cue differs from CLIP. Without CLIP, it is where the cue has flat rectangles. Without a cue, it
    is where CLIP is transparent. Outside the hole, CLIP does not change. The same seed and options
    always give the same file.
    """
    from patchvid import inpaint

    if not (mask or boxes or cue or settings["clip"]):
        raise click.UsageError("Mark the hole with --mask or --box, or give a --cue.")
    frames = tuple((number, file) for number, file in cue if number is not None)
    files = [file for number, file in cue if number is None]
    if len(files) > 1 or (files and frames):
        raise click.UsageError("Give one --cue FILE, or only --cue FRAME=FILE.")
    if follow and not frames:
        raise click.UsageError("--follow needs --cue FRAME=FILE.")
    whole = files[0] if files else None
    settings["clip"] = settings["clip"] or whole

    readers: dict[str, Reader | ClipFile | PaintedFrames] = {
        "mask": mask_reader("mask", mask, boxes),
        "source": mask_reader("source", source, ()),
        "cue": PaintedFrames(frames, follow) if frames else ClipFile(whole),
    }
    return make_videos(inpaint, ending="_inpaint", readers=readers, **settings)
