"""Options that commands share, as decorators."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from patchvid.cli.values import as_box, as_frames, as_noise, check_alpha, numbers_as

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def together(*decorators: Decorator) -> Decorator:
    """One decorator that applies several; ``--help`` lists their options in this order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


def option(*names: str, **settings: Any) -> Decorator:
    return click.option(*names, **{"show_default": True, **settings})


def numbers(
    *names: str, form: str, kind: type[int] | type[float], below: float = math.inf, **settings: Any
) -> Decorator:
    """An option for as many numbers above 0 as ``form`` (``T,H,W``) has names."""
    return option(*names, type=numbers_as(form, kind, below), metavar=form, **settings)


def _alone(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Refuse --scale beside --size."""
    given = click.core.ParameterSource.COMMANDLINE
    if all(ctx.get_parameter_source(name) is given for name in ("scale", "size")):
        raise click.UsageError("--scale and --size say the same thing twice; give one of them.")
    return value


def frames_of(clip: str, name: str = "--frames") -> Decorator:
    """Which frames of an input are used."""
    return option(
        name,
        type=as_frames,
        metavar="A:B",
        default=":",
        show_default=False,
        help=f"Use {clip}'s frames from A, counted from 0, until before B.  [default: all]",
    )


def max_size_of(clip: str) -> Decorator:
    """How large an input may be."""
    return option(
        "--max-size",
        type=click.IntRange(min=1),
        metavar="PX",
        help=f"Shrink {clip} until the longer side has at most PX pixels.",
    )


def completeness_of(clip: str, default: str) -> Decorator:
    """How much of an input must appear."""
    return option(
        "--alpha",
        type=check_alpha,
        metavar="none|ALPHA",
        default=default,
        help=f"Completeness: the smaller, the more of {clip} appears.",
    )


source = together(
    click.argument("clip", type=click.Path(path_type=Path), required=False),
    frames_of("CLIP"),
    max_size_of("CLIP"),
)

as_json = option("--json", "as_json", is_flag=True, help="Print JSON, with all digits.")


def output_of(clip: str) -> Decorator:
    """What is written, and what is printed."""
    return together(
        option(
            "-o",
            "--output",
            type=click.Path(path_type=Path),
            help="Video, GIF, .npz or .npy file, or a folder for frames; several samples are "
            "numbered; - for none, with --report or --json.  "
            f"[default: {clip}'s name and the command's, in the current folder]",
        ),
        option("--overwrite", is_flag=True, help="Replace what exists."),
        option(
            "--report",
            type=click.Path(path_type=Path),
            metavar="FILE.html",
            help="Write a page that plays all videos in step, and shows where every pixel is from, "
            "measures and times.",
        ),
        option(
            "--preview",
            is_flag=True,
            help="Make only a small version, in a second or two: up to 160 pixels and 48 frames. "
            "Its files are named so.",
        ),
        as_json,
        option("--quiet", is_flag=True, help="Print nothing but errors and JSON."),
    )


seeds = together(
    option(
        "-n",
        "--samples",
        type=click.IntRange(min=1),
        metavar="N",
        default=1,
        help="How many videos to make.",
    ),
    option(
        "--seed",
        type=click.IntRange(min=0),
        metavar="S",
        help="Seed of the first sample; each other has the next one.  [default: random, printed]",
    ),
)

chance = together(
    seeds,
    option(
        "--noise",
        type=as_noise,
        metavar="auto|SIGMA",
        default="auto",
        help="How far from CLIP: a standard deviation, where values span -1 to 1.",
    ),
    completeness_of("CLIP", default="15"),
)

size = together(
    numbers(
        "--scale",
        form="T,H,W",
        kind=float,
        default="1,1,1",
        callback=_alone,
        help="Size of the output relative to CLIP's.",
    ),
    numbers(
        "--size",
        form="T,H,W",
        kind=int,
        callback=_alone,
        help="Size of the output in frames and pixels.",
    ),
)

around = together(
    option("--loop", is_flag=True, help="Time goes around: the last frame leads to the first."),
    option(
        "--tile",
        type=click.Choice(["x", "y", "xy"]),
        callback=lambda ctx, param, value: value or "",
        help="Space goes around: copies laid side by side have no seam.",
    ),
)


def region(name: str, what: str) -> Decorator:
    """A region of the clip, by masks and boxes."""
    return together(
        option(
            f"--{name}",
            type=click.Path(path_type=Path),
            multiple=True,
            help=f"Picture (for all frames), video, folder or array, white {what}; repeatable.",
        ),
        option(
            "--box",
            "boxes",
            type=as_box,
            metavar="X,Y,W,H",
            multiple=True,
            help=f"Box {what}: left, top, width and height in pixels of CLIP; repeatable.",
        ),
    )


cue = together(
    option(
        "--cue",
        type=click.Path(path_type=Path),
        help="CLIP with flat colours painted on it, for what should appear.",
    ),
    option(
        "--grow",
        type=click.IntRange(min=0),
        metavar="PX",
        help="Pixels by which the hole is larger than the mask.  [default: 0; around what a cue "
        "paints, a twentieth of CLIP's shorter side]",
    ),
)


def synthesis_by(
    *,
    patch: str | None = None,
    factor: str = "0.87,0.82",
    coarsest: str | None = "3,15",
    iterations: int | None = None,
) -> Decorator:
    """How levels are made, with the defaults of an application."""
    large = "" if patch else "  [default: 3,7,7; 3,5,5 above 7.5 million voxels]"
    adapted = "" if coarsest else "  [default: 9,28; less for small clips and shorter outputs]"
    small = "" if iterations else "  [default: 5; more on small levels, 1 above 3 million voxels]"
    return together(
        numbers("--patch", form="T,H,W", kind=int, default=patch, help=f"Size of a patch.{large}"),
        numbers(
            "--factor",
            form="T,S",
            kind=float,
            below=1,
            default=factor,
            help="Size of a level relative to the next finer one, in time and in space.",
        ),
        numbers(
            "--coarsest",
            form="T,PX",
            kind=int,
            default=coarsest,
            help=f"Frames and shorter side of the coarsest level.{adapted}",
        ),
        option(
            "--iterations",
            type=click.IntRange(min=1),
            metavar="N",
            default=iterations,
            help=f"Iterations a level.{small}",
        ),
        option(
            "--reduce",
            type=click.Choice(["median", "mean"]),
            default="median",
            help="How patches that overlap are merged.",
        ),
    )


synthesis = synthesis_by()

device = option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    help="Where to compute.",
)
