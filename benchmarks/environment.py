"""The machine, the code, its versions and the command: what measured numbers depend on."""

import json
import os
import platform
import re
import shlex
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import patchvid


def describe() -> dict[str, str]:
    """Describe the machine, the code and its versions, and the command that was run."""
    command = [sys.executable, "-m", "patchvid", "info", "--json"]
    info = json.loads(subprocess.check_output(command, text=True))
    return {
        "command": shlex.join(["python", *sys.argv]),
        "date": datetime.now().astimezone().isoformat(timespec="minutes"),
        "machine": _machine(),
        "commit": _commit(),
        **info,
        "load average, start": load(),
    }


def name_results(folder: Path, about: dict[str, str], ending: str) -> Path:
    """Name the files of results by the machine and the date, without a suffix."""
    machine = re.sub(r"[^a-z0-9]+", "-", about["machine"].lower())
    date = re.sub(r"[T:]", "-", about["date"][:16])
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{machine}-{date}{ending}"


def load() -> str:
    """Return the load averages of the machine."""
    return " ".join(f"{load:.2f}" for load in os.getloadavg())


def _machine() -> str:
    """Return the processor's name and the number of cores."""
    listing = Path("/proc/cpuinfo")
    text = listing.read_text() if listing.exists() else ""
    model = re.search(r"model name\s*:\s*(.+)", text)
    name = model[1] if model else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"


def _commit() -> str:
    """Return the commit of the code that is measured, marked if the code has changed since."""
    root = Path(patchvid.__file__).parents[1]
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.stdout.strip() or "unknown"
