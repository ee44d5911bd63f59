"""The page of a report: its contents, no requests, and films that play in step."""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import standin
from numpy.typing import NDArray

from patchvid import generate, resize, retarget, sample_clip
from patchvid.display.report import Report
from patchvid.display.report.films import to_film
from patchvid.errors import InvalidInput, VideoError
from patchvid.results import GenerateResult

Video = NDArray[Any]

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)

# Plays for a while, moves to the third frame, and writes its observations into the page.
PROBE = """<script>{
const refused = [], films = [...document.querySelectorAll("video")];
document.addEventListener("securitypolicyviolation", event => refused.push(event.blockedURI));
const state = () => films.map(f => [f.readyState, f.currentTime, f.videoWidth]);
setTimeout(() => {
  const seen = {refused, playing: state(), shown: !document.getElementById("player").hidden};
  seen.paused = films.some(f => f.paused && !f.ended);
  const frame = document.getElementById("frame");
  frame.value = 2;
  frame.dispatchEvent(new Event("input"));
  setTimeout(() => {
    seen.scrubbed = state();
    seen.place = document.getElementById("place").textContent;
    seen.wide = document.documentElement.scrollWidth - innerWidth;
    document.body.dataset.seen = JSON.stringify(seen);
  }, 1000);
}, 900);
}</script>"""


@pytest.fixture(scope="module")
def clip() -> Video:
    """Cut a part with odd sizes out of the sample clip."""
    return sample_clip()[:12, 20:61, 40:89]


@pytest.fixture(scope="module")
def made(clip: Video) -> GenerateResult:
    return generate(clip, seed=1, iterations=1, details=True)


def write(path: Path, report: Report, **others: Any) -> str:
    report.write(path, title="a <title>", **others)
    return path.read_text()


def test_page_holds_all_it_shows(tmp_path: Path, clip: Video, made: GenerateResult) -> None:
    report = Report({"clip": clip, "mask": None}, fps=12)
    report.add("a&b.mp4", made, seconds=1.5)
    told: list[float] = []
    html = write(
        tmp_path / "r.html", report, command="patchvid gen 'a b'",
        progress=lambda fraction, message: told.append(fraction),
        tables={"Settings": {"--noise": "auto"}},
    )  # fmt: skip
    assert html.count("<video") == 4  # the clip and the output, each with its places
    assert html.count('src="data:video/mp4;base64,') == 4
    assert not re.search(r"https?://|@import|url\(", html)
    assert "a &lt;title&gt;" in html
    assert "a&amp;b.mp4" in html
    assert "patchvid gen 'a b'" in unescape(html)
    for words in ("12 frames, 41x49", "seed 1", "coherence", "--noise", "12x41x49", "1.50"):
        assert words in html
    assert told == sorted(told)
    assert told[-1] == 1


def test_what_is_no_picture_is_shown_too(tmp_path: Path) -> None:
    field = np.random.default_rng(0).normal(size=(4, 24, 30, 2)).astype(np.float32)
    report = Report({"field": field})
    report.add("made", retarget(field, scale=(1, 1, 1.4), seed=0, details=True))
    assert "4x24x42" in write(tmp_path / "r.html", report)


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_films_are_rgb_of_every_type(channels: int, dtype: type, clip: Video) -> None:
    full = 1 if dtype is np.float32 else np.iinfo(dtype).max
    video: Video = (clip[:2, ..., :1] / 255 * full).astype(dtype).repeat(channels, axis=3)
    video[..., 3:] = full
    film = to_film(video, video, 0.5)
    assert film.shape == (2, 20, 24, 3)
    assert film.dtype == np.uint8
    grey = resize(clip[:2, ..., :1], (2, 20, 24)).astype(int)
    assert np.abs(film - grey).max() <= 2


def test_floats_beyond_1_are_shown_with_the_range_of_the_source() -> None:
    ramp = np.linspace(-1, 3, 5, dtype=np.float32).reshape(1, 1, 5, 1)
    assert to_film(ramp, ramp, 1)[0, 0, :, 0] == pytest.approx(np.linspace(0, 255, 5), abs=0.6)
    assert to_film(ramp[:, :, 3:4], ramp, 1).max() == 191


