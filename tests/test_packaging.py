"""The contents of the wheel."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import patchvid

ROOT = Path(__file__).parents[1]
SOURCES = {"patchvid": "patchvid", "kernels": "patchvid/kernels", "cli": "patchvid/cli"}


def test_wheel_holds_every_module_and_nothing_else(tmp_path: Path) -> None:
    # Built from a copy, because setuptools leaves its work in the source folder.
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    for name in SOURCES:
        shutil.copytree(ROOT / name, tree / name, symlinks=True)
    code = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, tmp_path], cwd=tree, check=True)
    (built,) = tmp_path.glob("*.whl")
    listing = zipfile.ZipFile(built).namelist()

    expected = set()
    for source, package in SOURCES.items():
        for file in (ROOT / source).rglob("*"):
            through_link = any(parent.is_symlink() for parent in file.parents)
            is_compiled = "__pycache__" in file.parts
            if file.is_file() and not (through_link or is_compiled):
                expected.add(f"{package}/{file.relative_to(ROOT / source).as_posix()}")
    dist_info = f"patchvid-{patchvid.__version__}.dist-info/"
    assert {name for name in listing if not name.startswith(dist_info)} == expected
    assert f"{dist_info}licenses/LICENSE" in listing
