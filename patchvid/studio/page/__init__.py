"""The page: HTML, a style sheet and modules of JavaScript, sent as they are."""

from functools import cache
from importlib.resources import files

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}


@cache
def part(name: str) -> tuple[bytes, str] | None:
    """Return a part of the page and its media type; None if the page has no such part."""
    for file in files(__package__).iterdir():
        kind = TYPES.get(f".{file.name.rpartition('.')[2]}")
        if file.name == name and kind:
            return file.read_bytes(), kind
    return None
