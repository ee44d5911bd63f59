"""Run jobs on a Dask cluster."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path

import click


@contextmanager
def executor_of(scheduler: str | None, *, quiet: bool) -> Iterator[Executor | None]:
    """The executor of a scheduler, by its address or its file; None for None."""
    if scheduler is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError:
        raise click.UsageError("--scheduler needs Dask: pip install 'patchvid[cluster]'.") from None
    by = "scheduler_file" if Path(scheduler).is_file() else "address"
    try:
        client = Client(**{by: scheduler}, timeout=10)
    except (OSError, ValueError) as error:
        line = " ".join(str(error).split())
        raise click.ClickException(f"cannot reach the scheduler {scheduler!r}: {line}") from None
    with client:
        if not quiet:
            threads = client.nthreads().values()
            told = f"{len(threads)} workers, {sum(threads)} jobs at a time"
            click.echo(f"{scheduler}: {told if threads else 'no workers yet'}", err=True)
        yield client.get_executor()
