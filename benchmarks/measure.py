"""Measure patchvid on this machine: ``python benchmarks/measure.py [--quick] [CASE ...]``.

Writes ``results/<machine>-<date>.json`` and the same as Markdown beside it. See README.md.
"""

import json
import os
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from common import MissingDataError, Options, Row, Rows
from kernel_cases import kernels
from quality_cases import quality
from report import to_markdown
from speed_cases import balloons_1080p, birds_360p, clips, first_run, golden, growth, startup, vote

import patchvid

HERE = Path(__file__).resolve().parent
SPEED = (clips, golden, vote, birds_360p, balloons_1080p, startup, first_run, growth)
CASES: dict[str, Callable[[Options], Rows]] = {
    case.__name__: case for case in (kernels, *SPEED, quality)
}


@click.command(epilog=f"Cases: {', '.join(CASES)}; speed: all but the first and the last.")
@click.argument("cases", nargs=-1, metavar="[CASE]...", type=click.Choice(["speed", *CASES]))
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
def main(cases: tuple[str, ...], quick: bool, shared: Path, results: Path) -> None:
    """Run all cases, or those that are named, one after another."""
    about = _describe()
    if os.getloadavg()[0] > 0.5:
        click.echo("other programs are running: times will be too long", err=True)
    tables: dict[str, list[Row]] = {}
    for name in _chosen(cases):
        try:
            for table, row in CASES[name](Options(quick, shared)):
                tables.setdefault(table, []).append(row)
                click.echo(f"{name}: {row}", err=True)
        except MissingDataError as error:
            click.echo(f"{name} is left out: {error}", err=True)
    if not tables:
        raise click.ClickException("nothing was measured")
    about["load average, end"] = _load()
    _write(results, {"about": about, "tables": tables}, ending="-quick" if quick else "")


def _chosen(cases: tuple[str, ...]) -> list[str]:
    names = [
        name
        for case in cases
        for name in ([f.__name__ for f in SPEED] if case == "speed" else [case])
    ]
    return list(dict.fromkeys(names)) or list(CASES)


def _describe() -> dict[str, str]:
    """What the numbers depend on, machine, code and versions, and how to get them again."""
    info = subprocess.check_output([sys.executable, "-m", "patchvid", "info"], text=True)
    return {
        "command": shlex.join(["python", *sys.argv]),
        "date": datetime.now().astimezone().isoformat(timespec="minutes"),
        "machine": _machine(),
        "commit": _commit(),
        **dict(line.split(maxsplit=1) for line in info.splitlines()),
        "load average, start": _load(),
    }


def _machine() -> str:
    """The processor's name and the number of cores."""
    listing = Path("/proc/cpuinfo")
    text = listing.read_text() if listing.exists() else ""
    model = re.search(r"model name\s*:\s*(.+)", text)
    name = model[1] if model else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"


def _commit() -> str:
    """That of the code which is measured, with a mark if it was changed since."""
    root = Path(patchvid.__file__).parents[1]
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.stdout.strip() or "unknown"


def _load() -> str:
    return " ".join(f"{load:.2f}" for load in os.getloadavg())


def _write(folder: Path, results: dict[str, Any], ending: str) -> None:
    about = results["about"]
    machine = re.sub(r"[^a-z0-9]+", "-", about["machine"].lower())
    date = re.sub(r"[T:]", "-", about["date"][:16])
    target = folder / f"{machine}-{date}{ending}.json"
    folder.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    target.with_suffix(".md").write_text(to_markdown(results), encoding="utf-8")
    click.echo(target)


if __name__ == "__main__":
    main()
