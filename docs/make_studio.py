"""Make the pictures of the studio's page: ``python docs/make_studio.py``.

It needs patchvid[test], and Chromium on the PATH. It does what the page says: paint over a koi of
the sample clip, follow it, and have it removed.
"""

import io
import shutil
import threading
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import expect, sync_playwright

from patchvid.studio.server import Studio

TARGET = Path(__file__).parent / "pictures"
WINDOW = {"width": 1280, "height": 800}
KOI = ((76, 173), (84, 164), (94, 152), (101, 145))  # along its back in the first frame: y, x
SEED = "4"


def main() -> None:
    studio = Studio(None)
    thread = threading.Thread(target=studio.run)
    thread.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            visit(browser.new_page(viewport=WINDOW), studio.address)
            browser.close()
    finally:
        studio.stop()
        thread.join()


def visit(page: Any, address: str) -> None:
    """Remove a koi, and take a picture of each step."""
    page.goto(address)
    page.locator("#size").fill("24")
    box = page.locator("#paint").bounding_box()
    for number, (y, x) in enumerate(KOI):
        page.mouse.move(
            box["x"] + x / 224 * box["width"], box["y"] + y / 128 * box["height"], steps=5
        )
        if number == 0:
            page.mouse.down()
    page.mouse.up()
    expect(page.locator("#painted")).to_contain_text("Press Follow")
    write(page, "studio_paint")

    page.locator("#follow").click()
    expect(page.locator("#painted")).to_contain_text("followed in the others", timeout=300_000)
    page.locator("#frame").fill("12")
    write(page, "studio_follow")

    page.locator("#setting-grow").fill("4")
    page.locator("#setting-grow").blur()
    page.locator("#makes summary").click()
    page.locator("#setting-seed").fill(SEED)
    page.locator("#setting-seed").blur()
    page.locator("#makes summary").click()
    page.locator("#make").click()
    expect(page.locator(".card")).to_have_count(1, timeout=300_000)
    for _ in range(2):  # the time that they took tells little
        page.locator("#jobs button").first.click()
        page.wait_for_timeout(500)
    write(page, "studio_result")


def write(page: Any, name: str) -> None:
    page.wait_for_timeout(2000)  # until frames are drawn
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    path = TARGET / f"{name}.webp"
    picture.save(path, quality=80, method=6)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
