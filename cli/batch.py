"""``patchvid batch``: many clips and many samples, on all cores or on a cluster."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from patchvid.cli import options
from patchvid.cli.cluster import executor_of
from patchvid.cli.command import WORDS, Command
from patchvid.cli.job_lists import JobList, read_rows
from patchvid.cli.jobs import COMMANDS
from patchvid.cli.messages import told_in_one_line
from patchvid.cli.outputs import check_distinct

if TYPE_CHECKING:
    from patchvid import JobResult

EXAMPLES = """\b
Examples:
  patchvid batch clip.mp4 a.mp4 -n 2 -o new          two videos of each, in new/
  patchvid batch clip.mp4 a.mp4 -o narrow --command retarget --scale 1,1,0.6
  patchvid batch clip.mp4 a.mp4 -o lava --command analogy --style lava.mp4 --workers 2
"""

# Options that a batch does not take: names of single files, and options for printing.
_LEFT_OUT = ("clip", "content", "report", "preview", "save_field", "save_structure", "download")

_CHOSEN = "patchvid.chosen"  # key, in the context, of the name after --command


class BatchCommand(Command):
    """A command that also takes the options of the command named by --command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_CHOSEN] = _named_command(args)
        return super().parse_args(ctx, args)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        own = super().get_params(ctx)
        return own + options_behind(ctx.meta.get(_CHOSEN, "gen"), own)


def options_behind(name: str, own: Sequence[click.Parameter]) -> list[click.Parameter]:
    """Return the parameters of a command that a batch passes on, without the batch's `own`."""
    taken = {*_LEFT_OUT, *(parameter.name for parameter in own)}
    return [p for p in COMMANDS[name].params if p.name not in taken]


def _named_command(words: Sequence[str]) -> str:
    """Return the value of --command; click checks it later."""
    for number, word in enumerate(words):
        name, has_value, value = word.partition("=")
        if name == "--command":
            value = value if has_value else "".join(words[number + 1 : number + 2])
            return value if value in COMMANDS else "gen"
    return "gen"


@click.command(
    cls=BatchCommand, epilog=EXAMPLES, short_help="Make videos from many clips, on many workers."
)
@click.argument("clips", type=click.Path(path_type=Path), nargs=-1)
@options.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    required=True,
    help="Folder for all videos and their records; created if it does not exist.",
)
@options.option(
    "--command",
    type=click.Choice([*COMMANDS]),
    default="gen",
    help="Command to run on every clip. Its options follow; --command NAME --help lists them.",
)
@options.option(
    "--style",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The STYLE of --command analogy.",
)
@options.option(
    "--jobs",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="CSV or YAML file with one job per line: clip, and if needed output, command, samples, "
    "seed and other options by their names. A line that leaves an option out takes it from here.",
)
@options.samples
@options.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="S",
    default=0,
    help="Seed of the first sample of every clip; the next ones have S+1, S+2 and so on.",
)
@options.option(
    "--workers",
    type=click.IntRange(1, 1024),
    metavar="N",
    help="Processes on this machine, which share its cores.  [default: one per core]",
)
@options.option(
    "--threads",
    type=click.IntRange(1, 1024),
    metavar="N",
    help="Threads per worker.  [default: its share of the cores; 1 on a cluster]",
)
@options.option(
    "--scheduler",
    metavar="URL",
    help="Run on the workers of a Dask cluster: tcp://HOST:8786, or a scheduler file.",
)
@options.overwrite
@options.as_json
@options.quiet
def batch(
    clips: tuple[Path, ...],
    output: Path,
    command: str,
    style: Path | None,
    jobs: Path | None,
    samples: int,
    seed: int,
    workers: int | None,
    threads: int | None,
    scheduler: str | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Make videos from many CLIPS at the same time, on this machine or on a cluster.

    Every clip gets the same samples: by default one, with seed 0. A record next to each video, such
    as clip_gen.mp4.json, holds its settings. If you start a batch again, it makes only unfinished
    videos. If a clip fails, the others go on; a table at the end lists what failed, and the exit
    code is 1.
    """
    from tqdm import tqdm

    import patchvid

    typed = _typed(click.get_current_context(), command)
    common = {**typed, "command": command, "samples": samples, "seed": seed}
    common |= {"style": style} if style else {}
    common |= {"overwrite": True} if overwrite else {}
    if workers and scheduler:
        raise click.UsageError("A scheduler has its own workers; leave --workers out.")
    if not clips and not jobs:
        raise click.UsageError("Give CLIPS, or --jobs with a file that lists them.")
    listed = JobList(output, common)
    for clip in clips:
        listed.add({"clip": clip})
    for row, where in read_rows(jobs) if jobs else ():
        listed.add(row, where)
    check_distinct([job.output for job in listed.jobs])
    output.mkdir(parents=True, exist_ok=True)
    done: list[JobResult] = []
    with executor_of(scheduler, quiet=quiet) as executor:
        todo = [job.absolute() for job in listed.jobs] if scheduler else listed.jobs
        shown = False if quiet else None
        for result in patchvid.batch(
            todo, executor, workers=workers, threads=threads, progress=shown
        ):
            done.append(result)
            if not (quiet or as_json):
                tqdm.write(f"[{len(done)}/{len(todo)}] {_line(result)}", file=sys.stdout)
                sys.stdout.flush()
            for warning in () if quiet else result.warnings:
                tqdm.write(f"Warning: {result.job.clip}: {warning}", file=sys.stderr)
    failed = [result for result in done if result.error]
    if as_json:
        click.echo(json.dumps(_document(done), indent=2, default=str))
    elif not quiet:
        n_there = sum(not result.error and result.value is None for result in done)
        n_made = len(done) - n_there - len(failed)
        click.echo(f"{n_made} made, {n_there} there already, {len(failed)} failed")
    if failed:
        width = max(len(str(result.job.output)) for result in failed)
        rows = [f"  {result.job.output!s:{width}}  {_reason(result)}" for result in failed]
        message = "\n".join([f"{len(failed)} of {len(done)} jobs failed:", *rows])
        raise click.ClickException(message)


def _line(result: "JobResult") -> str:
    if result.error:
        return f"{result.job.output}: failed"
    return f"{result.job.output}: there already" if result.value is None else str(result.value)


def _reason(result: "JobResult") -> str:
    error = result.error
    return (error and (told_in_one_line(error) or f"a bug: {type(error).__name__}: {error}")) or ""


def _document(done: "Sequence[JobResult]") -> dict[str, Any]:
    """The jobs that were made, were there already, or failed, as data for JSON."""
    succeeded = [result for result in done if not result.error]
    return {
        "files": [asdict(result.value) for result in succeeded if result.value is not None],
        "there": [result.job.output for result in succeeded if result.value is None],
        "failed": [
            {"clip": result.job.clip, "file": result.job.output, "reason": _reason(result)}
            for result in done
            if result.error
        ],
    }


def _typed(ctx: click.Context, command: str) -> dict[str, Any]:
    """Return the typed options of a command, as they were typed, by their long names."""
    raw, _, _ = ctx.command.make_parser(ctx).parse_args(list(ctx.meta[WORDS]))
    own = [p for p in ctx.command.params if p.name != "command"]
    found = {}
    for parameter in options_behind(command, own):
        if parameter.name in raw and isinstance(parameter, click.Option):
            value = True if parameter.is_flag else raw[parameter.name]
            found[parameter.opts[-1].lstrip("-")] = value
    return found
