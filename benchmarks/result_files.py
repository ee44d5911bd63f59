"""Results as files, and as Markdown.

``python benchmarks/result_files.py RESULTS.json`` puts them into README.md.
"""

import json
import sys
from pathlib import Path
from typing import Any

from harness import Row

README = Path(__file__).with_name("README.md")
START, END = "<!-- results -->\n", "<!-- end of results -->\n"


def write(target: Path, results: dict[str, Any]) -> None:
    """Write results to a JSON file, and to a Markdown file beside it."""
    target.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    target.with_suffix(".md").write_text(to_markdown(results), encoding="utf-8")


def to_markdown(results: dict[str, Any]) -> str:
    """Format the environment as a list, and then every table."""
    about = "".join(f"- {name}: {value}\n" for name, value in results["about"].items())
    tables = (f"\n### {name}\n\n{_table(rows)}" for name, rows in results["tables"].items())
    return about + "".join(tables)


def _table(rows: list[Row]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, ["---"] * len(columns)]
    lines += [[_cell(row.get(name)) for name in columns] for row in rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)


if __name__ == "__main__":
    written = to_markdown(json.loads(Path(sys.argv[1]).read_text("utf-8")))
    before, _, rest = README.read_text("utf-8").partition(START)
    after = rest.partition(END)[2]
    README.write_text(f"{before}{START}\n{written}\n{END}{after}", encoding="utf-8")
