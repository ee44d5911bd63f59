"""``patchvid loop``: a clip as a seamless loop."""

from typing import Any

import click

from patchvid.cli import options
from patchvid.cli.command import Command
from patchvid.cli.estimate import memory_option
from patchvid.cli.layers import layers_of
from patchvid.cli.making import make_videos
from patchvid.cli.outputs import Sample
from patchvid.cli.values import parse_length
from patchvid.cli.writing import writing_options

EXAMPLES = """\b
Examples:
  patchvid loop clip.mp4                     clip_loop.mp4: the stretch that loops best
  patchvid loop clip.mp4 -o fire.webp --frames 0:250
  patchvid loop clip.mp4 --length 10m        ten minutes, with jumps at random
"""

length_options = options.together(
    options.option(
        "--length",
        type=parse_length,
        metavar="N|Ns|Nm",
        help="Length of the loop: frames, seconds as in 20s, or minutes as in 10m. A loop longer "
        "than CLIP jumps back several times.  [default: the stretch of CLIP that loops best]",
    ),
    options.option(
        "--join",
        type=click.IntRange(1, 2**31 - 1),
        metavar="N",
        help="Frames that change on each side of a jump.  [default: a fifth of CLIP, at most 8]",
    ),
)


@click.command(cls=Command, epilog=EXAMPLES, short_help="Turn a clip into a loop.")
@options.source
@options.output_of("CLIP")
@writing_options
@layers_of("CLIP")
@length_options
@options.seeds
@options.patches_with()
@memory_option
@options.device
def loop(**settings: Any) -> list[Sample]:
    """Turn CLIP into a loop, and hide the jump from the last frame to the first.

    Most frames stay unchanged. The loop jumps back where frames look and move alike, and only the
    frames around a jump are made of patches. The same seed and options always give the same file.
    """
    from patchvid import loop

    return make_videos(loop, ending="_loop", keeps_order=False, **settings)
