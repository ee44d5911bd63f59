"""The page for eyes: what is in it, and what its keys do."""

import json
import os
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)

# Writes the page of three pairs of flat videos: ours are white.
SCRIPT = """
import sys
from pathlib import Path
import numpy as np
from blind import Pair, write_page
clip, white, black = (np.full((3, 32, 48, 3), value, np.uint8) for value in (99, 255, 0))
pairs = [Pair("clip </script>", "before", seed, white, black) for seed in (1, 2, 3)]
write_page(Path(sys.argv[1]), {"clip </script>": clip}, pairs, {"clip </script>": 10.0})
"""

# Presses keys: twice the side of ours, then back, the other side, and neither.
PROBE = """<script>{
const press = key => dispatchEvent(new KeyboardEvent("keydown", {key})), seen = {refused: []};
document.addEventListener("securitypolicyviolation", event => seen.refused.push(event.blockedURI));
const isWhite = film => {
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.drawImage(film, 0, 0);
  return canvas.getImageData(9, 9, 1, 1).data[0] > 200;
};
const loaded = film => film.readyState >= 2 ? null : new Promise(done => {
  film.addEventListener("loadeddata", done, {once: true});
});
async function answer(wanted) {
  await Promise.all(films.map(loaded));
  const isLeft = isWhite(left);
  seen.pairs = (seen.pairs ?? []).concat([[isLeft, isWhite(right)]]);
  const side = isLeft === (wanted === "ours") ? "ArrowLeft" : "ArrowRight";
  press(wanted === "neither" ? "ArrowDown" : side);
}
(async () => {
  await answer("ours"); await answer("ours"); press("ArrowUp");
  await answer("other"); await answer("neither");
  seen.sizes = films.map(film => film.videoWidth);
  seen.row = [...document.querySelectorAll("#counts td")].map(cell => cell.textContent);
  seen.hidden = [element("question").hidden, element("result").hidden];
  seen.json = JSON.parse(decodeURIComponent(element("save").href.split(",").slice(1).join(",")));
  element("again").onclick();
  seen.place = element("place").textContent;
  document.body.dataset.seen = JSON.stringify(seen);
})();
}</script>"""


def run(*arguments: str | Path) -> str:
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "benchmarks")])}
    done = subprocess.run(
        [sys.executable, *arguments], env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def data_of(html: str) -> dict[str, Any]:
    (text,) = re.findall(r"const {id, sources, pairs} = (.*);\n", html)
    data: dict[str, Any] = json.loads(text)
    return data


def test_a_page_holds_all_pairs_and_fetches_nothing(tmp_path: Path) -> None:
    run("-c", SCRIPT, tmp_path / "new" / "blind.html")
    html = (tmp_path / "new" / "blind.html").read_text()
    assert not re.search(r"https?://|@import|url\(", html)
    assert html.count("</script>") == 1
    data = data_of(html)
    assert [pair["seed"] for pair in data["pairs"]] == [1, 2, 3]
    films = [
        *data["sources"].values(),
        *(pair[who] for pair in data["pairs"] for who in ("ours", "other")),
    ]
    assert all(film.startswith("data:video/mp4;base64,") for film in films)
    assert len(set(films)) == 3
    assert list(data["sources"]) == ["clip </script>"]


@pytest.mark.slow
def test_pairs_are_against_the_paper_and_against_before(shared: Path, tmp_path: Path) -> None:
    script = ROOT / "benchmarks" / "blind.py"
    options = ("--quick", "--shared", shared, "--results", tmp_path)
    assert run(script, *options) == f"{tmp_path / 'blind-quick.html'}\n"
    pairs = data_of((tmp_path / "blind-quick.html").read_text())["pairs"]
    assert [pair["against"] for pair in pairs] == ["the paper's", "layout='noise'"]
    assert pairs[0]["ours"] == pairs[1]["ours"]
    assert pairs[0]["other"] != pairs[1]["other"]


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the PATH")
def test_keys_choose_and_are_counted_in_a_browser(tmp_path: Path) -> None:
    page = tmp_path / "blind.html"
    run("-c", SCRIPT, page)
    page.write_text(page.read_text().replace("</body>", PROBE + "</body>"))
    assert CHROMIUM
    options = [
        "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}",
        "--virtual-time-budget=8000", "--dump-dom",
    ]  # fmt: skip
    for _ in range(5):  # a busy Chromium may draw a film that it has not decoded yet, as black
        dumped = subprocess.run(
            [CHROMIUM, *options, page.as_uri()],
            capture_output=True, text=True, check=True, timeout=120,
        ).stdout  # fmt: skip
        found = re.search(r'data-seen="([^"]*)"', dumped)
        assert found, dumped[-2000:]
        seen = json.loads(unescape(found[1]))
        if all(left != right for left, right in seen["pairs"]):
            break
    assert not seen["refused"]
    assert seen["hidden"] == [True, False]
    assert seen["sizes"] == [48, 48, 48]
    assert all(left != right for left, right in seen["pairs"])
    assert len(seen["pairs"]) == 4
    assert seen["row"] == ["before", "1", "1", "1"]
    assert seen["json"]["counts"] == {"before": {"ours": 1, "other": 1, "neither": 1}}
    assert sorted(choice["seed"] for choice in seen["json"]["choices"]) == [1, 2, 3]
    assert {choice["ours is"] for choice in seen["json"]["choices"]} <= {"left", "right"}
    assert seen["place"] == "1 / 3"
