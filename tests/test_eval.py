"""``patchvid eval``: what it prints, and how it fails."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from patchvid import metrics, sample_clip, write_video
from patchvid.cli.eval import evaluate
from patchvid.cli.main import Boundary

SOURCE = sample_clip()[:5, 20:44, 40:72]
OUTPUTS = {"same.npz": SOURCE, "back.npz": np.ascontiguousarray(SOURCE[::-1, :, ::-1])}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clips are in the current folder."""
    monkeypatch.chdir(tmp_path)
    write_video("source.npz", SOURCE)
    for name, output in OUTPUTS.items():
        write_video(name, output)


def run(*args: str) -> Result:
    return CliRunner().invoke(Boundary(commands=[evaluate]), ["eval", *args])


def succeed(*args: str) -> str:
    result = run(*args)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return result.stdout


def fail(*args: str, exit_code: int = 1) -> str:
    result = run(*args)
    assert result.exit_code == exit_code, result.output
    assert isinstance(result.exception, SystemExit)  # not a traceback
    assert result.stdout == ""
    *usage, line = result.stderr.splitlines()
    assert not usage or exit_code == 2
    assert line.startswith("Error: ")
    return line


def test_table_has_a_row_for_each_file_and_their_mean() -> None:
    head, *rows, empty, last = succeed("source.npz", *OUTPUTS).splitlines()
    scores, mean, index = metrics.evaluate(SOURCE, list(OUTPUTS.values()))
    assert head.split() == list(metrics.Scores._fields)
    assert len({len(row) for row in (head, *rows)}) == 1  # aligned
    for row, name, values in zip(rows, [*OUTPUTS, "mean"], [*scores, mean], strict=True):
        first, *cells = row.replace(" ±", "±").split()
        assert first == name
        for cell, (value, error) in zip(cells, values, strict=True):
            number, _, scatter = cell.partition("±")
            assert float(number) == pytest.approx(value, abs=6e-4)
            assert float(scatter or 0) == pytest.approx(error, abs=6e-4)
            assert bool(scatter) == (error > 0)
    assert (empty, last) == ("", f"diversity: {index:.3f}")


def test_json_has_everything_and_nothing_else_is_printed() -> None:
    printed = json.loads(succeed("source.npz", *OUTPUTS, "--json"))
    scores, mean, index = metrics.evaluate(SOURCE, list(OUTPUTS.values()))
    assert list(printed) == ["source", "files", "mean", "diversity"]
    assert printed["source"] == "source.npz"
    assert printed["diversity"] == pytest.approx(index)
    for row, name, values in zip(
        [*printed["files"], printed["mean"]], [*OUTPUTS, None], [*scores, mean], strict=True
    ):
        assert row.pop("file", None) == name
        assert list(row) == list(metrics.Scores._fields)
        for (value, error), estimate in zip(values, row.values(), strict=True):
            assert estimate == {"value": pytest.approx(value), "error": pytest.approx(error)}


def test_one_video_has_no_diversity() -> None:
    assert succeed("source.npz", "back.npz").endswith(
        "\ndiversity: needs two or more videos of the same height and width\n"
    )
    assert json.loads(succeed("source.npz", "back.npz", "--json"))["diversity"] is None


def test_frames_are_those_of_the_source() -> None:
    write_video("end.npz", SOURCE[2:])
    printed = json.loads(succeed("source.npz", "end.npz", "--frames", "2:", "--json"))
    assert printed["mean"]["completeness"]["value"] == 0
    printed = json.loads(succeed("source.npz", "end.npz", "--frames", ":3", "--json"))
    assert printed["mean"]["completeness"]["value"] > 0


def test_sizes_may_differ() -> None:
    write_video("part.npz", SOURCE[1:, :-3, 4:])
    lines = succeed("source.npz", "part.npz", "back.npz").splitlines()
    assert len(lines) == 6
    assert lines[1].split()[1] == "0.000"


def test_errors_are_one_line() -> None:
    assert "no 'none.npz'" in fail("none.npz", "same.npz")
    assert "no 'none.npz'" in fail("source.npz", "same.npz", "none.npz")
    write_video("grey.npz", SOURCE[..., :1])
    assert "outputs[1] must have as many channels" in fail("source.npz", "same.npz", "grey.npz")
    assert "smaller than the patch" in fail("source.npz", "same.npz", "--frames", ":2")
    assert "'cuda'" in fail("source.npz", "same.npz", "--device", "cuda")
    assert "Missing argument 'GENERATED...'" in fail("source.npz", exit_code=2)
    assert "not A:B" in fail("source.npz", "same.npz", "--frames", "4", exit_code=2)


def test_help_names_every_measure() -> None:
    shown = succeed("--help")
    for name in (*metrics.Scores._fields, "diversity"):
        assert f"  {name} " in shown
