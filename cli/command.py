"""Commands whose help has sections, and that can say how they were called."""

import shlex
from collections.abc import Sequence
from typing import Any

import click

from patchvid.cli.values import Frames

# The options of all commands, in the order in which every command lists its own.
SECTIONS = {
    "Input": ("frames", "style_frames", "max_size"),
    "Output": (
        *("output", "overwrite", "report", "save_structure"),
        *("preview", "as_json", "quiet"),
    ),
    "Where": ("mask", "keep", "boxes", "cue", "grow"),
    "Size": ("scale", "size", "loop", "tile"),
    "Variation": ("samples", "seed", "noise", "alpha"),
    "Structure": (
        *("preset", "structure", "bins", "structure_levels"),
        *("flow", "flow_weights", "content_flow", "style_flow"),
    ),
    "Levels": ("patch", "factor", "coarsest", "iterations", "reduce"),
    "Computation": ("weights", "device"),
}
COLUMN = 28  # characters for names of options; the help of a longer one begins below it

_TYPED = "patchvid.typed"  # key of what was typed, in the context


class Command(click.Command):
    """A command that lists its options by `SECTIONS`, and remembers what was typed."""

    def get_help_option_names(self, ctx: click.Context) -> list[str]:
        return ["-h", "--help"]  # outside of the group too

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_TYPED] = list(args)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        records = {
            parameter.name: record
            for parameter in self.get_params(ctx)
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(ctx))
        }
        width = min(COLUMN, max(len(names) for names, _ in records.values()))
        for title, members in {**SECTIONS, "Other": records.copy()}.items():
            rows = [records.pop(name) for name in members if name in records]
            if rows:
                with formatter.section(title):  # one column throughout
                    formatter.write_dl([(f"{n:{width}}", h) for n, h in rows], col_max=COLUMN)


def repeated(ctx: click.Context, seed: int, *, without: Sequence[str] = ()) -> str:
    """The command line that does the same again, with a seed and without some flags."""
    words = [word for word in ctx.meta[_TYPED] if word not in without]
    given = ctx.get_parameter_source("seed")
    if given is not click.core.ParameterSource.COMMANDLINE:
        end = words.index("--") if "--" in words else len(words)
        words[end:end] = ["--seed", str(seed)]
    return f"{ctx.command_path} {shlex.join(words)}"


def described(ctx: click.Context) -> dict[str, str]:
    """The inputs and settings in effect by their names, as typed; none that are off."""
    silent = {*SECTIONS["Output"], "seed"}
    rows = {}
    for parameter in ctx.command.params:
        value = ctx.params.get(str(parameter.name))
        if parameter.name in silent or value in (None, False, "", (), Frames()):
            continue
        name = (
            parameter.opts[-1]
            if isinstance(parameter, click.Option)
            else parameter.human_readable_name
        )
        rows[name] = "yes" if value is True else _as_text(value)
    return rows


def _as_text(value: Any) -> str:
    """A value as it is typed; several of an option one after the other."""
    if type(value) is tuple:
        numbers = all(isinstance(part, (int, float)) for part in value)
        return ("," if numbers else " ").join(map(_as_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
