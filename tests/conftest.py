"""Fixtures and settings for all tests."""

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# Before NumPy: with as many threads in each worker of pytest, BLAS mostly waits for itself.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest
import standin
from hypothesis import HealthCheck, settings

# Whether a test passes must not depend on what else the machine does.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of clips and golden data, which are not part of the repository."""
    beside = Path(__file__).parents[2] / "shared"
    folder = Path(os.environ.get("PATCHVID_SHARED") or beside)
    if not folder.is_dir():
        pytest.skip(f"there is no shared test data at {folder} (set PATCHVID_SHARED)")
    return folder


@pytest.fixture(autouse=True)
def steps_only() -> Iterator[None]:
    """Call progress callbacks once a step, however slow the machine is."""
    with pytest.MonkeyPatch.context() as patch:  # the fixture of tests must not begin before theirs
        patch.setattr("patchvid.kernels.threads.INTERVAL", float("inf"))
        yield


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an empty folder, from which commands run this checkout of the package."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    return tmp_path


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the jobs of batches in this process: new ones take seconds to load everything."""

    class OneThread(ThreadPoolExecutor):
        def __init__(self, _: int) -> None:
            super().__init__(1)

        def stop(self) -> None:
            self.shutdown(cancel_futures=True)

    monkeypatch.setattr("patchvid.batches.running.Workers", OneThread)


@pytest.fixture
def among_files(here: Path, files: Path, in_process: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change to a folder with copies of a module's `files`, to run the examples of pages there."""
    monkeypatch.setattr("webbrowser.open", lambda _: True)
    monkeypatch.setattr("patchvid.studio.server.Studio.run", lambda studio: studio.close())
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: here / "no_cache")
    shutil.copytree(files, here, dirs_exist_ok=True)


@pytest.fixture
def stand_in() -> Iterator[None]:
    """Import the CUDA modules over the stand-in for CuPy."""
    with standin.imported():
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count the tests that were not run, one line for each reason."""
    left_out: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        left_out[report.longrepr[2].removeprefix("Skipped: ")] += 1
    for item in terminalreporter.stats.get("deselected", []):
        left_out['slow; -m "" runs them too'] += item.get_closest_marker("slow") is not None
    for reason, count in (+left_out).items():
        terminalreporter.write_line(f"not run: {count} ({reason})")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Replace the CUDA back end by the CPU's kernels, on arrays that do not mix with the host's."""
    from patchvid import kernels
    from patchvid.kernels import cpu

    def on_host(function: Any) -> Any:
        return lambda *args, **options: standin.wrap(
            function(*map(standin.to_plain, args), **options)
        )

    back_end = SimpleNamespace(
        DEVICE="cuda", xp=standin.StandIn(),
        to_device=lambda array: standin.wrap(np.array(standin.to_plain(array))),
        to_host=standin.to_plain, devices_of=cpu.devices_of, use_device=cpu.use_device,
        patch_grid=cpu.patch_grid, search=on_host(cpu.search), search_exact=cpu.search_exact,
        prepare=lambda video, **_: video, patch_distance=on_host(cpu.patch_distance),
        apply_taps=lambda video, tables, out: cpu.apply_taps(
            standin.to_plain(video), tables, standin.to_plain(out)
        ),
    )  # fmt: skip
    monkeypatch.setattr(kernels, "why_no_gpu", lambda: "")
    monkeypatch.setattr("patchvid._device.why_no_gpu", lambda: "")
    monkeypatch.setattr(kernels, "cuda", back_end, raising=False)
    monkeypatch.setitem(sys.modules, "patchvid.kernels.cuda", back_end)
    return back_end
