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


def _noise(text: str) -> str | float:
    """``auto`` or a standard deviation."""
    if text == "auto":
        return text
    with suppress(ValueError):
        if 0 <= (sigma := float(text)) < math.inf:
            return sigma
    raise click.BadParameter(f"{text!r} is neither 'auto' nor a number from 0 up.")


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


def frames_of(clip: str) -> Decorator:
    """Which frames of an input are used."""
    return _option(
        "--frames",
        type=_frames,
        metavar="A:B",
        default=":",
        show_default=False,
        help=f"Use {clip}'s frames from A, counted from 0, until before B.  [default: all]",
    )


source = together(
    click.argument("clip", type=click.Path(path_type=Path), required=False),
    frames_of("CLIP"),
    _option(
        "--max-size",
        type=click.IntRange(min=1),
        metavar="PX",
        help="Shrink CLIP until its longer side has at most PX pixels.",
    ),
)

target = together(
    _option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        help="Video, GIF, .npz or .npy file, or a folder for frames; several samples are "
        "numbered.  [default: CLIP's name and _gen, in the current folder]",
    ),
    _option("--overwrite", is_flag=True, help="Replace what exists."),
)

chance = together(
    _option(
        "-n", "--samples", type=click.IntRange(min=1), default=1, help="How many videos to make."
    ),
    _option(
        "--seed",
        type=click.IntRange(min=0),
        metavar="S",
        help="Seed of the first sample; each other has the next one.  [default: random, printed]",
    ),
    _option(
        "--noise",
        type=_noise,
        metavar="auto|SIGMA",
        default="auto",
        help="How far from CLIP: a standard deviation, where values span -1 to 1.",
    ),
)

shape = together(
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
    _option("--loop", is_flag=True, help="Have the last frame go on into the first."),
    _option(
        "--tile",
        type=click.Choice(["x", "y", "xy"]),
        callback=lambda ctx, param, value: value or "",
        help="Leave no seam where copies of the output are laid side by side.",
    ),
)

synthesis = together(
    _numbers(
        "--patch",
        form="T,H,W",
        kind=int,
        help="Size of a patch.  [default: 3,7,7; 3,5,5 above 7.5 million voxels]",
    ),
    _numbers(
        "--factor",
        form="T,S",
        kind=float,
        below=1,
        default="0.87,0.82",
        help="Size of a level relative to the next finer one, in time and in space.",
    ),
    _numbers(
        "--coarsest",
        form="T,PX",
        kind=int,
        default="3,15",
        help="Frames and shorter side of the coarsest level.",
    ),
    _option(
        "--em",
        type=click.IntRange(min=1),
        metavar="N",
        help="Iterations a level.  [default: 5; more on small levels, 1 above 3 million voxels]",
    ),
    _option(
        "--vote",
        type=click.Choice(["median", "mean"]),
        default="median",
        help="How patches that overlap are merged.",
    ),
)

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
