"""What all cases share: their options, clocks, and programs run in processes of their own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

Row = dict[str, Any]
Rows = Iterator[tuple[str, Row]]  # each with the name of the table it belongs to


class MissingDataError(Exception):
    """A case needs a file that is not there."""


class Options(NamedTuple):
    """What the command line says: small inputs instead of real ones, and where the data are."""

    quick: bool
    shared: Path

    def data(self, name: str) -> Path:
        """A file of the shared data."""
        path = self.shared / name
        if not path.exists():
            raise MissingDataError(f"there is no {path} (give --shared, or set PATCHVID_SHARED)")
        return path


def timed(call: Callable[[], object], repeats: int) -> list[float]:
    """Seconds of each of some calls; the first may include compilation."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds


class Usage(NamedTuple):
    """What a program took."""

    seconds: float
    peak_gb: float


def run_alone(*command: str | Path, **environment: str | Path) -> Usage:
    """Run Python with some arguments, and measure that process alone.

    Another process launches it: the kernel counts the memory of whoever starts a program as the
    program's own, and this one may hold gigabytes from earlier cases.
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
