"""Build jobs from the command line, and from CSV and YAML files."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from patchvid.cli.jobs import Job
from patchvid.cli.options import MOST_SAMPLES
from patchvid.cli.outputs import default_name, numbered
from patchvid.errors import InvalidInput

_FOR_ALL_COMMANDS = ("samples", "seed", "overwrite")

_FLAGS = {"yes": True, "true": True, "no": None, "false": None, "": None}


class JobList:
    """Jobs; the options of each kind of job are checked only once.

    Parameters
    ----------
    folder
        Folder of the outputs.
    common
        Defaults for all rows: ``command``, ``samples``, ``seed``, ``overwrite``, and further
        options, for rows of the same command only.
    """

    def __init__(self, folder: Path, common: Mapping[str, Any]) -> None:
        self.jobs: list[Job] = []
        self._folder, self._common = folder, common
        self._checked: set[str] = set()

    def add(self, row: Mapping[str, Any], where: str = "") -> None:
        """Add the jobs of a row, one for each sample, or raise a usage error that names `where`."""
        try:
            jobs = self._jobs_of(row)
            kind = repr((jobs[0].command, sorted(jobs[0].options.items())))
            if kind not in self._checked:
                jobs[0].check()
                self._checked.add(kind)
        except (InvalidInput, click.UsageError) as error:
            message = error.format_message() if isinstance(error, click.UsageError) else str(error)
            raise click.UsageError(f"{where}: {message}" if where else message) from None
        self.jobs += jobs

    def _jobs_of(self, row: Mapping[str, Any]) -> list[Job]:
        options = {name.replace("_", "-"): value for name, value in row.items()}
        options = {name: value for name, value in options.items() if value is not None}
        command = options.get("command", self._common["command"])
        is_same = command == self._common["command"]
        common = {k: v for k, v in self._common.items() if is_same or k in _FOR_ALL_COMMANDS}
        options = {**common, **options}
        options.pop("command", None)
        if "clip" not in options:
            raise InvalidInput("clip is missing; give one")
        clip = Path(options.pop("clip"))
        samples = click.IntRange(1, MOST_SAMPLES).convert(options.pop("samples", 1), None, None)
        seed = click.IntRange(min=0).convert(options.pop("seed", 0), None, None)
        name = options.pop("output", None) or default_name(
            clip, f"_{command}", options.get("codec")
        )
        return [
            Job(command, clip, path, {**options, "seed": seed + number})
            for number, path in enumerate(numbered(self._folder / name, samples))
        ]


def read_rows(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the values of each row by name, None if not set, and its place for messages.

    The first line of CSV has the names. YAML is a list of mappings.
    """
    readers = {".csv": _read_csv, ".yaml": _read_yaml, ".yml": _read_yaml}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise click.UsageError(f"{str(path)!r} is neither .csv nor .yaml; rename it.")
    n_rows = 0
    for where, row in reader(path):
        n_rows += 1
        yield row, f"{path.name}, {where}"
    if not n_rows:
        raise click.UsageError(f"{str(path)!r} lists no jobs.")


def _read_csv(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file, skipinitialspace=True, strict=True)
        try:
            for row in rows:
                where = f"line {rows.line_num}"
                if None in row or None in row.values():
                    raise click.UsageError(
                        f"{path.name}, {where}: it must have as many values as the first line has "
                        "names; put quotes around values with commas."
                    )
                values = {name.strip(): value.strip() for name, value in row.items()}
                yield where, {k: _FLAGS.get(v.lower(), v) for k, v in values.items()}
        except (csv.Error, UnicodeDecodeError) as error:
            raise click.UsageError(f"cannot read {str(path)!r} as CSV: {error}.") from None


def _read_yaml(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        import yaml
    except ImportError:
        raise click.UsageError(
            "reading YAML needs PyYAML: pip install 'patchvid[cluster]', or write CSV."
        ) from None
    try:
        rows = yaml.safe_load(path.read_bytes())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = " ".join(str(error).split())
        raise click.UsageError(f"cannot read {str(path)!r} as YAML: {line}.") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise click.UsageError(
            f"{str(path)!r} must be a list of mappings, such as '- clip: a.mp4'."
        )
    for number, row in enumerate(rows, 1):
        yield f"job {number}", {str(name): value for name, value in row.items()}
