"""The benchmarks run, and their results make sense."""

import csv
import json
import math
import os
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

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


@pytest.fixture(autouse=True)
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the scripts be imported; processes of their own would load all kernels again."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


def run_script(name: str, *arguments: object) -> Result:
    return CliRunner().invoke(import_module(name).main, ["--quick", *map(str, arguments)])


def tables(folder: Path, *arguments: str | Path) -> dict[str, list[dict[str, Any]]]:
    """Return the tables of a quick run, after checks of its facts and its Markdown."""
    run = run_script("measure", "--results", folder, *arguments)
    assert run.exit_code == 0, run.output
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


@pytest.mark.slow
def test_kernels_are_compared_with_their_floors(tmp_path: Path) -> None:
    measured = tables(tmp_path, "kernels")
    assert measured.keys() == {"kernels", "candidates", "rates"}

    assert {row["kernel"] for row in measured["kernels"]} == KERNELS
    for row in measured["kernels"]:
        floor = max(row["arithmetic ms"], row["memory ms"])
        assert 0 < floor < math.inf
        assert math.isclose(row["time / floor"], row["ms"] / floor)
        assert 0 < row["ms"] < math.inf
        assert row["bytes a voxel"] > 2  # a field of 4 bytes for most voxels, or a result of 3

    first, later = measured["candidates"]
    radii = 8  # 128, 64, ... 1
    assert 1 + radii < first["candidates a patch"] <= 7 + radii
    assert 0 < later["candidates a patch"] < first["candidates a patch"]
    for row in (first, later):
        assert 2 <= row["rows compared"] <= 7
        assert row["ns a candidate"] > 0
        assert row["ns to fetch it"] > 0

    assert all(0 < row["value"] < math.inf for row in measured["rates"])


@pytest.mark.slow
def test_cases_on_shared_data(shared: Path, tmp_path: Path) -> None:
    measured = tables(tmp_path, "--shared", shared, "golden", "vote")
    seconds, sweeps, ratio, vote = (row["measured"] for row in measured["speed"])
    assert 0 < seconds < math.inf
    assert 1 < sweeps < 20
    assert 0.95 < ratio < 1.1
    assert 0 < vote < math.inf


@pytest.mark.slow
def test_what_users_wait_for_and_get(shared: Path, tmp_path: Path) -> None:
    cases = ("clips", "balloons_1080p", "startup", "first_run", "growth")
    measured = tables(tmp_path, "--shared", shared, *cases, "quality", "retarget", "edits")
    assert len(measured["speed"]) == 6
    assert all(0 < row["measured"] < math.inf for row in measured["speed"])
    assert [row["size"] for row in measured["growth"]] == ["16x36x64", "16x72x128"]
    assert {row["encoding"] for row in measured["quality"]} == {"write_video", "x264, crf 23"}
    for row in measured["quality"]:
        assert math.isclose(row["ratio"], row["ours"] / row["the paper's"])
    makers = {row["maker"].split(" ")[0] for row in measured["retarget"]}
    assert {"patchvid.retarget", "resizing"} <= makers
    assert all(row["measured"] > 0 for row in measured["edits"])


@pytest.mark.slow
def test_analogies_are_compared_with_the_papers(shared: Path, tmp_path: Path) -> None:
    rows = tables(tmp_path, "--shared", shared, "analogies")["analogies"]
    assert len(rows) == 6
    assert all(row["ours"] > 0 for row in rows if row["unit"] == "s" or "coherence" in row["case"])
    assert all(-1 < row["ours"] < 1 for row in rows if "layout" in row["case"])


@pytest.mark.slow
def test_peers_are_beaten_or_named_as_missing(shared: Path, tmp_path: Path) -> None:
    measured = tables(tmp_path, "--shared", shared, "peers")
    for row in measured.get("peers", []):
        assert row["seconds"] > 0
        if "our cost" in row:
            assert 0 < row["our cost"] <= row["cost"]
            assert math.isclose(row["times faster"], row["seconds"] / row["our seconds"])
    named = [row["package"] for rows in measured.values() for row in rows]
    for package in ("patchmatch-cython", "pypatchmatch", "ebsynth"):
        assert any(name.startswith(package) for name in named)
    for row in measured.get("peers, left out", []):
        assert row["reason"]