@pytest.mark.slow
@pytest.mark.usefixtures("gpu")
def test_arrays_of_a_gpu_are_shown(tmp_path: Path, clip: Video, made: GenerateResult) -> None:
    report = Report({"clip": clip})
    report.add("made", made)
    moved = Report({"clip": standin.wrap(clip)})
    field = made.field._replace(places=standin.wrap(made.field.places))
    moved.add("made", made._replace(video=standin.wrap(made.video), field=field))
    for ours, theirs in zip(moved._films, report._films, strict=True):
        assert type(ours.pixels) is np.ndarray
        np.testing.assert_array_equal(ours.pixels, theirs.pixels)
        np.testing.assert_array_equal(ours.colours, theirs.colours)
    assert "coherence" in write(tmp_path / "r.html", moved)


@pytest.mark.slow
def test_outputs_may_have_different_levels(
    tmp_path: Path, clip: Video, made: GenerateResult
) -> None:
    report = Report({"clip": clip})
    report.add("made", made)
    report.add("coarse", made._replace(levels=made.levels[:1]))
    html = write(tmp_path / "r.html", report)
    size = "x".join(map(str, made.levels[-1].shape))
    (row,) = re.findall(rf"<tr><td[^>]*>{size}</td>.*</tr>", html)
    assert row.endswith('<td class="number"></td></tr>')


def test_several_samples_in_one_result_are_refused(clip: Video, made: GenerateResult) -> None:
    with pytest.raises(InvalidInput, match="both must be a filled"):
        Report({"clip": clip}).add("both", made._replace(video=np.stack([made.video] * 2)))


def test_small_videos_are_not_measured(tmp_path: Path, clip: Video) -> None:
    small = clip[:4, :6, :20]
    report = Report({"clip": small})
    report.add("made", generate(small, patch=(3, 5, 5), seed=0, details=True))
    assert "Not measured: " in write(tmp_path / "r.html", report)


@pytest.mark.slow
def test_large_videos_are_measured_small(
    tmp_path: Path, clip: Video, made: GenerateResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patchvid.display.report.MEASURED", clip[..., 0].size / 4)
    report = Report({"clip": clip})
    report.add("made", made)
    report.add("again", made)
    html = write(tmp_path / "r.html", report)
    assert "Measured at 20x24 pixels." in html
    assert "Diversity of the outputs: 0.000" in html


@pytest.mark.slow
def test_page_is_not_replaced_or_half_written(
    tmp_path: Path, clip: Video, made: GenerateResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.html"
    path.write_text("precious")
    report = Report({"clip": clip})
    for inputs, source in (({}, None), ({"clip": clip}, "style")):
        with pytest.raises(InvalidInput, match="inputs must hold the source"):
            Report(inputs, source=source)
    with pytest.raises(InvalidInput, match="one or more outputs"):
        report.write(path, title="t", overwrite=True)
    report.add("made", made)
    with pytest.raises(VideoError, match="it exists"):
        report.write(path, title="t")

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", fail)
        with pytest.raises(VideoError, match="No space left"):
            report.write(path, title="t", overwrite=True)
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]
    assert write(path, report, overwrite=True) != "precious"


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the PATH")
@pytest.mark.parametrize("window", ["1280,1000", "390,844"], ids=["desktop", "phone"])
def test_films_play_in_step_in_a_browser(
    tmp_path: Path, clip: Video, made: GenerateResult, window: str
) -> None:
    report = Report({"clip": clip, "short": clip[:6]}, fps=12)
    report.add("made.mp4", made)
    html = write(tmp_path / "r.html", report, command="patchvid gen " + "x" * 200)
    page = tmp_path / "probe.html"
    page.write_text(html.replace("</body>", PROBE + "</body>"))
    assert CHROMIUM
    options = [
        "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}",
        f"--window-size={window}", "--virtual-time-budget=4000", "--dump-dom",
    ]  # fmt: skip
    dumped = subprocess.run(
        [CHROMIUM, *options, page.as_uri()], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    found = re.search(r'data-seen="([^"]*)"', dumped)
    assert found, dumped[-2000:]
    seen = json.loads(unescape(found[1]))
    assert seen["shown"]
    assert not seen["refused"]
    assert not seen["paused"]
    assert seen["wide"] <= 0
    assert seen["place"] == "3 / 12"
    for ready, _, width in seen["playing"]:
        assert ready >= 2
        assert width > 0
    leaders = [time for at, (_, time, _) in enumerate(seen["playing"]) if at != 2]
    assert max(leaders) - min(leaders) < 2 / 12
    assert max(leaders) > 0
    for _, time, _ in seen["scrubbed"]:
        assert time == pytest.approx(2.5 / 12, abs=1e-3)
