"""``patchvid gen``: new videos that look and move like a clip."""

from typing import Any

import click

from patchvid.cli import options
from patchvid.cli.command import Command
from patchvid.cli.estimate import memory_option
from patchvid.cli.films import check_film_options, film_maker, length_option
from patchvid.cli.layers import layers_of
from patchvid.cli.making import make_videos
from patchvid.cli.outputs import Sample
from patchvid.cli.values import Seconds, parse_noise, parse_structure
from patchvid.cli.writing import writing_options

EXAMPLES = """\b
Examples:
  patchvid gen                               sample_gen.mp4, from the sample clip
  patchvid gen clip.mp4 -n 3                 clip_gen_1.mp4, clip_gen_2.mp4, clip_gen_3.mp4
  patchvid gen clip.mp4 -o wide.gif --scale 1,1,1.5 --seed 7
  patchvid gen clip.mp4 --preview            a small clip_gen_preview.mp4, in a second or two
  patchvid gen clip.mp4 --report why.html    clip_gen.mp4, and a page that explains it
  patchvid gen clip.mp4 --length 60s         a film of a minute, written while it is made
  patchvid gen frames/ --frames 0:24 --max-size 256 -o out/
"""


layout_options = options.together(
    options.option(
        "--layout",
        type=click.Choice(["auto", "flow", "noise"]),
        default="auto",
        help="How to draw the layout: by flow matching on patches, or with noise as in the paper; "
        "auto is flow unless --noise is given.",
    ),
    options.option(
        "--novelty",
        type=click.FloatRange(0, 1),
        metavar="0..1",
        default=0.75,
        help="How far the layout departs from CLIP.",
    ),
    options.option(
        "--structure",
        type=parse_structure,
        metavar="auto|0..1",
        default="auto",
        help="How firmly the layout keeps colours at their height and side in CLIP.",
    ),
    options.option(
        "--noise",
        type=parse_noise,
        metavar="auto|SIGMA",
        default="auto",
        help="Standard deviation of the noise of --layout noise, for values from -1 to 1; 2 to 5 "
        "is usual.",
    ),
)


@click.command(
    cls=Command, epilog=EXAMPLES, short_help="Make new videos that look and move like a clip."
)
@options.source
@options.output_of("CLIP")
@writing_options
@layers_of("CLIP")
@options.size
@length_option
@options.periodic
@options.seeds
@layout_options
@options.completeness_of("CLIP", default="15")
@options.levels
@memory_option
@options.device
def gen(length: int | Seconds | None, **settings: Any) -> list[Sample]:
    """Make new videos that look and move like CLIP, but show something new.

    CLIP is a video file, a GIF, a picture, a .npy or .npz array (t, y, x, c) or a folder of frames.
    Without it, gen uses the sample clip. The same seed and options always give the same file.
    """
    from patchvid import generate, generate_long

    make: Any = generate
    if length is not None:
        if settings["scale"][0] != 1:
            raise click.UsageError("--length sets the number of frames; let --scale begin with 1.")
        check_film_options("--length", settings, "layout", "noise", "loop", "tile")
        make, settings["length"] = film_maker(generate_long), length
    return make_videos(make, ending="_gen", keeps_order=False, **settings)
