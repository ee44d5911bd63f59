"""Measure patchvid on this machine: ``python benchmarks/measure.py [--quick] [CASE ...]``.

Writes ``results/<machine>-<date>.json`` and the same as Markdown beside it. See README.md.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from about import describe, load, name_results
from common import Options, Rows, arguments, collect
from kernel_cases import kernels
from peers import peers
from quality_cases import quality
from report import to_markdown
from reproduce import figure6, table1
from retarget_cases import edits, retarget
from speed_cases import balloons_1080p, birds_360p, clips, first_run, golden, growth, startup, vote

SPEED = (clips, golden, vote, birds_360p, balloons_1080p, startup, first_run, growth)
CASES: dict[str, Callable[[Options], Rows]] = {
    case.__name__: case
    for case in (kernels, *SPEED, quality, retarget, edits, table1, figure6, peers)
}


@click.command(epilog=f"Cases: {', '.join(CASES)}; speed: those from clips to growth.")
@click.argument("cases", nargs=-1, metavar="[CASE]...", type=click.Choice(["speed", *CASES]))
@arguments
def main(cases: tuple[str, ...], options: Options, results: Path) -> None:
    """Run all cases, or those that are named, one after another."""
    about = describe()
    tables = collect([CASES[name] for name in _chosen(cases)], options)
    about["load average, end"] = load()
    _write(results, {"about": about, "tables": tables}, ending="-quick" if options.quick else "")


def _chosen(cases: tuple[str, ...]) -> list[str]:
    names = [
        name
        for case in cases
        for name in ([f.__name__ for f in SPEED] if case == "speed" else [case])
    ]
    return list(dict.fromkeys(names)) or list(CASES)


def _write(folder: Path, results: dict[str, Any], ending: str) -> None:
    target = name_results(folder, results["about"], ending).with_suffix(".json")
    target.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    target.with_suffix(".md").write_text(to_markdown(results), encoding="utf-8")
    click.echo(target)


if __name__ == "__main__":
    main()
