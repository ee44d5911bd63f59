"""The studio's page in a browser: from opening a clip to opening the project again."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import patchvid
from patchvid.studio.server import Studio

api = pytest.importorskip("playwright.sync_api", reason="there is no playwright")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
WINDOWS = {"desktop": (1280, 800), "phone": (390, 844)}
SHAPE = (12, 64, 96)
KOI = ((28, 53), (36, 44), (46, 32), (53, 25))  # along its back in the first frame: y, x

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the PATH"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium of the system, without a window."""
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def clip() -> NDArray[np.uint8]:
    """Cut out of the sample clip a part in which a black and white koi swims."""
    return patchvid.sample_clip()[:12, 48:112, 120:216]


@pytest.fixture
def studio(tmp_path: Path, clip: NDArray[np.uint8]) -> Iterator[Studio]:
    """Serve the clip."""
    patchvid.write_video(tmp_path / "koi.npz", clip)
    studio = Studio(tmp_path / "koi.npz")
    thread = threading.Thread(target=studio.run)
    thread.start()
    yield studio
    studio.stop()
    thread.join(timeout=30)


@pytest.fixture(params=WINDOWS)
def page(request: pytest.FixtureRequest, browser: Any, studio: Studio) -> Iterator[Any]:
    """Open the page in a window; nothing may appear in its console."""
    width, height = WINDOWS[request.param]
    context = browser.new_context(
        viewport={"width": width, "height": height}, has_touch=request.param == "phone"
    )
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("requestfailed", lambda asked: said.append(asked.url))
    page.goto(studio.address)
    api.expect(page.locator("#place")).to_have_text(f"0 / {SHAPE[0] - 1}")
    yield page
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def at(page: Any, y: float, x: float) -> tuple[float, float]:
    """Return the place of a pixel of the clip in the window."""
    page.locator("#paint").scroll_into_view_if_needed()
    box = page.locator("#paint").bounding_box()
    return box["x"] + (x + 0.5) * box["width"] / SHAPE[2], box["y"] + (y + 0.5) * box["height"] / (
        SHAPE[1]
    )


def drag(page: Any, start: tuple[float, float], *others: tuple[float, float]) -> None:
    page.mouse.move(*at(page, *start))
    page.mouse.down()
    for other in others:
        page.mouse.move(*at(page, *other), steps=4)
    page.mouse.up()


def choose(page: Any, label: str) -> None:
    page.get_by_role("radio", name=label, exact=True).check(force=True)


def painted(page: Any, text: str) -> None:
    """Wait until the page says this of the paint."""
    api.expect(page.locator("#painted")).to_contain_text(text, timeout=300_000)


def ended(page: Any, label: str, state: str) -> None:
    """Wait until the newest job of this name has ended so."""
    job = page.locator("#jobs li", has=page.get_by_text(label, exact=True)).first
    api.expect(job).to_have_class(state, timeout=300_000)


def paint_of(studio: Studio, layer: str) -> NDArray[np.uint8]:
    return studio.session.layers[layer].all(SHAPE)


def shown_paint(page: Any) -> NDArray[np.bool_]:
    """Return where the canvas shows paint, (y, x)."""
    pixels = page.evaluate(  # of a copy, because Chromium complains of several looks at a canvas
        "() => { const canvas = document.querySelector('#paint'), {width, height} = canvas; const "
        "copy = new OffscreenCanvas(width, height).getContext('2d'); copy.drawImage(canvas, 0, 0); "
        "return [...copy.getImageData(0, 0, width, height).data]; }"
    )
    return np.array(pixels).reshape(*SHAPE[1:], 4)[..., 3] > 0


