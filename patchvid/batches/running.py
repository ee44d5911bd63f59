"""Run jobs on an executor, and yield their results as they finish. A `Job` skips finished work."""

import secrets
import time
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Protocol

from patchvid._progress import Progress, reporting
from patchvid._validation import check_integer, shown
from patchvid.batches.workers import Workers, usable_cores
from patchvid.errors import InvalidInput, WorkerError

ATTEMPTS = 2  # of a job whose worker dies


class Runnable(Protocol):
    """Anything that can be pickled and run, such as a `Job`."""

    def run(self) -> Any:
        """Do the work, and return something that can be pickled."""


@dataclass(frozen=True)
class JobResult:
    """The result of one job of `batch`.

    Attributes
    ----------
    job : object
        The job, as it was given.
    value : object
        The result of its ``run()``; for a `Job`, None if its output was there already. None if it
        failed.
    error : Exception or None
        Why it failed. `WorkerError` means that its worker died, twice.
    warnings : tuple of str
        First lines of its warnings.
    seconds : float
        Its running time; 0 if it failed.
    """

    job: Any
    value: Any = None
    error: BaseException | None = None
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0


def batch(
    jobs: Iterable[Runnable],
    executor: Executor | None = None,
    *,
    workers: int | None = None,
    threads: int | None = None,
    progress: Progress | bool | None = None,
) -> Iterator[JobResult]:
    """Run many jobs at the same time, and yield their results as they finish.

    A job that fails does not stop the others. If the worker of a job dies, a new worker tries the
    job once more.

    Parameters
    ----------
    jobs : iterable of object
        `Job` objects, or any other objects that can be pickled and have a method ``run()``.
    executor : concurrent.futures.Executor, optional
        Where jobs run, such as ``distributed.Client(...).get_executor()`` for a Dask cluster,
        ``mpi4py.futures.MPIPoolExecutor()`` or ``loky.get_reusable_executor()``. It is not shut
        down. None: new processes on this machine, which end after the last result.
    workers : int, optional
        Number of these processes, at least 1. None is one per core, but no more than jobs.
    threads : int, optional
        Threads of a job, at least 1. None: the processes share the cores of the machine, and jobs
        of another executor have one thread each.
    progress : callable, bool or None
        Called as ``progress(fraction, message)``, with the fraction of the jobs done. None shows a
        bar in a terminal, False shows nothing.

    Returns
    -------
    iterator of JobResult
        Each job as soon as it is done, with the result of its ``run()`` or the error it raised.

    Raises
    ------
    InvalidInput
        If an argument cannot be used.
    WorkerError
        If no process can be started.

    Notes
    -----
    If the iterator is closed or interrupted, no further job begins. Processes on this machine stop
    and remove the files that they were writing. Another executor finishes the jobs that it has
    begun.

    The processes import the main module of the program. A script must therefore call `batch` below
    ``if __name__ == "__main__":``.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> from patchvid import Job, batch
    >>> with ThreadPoolExecutor(1) as executor:
    ...     for result in batch([Job("gen", "missing.mp4", "new.mp4")], executor):
    ...         print(result.job.output.name, result.error)
    new.mp4 there is no 'missing.mp4'; check the name
    """
    jobs = list(jobs)
    for job in jobs:
        if not callable(getattr(job, "run", None)):
            raise InvalidInput(f"a job needs a method run(), got {shown(job)}; give patchvid.Job")
    if executor is not None and not isinstance(executor, Executor):
        raise InvalidInput(
            f"executor must be a concurrent.futures.Executor, got {shown(executor)}; for a Dask "
            "client give client.get_executor()"
        )
    if executor is not None and workers is not None:
        raise InvalidInput("an executor has its own workers; leave workers out")
    cores = usable_cores()
    n_workers = min(cores if workers is None else check_integer("workers", workers, 1), len(jobs))
    if threads is not None:
        threads = check_integer("threads", threads, 1)
    elif executor is None:
        threads = max(1, cores // max(1, n_workers))
    return _results(jobs, executor, n_workers, threads or 1, progress)


def _results(
    jobs: list[Runnable],
    executor: Executor | None,
    n_workers: int,
    threads: int,
    progress: Progress | bool | None,
) -> Iterator[JobResult]:
    done: SimpleQueue[Future[Any]] = SimpleQueue()
    running: dict[Future[Any], tuple[Runnable, int]] = {}

    def submit(job: Runnable, attempt: int) -> None:
        try:
            # Dask reuses the result of an equal call; a random number makes every call different.
            future = pool.submit(_perform, job, threads, secrets.token_hex(8))
        except BrokenExecutor as error:  # the whole executor broke and takes no more jobs
            future = Future()
            future.set_exception(error)
            attempt = ATTEMPTS
        running[future] = job, attempt
        future.add_done_callback(done.put)

    with reporting(progress, "batch") as report, _pool(executor, n_workers) as pool:
        try:
            for job in jobs:
                submit(job, 1)
            n_failed = 0
            while running:
                future = done.get()
                job, attempt = running.pop(future)
                error = future.exception()
                if isinstance(error, BrokenExecutor) and attempt < ATTEMPTS:
                    submit(job, attempt + 1)
                    continue
                n_failed += error is not None
                n_done = len(jobs) - len(running)
                told = f"{n_done} of {len(jobs)} jobs" + (f", {n_failed} failed" * bool(n_failed))
                report(n_done / len(jobs), told)
                yield _result(job, future, error)
        finally:
            for future in running:
                future.cancel()


@contextmanager
def _pool(executor: Executor | None, n_workers: int) -> Iterator[Executor]:
    """The executor; if None, processes that are stopped at the end, even if still working."""
    if executor is not None:
        yield executor
        return
    own = Workers(max(1, n_workers))
    try:
        yield own
    finally:
        own.stop()


def _perform(job: Runnable, threads: int, _: str) -> tuple[Any, tuple[str, ...], float]:
    """Run a job in a worker."""
    from patchvid.kernels.threads import limited_threads

    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught, limited_threads(threads):
        value = job.run()
    lines = (str(warning.message).strip().splitlines() for warning in caught)
    told = dict.fromkeys(line[0] for line in lines if line)
    return value, tuple(told), time.perf_counter() - start


def _result(job: Runnable, future: "Future[Any]", error: BaseException | None) -> JobResult:
    if isinstance(error, BrokenExecutor):
        died = WorkerError(
            "its worker died, and so did the next one; if memory is short, use fewer workers or "
            "smaller videos"
        )
        died.__cause__ = error
        return JobResult(job, error=died)
    if error is not None:
        return JobResult(job, error=error)
    value, told, seconds = future.result()
    return JobResult(job, value, None, told, seconds)
