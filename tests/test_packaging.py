"""What is installed, and what importing it costs."""

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

    expected = {"patchvid/py.typed"}
    for source, package in SOURCES.items():
        for file in (ROOT / source).rglob("*"):
            through_link = any(parent.is_symlink() for parent in file.parents)
            if file.suffix in (".py", ".cu") and not through_link:
                expected.add(f"{package}/{file.relative_to(ROOT / source).as_posix()}")
    dist_info = f"patchvid-{patchvid.__version__}.dist-info/"
    assert {name for name in listing if not name.startswith(dist_info)} == expected
    assert f"{dist_info}licenses/LICENSE" in listing


def test_import_loads_no_heavy_library() -> None:
    code = "import sys, patchvid; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {"numpy", "numba", "cupy", "sklearn", "av", "imageio", "PIL", "click"}
    assert heavy.isdisjoint(run.stdout.split())


def test_public_names_all_load() -> None:
    for name in patchvid.__all__:
        assert getattr(patchvid, name) is not None
