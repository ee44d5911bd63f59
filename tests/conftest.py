"""What all tests share."""

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Whether a test passes must not depend on what else the machine does.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of clips and golden data, which are not part of the repository."""
    beside = Path(__file__).parents[2] / "shared"
    folder = Path(os.environ.get("PATCHVID_SHARED", beside))
    if not folder.is_dir():
        pytest.skip(f"there is no shared test data at {folder} (set PATCHVID_SHARED)")
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, from which the commands run this very package."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    return tmp_path


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line for each reason how many tests were not run."""
    left_out: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        left_out[report.longrepr[2].removeprefix("Skipped: ")] += 1
    for item in terminalreporter.stats.get("deselected", []):
        left_out['slow; -m "" runs them too'] += item.get_closest_marker("slow") is not None
    for reason, count in (+left_out).items():
        terminalreporter.write_line(f"not run: {count} ({reason})")
