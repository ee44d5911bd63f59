"""The contents of the wheel."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import patchvid

ROOT = Path(__file__).parents[1]
SOURCES = {"patchvid": "patchvid", "kernels": "patchvid/kernels", "cli": "patchvid/cli"}


@pytest.mark.slow
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


# What CuPy loads when it is imported, compiles kernels, and multiplies matrices.
LIBRARIES = ("cudart", "nvrtc", "nvJitLink", "cublas", "cublasLt")


@pytest.mark.slow
@pytest.mark.parametrize("extra", ["cuda12", "cuda13"])
def test_the_extras_for_gpus_install_all_libraries(extra: str, tmp_path: Path) -> None:
    uv = shutil.which("uv")
    if uv is None or sys.platform != "linux":
        pytest.skip("packages for GPUs are installed by uv, on Linux")
    with open(ROOT / "pyproject.toml", "rb") as file:
        (requirement,) = tomllib.load(file)["project"]["optional-dependencies"][extra]
    python = tmp_path / "bin" / "python"
    subprocess.run([uv, "venv", "-q", "-p", sys.executable, tmp_path], check=True)
    install = [uv, "pip", "install", "-q", "-p", python, requirement]
    run = subprocess.run(install, capture_output=True, text=True, check=False)
    if "Failed to fetch" in run.stderr or "dns error" in run.stderr:
        pytest.skip("the package index cannot be reached")
    assert run.returncode == 0, run.stderr
    code = f"""
from cuda.pathfinder import load_nvidia_dynamic_lib
for name in {LIBRARIES}:
    print(load_nvidia_dynamic_lib(name).abs_path)
"""
    environment = {"PATH": os.environ["PATH"]}  # no toolkit of the system
    found = subprocess.check_output([python, "-c", code], env=environment, text=True).split()
    assert len(found) == len(LIBRARIES)
    assert all(Path(path).is_relative_to(tmp_path) for path in found), found
