"""The notebooks run from the first cell to the last, as in Jupyter, and what they show shows."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.py"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOTEBOOK_SIZE", "6,32,48")
    names: dict[str, Any] = {}
    cells = re.split(r"^# %%.*\n", notebook.read_text(), flags=re.MULTILINE)
    shown = [value for cell in cells if (value := run_cell(cell, names)) is not None]
    assert len(shown) >= 3
    for film in shown:
        assert film._repr_html_().startswith("<img src=")
    assert not list(tmp_path.iterdir())


def run_cell(cell: str, names: dict[str, Any]) -> Any:
    """Run the code and return what a notebook would show: the value of its last expression."""
    code = ast.parse(cell).body
    last = code[-1] if code else None
    if not isinstance(last, ast.Expr):
        exec(compile(ast.Module(code, []), "cell", "exec"), names)
        return None
    exec(compile(ast.Module(code[:-1], []), "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)
