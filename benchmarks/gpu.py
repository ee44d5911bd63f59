"""Visit a GPU: ``python benchmarks/gpu.py [--quick] [--device cpu] [--published CHECKOUT]``.

The most valuable part comes first. Each part runs in a process of its own under its own time limit,
so that nothing that a card brings up keeps the others from running. After every part,
``results/<gpu>-<date>.json`` and the same as Markdown are written, with the last lines of all logs.
See README.md.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))  # patchvid need not be installed

from environment import load, name_results  # noqa: E402
from harness import Options, Row, arguments  # noqa: E402
from result_files import write  # noqa: E402

# Each part, with its module and the seconds that it may take; the most valuable first. Modules are
# imported by the process of a part: one that cannot be imported must not end the visit.
PARTS = {
    "facts": ("gpu_checks", 40),
    "commands": ("gpu_checks", 60),
    "agreement": ("gpu_checks", 75),
    "times": ("gpu_times", 75),
    "published": ("gpu_times", 90),
    "tests": ("gpu_checks", 90),
    "kernels": ("gpu_times", 60),
    "memory": ("gpu_checks", 40),
}
KEPT = 20_000  # characters of a log, its last ones


@click.command()
@click.option("--device", type=click.Choice(["cuda", "cpu"]), default="cuda", help="cpu: a trial.")
@click.option(
    "--published",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Checkout of the paper's code; its requirements have to be installed.",
)
@click.option("--minutes", default=8.0, show_default=True, help="When to leave out what remains.")
@click.option("--part", type=click.Choice([*PARTS]), help="Run only this, and print its rows.")
@arguments
def main(
    options: Options,
    results: Path,
    device: str,
    published: Path | None,
    minutes: float,
    part: str | None,
) -> None:
    """Run all parts, one after another."""
    end = time.perf_counter() + 60 * minutes
    if part:
        gpu_bench = import_module("gpu_bench")
        bench = gpu_bench.Bench(options, device, published, end)
        for row in getattr(import_module(PARTS[part][0]), part)(bench):
            click.echo(json.dumps(row))
        return
    about: Row = {"command": shlex.join(["python", *sys.argv])}
    tables: dict[str, list[Row]] = {"parts": []}
    logs: dict[str, str] = {}
    target: Path | None = None
    for name, (_, limit) in PARTS.items():
        start = time.perf_counter()
        # Only the time of a GPU is precious.
        seconds = min(limit, end - start) if device == "cuda" else end - start
        rows, log, outcome = [], "", "no time was left"
        if seconds > 0:
            rows, log, outcome = _run(name, seconds)
        took = time.perf_counter() - start
        tables["parts"].append({"part": name, "s": took, "limit": limit, "outcome": outcome})
        click.echo(f"{name}: {outcome} after {took:.0f} s", err=True)
        for table, row in rows:
            if table == "about":
                about.setdefault(row["fact"], row["value"])
            else:
                tables.setdefault(table, []).append(row)
        if outcome != "done":
            click.echo(log, err=True)
        logs[name] = log[-KEPT:]
        about["load average, end"] = load()
        if target is None:
            ending = ("" if device == "cuda" else "-no-gpu") + ("-quick" if options.quick else "")
            named = {"machine": "unknown", "date": time.strftime("%Y-%m-%dT%H:%M"), **about}
            target = name_results(results, named, ending).with_suffix(".json")
        write(target, {"about": about, "tables": tables, "logs": logs})
    click.echo(target)


def _run(part: str, seconds: float) -> tuple[list[tuple[str, Row]], str, str]:
    """Run a part in a process of its own; return its rows, its log and how it ended."""
    command = [sys.executable, __file__, *sys.argv[1:], "--part", part]
    command += ["--minutes", str(seconds / 60)]
    # Kernels for the CPU are kept for the next part.
    compiled = str(Path(tempfile.gettempdir(), "patchvid-kernels"))
    paths = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(ROOT)]))
    environment = {
        "NUMBA_CACHE_DIR": compiled, **os.environ, "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        out, log = Path(folder, "out"), Path(folder, "log")
        with out.open("wb") as stdout, log.open("wb") as stderr:
            process = subprocess.Popen(
                command, stdout=stdout, stderr=stderr, env=environment, start_new_session=True
            )
            try:
                status = process.wait(seconds)
                outcome = "done" if status == 0 else f"failed with status {status}"
            except subprocess.TimeoutExpired:
                outcome = "stopped by its time limit"
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        rows, said = [], []
        for line in out.read_text("utf-8", "replace").splitlines():
            if line.startswith('["'):
                rows.append(tuple(json.loads(line)))
            else:
                said.append(line)
        return rows, "\n".join([*said, log.read_text("utf-8", "replace")]).strip(), outcome


if __name__ == "__main__":
    main()
