"""``patchvid eval``: measures of generated videos against their source."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from patchvid.cli import options
from patchvid.cli.command import Command
from patchvid.cli.values import Frames

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
    help="Also measure svfid, with the weights of C3D in this .pth or .npz file. auto uses the "
    "file named by the environment variable PATCHVID_C3D, or published weights (see --download).",
)
@options.download
@options.as_json
def evaluate(
    source: Path,
    generated: tuple[Path, ...],
    frames: Frames,
    device: str,
    weights: str | None,
    as_json: bool,
    download: bool,
) -> None:
    """Measure GENERATED videos against the SOURCE that they were made from.

    \b
    coherence      distance of a patch of the video to the nearest in SOURCE: lower is better
    completeness   distance of a patch of SOURCE to the nearest in the video: lower is better
    swd            sliced Wasserstein distance between patches: lower is better
    layout         the same, for patches with their places on a coarse level: lower is better
    nnfdiv         size of the compressed field of small patches: higher if pieces are smaller
    nnfdist        coherence of small patches: lower is better
    largest_piece  size of the largest copied piece: 1 if the whole video is a copy
    mean_piece     size of the copied piece that a patch belongs to, on average
    longest_run    frames for which half of the picture continues just as in SOURCE
    flicker        difference between successive frames, relative to SOURCE: best near 1
    svfid          Frechet distance between C3D's features, only with --svfid: lower is better
    diversity      how much pixels vary from video to video: 0 if the videos are the same

    Coherence, completeness and nnfdist are mean squared differences of 8-bit values. Sizes of
    pieces are fractions of the video. Some measures look at a sample of the patches; the number
    after ± is their standard error. Compare nnfdiv only between videos of the same size, and svfid
    only between videos measured here with the same weights: published values were computed in
    another way.
    """  # noqa: D301
    from patchvid import fetch_weights, metrics, read_video
    from patchvid.metrics.frechet import find_c3d

    video, _ = read_video(source, frames=frames)
    outputs = [read_video(path)[0] for path in generated]
    names = [str(path) for path in generated]
    if download and weights is None:
        raise click.UsageError("--download fetches the weights of --svfid; give --svfid auto too.")
    if weights == "auto":
        if download and "PATCHVID_C3D" not in os.environ:
            fetch_weights("c3d_sports1m")
        weights = str(find_c3d(None))
    scores, mean, diversity = metrics.evaluate(
        video, outputs, device=device, weights=weights, names=names
    )
    if as_json:
        files = [{"file": name, **_as_dict(row)} for name, row in zip(names, scores, strict=True)]
        results = {"source": str(source), "files": files, "mean": _as_dict(mean)}
        click.echo(json.dumps({**results, "diversity": diversity}, indent=2))
        return
    measures = [*_present(mean)]
    lines = [["", *measures]]
    for name, row in zip([*names, "mean"], [*scores, mean], strict=True):
        present = _present(row)
        lines.append([name, *(_with_error(present.get(measure)) for measure in measures)])
    first, *widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for name, *cells in lines:
        aligned = (f"  {cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        click.echo(f"{name:{first}}" + "".join(aligned))
    missing = "needs two or more videos of the same height and width"
    click.echo(f"\ndiversity: {missing if diversity is None else f'{diversity:.3f}'}")


def _present(row: "Scores") -> "dict[str, Estimate]":
    """The available measures, by name."""
    return {name: estimate for name, estimate in row._asdict().items() if estimate is not None}


def _as_dict(row: "Scores") -> dict[str, Any]:
    return {name: estimate._asdict() for name, estimate in _present(row).items()}


def _with_error(estimate: "Estimate | None") -> str:
    if estimate is None:
        return ""
    return f"{estimate.value:.3f}" + (f" ±{estimate.error:.3f}" if estimate.error else "")
