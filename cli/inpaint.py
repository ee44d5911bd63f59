"""``patchvid inpaint``: holes in a clip filled from the rest of it, or as a cue asks."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from patchvid.cli import options
from patchvid.cli.command import Command
from patchvid.cli.job import make_videos
from patchvid.cli.masks import mask_options, mask_reader
from patchvid.cli.values import Frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXAMPLES = """\b
Examples:
  patchvid inpaint clip.mp4 --mask hole.png       clip_inpaint.mp4
  patchvid inpaint clip.mp4 --box 12,10,14,12 -o without.mp4
  patchvid inpaint clip.mp4 --mask moving.mp4 --grow 2
  patchvid inpaint clip.mp4 --cue painted.mp4     painted.mp4: clip.mp4 with colours painted on it
"""

cue_options = options.together(
    options.option(
        "--cue",
        type=click.Path(path_type=Path),
        help="CLIP with flat colours painted on it, where and as something should appear.",
    ),
    options.option(
        "--grow",
        type=click.IntRange(min=0),
        metavar="PX",
        help="Pixels by which the hole is larger than the mask.  [default: 0; without a mask, a "
        "twentieth of CLIP's shorter side]",
    ),
)


@click.command(
    cls=Command, epilog=EXAMPLES, short_help="Fill holes in a clip, or paint things into it."
)
@options.source
@options.output_of("CLIP")
@options.layers_of("CLIP")
@mask_options("mask", "where the hole is")
@cue_options
@options.periodic
@options.seeds
@options.levels
@options.device
def inpaint(
    mask: tuple[Path, ...], boxes: tuple[Any, ...], cue: Path | None, **settings: Any
) -> None:
    """Fill a hole in CLIP from the rest of it, or make things appear where a CUE asks for them.

    A cue is CLIP with flat colours painted on it. Parts of CLIP that have these colours from a
    distance appear there. Without a mask, the hole is where the cue differs from CLIP; without
    CLIP, it is where the cue has flat rectangles. CLIP does not change outside of the hole. The
    same seed and options give the same file.
    """
    from patchvid import inpaint, read_video

    if not (mask or boxes or cue):
        raise click.UsageError("Say where the hole is with --mask or --box, or give a --cue.")
    settings["clip"] = settings["clip"] or cue

    def read_cue(shape: tuple[int, ...], frames: Frames) -> "NDArray[Any] | None":
        return read_video(cue, frames=frames)[0] if cue else None

    readers = {"mask": mask_reader("mask", mask, boxes), "cue": read_cue}
    make_videos(inpaint, ending="_inpaint", readers=readers, **settings)
