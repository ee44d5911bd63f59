"""``patchvid analogy``: a video with the layout of one clip and the look of another."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from patchvid.cli import analogy_options, options
from patchvid.cli.command import Command
from patchvid.cli.job import make_videos
from patchvid.cli.progress import show_fraction

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXAMPLES = """\b
Examples:
  patchvid analogy waterfall.mp4 lava.mp4           waterfall_analogy.mp4: a fall of lava
  patchvid analogy a.mp4 b.mp4 --max-size 432 --save-structure why.mp4
  patchvid analogy digit.mp4 parade.mp4 -o drawn.mp4 --preset sketch
"""


@click.command(
    cls=Command, epilog=EXAMPLES, short_help="Lay out one clip with the look of another."
)
@click.argument("content", type=click.Path(path_type=Path))
@click.argument("style", type=click.Path(path_type=Path))
@options.frames_of("CONTENT")
@options.frames_of("STYLE", "--style-frames")
@options.max_size_of("CONTENT and STYLE")
@options.output_of("CONTENT")
@analogy_options.save_structure
@options.seeds
@options.completeness_of("STYLE", default="1")
@analogy_options.structure
@analogy_options.flow
@options.synthesis_by(patch="3,5,5", factor="0.9,0.9", coarsest="3,20", em=1)
@options.device
def analogy(
    content: Path,
    style: Path,
    style_frames: tuple[int, int | None],
    save_structure: Path | None,
    flow: str,
    content_flow: Path | None,
    style_flow: Path | None,
    **settings: Any,
) -> None:
    """Make a video with the layout of CONTENT in space and time, and the look of STYLE.

    What moves in CONTENT is made of what moves in STYLE, and moves like it. The output is as
    large, as long and as fast as CONTENT. The same seed and options give the same file.
    """
    from patchvid import WeightsError, analogies, read_flow, read_video
    from patchvid.flow import find_raft

    if settings["preview"] and (content_flow or style_flow):
        raise click.UsageError("--preview is too small for flows made elsewhere; leave one out.")
    is_given = content_flow is not None and style_flow is not None
    if settings["structure"] == "flow" and flow != "classical" and not is_given:
        # Without them, what estimates the flow will say so.
        hidden = settings["quiet"]
        with show_fraction("fetching weights", hidden=hidden) as progress, suppress(WeightsError):
            find_raft(settings["flow_weights"], progress)
    flows: list[Any] = [read_flow(path) if path else flow for path in (content_flow, style_flow)]

    def make(video: "NDArray[Any]", *, details: bool, **others: Any) -> Any:
        made = analogies.analogy(video, flow=flows, details=True, **others)
        for at, structure in enumerate(made.structures):  # for the next samples
            flows[at] = flow if structure.flow is None else structure.flow
        return made if details else made.video

    def show(inputs: Any, made: Any) -> Any:
        return analogies.show_structures(inputs["clip"], inputs["style"], made)

    also = None if save_structure is None else (save_structure, show)
    beside = {"style": lambda shape, frames: read_video(style, frames=style_frames)[0]}
    make_videos(
        make, ending="_analogy", clip=content, beside=beside, source="style", also=also, **settings
    )
