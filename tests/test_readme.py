"""What the README says can be done, done: its commands, its code, its links."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

from patchvid import sample_clip, weights, write_video
from patchvid.cli.main import main
from patchvid.sample import N_FRAMES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


INSTALL, INSTALL_AND_TEST, EXAMPLES = blocks("sh")
FIRST = INSTALL.split("bin/")[-1].strip() + "  # sample_gen.mp4"


@pytest.fixture(scope="module")
def small() -> NDArray[np.uint8]:
    return sample_clip()[:5, 20:52, 40:88]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: NDArray[np.uint8]) -> None:
    """A folder with the clip and the frames that the README speaks of, small ones."""
    monkeypatch.chdir(tmp_path)
    write_video("clip.mp4", small, fps=12)
    write_video("style.mp4", small[:, ::-1, ::-1], fps=12)
    write_video("frames/", small)


@pytest.mark.parametrize("lines", [FIRST, EXAMPLES], ids=["first", "examples"])
def test_commands(lines: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(weights._failures, "raft_small", "tests fetch nothing")
    for line in filter(None, lines.splitlines()):
        command, _, written = line.partition("#")
        name, *arguments = shlex.split(command)
        assert name == "patchvid"
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, (line, result.output)
        for path in written.split(","):
            assert Path(path.strip()).exists() or path.strip() == "(a table)"


@pytest.mark.parametrize("block", blocks("python"))
def test_code(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block, "README.md", "exec"), {})
    promised = re.findall(r"^print\(.*\)  # (.*)$", block, re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == promised


def test_options_exist() -> None:
    commands = main.commands.values()
    options = {name for c in commands for parameter in c.params for name in parameter.opts}
    mentioned = set(re.findall(r"(?<!\S)`?(--[a-z][a-z-]*)", README)) - {"--help"}
    assert mentioned
    assert mentioned <= options


def test_test_command_is_that_of_continuous_integration() -> None:
    quiet = {"-qq", "--disable-pip-version-check"}
    script = (ROOT / ".ci" / "run").read_text().replace("$work/venv", ".venv")
    lines = [shlex.split(line, comments=True) for line in script.splitlines()]
    commands = [[word for word in line if word not in quiet] for line in lines]
    assert [shlex.split(part) for part in INSTALL_AND_TEST.split("&&")] == commands[-3:]
    assert INSTALL_AND_TEST in (ROOT / "CONTRIBUTING.md").read_text()


def test_links_and_picture() -> None:
    links = re.findall(r"\]\((?!http)(.*?)\)", README) + re.findall(r'src="(.*?)"', README)
    assert links
    for link in links:
        assert (ROOT / link).is_file()
    picture = ROOT / "docs" / "koi.webp"
    assert picture.stat().st_size < 900_000
    with Image.open(picture) as film:
        assert getattr(film, "n_frames", 1) == N_FRAMES
