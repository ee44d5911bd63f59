"""Options that several commands share, as decorators."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from patchvid.cli.command import is_typed, keep_quiet
from patchvid.cli.values import OutputPath, number_parser, parse_alpha, parse_frames

MOST_SAMPLES = 10_000

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def together(*decorators: Decorator) -> Decorator:
    """Combine decorators into one; ``--help`` lists their options in this order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


def option(*names: str, **settings: Any) -> Decorator:
    """Make an option whose default is shown."""
    return click.option(*names, **{"show_default": True, **settings})


def numbers(
    *names: str, form: str, kind: type[int] | type[float], below: float = math.inf, **settings: Any
) -> Decorator:
    """Make an option for numbers above 0, as many as ``form`` (``T,H,W``) has names."""
    return option(*names, type=number_parser(form, kind, below), metavar=form, **settings)


# Input


def frames_of(clip: str, name: str = "--frames") -> Decorator:
    """Make the option that selects frames of an input."""
    return option(
        name,
        type=parse_frames,
        metavar="A:B",
        default=":",
        show_default=False,
        help=f"Use frames A to B-1 of {clip}; the first frame is 0.  [default: all]",
    )


def reading_of(clip: str) -> Decorator:
    """Make the options for reading an input."""
    return together(
        option(
            "--max-size",
            type=click.IntRange(min=1),
            metavar="PX",
            help=f"Shrink {clip} so that the longer side has at most PX pixels.",
        ),
        option(
            "--fps",
            type=click.FloatRange(0.01, 1000),
            metavar="FPS",
            help=f"Frames per second. Frames of {clip} are repeated or left out, so that motion "
            "keeps its speed; folders of frames and arrays are read at this rate.  [default: the "
            "source's, or 24]",
        ),
        option(
            "--depth",
            type=click.Choice(["8", "10", "12", "16"]),
            metavar="BITS",
            callback=lambda ctx, param, value: value and int(value),
            help=f"Bits per channel: 8, 10, 12 or 16. 8 reads {clip} with 8 bits, the others with "
            "16; 10 and 12 also set the bits of video files.  [default: as the source; 10 in video "
            "files if it has more than 8]",
        ),
        option(
            "--tone-map",
            is_flag=True,
            help="Convert high dynamic range (PQ, HLG) and wide gamuts to BT.709 (SDR).",
        ),
        option(
            "--strict",
            is_flag=True,
            help="Refuse files that are damaged or cut short, instead of warning.",
        ),
    )


source = together(
    click.argument("clip", type=click.Path(path_type=Path), required=False),
    frames_of("CLIP"),
    option(
        "--scene",
        type=click.IntRange(min=1),
        metavar="N",
        help="Use scene N of a CLIP with cuts; the first scene is 1.",
    ),
    reading_of("CLIP"),
)


# Output

as_json = option("--json", "as_json", is_flag=True, help="Print results as JSON, with all digits.")
overwrite = option("--overwrite", is_flag=True, help="Replace files that exist.")
quiet = option(
    "--quiet",
    is_flag=True,
    is_eager=True,
    callback=keep_quiet,
    help="Print nothing but errors and JSON.",
)


def output_of(clip: str) -> Decorator:
    """Make the options for output and printing."""
    return together(
        option(
            "-o",
            "--output",
            type=OutputPath(),
            help="Video, GIF, .npz or .npy file to write, or a folder for frames. Several samples "
            "are numbered. With -, write no video: for use with --report or --json.  "
            f"[default: named after {clip} and the command, in the current folder]",
        ),
        overwrite,
        option(
            "--report",
            type=OutputPath(),
            metavar="FILE.html",
            help="Also write a page that plays all videos in step and shows measures, times, and "
            "where every pixel comes from.",
        ),
        option(
            "--preview",
            is_flag=True,
            help="Make only a small version, in a second or two: at most 160 pixels and 48 "
            "frames. Its files have _preview in their names.",
        ),
        as_json,
        quiet,
    )


download = option(
    "--download",
    is_flag=True,
    help="Fetch weights of networks if they are not on this machine.",
)


# Size

_CLASH = "--scale and --size both set the size of the output; give one of them."


def _refuse_both(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Refuse --scale together with --size."""
    if is_typed("scale") and is_typed("size"):
        raise click.UsageError(_CLASH)
    return value


size = together(
    numbers(
        "--scale",
        form="T,H,W",
        kind=float,
        default="1,1,1",
        callback=_refuse_both,
        help="Size of the output, relative to CLIP.",
    ),
    numbers(
        "--size",
        form="T,H,W",
        kind=int,
        callback=_refuse_both,
        help="Size of the output in frames and pixels.",
    ),
)

periodic = together(
    option("--loop", is_flag=True, help="Make a loop: the last frame leads to the first."),
    option(
        "--tile",
        type=click.Choice(["x", "y", "xy"]),
        callback=lambda ctx, param, value: value or "",
        help="Make a tile: copies laid side by side show no seam.",
    ),
)


# Variation


def completeness_of(clip: str, default: str) -> Decorator:
    """Make the option for how much of an input must appear."""
    return option(
        "--alpha",
        type=parse_alpha,
        metavar="none|ALPHA",
        default=default,
        help=f"Completeness: the smaller ALPHA, the more of {clip} appears.",
    )


samples = option(
    "-n",
    "--samples",
    type=click.IntRange(1, MOST_SAMPLES),
    metavar="N",
    default=1,
    help="How many videos to make.",
)
seeds = together(
    samples,
    option(
        "--seed",
        type=click.IntRange(min=0),
        metavar="S",
        help="Seed of the first sample; the next ones have S+1, S+2 and so on.  "
        "[default: random, and printed]",
    ),
)


# Levels


def patches_with(*, patch: str | None = None, iterations: int | None = None) -> Decorator:
    """Make the options for patches and their votes, with the defaults of an application."""
    large = "" if patch else "  [default: 3,7,7; 3,5,5 above 7.5 million voxels]"
    small = "" if iterations else "  [default: 5; more on small levels, 1 above 3 million voxels]"
    return together(
        numbers("--patch", form="T,H,W", kind=int, default=patch, help=f"Size of a patch.{large}"),
        option(
            "--iterations",
            type=click.IntRange(min=1),
            metavar="N",
            default=iterations,
            help=f"Searches and votes on each level.{small}",
        ),
        option(
            "--reduce",
            type=click.Choice(["median", "mean"]),
            default="median",
            help="How to combine overlapping patches.",
        ),
    )


def levels_with(
    *,
    patch: str | None = None,
    factor: str = "0.87,0.82",
    coarsest: str | None = "3,15",
    adapted: str = "",
    iterations: int | None = None,
) -> Decorator:
    """Make the options for levels; ``adapted`` tells a default of --coarsest that is not fixed."""
    return together(
        patches_with(patch=patch, iterations=iterations),
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
            help="Frames and shorter side of the coarsest level."
            + (f"  [default: {adapted}]" if adapted else ""),
        ),
    )


levels = levels_with()


# Computation

device = option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    help="Where to compute; auto uses a GPU if there is one.",
)
