"""A queue of jobs on a separate thread; each reports its progress and can be cancelled."""

import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from patchvid._progress import Progress
from patchvid.errors import PatchvidError
from patchvid.studio.errors import Cancelled

ENDING = 2.0  # seconds for a job to notice that it was cancelled

State = Literal["waiting", "running", "done", "failed", "cancelled"]


@dataclass
class QueuedJob:
    """A piece of work, and its progress.

    Attributes
    ----------
    number
        Its number, from 1 on.
    label
        Its name on the page.
    work
        Does the work, and reports to the given callback.
    results
        Numbers of the videos that it has made so far.
    notes
        Warnings, one line each.
    is_preview
        Whether it goes before others.
    is_quiet
        Whether it is forgotten when it is done.
    """

    number: int
    label: str
    work: Callable[["QueuedJob", Progress], None] = field(repr=False)
    is_preview: bool = False
    is_quiet: bool = False
    state: State = "waiting"
    fraction: float = 0.0
    message: str = ""
    problem: str = ""
    results: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    started: float = 0.0
    ended: float = 0.0

    def facts(self) -> dict[str, Any]:
        """Return the facts that the page shows."""
        seconds = (self.ended or time.monotonic()) - self.started if self.started else 0.0
        left = seconds * (1 - self.fraction) / self.fraction if self.fraction > 0.05 else None
        return {
            "number": self.number, "label": self.label, "state": self.state,
            "preview": self.is_preview, "fraction": self.fraction, "message": self.message,
            "problem": self.problem, "results": self.results, "notes": self.notes,
            "seconds": seconds, "left": left if self.state == "running" else None,
        }  # fmt: skip


class Queue:
    """Runs jobs one after the other on a separate thread; previews go first."""

    def __init__(self) -> None:
        self._jobs: list[QueuedJob] = []
        self._changed = threading.Condition()
        self._closed = False
        self._count = 0
        self._thread = threading.Thread(target=self._run, name="patchvid-studio", daemon=True)
        self._thread.start()

    def add(
        self,
        label: str,
        work: Callable[[QueuedJob, Progress], None],
        *,
        is_preview: bool = False,
        is_quiet: bool = False,
    ) -> QueuedJob:
        """Queue a job."""
        with self._changed:
            self._count += 1
            job = QueuedJob(self._count, label, work, is_preview, is_quiet)
            self._jobs.append(job)
            self._changed.notify_all()
            return job

    def facts(self) -> list[dict[str, Any]]:
        """Return the facts of all jobs that the page shows."""
        with self._changed:
            return [job.facts() for job in self._jobs]

    def cancel(self, number: int) -> None:
        """Cancel a job, or remove one that has ended."""
        with self._changed:
            for job in [job for job in self._jobs if job.number == number]:
                if job.state in ("waiting", "running"):
                    job.state = "cancelled"
                else:
                    self._jobs.remove(job)

    def close(self) -> None:
        """Cancel all jobs, and accept no more."""
        with self._changed:
            self._closed = True
            for job in self._jobs:
                if job.state in ("waiting", "running"):
                    job.state = "cancelled"
            self._changed.notify_all()
        self._thread.join(timeout=ENDING)

    def _next(self) -> QueuedJob | None:
        """Wait for a job and return it; None if the queue was closed."""
        with self._changed:
            while not self._closed:
                waiting = [job for job in self._jobs if job.state == "waiting"]
                if waiting:
                    job = min(waiting, key=lambda job: (not job.is_preview, job.number))
                    job.state, job.started = "running", time.monotonic()
                    return job
                self._changed.wait()
            return None

    def _run(self) -> None:
        while job := self._next():
            state, problem = self._work_on(job)
            with self._changed:
                job.ended = time.monotonic()
                job.problem = problem
                job.state = "cancelled" if job.state == "cancelled" else state
                job.work = _nothing  # frees the videos that the work holds
                if job.is_quiet and job.state == "done":
                    self._jobs.remove(job)

    def _work_on(self, job: QueuedJob) -> tuple[State, str]:
        def report(fraction: float, message: str) -> None:
            if job.state == "cancelled":
                raise Cancelled
            job.fraction, job.message = fraction, message

        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            try:
                job.work(job, report)
            except Cancelled:
                return "cancelled", ""
            except (PatchvidError, OSError) as error:
                return "failed", " ".join(str(error).split())
            except MemoryError:
                return "failed", "there is not enough memory; use a smaller or shorter clip"
            except Exception as error:  # a bug, which must not end the thread
                return "failed", f"{type(error).__name__}: {error}"
            finally:
                lines = [str(warning.message).strip().splitlines()[0] for warning in seen]
                job.notes = [*dict.fromkeys(lines)]
        return "done", ""


def _nothing(job: QueuedJob, progress: Progress) -> None:
    """Do nothing."""
