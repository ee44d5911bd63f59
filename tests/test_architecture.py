"""The house: which rooms may import which, and how large a module is."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# A room, and what it may import beside itself. Modules directly in patchvid/ are its base.
MAY_IMPORT = {
    "kernels": set(),
    "base": {"kernels"},
    "core": {"base", "kernels"},
    "io": {"base", "kernels"},
    "data": {"base"},
    "networks": {"base"},
    "motion": {"base", "kernels", "networks"},
    "metrics": {"base", "kernels", "core", "networks"},
    "display": {"base", "io", "metrics"},
    "apps": {"base", "kernels", "core", "io", "motion", "networks"},
}
ROOMS = [room for room in MAY_IMPORT if room != "base"]
LONGEST = 300  # lines

MODULES = sorted(
    path
    for folder in ("patchvid", "kernels", "cli")
    for path in (ROOT / folder).rglob("*.py")
    if not any(part.is_symlink() for part in path.parents)
)


def room_of(module: str) -> str:
    """The room of a module by its full name; the package and what stands in it are the base."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in [*ROOMS, "cli"] else "base"


def imported(path: Path) -> Iterator[str]:
    """Full names of the modules of patchvid that a file imports, wherever in it it does."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("patchvid"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "patchvid":
            assert node.level == 0, f"{path} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def name(path: Path) -> str:
    relative = path.relative_to(ROOT).with_suffix("")
    parts = relative.parts if relative.parts[0] == "patchvid" else ("patchvid", *relative.parts)
    return ".".join(parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_go_one_way(path: Path) -> None:
    room = room_of(name(path))
    if room == "cli" or name(path) == "patchvid.__main__":
        return  # the command line may import everything
    found = {room_of(module) for module in imported(path)} - {room}
    assert found <= MAY_IMPORT[room], f"{room} imports {found - MAY_IMPORT[room]}"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_can_be_held_in_the_head(path: Path) -> None:
    n_lines = len(path.read_text("utf-8").splitlines())
    assert n_lines <= LONGEST


def test_rooms_are_the_folders() -> None:
    folders = {path.name for path in (ROOT / "patchvid").iterdir() if path.is_dir()}
    assert folders - {"__pycache__"} == {*ROOMS, "cli"}
