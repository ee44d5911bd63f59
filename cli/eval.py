"""``patchvid eval``: how close generated videos are to their source, and how far apart."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from patchvid.cli import options
from patchvid.cli.command import Command

if TYPE_CHECKING:
    from patchvid.metrics import Estimate, Scores

EXAMPLES = """\b
Examples:
  patchvid eval clip.mp4 clip_gen_1.mp4 clip_gen_2.mp4
  patchvid eval clip.mp4 wide.mp4 --frames 0:24 --json > wide.json
"""


@click.command(
    "eval", cls=Command, epilog=EXAMPLES, short_help="Measure videos against their source."
)
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("generated", type=click.Path(path_type=Path), nargs=-1, required=True)
@options.frames_of("SOURCE")
@options.device
@click.option(
    "--svfid",
    "weights",
    metavar="WEIGHTS|auto",
    help="Measure svfid too, with the weights of C3D in this .pth or .npz file. With auto, the "
    "variable PATCHVID_C3D names the file, or else published weights are fetched.",
)
@options.as_json
def evaluate(
    source: Path,
    generated: tuple[Path, ...],
    frames: tuple[int, int | None],
    device: str,
    weights: str | None,
    as_json: bool,
) -> None:
    """Measure GENERATED videos against the SOURCE that they were made from.

    \b
    coherence      from a patch of the video to the nearest of SOURCE: less is better
    completeness   from a patch of SOURCE to the nearest of the video: less is better
    swd            sliced Wasserstein distance of the patches: less is better
    largest_piece  share of the video that was copied in one piece: 1 is a copy
    mean_piece     share of the piece that a patch belongs to, on average
    longest_run    frames in a row during which half of the picture continues as in SOURCE
    svfid          Frechet distance of features of C3D, with --svfid only: less is better
    diversity      how much a pixel varies from video to video: 0 is not at all

    All values are on the scale of 8 bits; coherence and completeness are mean squared differences.
    The number after ± is the standard error of a measure that is taken from a sample. Compare svfid
    only between videos measured here with the same weights; published numbers were measured
    otherwise.
    """  # noqa: D301
    from patchvid import metrics, read_video
    from patchvid._progress import reporting
    from patchvid.metrics.frechet import find_c3d

    video, _ = read_video(source, frames=frames)
    outputs = [read_video(path)[0] for path in generated]
    names = [str(path) for path in generated]
    if weights == "auto":
        with reporting(None, "fetching weights") as progress:
            weights = str(find_c3d(None, progress))
    scores, mean, diversity = metrics.evaluate(
        video, outputs, device=device, weights=weights, names=names
    )
    if as_json:
        files = [{"file": name, **_as_dict(row)} for name, row in zip(names, scores, strict=True)]
        results = {"source": str(source), "files": files, "mean": _as_dict(mean)}
        click.echo(json.dumps({**results, "diversity": diversity}, indent=2))
        return
    width = max(map(len, ["mean", *names]))
    click.echo(" " * width + "".join(f"  {name:>15}" for name in _present(mean)))
    for name, row in zip([*names, "mean"], [*scores, mean], strict=True):
        cells = (f"  {_as_text(estimate):>15}" for estimate in _present(row).values())
        click.echo(f"{name:{width}}" + "".join(cells))
    missing = "needs two or more videos of the same height and width"
    click.echo(f"\ndiversity: {missing if diversity is None else f'{diversity:.3f}'}")


def _present(row: "Scores") -> "dict[str, Estimate]":
    """The measures of a row by name, without those that were not taken."""
    return {name: estimate for name, estimate in row._asdict().items() if estimate is not None}


def _as_dict(row: "Scores") -> dict[str, Any]:
    return {name: estimate._asdict() for name, estimate in _present(row).items()}


def _as_text(estimate: "Estimate") -> str:
    return f"{estimate.value:.3f}" + (f" ±{estimate.error:.3f}" if estimate.error else "")
