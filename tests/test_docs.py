"""Sphinx builds the pages without a warning, and every public name is in the reference."""

import subprocess
import sys
import zlib
from pathlib import Path

import pytest
import yaml

import patchvid

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    build = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-d",
        str(folder / "trees"),
    ]
    command = [*build, "docs", str(folder / "html")]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder / "html"


@pytest.mark.slow
def test_every_public_name_is_in_the_reference(html: Path) -> None:
    inventory = (html / "objects.inv").read_bytes().split(b"\n", 4)[4]
    documented = {line.split()[0] for line in zlib.decompress(inventory).decode().splitlines()}
    public = {f"patchvid.{name}" for name in patchvid.__all__ if not name.startswith("_")}
    assert public <= documented


@pytest.mark.slow
def test_pages_play_films_and_fetch_nothing(html: Path) -> None:
    for page in html.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert 'src="http' not in text, page
        assert 'rel="stylesheet" type="text/css" href="http' not in text, page
    assert (html / "notebooks" / "1_generate.html").read_text().count("<video") >= 4
    assert "time / floor" in (html / "benchmarks.html").read_text()


def test_citation_is_of_this_version_and_of_the_paper() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == patchvid.__version__
    assert citation["preferred-citation"]["title"] in (ROOT / "README.md").read_text()
