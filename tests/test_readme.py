"""The commands, the code and the links of the README and of the how-to pages work."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from patchvid import sample_clip, write_video
from patchvid.cli.main import main
from patchvid.data.sample_clip import N_FRAMES

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "docs" / "install.md", *sorted(ROOT.glob("docs/howto/*.md"))]
PICTURES = sorted(ROOT.glob("docs/pictures/*"))


def blocks(language: str) -> list[object]:
    """List the blocks of code in a language, on all pages."""
    found: list[object] = []
    for page in PAGES:
        pattern = rf"^```{language}\n(.*?)^```"
        for number, text in enumerate(re.findall(pattern, page.read_text(), re.M | re.S), 1):
            found.append(pytest.param(text, id=f"{page.stem}-{number}"))
    return found


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with small clips and frames of the names that the pages use."""
    folder = tmp_path_factory.mktemp("files")
    small = sample_clip()[:8, 20:44, 44:80]
    write_video(folder / "clip.mp4", small, fps=12)
    write_video(folder / "style.mp4", small[:, ::-1, ::-1], fps=12)
    write_video(folder / "frames", small)
    hole = np.where(small[:1] > 128, np.uint8(255), np.uint8(0))
    write_video(folder / "hole.png", hole)
    for name, frame in (("painted.png", 4), ("also_painted.png", 6)):
        painted = small[frame : frame + 1].copy()
        painted[:, 6:14, 15:27] = (230, 60, 40)
        write_video(folder / name, painted)
    np.save(folder / "depth.npy", small[..., :1] / np.float32(3))
    return folder


@pytest.mark.slow
@pytest.mark.usefixtures("among_files")
@pytest.mark.parametrize("block", blocks("sh"))
def test_commands(block: str) -> None:
    for line in block.splitlines():
        command, _, written = line.partition("#")
        name, *arguments = shlex.split(command.split("bin/")[-1])
        assert name == "patchvid"
        if arguments == ["gen"]:  # of the whole sample clip
            arguments += ["--max-size", "48"]
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, (line, result.output)
        for path in written.split(",") if written else ["sample_gen.mp4"]:
            assert Path(path.strip()).exists() or path.strip() in ("(a table)", "(a page)")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:the weights raft_small are not")
@pytest.mark.usefixtures("among_files")
@pytest.mark.parametrize("block", blocks("python"))
def test_code(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block, "a page", "exec"), {})
    promised = re.findall(r"^print\(.*\)  # (.*)$", block, re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == promised


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_options_exist(page: Path) -> None:
    commands = main.commands.values()
    options = {name for c in commands for parameter in c.params for name in parameter.opts}
    ours = re.sub(r"dask worker [^#`]*", "", page.read_text())
    mentioned = set(re.findall(r"(?<!\S)`?(--[a-z][a-z-]*)", ours)) - {"--help"}
    assert mentioned <= options


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_test_command_is_that_of_continuous_integration(page: str) -> None:
    script = (ROOT / ".ci" / "run").read_text().replace('"$work/venv', '".venv')
    commands = script.replace('"', "").replace(" -qq --disable-pip-version-check --no-compile", "")
    (told,) = re.findall(r"^ +(.*-m pytest -n auto)$", (ROOT / page).read_text(), re.MULTILINE)
    for part in told.split(" && "):
        assert part in commands


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links(page: Path) -> None:
    text = page.read_text()
    for link in re.findall(r"\]\((?!http)(.*?)\)", text) + re.findall(r'src="(.*?)"', text):
        assert (page.parent / link.partition("#")[0]).is_file()


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.stem)
def test_pictures_are_small_and_shown(picture: Path) -> None:
    assert picture.stat().st_size < (900_000 if picture.stem == "koi" else 200_000)
    pages = [*PAGES, *ROOT.glob("docs/*.md")]
    assert any(f"pictures/{picture.name}" in page.read_text() for page in pages)


def test_picture_of_the_readme_moves() -> None:
    with Image.open(ROOT / "docs" / "pictures" / "koi.webp") as film:
        assert getattr(film, "n_frames", 1) == N_FRAMES
