"""``patchvid eval``: output and errors."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from patchvid import metrics, sample_clip, write_video
from patchvid.cli.eval import evaluate
from patchvid.cli.main import Boundary
from patchvid.networks.weights import Published

SOURCE = sample_clip()[:5, 20:44, 40:72]
MEASURES = list(metrics.Scores._fields[:-1])  # svfid needs weights
OUTPUTS = {"same.npz": SOURCE, "back.npz": np.ascontiguousarray(SOURCE[::-1, :, ::-1])}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change to a folder with the clips, and hide all weights."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PATCHVID_C3D", raising=False)
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
    assert head.split() == MEASURES
    assert len({len(row) for row in (head, *rows)}) == 1  # aligned
    for row, name, values in zip(rows, [*OUTPUTS, "mean"], [*scores, mean], strict=True):
        first, *cells = row.replace(" ±", "±").split()
        assert first == name
        for cell, (value, error) in zip(cells, filter(None, values), strict=True):
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
        assert list(row) == MEASURES
        for (value, error), estimate in zip(filter(None, values), row.values(), strict=True):
            assert estimate == {"value": pytest.approx(value), "error": pytest.approx(error)}


def test_one_video_has_no_diversity() -> None:
    assert succeed("source.npz", "back.npz").endswith(
        "\ndiversity: needs two or more videos of the same height and width\n"
    )
    assert json.loads(succeed("source.npz", "back.npz", "--json"))["diversity"] is None


def test_a_picture_has_no_flicker() -> None:
    write_video("picture.npz", SOURCE[:1])
    head, picture, *_ = succeed("source.npz", "picture.npz", "back.npz").splitlines()
    assert len(head) == len(picture) > len(picture.rstrip())
    files = json.loads(succeed("source.npz", "picture.npz", "back.npz", "--json"))["files"]
    assert ["flicker" in row for row in files] == [False, True]


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


def write_weights(path: Path) -> None:
    random = np.random.default_rng(0)
    shapes = {"conv1a": (8, 3, 3, 3, 3), "conv2a": (6, 8, 3, 3, 3)}
    tensors = {f"{name}/W": random.normal(size=shape) for name, shape in shapes.items()}
    tensors |= {f"{name}/b": np.zeros(shape[0]) for name, shape in shapes.items()}
    np.savez(path, **tensors)  # type: ignore[arg-type]


def test_svfid_is_shown_where_weights_are_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c3d.npz"
    write_weights(path)
    expected = metrics.svfid(SOURCE, OUTPUTS["back.npz"], weights=path).value
    assert expected > 0
    head, same, back, *_ = succeed("source.npz", *OUTPUTS, "--svfid", str(path)).splitlines()
    assert head.split() == [*MEASURES, "svfid"]
    assert float(same.split()[-1]) == 0
    assert float(back.split()[-1]) == pytest.approx(expected, rel=1e-3)
    monkeypatch.setenv("PATCHVID_C3D", str(path))
    assert "svfid" not in succeed("source.npz", "back.npz")
    printed = json.loads(succeed("source.npz", "back.npz", "--json", "--svfid", "auto"))
    assert printed["mean"]["svfid"] == {"value": pytest.approx(expected), "error": 0}


def test_auto_fetches_the_weights_of_svfid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unreachable = {"c3d_sports1m": Published("http://127.0.0.1:9/c3d.pth", "0")}
    monkeypatch.setattr("patchvid.networks.weights.PUBLISHED", unreachable)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *a, **k: tmp_path / "cache")
    monkeypatch.delenv("PATCHVID_C3D", raising=False)
    message = fail("source.npz", "same.npz", "--svfid", "auto")
    assert "c3d_sports1m are not on this machine; fetch them with `patchvid weights" in message
    message = fail("source.npz", "same.npz", "--svfid", "auto", "--download")
    assert "cannot download the weights c3d_sports1m from http://127.0.0.1:9/c3d.pth" in message


def test_errors_are_one_line() -> None:
    assert "no 'none.npz'" in fail("none.npz", "same.npz")
    assert "no 'none.npz'" in fail("source.npz", "same.npz", "none.npz")
    write_video("grey.npz", SOURCE[..., :1])
    assert "grey.npz must have as many channels" in fail("source.npz", "same.npz", "grey.npz")
    assert "smaller than the patch" in fail("source.npz", "same.npz", "--frames", ":2")
    write_video("short.npz", SOURCE[:2])
    assert "short.npz: a video of 2 frames, 24x32" in fail("source.npz", "short.npz")
    assert "no file of weights at 'none.npz'" in fail(
        "source.npz", "same.npz", "--svfid", "none.npz"
    )
    assert "'cuda'" in fail("source.npz", "same.npz", "--device", "cuda")
    assert "Missing argument 'GENERATED...'" in fail("source.npz", exit_code=2)
    assert "not A:B" in fail("source.npz", "same.npz", "--frames", "4", exit_code=2)


def test_help_names_every_measure() -> None:
    shown = succeed("--help")
    for name in (*metrics.Scores._fields, "diversity"):
        assert f"  {name} " in shown
