"""The ``patchvid`` command: its subcommands, and the one place where errors become messages."""

import sys
import warnings
from typing import IO, Any

import click

from patchvid import __version__
from patchvid.cli.analogy import analogy
from patchvid.cli.apply import apply
from patchvid.cli.batch import batch
from patchvid.cli.command import is_quiet
from patchvid.cli.eval import evaluate
from patchvid.cli.gen import gen
from patchvid.cli.info import info
from patchvid.cli.inpaint import inpaint
from patchvid.cli.loop import loop
from patchvid.cli.messages import told_in_one_line, without_long_numbers
from patchvid.cli.retarget import retarget
from patchvid.cli.studio import studio
from patchvid.cli.track import track
from patchvid.cli.weights import weights

FORMER_NAMES = {"em": "iterations", "vote": "reduce"}  # of options, in version 0.1.0


class Interrupted(click.ClickException):
    """Ctrl-C, with the exit code that shells use for it."""

    exit_code = 130

    def show(self, file: IO[Any] | None = None) -> None:
        super().show(file)
        # Objects of libraries that Ctrl-C left unfinished may complain when they are deleted.
        sys.unraisablehook = lambda _: None


class Boundary(click.Group):
    """A group whose commands fail with one line on stderr, and exit with 1, or 130 after Ctrl-C.

    click handles wrong usage (exit 2) and closed pipes. Any other exception is a bug of patchvid,
    and keeps its traceback.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands in the order in which they were added."""
        return list(self.commands)

    def make_context(self, *arguments: Any, **settings: Any) -> click.Context:
        try:
            return super().make_context(*arguments, **settings)
        except KeyboardInterrupt:
            raise Interrupted("interrupted") from None

    def invoke(self, ctx: click.Context) -> Any:
        shown = set()

        def warn(message: Warning | str, *_: Any, **__: Any) -> None:
            line = str(message).strip().splitlines()[0]  # Numba may add a traceback
            # The filter "once" would forget when libraries set filters.
            if line not in shown and not is_quiet(ctx):
                shown.add(line)
                click.echo(f"Warning: {line}", err=True)

        try:
            with warnings.catch_warnings():
                warnings.showwarning = warn
                return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except click.ClickException as error:
            vars(error)["message"] = without_long_numbers(error.message)
            raise
        except KeyboardInterrupt:
            raise Interrupted("interrupted") from None
        except Exception as error:
            line = told_in_one_line(error)
            if line is None:
                raise
            raise click.ClickException(line) from error


@click.group(
    "patchvid",
    cls=Boundary,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "token_normalize_func": lambda name: FORMER_NAMES.get(name, name),
    },
)
@click.version_option(__version__, prog_name="patchvid", message="%(prog)s %(version)s")
def main() -> None:
    """Make new videos from one short clip."""


for command in (
    gen, loop, analogy, retarget, inpaint, batch, track, studio, apply, evaluate, weights, info,
):  # fmt: skip
    main.add_command(command)
