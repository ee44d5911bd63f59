"""``patchvid inpaint``: holes in a clip completed from the rest of it, or as a cue says."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from patchvid.cli import options
from patchvid.cli.command import Command
from patchvid.cli.job import Reader, make_videos

EXAMPLES = """\b
Examples:
  patchvid inpaint clip.mp4 --mask hole.png       clip_inpaint.mp4
  patchvid inpaint clip.mp4 --box 12,10,14,12 -o without.mp4
  patchvid inpaint clip.mp4 --mask moving.mp4 --grow 2
  patchvid inpaint clip.mp4 --cue painted.mp4     painted.mp4: clip.mp4 with colours painted on it
"""


@click.command(
    cls=Command, epilog=EXAMPLES, short_help="Complete holes in a clip, or paint things into it."
)
@options.source
@options.output_of("CLIP")
@options.region("mask", "where the hole is")
@options.cue
@options.around
@options.seeds
@options.synthesis
@options.device
def inpaint(
    mask: tuple[Path, ...], boxes: tuple[Any, ...], cue: Path | None, **settings: Any
) -> None:
    """Complete a hole in CLIP from the rest of it, or show there what a CUE asks for.

    A cue is CLIP with flat colours painted on it: what appears looks like that from afar. Without
    a mask it appears where the cue differs; without CLIP, where the cue has flat rectangles.
    Outside of the hole CLIP does not change. The same seed and options give the same file.
    """
    from patchvid import inpaint
    from patchvid.io.masks import read_masks
    from patchvid.io.video import read_video

    if not (mask or boxes or cue):
        raise click.UsageError("Say where the hole is with --mask or --box, or give a --cue.")
    settings["clip"] = settings["clip"] or cue
    beside: dict[str, Reader] = {
        "mask": partial(read_masks, "mask", mask, boxes),
        "cue": lambda shape, frames: read_video(cue, frames=frames)[0] if cue else None,
    }
    make_videos(inpaint, ending="_inpaint", beside=beside, **settings)
