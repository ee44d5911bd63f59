"""What measured numbers depend on: the machine, the code, its versions and the command."""

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
    """Machine, code and versions, and how to get the numbers again."""
    info = subprocess.check_output([sys.executable, "-m", "patchvid", "info"], text=True)
    return {
        "command": shlex.join(["python", *sys.argv]),
        "date": datetime.now().astimezone().isoformat(timespec="minutes"),
        "machine": _machine(),
        "commit": _commit(),
        **dict(line.split(maxsplit=1) for line in info.splitlines()),
        "load average, start": load(),
    }


def name_results(folder: Path, about: dict[str, str], ending: str) -> Path:
    """Where results go, without the kind of file: by the machine and the date."""
    machine = re.sub(r"[^a-z0-9]+", "-", about["machine"].lower())
    date = re.sub(r"[T:]", "-", about["date"][:16])
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{machine}-{date}{ending}"


def load() -> str:
    """How busy the machine is."""
    return " ".join(f"{load:.2f}" for load in os.getloadavg())


def _machine() -> str:
    """The processor's name and the number of cores."""
    listing = Path("/proc/cpuinfo")
    text = listing.read_text() if listing.exists() else ""
    model = re.search(r"model name\s*:\s*(.+)", text)
    name = model[1] if model else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"


def _commit() -> str:
    """That of the code which is measured, with a mark if it was changed since."""
    root = Path(patchvid.__file__).parents[1]
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.stdout.strip() or "unknown"
