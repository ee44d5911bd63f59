"""The page on the command line is up to date, and the examples in the help work."""

import re
import runpy
import shlex
import shutil
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from patchvid import generate, sample_clip, write_field, write_video
from patchvid.cli.main import main

DOCS = Path(__file__).parents[1] / "docs"


def test_page_is_what_the_commands_say() -> None:
    page = runpy.run_path(str(DOCS / "make_cli.py"))["page"]()
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == page, "run python docs/make_cli.py"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder of small files with the names that the examples use."""
    folder = tmp_path_factory.mktemp("files")
    clip = sample_clip()[:8, 20:44, 44:80]
    write_video(folder / "clip.mp4", clip, fps=12)
    write_video(folder / "b.mp4", clip[:, ::-1, ::-1], fps=12)
    for name in ("a", "waterfall", "digit", "matte", "wide"):
        shutil.copy(folder / "clip.mp4", folder / f"{name}.mp4")
    for name in ("lava", "parade"):
        shutil.copy(folder / "b.mp4", folder / f"{name}.mp4")
    write_video(folder / "frames", clip)
    np.save(folder / "depth.npy", clip[..., :1] / np.float32(3))
    write_field(folder / "field.npz", generate(clip, seed=1, details=True).field)
    moving = np.zeros_like(clip)
    moving[:, 8:16, 10:20] = 255
    write_video(folder / "moving.mp4", moving, fps=12)
    for name in ("hole.png", "face.png"):
        write_video(folder / name, moving[:1])
    painted = clip.copy()
    painted[:, 6:14, 15:27] = (230, 60, 40)
    write_video(folder / "painted.mp4", painted, fps=12)
    write_video(folder / "painted.png", painted[4:5])
    return folder


EXAMPLES = [
    pytest.param(line, id=line.split("  ")[0])
    for command in main.commands.values()
    for line in re.findall(r"^  (patchvid .*)$", command.epilog or "", re.MULTILINE)
]


def test_every_command_that_takes_a_clip_has_examples() -> None:
    for name, command in main.commands.items():
        takes_clip = any(isinstance(parameter, click.Argument) for parameter in command.params)
        assert takes_clip == ("Examples:" in (command.epilog or "")), name


@pytest.mark.slow
@pytest.mark.parametrize("line", EXAMPLES)
def test_example(among_files: None, line: str) -> None:
    typed, _, written = line.partition("  ")
    name, *words = shlex.split(typed.split(" >")[0])
    assert name == "patchvid"
    if words == ["gen"]:
        words += ["--max-size", "48"]
    if words[0] in ("gen", "loop") and "--length" in words:
        words += ["--length", "2s"]  # the last one counts
    if words[0] == "eval":
        for copy in ("clip_gen_1.mp4", "clip_gen_2.mp4"):
            shutil.copy("clip.mp4", copy)
    if "--download" in words:
        pytest.skip("tests download nothing")
    known = {path.name for path in Path().iterdir()}
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    made = {path.name for path in Path().iterdir()} - known
    assert made or words[0] in ("eval", "weights", "studio")
    assert set(re.findall(r"\w+_\w+\.mp4", written)) <= made
