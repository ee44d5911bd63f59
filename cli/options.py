"""Options that commands share, as decorators."""

import math
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _frames(text: str) -> tuple[int, int | None]:
    """``A:B``, of which either may be left out, as (first, last)."""
    match = re.fullmatch(r"(\d*):(\d*)", text)
    first, last = (int(match[1] or 0), int(match[2]) if match[2] else None) if match else (0, 0)
    if last is not None and first >= last:
        raise click.BadParameter(f"{text!r} is not A:B, A: or :B with whole numbers and A < B.")
    return first, last


def _box(text: str) -> tuple[int, ...]:
    """``X,Y,W,H`` in pixels."""
    match = re.fullmatch(r"(-?\d+),(-?\d+),(\d+),(\d+)", text)
    if not match:
        raise click.BadParameter(f"{text!r} is not X,Y,W,H: four whole numbers.")
    return tuple(map(int, match.groups()))


def _noise(text: str) -> str | float:
    """``auto`` or a standard deviation."""
    if text == "auto":
        return text
    with suppress(ValueError):
        if 0 <= (sigma := float(text)) < math.inf:
            return sigma
    raise click.BadParameter(f"{text!r} is neither 'auto' nor a number from 0 up.")


def _alpha(value: Any) -> float | None:
    """``none`` or a positive number."""
    if value == "none":
        return None
    with suppress(ValueError):
        if 0 < (alpha := float(value)) < math.inf:
            return alpha
    raise click.BadParameter(f"{value!r} is neither 'none' nor a number above 0.")


def together(*decorators: Decorator) -> Decorator:
    """One decorator that applies several; ``--help`` lists their options in this order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


def _option(*names: str, **settings: Any) -> Decorator:
    return click.option(*names, **{"show_default": True, **settings})


def _numbers(
    *names: str, form: str, kind: type[int] | type[float], below: float = math.inf, **settings: Any
) -> Decorator:
    """An option for as many numbers above 0 as ``form`` (``T,H,W``) has names."""

    def convert(text: str) -> tuple[float, ...]:
        with suppress(ValueError):
            numbers = tuple(kind(part) for part in text.split(","))
            if len(numbers) == form.count(",") + 1 and all(0 < n < below for n in numbers):
                return numbers
        what = "whole numbers" if kind is int else "numbers"
        limit = f" and below {below:g}" if below < math.inf else ""
        raise click.BadParameter(f"{text!r} is not {form}: {what} above 0{limit}.")

    return _option(*names, type=convert, metavar=form, **settings)


def _alone(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Refuse --scale beside --size."""
    given = click.core.ParameterSource.COMMANDLINE
    if all(ctx.get_parameter_source(name) is given for name in ("scale", "size")):
        raise click.UsageError("--scale and --size say the same thing twice; give one of them.")
    return value


def frames_of(clip: str, name: str = "--frames") -> Decorator:
    """Which frames of an input are used."""
    return _option(
        name,
        type=_frames,
        metavar="A:B",
        default=":",
        show_default=False,
        help=f"Use {clip}'s frames from A, counted from 0, until before B.  [default: all]",
    )


def max_size_of(clip: str) -> Decorator:
    """How large an input may be."""
    return _option(
        "--max-size",
        type=click.IntRange(min=1),
        metavar="PX",
        help=f"Shrink {clip} until the longer side has at most PX pixels.",
    )


def completeness_of(clip: str, default: str) -> Decorator:
    """How much of an input must appear."""
    return _option(
        "--alpha",
        type=_alpha,
        metavar="none|ALPHA",
        default=default,
        help=f"Completeness: the smaller, the more of {clip} appears.",
    )


source = together(
    click.argument("clip", type=click.Path(path_type=Path), required=False),
    frames_of("CLIP"),
    max_size_of("CLIP"),
)

target = together(
    _option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        help="Video, GIF, .npz or .npy file, or a folder for frames; several samples are "
        "numbered.  [default: CLIP's name and the command's, in the current folder]",
    ),
    _option("--overwrite", is_flag=True, help="Replace what exists."),
)

seeds = together(
    _option(
        "-n", "--samples", type=click.IntRange(min=1), default=1, help="How many videos to make."
    ),
    _option(
        "--seed",
        type=click.IntRange(min=0),
        metavar="S",
        help="Seed of the first sample; each other has the next one.  [default: random, printed]",
    ),
)

chance = together(
    seeds,
    _option(
        "--noise",
        type=_noise,
        metavar="auto|SIGMA",
        default="auto",
        help="How far from CLIP: a standard deviation, where values span -1 to 1.",
    ),
    completeness_of("CLIP", default="15"),
)