def test_a_thing_is_removed(page: Any, studio: Studio, tmp_path: Path) -> None:
    page.locator("#make").click()
    api.expect(page.locator("#notice")).to_contain_text("First paint over what should disappear")
    page.locator("#size").fill("24")
    drag(page, *KOI)
    painted(page, "Press Follow")
    page.locator("#follow").click()
    painted(page, "followed in the others")
    ended(page, "Follow", "done")
    mask, clip = paint_of(studio, "remove") > 0, studio.session.clip.video
    bright = np.count_nonzero((clip[..., 0] > 170) & mask, axis=(1, 2))
    assert (bright > 150).all()  # the white of the koi is under the mask in every frame

    page.locator("#make").click()
    ended(page, "Remove or add", "done")
    (result,) = studio.session.results.values()
    bright = np.count_nonzero((result.video[..., 0] > 170) & mask, axis=(1, 2))
    assert (bright < 50).all()

    slider = page.get_by_role("radio", name="Slider", exact=True)
    api.expect(slider).to_be_checked()
    page.locator("#split").fill("20")
    clipped = page.locator("#after").evaluate("pane => pane.style.clipPath")
    assert "20%" in clipped
    page.locator("#play").click()
    api.expect(page.locator("#after video")).to_be_visible(timeout=120_000)
    api.expect(page.locator("#place")).not_to_have_text(f"0 / {SHAPE[0] - 1}", timeout=120_000)
    before, after = page.evaluate(
        "['#before video', '#after video'].map(id => document.querySelector(id).currentTime)"
    )
    assert before == pytest.approx(after, abs=2 / 12)
    page.locator("#play").click()
    choose(page, "Both")
    assert page.locator("#before").is_visible()
    assert page.locator("#after").is_visible()

    page.locator("#format").select_option(".npz")
    with page.expect_download() as download:
        page.locator("#download").click()
    download.value.save_as(tmp_path / "result.npz")
    np.testing.assert_array_equal(np.load(tmp_path / "result.npz")["video"], result.video)
    page.locator("#repeat summary").click()
    api.expect(page.locator("#command")).to_contain_text("patchvid inpaint")

    with page.expect_download() as download:
        page.locator("#save-project").click()
    download.value.save_as(tmp_path / "project.zip")
    keys = dict(studio.session.layers["remove"].keys)
    choose(page, "Clip")
    page.keyboard.press("Home")
    page.get_by_role("button", name="Clear").click()
    painted(page, "Nothing is painted")
    page.locator("#open-project").set_input_files(tmp_path / "project.zip")
    painted(page, "Painted in one frame")
    (again,) = studio.session.layers["remove"].keys.values()
    np.testing.assert_array_equal(again, keys[0])

    page.locator("#go-on").click()
    api.expect(page.locator("#clip")).to_contain_text("koi_inpaint")
    painted(page, "Nothing is painted")


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_paint_is_exact_and_can_be_undone(page: Any, studio: Studio) -> None:
    def now() -> NDArray[np.bool_]:
        page.wait_for_timeout(300)
        return paint_of(studio, "remove")[0] > 127

    choose(page, "Nowhere")
    choose(page, "Box")
    drag(page, (9.5, 19.5), (29.5, 49.5))
    box = np.zeros(SHAPE[1:], bool)
    box[10:30, 20:50] = True
    np.testing.assert_array_equal(now(), box)
    choose(page, "Eraser")
    page.locator("#size").fill("6")
    drag(page, (20, 10), (20, 70))
    erased = now()
    assert not erased[18:22, 20:50].any()
    assert erased[12, 22:48].all()
    page.get_by_role("button", name="Undo").click()
    np.testing.assert_array_equal(now(), box)
    page.get_by_role("button", name="Redo").click()
    np.testing.assert_array_equal(now(), erased)
    choose(page, "Lasso")
    drag(page, (40, 60), (40, 80), (60, 80), (60, 60))
    assert now()[42:58, 62:78].all()
    choose(page, "Brush")
    page.locator("#size").fill("30")
    page.locator("#softness").fill("100")
    page.mouse.click(*at(page, 50, 25))
    page.wait_for_timeout(300)
    values = np.unique(paint_of(studio, "remove")[0])
    assert len(values) > 20  # a soft edge
    choose(page, "Fill")
    page.mouse.click(*at(page, 2, 2))
    assert now()[2, 2]

    choose(page, "Colours")
    page.locator("#swatches input[type=radio]").nth(3).check()
    choose(page, "Ellipse")
    drag(page, (20, 60), (40, 90))
    page.wait_for_timeout(300)
    assert set(np.unique(paint_of(studio, "cue"))) == {0, 4}


