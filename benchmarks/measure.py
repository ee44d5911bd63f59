"""Measure patchvid on this machine: ``python benchmarks/measure.py [--quick] [CASE ...]``.

Writes ``results/<machine>-<date>.json`` and a Markdown file of the same name, both again after
every case, so that nothing is lost. See README.md.
"""

from collections.abc import Callable
from pathlib import Path

import click
from analogy_cases import analogies
from environment import describe, load, name_results
from harness import Options, Row, Rows, arguments, collect
from kernel_cases import kernels
from peers import peers
from quality_cases import quality
from reproduce import figure6, table1
from result_files import write
from retarget_cases import edits, retarget
from speed_cases import balloons_1080p, birds_360p, clips, first_run, golden, growth, startup, vote

SPEED = (clips, golden, vote, birds_360p, balloons_1080p, startup, first_run, growth)
CASES: dict[str, Callable[[Options], Rows]] = {
    case.__name__: case
    for case in (kernels, *SPEED, quality, analogies, retarget, edits, table1, figure6, peers)
}


@click.command(epilog=f"Cases: {', '.join(CASES)}; speed: those from clips to growth.")
@click.argument("cases", nargs=-1, metavar="[CASE]...", type=click.Choice(["speed", *CASES]))
@arguments
def main(cases: tuple[str, ...], options: Options, results: Path) -> None:
    """Run all cases, or those that are named, one after another."""
    about = describe()
    target = name_results(results, about, "-quick" if options.quick else "").with_suffix(".json")

    def keep(tables: dict[str, list[Row]]) -> None:
        about["load average, end"] = load()
        write(target, {"about": about, "tables": tables})

    collect([CASES[name] for name in _chosen(cases)], options, keep)
    click.echo(target)


def _chosen(cases: tuple[str, ...]) -> list[str]:
    names = [
        name
        for case in cases
        for name in ([f.__name__ for f in SPEED] if case == "speed" else [case])
    ]
    return list(dict.fromkeys(names)) or list(CASES)


if __name__ == "__main__":
    main()
