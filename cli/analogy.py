"""``patchvid analogy``: a video with the layout of one clip and the look of another."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from patchvid.cli import analogy_options, options
from patchvid.cli.command import Command
from patchvid.cli.job import make_videos

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
@options.completeness_of("STYLE", default="16256.25")
@analogy_options.structure
@analogy_options.flow
@options.synthesis_by(patch="3,5,5", factor="0.9,0.9", coarsest="3,20", iterations=1)
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
    from patchvid import WeightsError, read_flow, read_video, show_structures
    from patchvid import analogy as make_analogy
    from patchvid._progress import reporting
    from patchvid.motion.optical_flow import find_raft

    if content_flow or style_flow:
        if settings["preview"]:
            raise click.UsageError("--preview has too few frames for flows made elsewhere.")
        if settings["structure"] != "flow":
            raise click.UsageError("--content-flow and --style-flow are for --structure flow.")
    if settings["flow_weights"] and (settings["structure"] != "flow" or flow == "classical"):
        raise click.UsageError("RAFT is not used with these options; leave --flow-weights out.")
    is_given = content_flow is not None and style_flow is not None
    if settings["structure"] == "flow" and flow != "classical" and not is_given:
        # Without them, what estimates the flow will say so.
        shown = False if settings["quiet"] else None
        with reporting(shown, "fetching weights") as progress, suppress(WeightsError):
            find_raft(settings["flow_weights"], progress)
    flows: list[Any] = [read_flow(path) if path else flow for path in (content_flow, style_flow)]

    def make(video: "NDArray[Any]", *, style: "NDArray[Any]", details: bool, **others: Any) -> Any:
        read = ("--content-flow", video, settings["frames"]), ("--style-flow", style, style_frames)
        for at, (name, clip, frames) in enumerate(read):
            if not isinstance(flows[at], str):
                flows[at] = _fit_flow(name, flows[at], clip, frames)
        made = make_analogy(video, style, flow=flows, details=True, **others)
        for at, structure in enumerate(made.structures):  # for the next samples
            flows[at] = flow if structure.flow is None else structure.flow
        return made if details else made.video

    def show(inputs: Any, made: Any) -> Any:
        return show_structures(inputs["clip"], inputs["style"], made)

    also = None if save_structure is None else (save_structure, show)
    beside = {"style": lambda shape, frames: read_video(style, frames=style_frames)[0]}
    make_videos(
        make, ending="_analogy", clip=content, beside=beside, source="style", also=also, **settings
    )


def _fit_flow(name: str, flow: Any, clip: "NDArray[Any]", frames: tuple[int, int | None]) -> Any:
    """The flow of a whole clip, as that of the frames which were read, at their size."""
    import numpy as np

    from patchvid import resize

    n_pairs, height, width = len(clip) - 1, *clip.shape[1:3]
    first = 0 if len(flow) == n_pairs else frames[0]
    read = flow[first : first + n_pairs]
    scale = np.array([width / flow.shape[2], height / flow.shape[1]], np.float32)
    apart = abs(scale[0] * flow.shape[1] - height)  # by rounding, where a clip was shrunk
    if len(read) != n_pairs or scale.max() > 1 or apart > 1:
        raise click.UsageError(
            f"{name} is {'x'.join(map(str, flow.shape[:3]))}, which does not fit a clip of "
            f"{'x'.join(map(str, clip.shape[:3]))}."
        )
    return read if (scale == 1).all() else resize(read, (n_pairs, height, width)) * scale
