"""The notebooks run from start to end, and the committed ones were made from their code."""

import ast
import json
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from matplotlib import pyplot

from patchvid.display.notebook import Film

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.py"))
SMALL = {"N_FRAMES": 8, "HEIGHT": 32, "WIDTH": 48}

each_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_are_four() -> None:
    assert [notebook.stem[:2] for notebook in NOTEBOOKS] == ["1_", "2_", "3_", "4_"]


@pytest.mark.slow
@each_notebook
def test_runs_at_a_small_size(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    matplotlib.use("agg")
    names: dict[str, Any] = {}
    shown: list[Any] = []
    for cell in cells_of(notebook):
        if cell.cell_type == "code":
            code = "\n".join(line for line in cell.source.splitlines() if line[:1] != "%")
            shown.append(run(code, names))
            if "parameters" in cell.metadata.get("tags", ()):
                assert names.keys() >= SMALL.keys()
                names |= SMALL
    films = [value for value in shown if isinstance(value, Film)]
    assert len(films) + len(pyplot.get_fignums()) >= 3
    assert all(film.shape[0] > 1 for film in films)
    pyplot.close("all")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@each_notebook
def test_committed_outputs_are_of_this_code_and_small(notebook: Path) -> None:
    file = notebook.with_suffix(".ipynb")
    assert file.stat().st_size < 800_000
    executed = json.loads(file.read_text(encoding="utf-8"))["cells"]
    pair = cells_of(notebook)
    remedy = "jupytext --to ipynb --execute notebooks/*.py"
    sources = [(cell["cell_type"], "".join(cell["source"])) for cell in executed]
    assert sources == [(cell.cell_type, cell.source) for cell in pair], remedy
    outputs = [output for cell in executed for output in cell.get("outputs", ())]
    kinds = {kind for output in outputs for kind in output.get("data", ())}
    assert kinds & {"text/html", "image/jpeg"}, remedy
    assert "error" not in {output["output_type"] for output in outputs}


def cells_of(notebook: Path) -> list[Any]:
    """Return the cells of a notebook that is kept as a script."""
    import jupytext  # here, because it takes seconds

    return jupytext.read(notebook).cells


def run(source: str, names: dict[str, Any]) -> Any:
    """Run a cell and return the value of its last expression, which a notebook would show."""
    code = ast.parse(source).body
    last = code.pop() if code and isinstance(code[-1], ast.Expr) else None
    exec(compile(ast.Module(code, []), "cell", "exec"), names)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    return None