def test_a_colour_follows_its_object(page: Any, studio: Studio) -> None:
    choose(page, "Colours")
    page.locator("#swatches input[type=radio]").nth(1).check()
    page.locator("#size").fill("20")
    drag(page, *KOI)
    painted(page, "Painted in one frame.")
    assert (paint_of(studio, "cue") == paint_of(studio, "cue")[0]).all()
    choose(page, "Follows")
    painted(page, "Press Follow")
    page.locator("#follow").click()
    painted(page, "followed in the others")
    page.keyboard.press("End")
    paint, clip = paint_of(studio, "cue"), studio.session.clip.video
    assert set(np.unique(paint)) == {0, 2}
    for _ in range(100):  # it is fetched at first
        if np.array_equal(shown_paint(page), paint[-1] > 0):
            break
        page.wait_for_timeout(100)
    np.testing.assert_array_equal(shown_paint(page), paint[-1] > 0)
    white = (clip[..., 0] > 170) & (clip[..., 2] > 120)
    assert (np.count_nonzero(white & (paint > 0), axis=(1, 2)) > 100).all()

    page.locator("#make").click()
    ended(page, "Remove or add", "done")
    (result,) = studio.session.results.values()
    assert (result.video != clip)[paint > 0].any(axis=1).mean() > 0.9
    page.locator("#repeat summary").click()
    api.expect(page.locator("#command")).to_contain_text("--cue cue_2.npz")


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_a_job_is_cancelled(page: Any, studio: Studio) -> None:
    choose(page, "New video")
    page.locator("summary", has_text="More settings").click()
    page.get_by_label("Iterations").fill("100")
    page.get_by_label("Iterations").blur()
    page.locator("#setting-samples").fill("9")
    page.locator("#setting-samples").blur()
    page.locator("#make").click()
    page.get_by_role("button", name="Cancel New video").click()
    ended(page, "New video", "cancelled")
    assert len(studio.session.results) < 9
    page.get_by_label("Iterations").fill("1")
    page.get_by_label("Iterations").blur()
    page.locator("#setting-samples").fill("3")
    page.locator("#setting-samples").blur()
    page.locator("#preview").click()
    ended(page, "New video, preview", "done")
    cards = page.locator(".card")
    api.expect(cards).to_have_count(3)
    cards.nth(1).click()
    api.expect(cards.nth(1)).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_fingers_and_a_stylus_paint(page: Any, studio: Studio) -> None:
    send = page.context.new_cdp_session(page).send

    def touch(kind: str, *points: tuple[float, float]) -> None:
        places = [at(page, *point) for point in points]
        fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    def pen(kind: str, y: float, x: float, force: float) -> None:
        left, top = at(page, y, x)
        event = {"type": kind, "x": left, "y": top, "button": "left", "pointerType": "pen"}
        send("Input.dispatchMouseEvent", {**event, "buttons": 1, "clickCount": 1, "force": force})

    page.locator("#size").fill("10")
    pen("mousePressed", 50, 10, 0.1)
    for x in range(11, 90):
        pen("mouseMoved", 50, x, x / 90)
    pen("mouseReleased", 50, 89, 0)
    touch("touchStart", (10, 20))
    touch("touchMove", (10, 60))
    touch("touchEnd")
    painted(page, "Painted in one frame")
    page.wait_for_timeout(300)
    paint = paint_of(studio, "remove")[0] > 0
    assert paint[10, 20:60].all()
    assert paint[40:, 15].sum() + 3 <= paint[40:, 85].sum()  # more pressure, a wider line

    fitted = page.locator("#fit").inner_text()
    touch("touchStart", (30, 40))
    touch("touchStart", (30, 40), (30, 60))
    touch("touchMove", (30, 30), (30, 70))
    touch("touchEnd")
    api.expect(page.locator("#fit")).not_to_have_text(fitted)
    page.wait_for_timeout(300)
    np.testing.assert_array_equal(paint_of(studio, "remove")[0] > 0, paint)


@pytest.mark.parametrize("page", ["desktop"], indirect=True)
def test_keys_alone_do_it(page: Any, studio: Studio) -> None:
    page.locator("#stage").focus()
    for key in ("r", *["Shift+ArrowLeft"] * 3, "Shift+ArrowUp", "Enter"):
        page.keyboard.press(key)
    for key in (*["Shift+ArrowRight"] * 2, "ArrowDown", "Shift+ArrowDown", "Enter"):
        page.keyboard.press(key)
    painted(page, "Painted in one frame")
    page.wait_for_timeout(300)
    box = np.zeros(SHAPE[1:], bool)
    box[22:33, 18:38] = True
    np.testing.assert_array_equal(paint_of(studio, "remove")[0] > 0, box)
    page.keyboard.press(".")
    page.keyboard.press(".")
    api.expect(page.locator("#place")).to_have_text("2 / 11")
    page.keyboard.press("Home")
    page.keyboard.press("p")
    ended(page, "Remove or add, preview", "done")
    page.keyboard.press("1")
    page.keyboard.press("Control+z")
    painted(page, "Nothing is painted")
    focused = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        focused.add(page.evaluate("document.activeElement.id"))
    assert {"open-clip", "stage", "play", "frame", "make", "preview", "download"} <= focused
