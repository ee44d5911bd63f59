"""Options, tables, clocks, and programs in processes of their own, for all cases."""

import json
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

HERE = Path(__file__).resolve().parent

T = TypeVar("T")
Row = dict[str, Any]
Rows = Iterator[tuple[str, Row]]  # each with the name of the table it belongs to


class MissingDataError(Exception):
    """A case needs a file that is not there."""


class Options(NamedTuple):
    """The settings from the command line: whether inputs are small, and the folder of the data."""

    quick: bool
    shared: Path

    def some(self, cases: Iterable[T]) -> list[T]:
        """All, or the first one in a quick run."""
        return list(cases)[: 1 if self.quick else None]

    def repeats(self, number: int) -> int:
        """How often to measure: only once in a quick run."""
        return 1 if self.quick else number

    def data(self, name: str) -> Path:
        """A file of the shared data."""
        path = self.shared / name
        if not path.exists():
            raise MissingDataError(f"there is no {path} (give --shared, or set PATCHVID_SHARED)")
        return path


def arguments(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that all scripts have."""

    @click.option("--quick", is_flag=True, help="Small inputs, to try the script.")
    @click.option(
        "--shared",
        type=click.Path(path_type=Path),
        envvar="PATCHVID_SHARED",
        show_envvar=True,
        default=HERE.parents[1] / "shared",
        help="Clips and golden data, by default ../shared beside the repository.",
    )
    @click.option(
        "--results",
        type=click.Path(path_type=Path),
        default=HERE / "results",
        help="Folder to write to, by default benchmarks/results.",
    )
    @wraps(command)
    def run(quick: bool, shared: Path, **others: Any) -> None:
        command(options=Options(quick, shared), **others)

    return run


def collect(
    cases: Iterable[Callable[[Options], Rows]],
    options: Options,
    keep: Callable[[dict[str, list[Row]]], object] = lambda tables: None,
) -> dict[str, list[Row]]:
    """Run some cases, one after another, and return their tables; show each row as it comes.

    After every case, `keep` is called with the tables so far.
    """
    if os.getloadavg()[0] > 0.5:
        click.echo("other programs are running: times will be too long", err=True)
    tables: dict[str, list[Row]] = {}
    for case in cases:
        try:
            for table, row in case(options):
                tables.setdefault(table, []).append(row)
                click.echo(f"{case.__name__}: {row}", err=True)
            keep(tables)
        except MissingDataError as error:
            click.echo(f"{case.__name__} is left out: {error}", err=True)
    if not tables:
        raise click.ClickException("nothing was measured")
    return tables


def timed(call: Callable[[], object], repeats: int) -> list[float]:
    """Return the seconds that each of some calls takes; the first may include compilation."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds


def allocated(call: Callable[[], object]) -> int:
    """Return the most bytes of arrays that a call holds at once, including its result."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class Usage(NamedTuple):
    """Time and memory that a program took."""

    seconds: float
    peak_gb: float


def run_alone(*command: str | Path, **environment: str | Path) -> Usage:
    """Run Python with some arguments, and measure that process alone.

    It is launched by another process. The system counts the memory of the process that starts a
    program as the program's own, and this process may hold gigabytes from earlier cases.
    """
    variables = {**os.environ, **{name: str(value) for name, value in environment.items()}}
    launch = [sys.executable, __file__, sys.executable, *map(str, command)]
    run = subprocess.run(launch, env=variables, stdout=subprocess.PIPE, text=True, check=True)
    return Usage(**json.loads(run.stdout))


def _launch(command: list[str]) -> None:
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"{' '.join(command)} failed")
    unit = 1 if sys.platform == "darwin" else 1024
    print(json.dumps({"seconds": seconds, "peak_gb": usage.ru_maxrss * unit / 1e9}))


if __name__ == "__main__":
    _launch(sys.argv[1:])