@pytest.mark.slow
def test_the_paper_is_repeated_as_tables_and_a_picture(shared: Path, tmp_path: Path) -> None:
    run = run_script("reproduce", "--results", tmp_path, "--shared", shared)
    assert run.exit_code == 0, run.output
    (summary,) = tmp_path.glob("*-reproduce-quick.md")
    assert run.stdout == f"{summary}\n"
    rows = {}
    for name in ("table1", "table1-quoted", "figure6"):
        path = Path(f"{summary.with_suffix('')}-{name}.csv")
        with path.open(newline="", encoding="utf-8") as file:
            rows[name] = list(csv.DictReader(file))

    makers = ["patchvid", "VGPNN, its own samples", "HP-VAE-GAN, its own samples"]
    assert [(row["set"], row["maker"]) for row in rows["table1"]] == [
        *(("13 frames", maker) for maker in makers),
        *(("8 frames", maker) for maker in makers[:2]),
    ]
    for row in rows["table1"]:
        assert float(row["coherence"]) > 0
        assert bool(row["s a sample"]) == (row["maker"] == "patchvid")
    quoted = {(row["set"], row["maker"]): row["SVFID"] for row in rows["table1-quoted"]}
    assert quoted["13 frames", "VGPNN"] == "0.0072"

    kinds = {(row["maker"].split(",")[0], row["source"]) for row in rows["figure6"]}
    assert kinds == {
        ("patchvid", "measured"),
        ("exhaustive search", "measured"),
        ("exhaustive search", "extrapolated"),
        ("VGPNN", "quoted"),
        ("HP-VAE-GAN", "quoted"),
    }
    assert all(float(row["seconds"]) > 0 for row in rows["figure6"])
    markdown = summary.read_text()
    assert all(f"- {fact}: " in markdown for fact in FACTS | LOADS)
    if find_spec("matplotlib") is None:
        assert "no picture of Figure 6: No module named 'matplotlib'" in run.stderr
    else:
        (picture,) = tmp_path.glob("*.png")
        assert f"({picture.name})" in markdown


@pytest.mark.slow
def test_the_script_for_gpus_works_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout, folder = tmp_path / "published", tmp_path / "results"
    checkout.mkdir()
    script = """
import sys
from pathlib import Path
options = dict(option.lstrip("-").split("=") for option in sys.argv[1:])
assert len(list(Path(options["frames_dir"]).glob("*.png"))) == int(options["end_frame"])
print("TOTAL TIME: 0:01:02.500000")
"""
    (checkout / "run_generation.py").write_text(script)
    arguments = "--device", "cpu", "--published", checkout, "--shared", tmp_path / "nowhere"
    rows = {}
    for part in ("commands", "agreement", "times"):
        run = run_script("gpu", *arguments, "--part", part)
        assert run.exit_code == 0, run.output
        rows[part] = [json.loads(line)[1] for line in run.stdout.splitlines()]
    assert {row["error"] for row in rows["commands"]} == {""}
    assert [row["same bytes"] for row in rows["agreement"]] == [True, True]
    assert all(0 < row["measured"] < math.inf for row in rows["times"])

    # A visit runs each part in a process of its own; these do little without a GPU.
    parts = import_module("gpu").PARTS
    short = {name: parts[name] for name in parts if name not in rows}
    monkeypatch.setattr("gpu.PARTS", short)
    visit = *arguments, "--minutes", "60", "--results", folder
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--quick", *map(str, visit)])
    run = run_script("gpu", *visit)
    assert run.exit_code == 0, run.output
    (path,) = folder.glob("*-no-gpu-quick.json")
    assert run.stdout == f"{path}\n"
    results = json.loads(path.read_text())
    assert results["about"].keys() >= FACTS | LOADS
    measured = results["tables"]
    assert {row["outcome"] for row in measured["parts"]} == {"done"}, results["logs"]
    assert [row["part"] for row in measured["parts"]] == list(results["logs"]) == list(short)
    assert {row["case"] for row in measured["left out"]} == {"tests", "kernels", "memory"}
    theirs, share = (row["measured"] for row in measured["speed"])
    assert theirs == 62.5
    assert share > 0
    assert "### speed\n\n| case | measured |" in path.with_suffix(".md").read_text()


@pytest.mark.slow
def test_missing_data_are_named(tmp_path: Path) -> None:
    options = "--quick", "--results", tmp_path, "--shared", tmp_path / "nowhere"
    run = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "measure.py", *options, "golden"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 1
    assert "golden is left out" in run.stderr
    assert "nnf_level06_j0.npz" in run.stderr
    assert "nothing was measured" in run.stderr
    assert list(tmp_path.iterdir()) == []
