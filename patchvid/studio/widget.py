"""The painter of the studio as a widget in a notebook.

The widget is made of the same parts as the page. A notebook loads only one module of JavaScript, so
they are joined into one. The kernel answers their requests as the server would.
"""

import asyncio
import json
import re
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anywidget
import numpy as np
from numpy.typing import NDArray
from starlette.types import ASGIApp, Message

from patchvid.studio import page
from patchvid.studio.app import make_app
from patchvid.studio.clips import Clip
from patchvid.studio.session import Session, colours_of
from patchvid.studio.work import with_colours

IMPORT = re.compile(r'^import (?:(\{[^}]*\}|\* as \w+) from )?"\./(\w+\.js)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?:async )?(?:const|function) ([\w$]+)", re.MULTILINE)


def source() -> str:
    """Return the widget as one module of JavaScript."""
    modules = "".join(f"modules[{name!r}] = (() => {{\n{code}}})();\n" for name, code in _modules())
    return (
        f"const STYLE = {json.dumps(_read('style.css'))};\n"
        f"function openPage(host) {{\nconst modules = {{'host.js': host}};\n{modules}}}\n"
        f"{_read('widget.js')}"
    )


def _modules() -> Iterator[tuple[str, str]]:
    """Yield the modules that paint, as bodies of functions, each after those that it imports."""
    seen = {"host.js"}

    def visit(name: str) -> Iterator[tuple[str, str]]:
        seen.add(name)
        code = _read(name)
        for _, other in IMPORT.findall(code):
            if other not in seen:
                yield from visit(other)
        exports = EXPORT.findall(code)
        body = IMPORT.sub(_as_constants, code).replace("\nexport ", "\n")
        yield name, f"{body}return {{{', '.join(exports)}}};\n"

    yield from visit("painting.js")


def _as_constants(found: re.Match[str]) -> str:
    names, module = found.groups()
    return f"const {names.removeprefix('* as ')} = modules[{module!r}];\n" if names else ""


def _read(name: str) -> str:
    found = page.part(name)
    assert found is not None
    return found[0].decode()


class Painter(anywidget.AnyWidget):
    """A widget to paint on a clip, see `paint`.

    Attributes
    ----------
    value : array of bool
        (t, y, x): the painted mask, for all frames.
    source : array of bool or None
        (t, y, x): where the filling may come from; None if it may come from anywhere.
    cue : array or None
        A copy of the clip with the painted colours; None if there are none.
    """

    _esm = source()

    def __init__(self, clip: Clip) -> None:
        super().__init__()
        self._session = Session(clip)
        self._app = make_app(self._session)
        self.on_msg(self._answer)
        weakref.finalize(self, self._session.close)

    @property
    def value(self) -> NDArray[np.bool_]:
        """The painted mask."""
        return self._layer("remove") > 127

    @property
    def source(self) -> NDArray[np.bool_] | None:
        """The area that the filling may come from."""
        paint = self._layer("source")
        return paint > 127 if paint.any() else None

    @property
    def cue(self) -> NDArray[Any] | None:
        """The clip with the painted colours."""
        paint, colours = self._layer("cue"), colours_of(self._session.palette)
        return with_colours(self._session.clip.video, paint, colours) if paint.any() else None

    def _layer(self, name: str) -> NDArray[np.uint8]:
        with self._session.lock:
            return self._session.layer(name).all(self._session.clip.video.shape)

    def _answer(self, _: Any, asked: dict[str, Any], buffers: list[memoryview]) -> None:
        """Answer a request of the widget's view."""
        with ThreadPoolExecutor(1) as pool:  # the kernel's own thread runs another event loop
            request = _ask(self._app, asked["method"], asked["path"], bytes(buffers[0]))
            status, body = pool.submit(asyncio.run, request).result()
        told = {"view": asked["view"], "number": asked["number"], "status": status}
        self.send(told, [body])


async def _ask(app: ASGIApp, method: str, path: str, body: bytes) -> tuple[int, bytes]:
    """Send a request to the application, and return the status and the body of its answer."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": method, "scheme": "http", "path": f"/{path}", "root_path": "",
        "query_string": b"", "headers": [],
    }  # fmt: skip
    await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])