size = together(
    _numbers(
        "--scale",
        form="T,H,W",
        kind=float,
        default="1,1,1",
        callback=_alone,
        help="Size of the output relative to CLIP's.",
    ),
    _numbers(
        "--size",
        form="T,H,W",
        kind=int,
        callback=_alone,
        help="Size of the output in frames and pixels.",
    ),
)

shape = together(
    size,
    _option("--loop", is_flag=True, help="Have the last frame go on into the first."),
    _option(
        "--tile",
        type=click.Choice(["x", "y", "xy"]),
        callback=lambda ctx, param, value: value or "",
        help="Leave no seam where copies of the output are laid side by side.",
    ),
)


def region(name: str, what: str) -> Decorator:
    """A region of the clip, by masks and boxes."""
    return together(
        _option(
            f"--{name}",
            type=click.Path(path_type=Path),
            multiple=True,
            help=f"Picture (for all frames), video, folder or array, white {what}; repeatable.",
        ),
        _option(
            "--box",
            "boxes",
            type=_box,
            metavar="X,Y,W,H",
            multiple=True,
            help=f"Box {what}: left, top, width and height in pixels of CLIP; repeatable.",
        ),
    )


cue = together(
    _option(
        "--cue",
        type=click.Path(path_type=Path),
        help="CLIP with flat colours painted on it, for what should appear.",
    ),
    _option(
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
    em: int | None = None,
) -> Decorator:
    """How levels are made, with the defaults of an application."""
    large = "" if patch else "  [default: 3,7,7; 3,5,5 above 7.5 million voxels]"
    adapted = "" if coarsest else "  [default: 9,28; less for small clips]"
    small = "" if em else "  [default: 5; more on small levels, 1 above 3 million voxels]"
    return together(
        _numbers("--patch", form="T,H,W", kind=int, default=patch, help=f"Size of a patch.{large}"),
        _numbers(
            "--factor",
            form="T,S",
            kind=float,
            below=1,
            default=factor,
            help="Size of a level relative to the next finer one, in time and in space.",
        ),
        _numbers(
            "--coarsest",
            form="T,PX",
            kind=int,
            default=coarsest,
            help=f"Frames and shorter side of the coarsest level.{adapted}",
        ),
        _option(
            "--em",
            type=click.IntRange(min=1),
            metavar="N",
            default=em,
            help=f"Iterations a level.{small}",
        ),
        _option(
            "--vote",
            type=click.Choice(["median", "mean"]),
            default="median",
            help="How patches that overlap are merged.",
        ),
    )


synthesis = synthesis_by()

device = _option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    help="Where to compute.",
)

machine = together(
    device,
    _option("--quiet", is_flag=True, help="Print nothing but errors."),
)


def _use_sketch(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Have the settings for drawings as defaults."""
    if value == "sketch":
        from patchvid.analogies import SKETCH

        ctx.default_map = {
            name: ",".join(map(str, setting)) if isinstance(setting, tuple) else setting
            for name, setting in SKETCH.items()
        }


structure = together(
    _option(
        "--preset",
        type=click.Choice(["sketch"]),
        is_eager=True,
        expose_value=False,
        callback=_use_sketch,
        help="Other defaults, for a drawing as CONTENT.",
    ),
    _option(
        "--structure",
        type=click.Choice(["flow", "luma"]),
        default="flow",
        help="What the layout is read from: motion or brightness.",
    ),
    _numbers(
        "--bins",
        form="A,B",
        kind=int,
        default="4,8",
        help="Bins of structure in CONTENT and in STYLE.",
    ),
    _option(
        "--structure-levels",
        type=click.FloatRange(0, 1, min_open=True),
        metavar="SHARE",
        default=0.5,
        help="Share of the levels, coarse ones first, that keep to CONTENT's layout.",
    ),
    completeness_of("STYLE", default="1"),
    _option(
        "--save-structure",
        type=click.Path(path_type=Path),
        help="Write what the two clips look like to the method.",
    ),
)

flow = together(
    _option(
        "--flow",
        type=click.Choice(["auto", "raft", "classical"]),
        default="auto",
        help="How motion is estimated; auto is raft if its weights can be had.",
    ),
    _option(
        "--flow-weights",
        metavar="WEIGHTS",
        envvar="PATCHVID_RAFT",
        show_envvar=True,
        help="Of RAFT: raft_small, raft_large, or a .pth, .npz or .onnx file.",
    ),
    _option(
        "--content-flow",
        type=click.Path(path_type=Path),
        help="Flow of CONTENT made elsewhere: .npz, .npy or a folder of .flo files.",
    ),
    _option("--style-flow", type=click.Path(path_type=Path), help="Flow of STYLE made elsewhere."),
)
