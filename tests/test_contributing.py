"""The map in CONTRIBUTING.md: every module is on it once, in its place."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = ("cli", "patchvid", "kernels")
SUFFIXES = (".py", ".cu", ".html", ".css", ".js")
INDENT = 4


def listed() -> list[str]:
    """Return the paths on the map, with the line of a folder for its ``__init__.py``."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (tree,) = re.findall(r"^```text\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    paths: list[str] = []
    folders: list[str] = []
    for line in tree.splitlines():
        indent, name, description = re.fullmatch(r"( *)(\S+) +(\S.*)", line).groups()  # type: ignore[union-attr]
        assert description
        assert len(line) <= 100
        folders[len(indent) // INDENT :] = [name.rstrip("/")]
        paths.append("/".join(folders) + ("/__init__.py" if name.endswith("/") else ""))
    return paths


def present() -> Iterator[str]:
    """Yield the paths of all modules, CUDA files and parts of web pages."""
    for source in SOURCES:
        for file in (ROOT / source).rglob("*"):
            through_link = any(parent.is_symlink() for parent in file.parents)
            if file.suffix in SUFFIXES and not through_link:
                yield file.relative_to(ROOT).as_posix()


def test_every_module_is_on_the_map_once() -> None:
    assert Counter(listed()) == Counter(present())
