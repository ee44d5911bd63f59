"""Records beside outputs, so that a batch that is started again skips finished jobs.

A record is a small JSON file beside the output. This works for every format, even for folders and
arrays, and leaves the bytes of the output unchanged.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple


class Stamp(NamedTuple):
    """The size of a file in bytes and its last change in ns; for a folder, those of its files."""

    bytes: int
    modified: int


def stamp(path: Path) -> Stamp:
    """Return the stamp of a file or folder; ``(0, 0)`` if there is none."""
    try:
        status = [file.stat() for file in _files_of(path)]
    except OSError:
        return Stamp(0, 0)
    return Stamp(sum(s.st_size for s in status), max((s.st_mtime_ns for s in status), default=0))


class Record:
    """The record of the file that a job makes.

    Parameters
    ----------
    output
        The file or folder, or the pattern of its pictures, such as ``frames/%05d.png``.
    settings
        Everything that determines the output, as data for JSON.
    inputs
        The input files, by name.
    """

    def __init__(
        self, output: Path, settings: Mapping[str, Any], inputs: Mapping[str, Path]
    ) -> None:
        self._output = output.parent if "%" in output.name else output
        self._settings = json.loads(json.dumps(settings, default=os.fspath))
        self._inputs = inputs
        self.path = self._output.with_name(f"{self._output.name}.json")

    def is_finished(self) -> bool:
        """Whether the file exists and was made from these inputs with these settings."""
        kept = self._read()
        return self._agrees(kept) and bool(kept.get("made")) and self._output.exists()

    def is_begun(self) -> bool:
        """Whether a job with these settings began here and ended before it had finished."""
        kept = self._read()
        return self._agrees(kept) and not kept["made"]

    @contextmanager
    def finished_by(self) -> Iterator[dict[str, Any]]:
        """Save the contents of the yielded dictionary, if the file is finished at the end.

        A process that is killed earlier leaves a note that it has begun. If the file exists then,
        it is replaced.
        """
        from patchvid.io._files import complete_or_nothing

        made: dict[str, Any] = {}
        before = self.path.read_bytes() if self.path.exists() else None
        content = {"settings": self._settings, "inputs": self._identities(), "made": made}

        def write(data: bytes) -> None:
            with complete_or_nothing(self.path) as part:
                part.write_bytes(data)

        try:
            write(_as_json(content))
            yield made
            write(_as_json(content))
        except BaseException:
            with suppress(OSError):  # if the disk is full, the note may stay
                self.path.unlink(missing_ok=True) if before is None else write(before)
            raise

    def _read(self) -> dict[str, Any]:
        try:
            kept = json.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) and {"settings", "inputs", "made"} <= {*kept} else {}

    def _agrees(self, kept: Mapping[str, Any]) -> bool:
        if not kept or kept["settings"] != self._settings or {*kept["inputs"]} != {*self._inputs}:
            return False
        return all(_is_same(path, kept["inputs"][name]) for name, path in self._inputs.items())

    def _identities(self) -> dict[str, dict[str, Any]]:
        return {
            name: {
                "file": str(path),
                **(now := stamp(path))._asdict(),
                "sha256": _sha256(path, now),
            }
            for name, path in self._inputs.items()
            if path.exists()
        }


def _is_same(path: Path, kept: Mapping[str, Any]) -> bool:
    """Whether an input is the one in a record, even if it was copied or touched since."""
    now = stamp(path)
    if now.bytes != kept.get("bytes"):
        return False
    return now.modified == kept.get("modified") or _sha256(path, now) == kept.get("sha256")


@lru_cache(maxsize=8)
def _sha256(path: Path, _: Stamp) -> str:
    """Digest of a file, or of the names and contents of a folder's."""
    digest = hashlib.sha256()
    for file in _files_of(path):
        if file != path:
            digest.update(os.fsencode(file.name) + b"\0")
        with open(file, "rb") as opened:
            while chunk := opened.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def _files_of(path: Path) -> list[Path]:
    return sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]


def _as_json(content: Any) -> bytes:
    return (json.dumps(content, indent=2, default=str) + "\n").encode()
