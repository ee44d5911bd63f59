"""Small jobs for batches, in a module that workers can import."""

import os
import signal
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

from patchvid import InvalidInput


@dataclass(frozen=True)
class Tell:
    """Tell the number of the process, and of the threads that it computes with."""

    name: str = ""

    def run(self) -> tuple[int, int]:
        import numba

        return os.getpid(), int(numba.get_num_threads())


@dataclass(frozen=True)
class Complain:
    """Warn, and fail if told to."""

    fails: bool = False

    def run(self) -> str:
        warnings.warn("this is\nodd", stacklevel=2)
        if self.fails:
            raise InvalidInput("this is wrong")
        return "done"


@dataclass(frozen=True)
class Die:
    """Kill the own process, as the system does when memory is short, so many times."""

    folder: Path
    times: int

    def run(self) -> int:
        n_tries = len([*self.folder.iterdir()])
        if n_tries < self.times:
            (self.folder / str(n_tries)).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return n_tries


@dataclass(frozen=True)
class Write:
    """Write a file that takes long, and note the number of the process when it has begun."""

    target: Path
    note: Path

    def run(self) -> None:
        from patchvid.io._files import complete_or_nothing

        with complete_or_nothing(self.target):
            new = self.note.with_suffix(".new")
            new.write_text(str(os.getpid()))
            new.rename(self.note)
            time.sleep(120)


@dataclass(frozen=True)
class Nothing:
    """Do nothing, to measure what jobs cost that do something."""

    number: int = 0

    def run(self) -> int:
        return self.number
