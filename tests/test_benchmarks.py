"""The benchmarks run, and their results say what they should."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

KERNELS = {
    "unfold",
    "search, sweep first",
    "search, sweep 2 to 4",
    "patch distance",
    "vote, median, uint8",
    "vote, mean, uint8",
    "vote, median, float32",
    "vote, mean, float32",
    "carry",
    "resize, all levels",
}
FACTS = {"command", "date", "machine", "commit", "patchvid", "python", "numpy", "numba", "cpu"}
LOADS = {"load average, start", "load average, end"}


def measure(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    script = ROOT / "benchmarks" / "measure.py"
    return subprocess.run(
        [sys.executable, script, "--quick", "--results", folder, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def tables(folder: Path, *arguments: str | Path) -> dict[str, list[dict[str, Any]]]:
    """What a quick run finds, after a look at the facts that go with it and at its Markdown."""
    run = measure(folder, *arguments)
    assert run.returncode == 0, run.stderr
    (path,) = folder.glob("*-quick.json")
    assert run.stdout == f"{path}\n"
    results = json.loads(path.read_text())
    assert results["about"].keys() >= FACTS | LOADS
    assert all(results["about"].values())
    markdown = path.with_suffix(".md").read_text()
    for name, rows in results["tables"].items():
        header = f"### {name}\n\n| {' | '.join(rows[0])} |"
        assert header in markdown
    return results["tables"]


def test_kernels_are_compared_with_their_floors(tmp_path: Path) -> None:
    measured = tables(tmp_path, "kernels")
    assert measured.keys() == {"kernels", "candidates", "rates"}

    assert {row["kernel"] for row in measured["kernels"]} == KERNELS
    for row in measured["kernels"]:
        floor = max(row["arithmetic ms"], row["memory ms"])
        assert 0 < floor < math.inf
        assert math.isclose(row["time / floor"], row["ms"] / floor)
        assert row["ms"] > 0.1 * floor  # other programs may slow either down, but not so much

    first, later = measured["candidates"]
    radii = 8  # 128, 64, ... 1
    assert 1 + radii < first["candidates a patch"] <= 5 + radii
    assert 0 < later["candidates a patch"] < first["candidates a patch"]
    for row in (first, later):
        assert 2 <= row["rows compared"] <= 7
        assert row["ns a candidate"] > 0
        assert row["ns to fetch it"] > 0

    assert all(0 < row["value"] < math.inf for row in measured["rates"])


def test_cases_on_shared_data(shared: Path, tmp_path: Path) -> None:
    measured = tables(tmp_path, "--shared", shared, "golden", "vote")
    seconds, sweeps, ratio, vote = (row["measured"] for row in measured["speed"])
    assert 0 < seconds < 60
    assert 1 < sweeps < 20
    assert 0.95 < ratio < 1.1
    assert 0 < vote < 60


def test_missing_data_are_named(tmp_path: Path) -> None:
    run = measure(tmp_path, "--shared", tmp_path / "nowhere", "golden")
    assert run.returncode == 1
    assert "golden is left out" in run.stderr
    assert "nnf_level06_j0.npz" in run.stderr
    assert "nothing was measured" in run.stderr
    assert list(tmp_path.iterdir()) == []
