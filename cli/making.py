"""The work of every command that makes videos: read a clip, make samples, write them."""

import secrets
import time
from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from patchvid.cli.command import command_line, is_rehearsal, used_settings
from patchvid.cli.estimate import Estimate
from patchvid.cli.films import Film
from patchvid.cli.info import facts
from patchvid.cli.inputs import (
    ClipFile,
    PaintedFrames,
    Reader,
    Reading,
    check_coarsest,
    check_exists,
    in_proportion,
    read_inputs,
)
from patchvid.cli.layers import plan_layers, read_layers
from patchvid.cli.outputs import NO_FILE, Sample, plan_outputs, print_json
from patchvid.cli.scenes import frames_of_scene, tell_cuts
from patchvid.cli.values import Frames
from patchvid.cli.writing import (
    Writing,
    check_lengths,
    choose_rate,
    choose_sound,
    even_size,
    length_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Draws a video from the inputs, by name, and a result with details.
Draw = Callable[[Mapping[str, Any], Any], "NDArray[Any]"]


def make_videos(
    make: Callable[..., Any],
    *,
    ending: str,
    clip: Path | None,
    frames: Frames,
    scene: int | None = None,
    max_size: int | None,
    fps: float | None,
    depth: int | None,
    tone_map: bool,
    strict: bool,
    output: Path | None,
    overwrite: bool,
    report: Path | None,
    preview: bool,
    as_json: bool,
    samples: int,
    seed: int | None,
    quiet: bool,
    codec: str | None,
    quality: int | None,
    no_audio: bool,
    memory: int | None,
    keeps_order: bool = True,
    readers: Mapping[str, Reader | ClipFile | PaintedFrames] | None = None,
    source: str = "clip",
    layers: tuple[Path, ...],
    layer_frames: Frames | None = None,
    save_field: Path | None,
    extra: tuple[Path, Draw] | None = None,
    **settings: Any,
) -> list[Sample]:
    """Write ``make(clip, seed=..., progress=..., details=True, **settings)`` for each seed.

    Every sample is written as soon as it is made, so an interrupted job keeps earlier ones.

    Parameters
    ----------
    make
        The function of patchvid that makes a video.
    ending
        Added to the clip's name if `output` gives none.
    keeps_order
        Whether the output keeps the timing of the clip, so that its sound fits.
    readers
        Read the further inputs of `make`, by name. They are shrunk like the clip.
    source
        The input that outputs are made from.
    layer_frames
        The frames of `source` in use, if they are not `frames`.
    extra
        A file to write after the first sample, and the function that draws it.
    clip, frames, scene, max_size, fps, depth, tone_map, strict, output, overwrite, report, preview
        The options of these names.
    as_json, samples, seed, quiet, codec, quality, no_audio, memory, layers, save_field
        The options of these names.

    Returns
    -------
        The samples.
    """
    import patchvid
    from patchvid._progress import reporting
    from patchvid.kernels.limits import limited
    from patchvid.results import LAYOUT_MEASURES

    ctx = click.get_current_context()
    if output == NO_FILE and not (report or as_json):
        raise click.UsageError("-o - writes no video; add --report or --json, or give a name.")
    if output == NO_FILE and layers:
        raise click.UsageError("layers are named after the video, so they need one; drop -o -.")
    if is_rehearsal():
        return []
    ctx.with_resource(limited(memory))  # of all that follows
    check_exists(clip, *layers)
    extra_path, draw = extra or (None, None)
    writing = Writing(codec, quality, depth, no_audio, keeps_order)
    outputs = plan_outputs(
        output, clip, ending=ending, samples=samples, report=report, extra=extra_path,
        field=save_field, overwrite=overwrite, preview=preview, settings=writing.settings,
    )  # fmt: skip
    how = Reading(max_size, fps, depth, tone_map, strict, preview=preview, quiet=quiet)
    readers = readers or {}
    estimate = Estimate(settings, "fill" if "mask" in readers else "make", quiet)
    frames = frames_of_scene(clip, frames, scene, how)
    inputs = read_inputs(clip, frames, readers, how, estimate)
    check_coarsest(settings, inputs.videos[source].shape, inputs.ratios)
    others = dict(inputs.videos)
    video = others.pop("clip")
    if scene is None:
        tell_cuts(clip, video, frames, how)
    read = read_layers(layers, layer_frames or frames, inputs.videos[source].shape, how)
    layer_paths = plan_layers(outputs, read, overwrite=overwrite)
    settings |= in_proportion(settings, inputs) | even_size(settings, video.shape) | others
    written = [*outputs.videos, outputs.extra, *chain.from_iterable(layer_paths)]
    check_lengths(written, length_of(settings, len(video)))

    seed = secrets.randbits(32) if seed is None else seed
    command = command_line(ctx, seed, without=["--preview"])
    shown = False if quiet else None  # None is a bar, if there is a terminal
    rate = choose_rate(clip, inputs, [*written, outputs.report], quiet=quiet)
    page = None
    if outputs.report is not None:
        page = patchvid.Report(inputs.videos, source=source, fps=rate)
    made: list[Sample] = []
    for number, path in enumerate(outputs.videos):
        start = time.perf_counter()
        label = f"sample {number + 1}/{samples}" if samples > 1 else ctx.command_path
        with reporting(shown, label) as progress:
            result = make(video, seed=seed + number, progress=progress, details=True, **settings)
            is_loop = isinstance(result, patchvid.LoopResult)
            # A loop stores each frame once; `order` says when to write it, perhaps several times.
            new: Any = result.frames if is_loop or isinstance(result, Film) else result.video
            order = result.order if is_loop else None
            shape = result.shape if isinstance(result, Film) else new.shape
            shape = (shape[0] if order is None else len(order), *shape[1:])
            if path is not None:
                sound, left_out = choose_sound(clip, frames, inputs, shape[0], writing)
                if left_out and not quiet and number == 0:
                    click.echo(left_out, err=True)
                patchvid.write_video(
                    path, new, fps=rate, info=inputs.info, order=order, overwrite=overwrite,
                    **writing.settings, **sound,
                )  # fmt: skip
        if outputs.extra and draw and number == 0:
            drawn = draw(inputs.videos, result)
            patchvid.write_video(outputs.extra, drawn, fps=rate, overwrite=overwrite)
        beside = layer_paths[number] if layers else []
        for target, layer in zip(beside, read):
            moved = patchvid.rearrange(layer.video, result.field, device=settings["device"])
            patchvid.write_video(target, moved, fps=rate, info=layer.info, overwrite=overwrite)
        if field_path := outputs.fields[number]:
            patchvid.write_field(field_path, result.field, overwrite=overwrite)
        seconds = time.perf_counter() - start
        layout = {name: (getattr(result, name, None) or [None])[0] for name in LAYOUT_MEASURES}
        jumps = [jump._asdict() for jump in result.jumps] if is_loop else None
        made.append(
            Sample(path, shape, seed + number, seconds, beside, field_path, jumps=jumps, **layout)
        )
        if not (quiet or as_json):
            click.echo(str(made[-1]))
        if page is not None:
            page.add(path.name if path else f"sample {number + 1}", result, seconds=seconds)

    if page is not None and outputs.report is not None:
        tables = {"Settings": used_settings(ctx), "Made with": facts()}
        with reporting(shown, "writing the report") as progress:
            page.write(
                outputs.report, title=ctx.command_path, command=command, tables=tables,
                overwrite=overwrite, progress=progress,
            )  # fmt: skip
    if as_json:
        print_json(made, outputs.report, command)
    elif not quiet:
        if outputs.report is not None:
            click.echo(f"{outputs.report}: {outputs.report.stat().st_size / 1e6:.1f} MB")
        if preview:
            click.echo(f"in full: {command}")
    return made
