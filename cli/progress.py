"""How far long work has come, on stderr, and only where that is a terminal."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self

import click


@contextmanager
def show_fraction(label: str, *, hidden: bool = False) -> Iterator[Callable[[float], None]]:
    """Report a fraction that is done: a bar on stderr from the first report on, if a terminal."""
    with ExitStack() as stack:
        bar: Any = None

        def report(fraction: float) -> None:
            nonlocal bar
            if bar is None:
                bar = stack.enter_context(
                    click.progressbar(
                        length=100,
                        label=label,
                        file=sys.stderr,
                        hidden=hidden or not sys.stderr.isatty(),
                    )
                )
            bar.update(round(100 * fraction) - bar.pos)

        yield report


class Progress:
    """A line on stderr with the level, a bar and the time left; nothing if that is no terminal.

    One instance is called back by ``jobs`` jobs in a row, each ended by `finish`.
    """

    def __init__(self, jobs: int, *, quiet: bool) -> None:
        self.jobs, self.job, self.line = jobs, 0, ""
        self.quiet, self.shown = quiet, sys.stderr.isatty() and not quiet
        self.start = time.monotonic()

    def __enter__(self) -> Self:
        self._show("starting")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._show("")

    def __call__(self, level: int, n_levels: int, fraction: float) -> None:
        done = (self.job + fraction) / self.jobs
        left = round((time.monotonic() - self.start) * (1 - done) / max(done, 1e-3))
        bar = "#" * round(20 * done)
        sample = f"sample {self.job + 1}/{self.jobs}, " if self.jobs > 1 else ""
        stage = f"level {level}/{n_levels}" if level else "optical flow"
        self._show(f"{sample}{stage}  [{bar:.<20}]  {left // 60}:{left % 60:02} left")

    def finish(self, report: str | None) -> None:
        """End a job, with a line on stdout if there is one."""
        self._show("")
        if report is not None and not self.quiet:
            click.echo(report)
        self.job += 1

    def _show(self, line: str) -> None:
        if self.shown and line != self.line:
            click.echo(f"\r{line:{len(self.line)}}" + ("" if line else "\r"), nl=False, err=True)
            self.line = line
