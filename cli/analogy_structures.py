"""Options for the structure that ``patchvid analogy`` matches."""

import click

from patchvid.cli.options import numbers, option, together
from patchvid.cli.values import OutputPath


def _use_preset(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Make the settings for drawings the defaults."""
    if value == "sketch":
        from patchvid import SKETCH

        ctx.default_map = {
            name: ",".join(map(str, setting)) if isinstance(setting, tuple) else setting
            for name, setting in SKETCH.items()
        }


structure_options = together(
    option(
        "--preset",
        type=click.Choice(["sketch"]),
        is_eager=True,
        expose_value=False,
        callback=_use_preset,
        help="Use defaults that suit a drawing as CONTENT.",
    ),
    option(
        "--structure",
        type=click.Choice(["flow", "luma", "contrast"]),
        default="flow",
        help="What to compare in the clips: motion, brightness, or contrast with the surroundings.",
    ),
    numbers(
        "--bins",
        form="A,B",
        kind=int,
        default="4,8",
        help="Number of bins for the structure of CONTENT and of STYLE.",
    ),
    option(
        "--structure-levels",
        type=click.FloatRange(0, 1, min_open=True),
        metavar="FRACTION",
        default=0.5,
        help="Fraction of the levels, from the coarsest on, that follow CONTENT's layout.",
    ),
)

save_structure = option(
    "--save-structure",
    type=OutputPath(),
    help="Also write a video of the structure of both clips.",
)
