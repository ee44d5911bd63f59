"""The painter as a notebook widget, in JupyterLab and by itself."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import patchvid
from patchvid.errors import PatchvidError
from patchvid.studio.widget import Painter

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
SHAPE = (4, 32, 48)
CELLS = (
    "import numpy as np, patchvid\n"
    "clip = patchvid.sample_clip()[:4, 60:92, 140:188]\n"
    "painted = patchvid.paint(clip, fps=12)\n"
    "painted",
    "np.savez('painted.npz', value=painted.value, cue=painted.cue, clip=clip)\n"
    "print('saved', painted.source)",
)


def disc(y: int, x: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Paint a disc."""
    rows, columns = np.ogrid[: SHAPE[1], : SHAPE[2]]
    return ((rows - y) ** 2 + (columns - x) ** 2 < 25).astype(np.uint8) * np.uint8(255)


def ask(painter: Painter, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    """Send a request as a message of the front end."""
    sent: list[tuple[Any, Any]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(painter, "send", lambda *message: sent.append(message))
        content = {"view": 1, "number": 2, "method": method, "path": path}
        painter._handle_custom_msg(content, [memoryview(body)])
    ((told, (answer,)),) = sent
    assert (told["view"], told["number"]) == (1, 2)
    return told["status"], answer


def test_the_value_is_the_paint_in_all_frames() -> None:
    clip = patchvid.sample_clip()[:4, :32, :48]
    painter = patchvid.paint(clip, fps=12)
    assert not painter.value.any()
    assert (painter.source, painter.cue) == (None, None)
    assert json.loads(ask(painter, "GET", "state")[1])["clip"]["fps"] == 12
    assert ask(painter, "PUT", "layers/remove/1", disc(10, 12).tobytes())[0] == 200
    np.testing.assert_array_equal(painter.value.any(axis=(1, 2)), [False, True, False, False])
    ask(painter, "PUT", "layers/remove", b'{"mode": "same"}')
    np.testing.assert_array_equal(painter.value, np.broadcast_to(disc(10, 12) > 0, SHAPE))
    assert painter.value.dtype == bool
    ask(painter, "PUT", "layers/source/0", disc(20, 30).tobytes())
    np.testing.assert_array_equal(painter.source, np.broadcast_to(disc(20, 30) > 0, SHAPE))
    ask(painter, "PUT", "layers/cue/0", (disc(20, 12) // 255 * 3).tobytes())
    ask(painter, "PUT", "palette", b'["#000000", "#000000", "#010203"]')
    expected = np.where((disc(20, 12) > 0)[..., None], np.array([1, 2, 3], np.uint8), clip)
    np.testing.assert_array_equal(painter.cue, expected)
    status, answer = ask(painter, "PUT", "layers/remove/9", b"")
    assert (status, json.loads(answer)) == (400, {"error": "there is no frame 9"})


def test_without_anywidget_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anywidget", None)
    monkeypatch.delitem(sys.modules, "patchvid.studio.widget")
    with pytest.raises(PatchvidError, match=r"pip install 'patchvid\[notebook\]'"):
        patchvid.paint(patchvid.sample_clip())


@pytest.fixture
def notebook(here: Path) -> Iterator[str]:
    """Serve a notebook in JupyterLab, and yield its address."""
    cell: dict[str, Any] = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    contents = {
        "nbformat": 4, "nbformat_minor": 4, "cells": [{**cell, "source": code} for code in CELLS],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    }  # fmt: skip
    Path("paint.ipynb").write_text(json.dumps(contents))
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0", "--allow-root",
        "--ServerApp.ip=127.0.0.1", "--IdentityProvider.token=secret", "--LabApp.news_url=",
    ]  # fmt: skip
    own = {name: str(here / name.lower()) for name in ("HOME", "JUPYTER_CONFIG_DIR", "IPYTHONDIR")}
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **own})
    try:
        assert server.stderr is not None
        found = (re.search(r"http://127\.0\.0\.1:\d+/", line) for line in server.stderr)
        base = next(match for match in found if match is not None).group(0)
        yield f"{base}lab/tree/paint.ipynb?token=secret"
    finally:
        server.terminate()
        server.wait(timeout=60)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the PATH")
@pytest.mark.skipif(find_spec("jupyterlab") is None, reason="JupyterLab is not installed")
def test_paint_in_jupyterlab(notebook: str, here: Path) -> None:
    api = pytest.importorskip("playwright.sync_api", reason="there is no playwright")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(300_000)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(notebook)
        page.get_by_text("(ipykernel) | Idle").wait_for()
        cells = page.locator(".jp-Notebook .jp-Cell")
        cells.nth(0).locator(".cm-content").click()
        page.keyboard.press("Shift+Enter")
        api.expect(page.locator("#place")).to_have_text("0 / 3", timeout=300_000)

        drag(page, (9.5, 19.5), (19.5, 29.5), tool="r")  # a box
        api.expect(page.locator("#painted")).to_contain_text("Painted in one frame")
        page.get_by_role("radio", name="Same place").check(force=True)
        page.get_by_role("radio", name="Colours").check(force=True)
        drag(page, (21.5, 3.5), (27.5, 8.5), tool="r")
        api.expect(page.locator("#painted")).to_contain_text("Painted in one frame")
        assert cells.count() == len(CELLS)  # R and B are keys of JupyterLab as well

        cells.nth(1).locator(".cm-content").click()
        page.keyboard.press("Shift+Enter")
        api.expect(cells.nth(1)).to_contain_text("saved None", timeout=300_000)
        browser.close()
    assert problems == []
    saved = np.load(here / "painted.npz")
    mask, cue = np.zeros((2, *SHAPE), bool)
    mask[:, 10:20, 20:30] = True
    cue[:, 22:28, 4:9] = True
    np.testing.assert_array_equal(saved["value"], mask)
    np.testing.assert_array_equal((saved["cue"] != saved["clip"]).any(axis=3), cue)


def drag(page: Any, start: tuple[float, float], stop: tuple[float, float], *, tool: str) -> None:
    """Choose a tool by its key, and drag from one pixel (y, x) of the clip to another."""
    page.locator("#stage").focus()
    page.keyboard.press("b")
    page.keyboard.press(tool)
    page.locator("#paint").scroll_into_view_if_needed()
    box = page.locator("#paint").bounding_box()
    (x0, y0), (x1, y1) = (
        (
            box["x"] + (x + 0.5) * box["width"] / SHAPE[2],
            box["y"] + (y + 0.5) * box["height"] / SHAPE[1],
        )
        for y, x in (start, stop)
    )
    page.mouse.move(x0, y0)
    page.mouse.down()
    page.mouse.move(x1, y1, steps=4)
    page.mouse.up()
