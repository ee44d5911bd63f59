"""``patchvid retarget``: another width, height or length for a clip."""

from pathlib import Path
from typing import Any

import click

from patchvid.cli import options
from patchvid.cli.command import Command, is_typed
from patchvid.cli.estimate import memory_option
from patchvid.cli.films import check_film_options, film_maker
from patchvid.cli.layers import layers_of
from patchvid.cli.making import make_videos
from patchvid.cli.masks import mask_options, mask_reader
from patchvid.cli.outputs import Sample
from patchvid.cli.values import Times
from patchvid.cli.writing import writing_options

EXAMPLES = """\b
Examples:
  patchvid retarget clip.mp4 --scale 1,1,0.5           half as wide: clip_retarget.mp4
  patchvid retarget clip.mp4 --scale 0.5,1,1 -o summary.mp4
  patchvid retarget clip.mp4 --scale 1,1.2,1.2 --keep face.png
  patchvid retarget clip.mp4 --scale 10,1,1            ten times as long, written while it is made
"""


@click.command(cls=Command, epilog=EXAMPLES, short_help="Change a clip's width, height or length.")
@options.source
@options.output_of("CLIP")
@writing_options
@layers_of("CLIP")
@mask_options("keep", "where CLIP must not change")
@options.size
@options.periodic
@options.seeds
@options.completeness_of("CLIP", default="100")
@options.levels_with(coarsest=None, adapted="9,28; less for small clips and shorter outputs")
@memory_option
@options.device
def retarget(keep: tuple[Path, ...], boxes: tuple[Any, ...], **settings: Any) -> list[Sample]:
    """Change the width, height or length of CLIP, while objects keep their shape and speed.

    Each can shrink to 0.4 times its size or grow to 3 times; with --scale, the length can also grow
    more. In a smaller video, objects are closer together. In a shorter one, events happen side by
    side instead of one after the other. A larger or longer one shows more of the same. The same
    seed and options always give the same file.
    """
    from patchvid import retarget, retarget_long
    from patchvid.apps.retargeting import MAX_CHANGE

    changed = settings["size"] or settings["loop"] or settings["tile"]
    if not changed and set(settings["scale"]) == {1}:
        if is_typed("scale"):
            raise click.UsageError("--scale 1,1,1 keeps the size; give another, --loop or --tile.")
        raise click.UsageError("Give the new size with --scale or --size.")
    times, *sides = settings["scale"]
    if times > MAX_CHANGE:
        check_film_options(f"--scale above {MAX_CHANGE:g} in time", settings, "loop", "tile")
        if keep or boxes:
            raise click.UsageError(
                f"--keep and --box do not go with --scale above {MAX_CHANGE:g} in time."
            )
        settings |= {"length": Times(times), "scale": (1, *sides)}
        return make_videos(film_maker(retarget_long), ending="_retarget", **settings)
    readers = {"keep": mask_reader("keep", keep, boxes)}
    return make_videos(retarget, ending="_retarget", readers=readers, **settings)
