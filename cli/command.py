"""The class of all commands: help in sections, and the options that were typed."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import click

from patchvid.cli.values import Frames

# The options of all commands, in the order in which every help lists them.
SECTIONS = {
    "Batch": ("command", "style", "jobs", "workers", "threads", "scheduler"),
    "Input": (
        *("frames", "style_frames", "scene", "max_size", "layers"),
        *("fps", "depth", "tone_map", "strict"),
    ),
    "Output": (
        *("output", "overwrite", "codec", "quality", "no_audio"),
        *("report", "save_structure", "save_field"),
        *("preview", "as_json", "quiet"),
    ),
    "Where": ("mask", "masks", "keep", "boxes", "source", "cue", "follow", "grow"),
    "Size": ("scale", "size", "length", "join", "loop", "tile"),
    "Variation": ("samples", "seed", "layout", "novelty", "noise", "alpha"),
    "Structure": (
        *("preset", "structure", "bins", "structure_levels"),
        *("flow", "flow_weights", "content_flow", "style_flow"),
    ),
    "Levels": ("patch", "factor", "coarsest", "iterations", "reduce"),
    "Computation": ("weights", "download", "memory", "device"),
    "Page": ("port", "no_browser"),
}
COLUMN = 28  # characters for an option's names; if they are longer, its help starts on a new line

_rehearsal = ContextVar("rehearsal", default=False)

_QUIET = "patchvid.quiet"  # key, in the context, of --quiet
WORDS = "patchvid.words"  # key, in the context, of the words after the command


class Command(click.Command):
    """A command that lists its options by `SECTIONS` and remembers the typed words."""

    def get_help_option_names(self, ctx: click.Context) -> list[str]:
        return ["-h", "--help"]  # also for a command that runs without its group

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[WORDS] = list(args)
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
                with formatter.section(title):  # padded, so that all sections have one column
                    formatter.write_dl([(f"{n:{width}}", h) for n, h in rows], col_max=COLUMN)


def keep_quiet(ctx: click.Context, param: click.Parameter, value: bool) -> bool:
    """Hide warnings if --quiet is given."""
    ctx.meta[_QUIET] = value
    return value


def is_quiet(ctx: click.Context) -> bool:
    """Whether --quiet was given."""
    return bool(ctx.meta.get(_QUIET))


@contextmanager
def rehearsing() -> Iterator[None]:
    """Open a context in which commands check their options and do nothing else."""
    token = _rehearsal.set(True)
    try:
        yield
    finally:
        _rehearsal.reset(token)


def is_rehearsal() -> bool:
    """Whether a command is called only to check its options."""
    return _rehearsal.get()


def is_typed(name: str) -> bool:
    """Whether an option was typed, and is not a default."""
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.COMMANDLINE


def command_line(ctx: click.Context, seed: int, *, without: Sequence[str] = ()) -> str:
    """Return the command line that repeats this call: with its seed, and without some flags."""
    words = [word for word in ctx.meta[WORDS] if word not in without]
    if not is_typed("seed"):
        end = words.index("--") if "--" in words else len(words)
        words[end:end] = ["--seed", str(seed)]
    return f"{ctx.command_path} {shlex.join(words)}"


def used_settings(ctx: click.Context) -> dict[str, str]:
    """Return the inputs and settings in effect, named and written as on the command line."""
    left_out = {*SECTIONS["Output"], "seed"}
    rows = {}
    for parameter in ctx.command.params:
        value = ctx.params.get(str(parameter.name))
        if parameter.name in left_out or value in (None, False, "", (), Frames()):
            continue
        is_option = isinstance(parameter, click.Option)
        name = parameter.opts[-1] if is_option else parameter.human_readable_name
        rows[name] = "yes" if value is True else _as_typed(value)
    return rows


def _as_typed(value: Any) -> str:
    """Write a value as it is typed; join the values of a repeated option."""
    if type(value) is tuple:
        numbers = all(isinstance(part, (int, float)) for part in value)
        return ("," if numbers else " ").join(map(_as_typed, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
