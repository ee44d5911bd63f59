"""Which packages may import which, and how large a module may be."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# The packages, and what each may import apart from itself; "base" is modules directly in patchvid/.
MAY_IMPORT = {
    "kernels": set(),
    "base": {"kernels"},
    "batches": {"base", "kernels"},
    "core": {"base", "kernels"},
    "io": {"base", "kernels"},
    "data": {"base"},
    "networks": {"base"},
    "motion": {"base", "kernels", "networks"},
    "metrics": {"base", "kernels", "core", "networks"},
    "display": {"base", "io", "metrics"},
    "studio": {"base", "io", "data", "display", "apps"},
    "apps": {"base", "kernels", "core", "io", "motion", "networks"},
}
PACKAGES = [package for package in MAY_IMPORT if package != "base"]
LONGEST = 300  # lines

MODULES = sorted(
    path
    for folder in ("patchvid", "kernels", "cli")
    for path in (ROOT / folder).rglob("*.py")
    if not any(part.is_symlink() for part in path.parents)
)


def package_of(module: str) -> str:
    """The package of a module, by its full name; modules directly in patchvid/ are the base."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in [*PACKAGES, "cli"] else "base"


def imported(path: Path) -> Iterator[str]:
    """Full names of the modules of patchvid that a file imports, at its top or in functions."""
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
    package = package_of(name(path))
    if package == "cli" or name(path) == "patchvid.__main__":
        return  # the command line may import everything
    found = {package_of(module) for module in imported(path)} - {package}
    assert found <= MAY_IMPORT[package], f"{package} imports {found - MAY_IMPORT[package]}"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_modules_are_short(path: Path) -> None:
    n_lines = len(path.read_text("utf-8").splitlines())
    assert n_lines <= LONGEST


def test_packages_are_the_folders() -> None:
    folders = {path.name for path in (ROOT / "patchvid").iterdir() if path.is_dir()}
    assert folders - {"__pycache__"} == {*PACKAGES, "cli"}
