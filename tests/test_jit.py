"""Compiled kernels are kept outside the package, or compiled anew if no folder can hold them."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import patchvid
from patchvid.kernels import jit

# Two kernels, which compile sooner than most.
CODE = """
import numpy as np, patchvid
clip = np.random.default_rng(0).integers(0, 256, (3, 9, 9, 3), np.uint8)
print(patchvid.patch_distance(clip, clip, np.zeros((1, 3, 3, 3), int)).shape)
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Make a folder with a copy of the package."""
    home = Path(patchvid.__file__).parent
    folder = tmp_path / "site"
    shutil.copytree(home, folder / "patchvid", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run(site: Path, **environment: str) -> str:
    """Use kernels in a new process, and return what it writes to stderr."""
    kept = {"PATH": os.environ["PATH"], "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env=kept | environment,
        cwd=site,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "(1, 3, 3)\n", done.stderr
    return done.stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs folders that are not folders")
def test_kernels_are_compiled_in_memory_where_no_folder_is_writable(
    site: Path, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere"
    nowhere.write_text("")  # root may write everywhere, but not into a file
    said = run(site, HOME=str(nowhere), XDG_CACHE_HOME=str(nowhere))
    assert said.count("UserWarning: compiled kernels cannot be kept") == 1
    assert str(nowhere) in said


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="hides the user's home as Linux has it")
def test_kernels_are_compiled_in_memory_for_a_user_without_a_home(site: Path) -> None:
    (site / "sitecustomize.py").write_text("import os; os.path.expanduser = lambda path: path")
    said = run(site)
    assert said.count("cannot be kept (the user has no home folder)") == 1
    assert sorted(path.name for path in site.iterdir()) == ["patchvid", "sitecustomize.py"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="names the user's cache folder of Linux")
def test_files_are_kept_outside_of_the_package_and_compiled_anew_if_damaged(
    site: Path, tmp_path: Path
) -> None:
    before = sorted(site.rglob("*"))
    assert run(site, HOME=str(tmp_path / "home")) == ""
    assert sorted(site.rglob("*")) == before
    kernels = tmp_path / "home" / ".cache" / "patchvid" / "kernels"
    compiled = sorted(kernels.rglob("*.nb[ci]"))
    assert len(compiled) >= 3
    for number, path in enumerate(compiled):
        data = path.read_bytes()
        path.write_bytes([b"", data[: len(data) // 2], os.urandom(200)][number % 3])
    place = {"HOME": str(tmp_path / "other"), "NUMBA_CACHE_DIR": str(kernels)}
    said = run(site, **place)
    assert said.count("UserWarning: compiled kernels cannot be kept") == 1
    assert run(site, **place) == ""
    assert not (tmp_path / "other").exists()


def test_a_full_disk_is_told_with_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("numba.core.caching.FunctionCache.save_overload", no_space)
    monkeypatch.setattr(jit, "_problems", [])
    monkeypatch.setattr(jit, "_folder", lambda: Path("/cache/kernels"))
    cache = object.__new__(jit._KernelCache)
    with pytest.warns(UserWarning, match=r"\(No space left on device in /cache/kernels\)"):
        cache.save_overload(None, None)
