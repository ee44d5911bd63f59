"""Compiled kernels are kept where there is room for them, and work where there is none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import patchvid

CODE = """
import numpy as np, patchvid
clip = np.random.default_rng(0).integers(0, 256, (3, 9, 9, 3), np.uint8)
print(patchvid.generate(clip, seed=1).shape)
"""


def copy_package(folder: Path) -> Path:
    """A copy of the package that an installer might have made, without its compiled kernels."""
    home = Path(patchvid.__file__).parent
    shutil.copytree(home, folder / "patchvid", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run(site: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {"PATH": os.environ["PATH"], "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", CODE]
    return subprocess.run(
        command, env=kept | environment, cwd=site, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs folders that are not folders")
def test_kernels_are_compiled_in_memory_where_no_folder_is_writable(tmp_path: Path) -> None:
    site = copy_package(tmp_path)
    # Root may write everywhere, but not into a file.
    for folder in {path.parent for path in (site / "patchvid").rglob("*.py")}:
        (folder / "__pycache__").write_text("")
    nowhere = tmp_path / "nowhere"
    nowhere.write_text("")
    done = run(site, HOME=str(nowhere), XDG_CACHE_HOME=str(nowhere), NUMBA_CACHE_DIR=str(nowhere))
    assert done.stdout == "(3, 9, 9, 3)\n", done.stderr
    assert done.stderr.count("UserWarning") == 1
    assert "no writable folder for compiled kernels" in done.stderr


@pytest.mark.slow
def test_compiled_kernels_are_kept_in_the_folder_that_is_named(tmp_path: Path) -> None:
    site, cache = copy_package(tmp_path), tmp_path / "kernels"
    done = run(site, HOME=str(tmp_path), NUMBA_CACHE_DIR=str(cache))
    assert (done.stdout, done.stderr) == ("(3, 9, 9, 3)\n", "")
    assert list(cache.rglob("*.nbc"))
