"""``patchvid analogy``: a video with the layout of one clip and the look of another."""

from pathlib import Path
from typing import Any

import click

from patchvid.cli import options
from patchvid.cli.analogy_flows import (
    analogy_with_flows,
    check_flow_options,
    fetch_raft,
    flow_options,
)
from patchvid.cli.analogy_structures import save_structure, structure_options
from patchvid.cli.command import Command, is_rehearsal
from patchvid.cli.estimate import memory_option
from patchvid.cli.inputs import ClipFile, check_exists
from patchvid.cli.layers import layers_of
from patchvid.cli.making import make_videos
from patchvid.cli.outputs import Sample
from patchvid.cli.values import Frames
from patchvid.cli.writing import writing_options

EXAMPLES = """\b
Examples:
  patchvid analogy waterfall.mp4 lava.mp4           waterfall_analogy.mp4: a fall of lava
  patchvid analogy a.mp4 b.mp4 --max-size 432 --save-structure why.mp4
  patchvid analogy digit.mp4 parade.mp4 -o drawn.mp4 --preset sketch
"""


@click.command(
    cls=Command, epilog=EXAMPLES, short_help="Combine one clip's layout with another's look."
)
@click.argument("content", type=click.Path(path_type=Path))
@click.argument("style", type=click.Path(path_type=Path))
@options.frames_of("CONTENT")
@options.frames_of("STYLE", "--style-frames")
@options.reading_of("CONTENT and STYLE")
@options.output_of("CONTENT")
@writing_options
@layers_of("STYLE")
@save_structure
@options.seeds
@options.completeness_of("STYLE", default="16256.25")
@structure_options
@flow_options
@options.levels_with(patch="3,5,5", factor="0.9,0.9", coarsest="3,20", iterations=1)
@memory_option
@options.device
def analogy(
    content: Path,
    style: Path,
    style_frames: Frames,
    save_structure: Path | None,
    flow: str,
    content_flow: Path | None,
    style_flow: Path | None,
    download: bool,
    **settings: Any,
) -> list[Sample]:
    """Make a video with the layout of CONTENT, in space and time, and the look of STYLE.

    Where something moves in CONTENT, the output shows something that moves in STYLE, as it moves
    there. The output has the size, length and frame rate of CONTENT. The same seed and options
    always give the same file.
    """
    from patchvid import show_structures

    structure, weights = settings["structure"], settings["flow_weights"]
    files = {"--content-flow": content_flow, "--style-flow": style_flow}
    check_flow_options(
        structure, flow, weights, given=any(files.values()), preview=settings["preview"],
        fetching=download,
    )  # fmt: skip
    if is_rehearsal():
        return []
    check_exists(content, style)
    if download:
        fetch_raft(weights, quiet=settings["quiet"])

    def draw(inputs: Any, result: Any) -> Any:
        return show_structures(inputs["clip"], inputs["style"], result)

    return make_videos(
        analogy_with_flows(flow, files, frames=(settings["frames"], style_frames)),
        ending="_analogy",
        clip=content,
        readers={"style": ClipFile(style, style_frames)},
        source="style",
        layer_frames=style_frames,
        extra=None if save_structure is None else (save_structure, draw),
        **settings,
    )
