"""``patchvid apply``: rearrange another layer by a saved field."""

import json
from pathlib import Path

import click

from patchvid.cli import options
from patchvid.cli.command import Command
from patchvid.cli.estimate import Estimate
from patchvid.cli.values import Frames, OutputPath
from patchvid.cli.writing import (
    Writing,
    check_lengths,
    choose_rate,
    choose_sound,
    writing_options,
)

EXAMPLES = """\b
Examples:
  patchvid apply field.npz depth.npy               depth_apply.npy
  patchvid apply field.npz matte.mp4 -o new_matte.mp4
"""


@click.command(cls=Command, epilog=EXAMPLES, short_help="Rearrange a layer with a saved field.")
@click.argument("field", type=click.Path(path_type=Path))
@click.argument("clip", type=click.Path(path_type=Path))
@options.frames_of("CLIP")
@options.reading_of("CLIP")
@options.option(
    "-o",
    "--output",
    type=OutputPath(),
    help="Video, picture or array to write, or a folder for frames.  [default: named after CLIP "
    "and the command, in the current folder; of CLIP's kind, or .npy if that cannot hold the "
    "values]",
)
@options.overwrite
@writing_options
@options.as_json
@options.quiet
@options.device
def apply(
    field: Path,
    clip: Path,
    frames: Frames,
    max_size: int | None,
    fps: float | None,
    depth: int | None,
    tone_map: bool,
    strict: bool,
    output: Path | None,
    overwrite: bool,
    codec: str | None,
    quality: int | None,
    no_audio: bool,
    as_json: bool,
    quiet: bool,
    device: str,
) -> None:
    """Rearrange CLIP with a FIELD that --save-field wrote.

    CLIP is the clip of the field or a layer of it, such as depth, normals or a matte, with the same
    frames, rows and columns. Give the same --frames, --fps and --max-size as for the field.
    """
    import patchvid
    from patchvid.cli.inputs import Reading, check_exists, read_inputs
    from patchvid.cli.layers import Layer, name_layer
    from patchvid.cli.outputs import numbered
    from patchvid.io.writing import check_target

    check_exists(field, clip)
    saved = patchvid.read_field(field)
    how = Reading(max_size, fps, depth, tone_map, strict, preview=False, quiet=quiet)
    estimate = Estimate({"device": device}, "vote", quiet)
    inputs = read_inputs(clip, frames, {}, how, estimate)
    layer = Layer(clip, inputs.videos["clip"], inputs.info)
    *samples, n_patches, _, _ = saved.places.shape
    paths = numbered(output or name_layer(layer, "_apply", codec), *samples or [1])
    writing = Writing(codec, quality, depth, no_audio, saved.keeps_time)
    for path in paths:
        check_target(path, overwrite=overwrite, **writing.settings)
    check_lengths(paths, n_patches if saved.periodic[0] else n_patches + saved.patch[0] - 1)
    rate = choose_rate(clip, inputs, paths, quiet=quiet)
    made = patchvid.rearrange(layer.video, saved, device=device)
    videos = made if made.ndim == 5 else [made]
    sound, left_out = choose_sound(clip, frames, inputs, len(videos[0]), writing)
    if left_out and not quiet:
        click.echo(left_out, err=True)
    for path, video in zip(paths, videos, strict=True):
        patchvid.write_video(
            path, video, fps=rate, info=inputs.info, overwrite=overwrite, **writing.settings,
            **sound,
        )  # fmt: skip
        if not (as_json or quiet):
            click.echo(f"{path}: {'x'.join(map(str, video.shape[:3]))}")
    if as_json:
        files = [{"file": str(path), "shape": made.shape[-4:]} for path in paths]
        click.echo(json.dumps({"files": files}, indent=2))
