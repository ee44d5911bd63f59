"""``patchvid analogy``: a video with the layout of one clip and the look of another."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from patchvid.cli import options
from patchvid.cli.job import make_videos, show_fraction

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXAMPLES = """\b
Examples:
  patchvid analogy waterfall.mp4 lava.mp4           waterfall_analogy.mp4: a fall of lava
  patchvid analogy a.mp4 b.mp4 --max-size 432 --save-structure why.mp4
  patchvid analogy digit.mp4 parade.mp4 -o drawn.mp4 --preset sketch
"""


@click.command(epilog=EXAMPLES, short_help="Lay out one clip with the look of another.")
@click.argument("content", type=click.Path(path_type=Path))
@click.argument("style", type=click.Path(path_type=Path))
@options.target
@options.seeds
@options.structure
@options.flow
@options.frames_of("CONTENT")
@options.frames_of("STYLE", "--style-frames")
@options.max_size_of("CONTENT and STYLE")
@options.synthesis_by(patch="3,5,5", factor="0.9,0.9", coarsest="3,20", em=1)
@options.machine
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
    from patchvid import WeightsError, analogies, read_flow, read_video, write_video
    from patchvid.flow import find_raft
    from patchvid.video import check_target

    overwrite = settings["overwrite"]
    if save_structure is not None:
        check_target(save_structure, overwrite=overwrite)
    if settings["structure"] == "flow" and flow != "classical":
        # Without them, what estimates the flow will say so.
        with show_fraction("fetching weights") as progress, suppress(WeightsError):
            find_raft(settings["flow_weights"], progress)
    flows: list[Any] = [read_flow(path) if path else flow for path in (content_flow, style_flow)]

    def make(video: "NDArray[Any]", **others: Any) -> "NDArray[Any]":
        nonlocal save_structure
        made = analogies.analogy(video, flow=flows, details=True, **others)
        if save_structure is not None:
            film = analogies.show_structures(video, others["style"], made)
            write_video(save_structure, film, overwrite=overwrite)
            save_structure = None
        for at, structure in enumerate(made.structures):  # for the next samples
            flows[at] = flow if structure.flow is None else structure.flow
        return made.video

    beside = {"style": lambda shape, frames: read_video(style, frames=style_frames)[0]}
    make_videos(make, ending="_analogy", clip=content, beside=beside, **settings)
