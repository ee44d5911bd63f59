"""Films in notebooks: the video, its size, its labels and its HTML."""

import base64
import io
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
import standin
from numpy.typing import NDArray
from PIL import Image

from patchvid import InvalidInput, read_video, sample_clip, show
from patchvid.display import notebook as films


def decoded(film: films.Film) -> NDArray[np.uint8]:
    with TemporaryDirectory() as folder:
        file = Path(folder, "film.mp4")
        file.write_bytes(film.mp4)
        return read_video(file)[0]


def test_film_is_the_video() -> None:
    clip = sample_clip()[:6]
    film = show(clip, fps=12)
    seen = decoded(film)
    assert seen.shape == clip.shape
    assert np.abs(seen.astype(int) - clip).mean() < 8  # of 255; its frames differ by 12
    assert len(film.mp4) < 60_000


def test_every_browser_plays_it_at_the_rate_asked_for() -> None:
    with av.open(io.BytesIO(show(sample_clip()[:6, :80], fps=7.5).mp4)) as container:
        (stream,) = container.streams.video
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == 7.5


def test_html_holds_all_and_fetches_nothing() -> None:
    film = show(sample_clip()[:3], sample_clip()[:3], labels=['a "b" <c>', ""])
    html = film._repr_html_()
    video, still = re.findall(r'src="data:(\w+/\w+;base64,[^"]+)"', html)
    assert base64.b64decode(video.partition(",")[2]) == film.mp4
    with Image.open(io.BytesIO(base64.b64decode(still.partition(",")[2]))) as picture:
        assert picture.size == (456, 128)
    assert "http" not in html
    assert "<c>" not in html
    assert "a &quot;b&quot; &lt;c&gt;" in html
    assert all(word in html for word in ("controls", "loop", "autoplay", "muted", "playsinline"))


def test_several_play_side_by_side_and_the_shorter_waits() -> None:
    dark, light = np.full((4, 90, 60, 3), 40, np.uint8), np.full((2, 80, 60, 3), 220, np.uint8)
    light[0] = 130
    seen = decoded(show(dark, light)).astype(int)
    assert seen.shape == (4, 90, 128, 3)
    assert np.abs(seen[:, :, :58] - 40).max() < 8
    assert np.abs(seen[0, :78, 70:] - 130).max() < 8
    assert np.abs(seen[1:, :78, 70:] - 220).max() < 8
    assert seen[:, 84:, 70:].min() > 240  # the page below the lower one


@pytest.mark.parametrize(
    ("shape", "shown"),
    [
        ((1, 15, 26, 3), (1, 90, 156)),  # enlarged by a whole factor
        ((2, 81, 83, 3), (2, 82, 84)),  # even, as the pixel format asks
        ((1, 1080, 1920, 1), (1, 750, 1334)),  # reduced to a million pixels
    ],
)
def test_sizes_suit_a_page(shape: tuple[int, ...], shown: tuple[int, ...]) -> None:
    assert show(np.zeros(shape, np.uint8)).shape == shown


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_grey_and_colours_of_every_type(dtype: type) -> None:
    white = 1 if dtype is np.float32 else np.iinfo(dtype).max
    video: NDArray[Any] = np.zeros((2, 80, 80, 1), dtype)
    video[1] = white
    seen = decoded(show(video))
    assert seen[0].max() < 4
    assert seen[1].min() > 251


def test_arrays_of_a_gpu_are_copied_to_the_host_and_shown(gpu: SimpleNamespace) -> None:
    copied: list[tuple[int, ...]] = []

    def to_host(array: Any) -> Any:
        copied.append(array.shape)
        return standin.to_plain(array)

    gpu.to_host = to_host
    clip = sample_clip()[:2]
    assert show(standin.wrap(clip)).mp4 == show(clip).mp4
    assert copied == [clip.shape]


@pytest.mark.parametrize(
    ("videos", "options", "message"),
    [
        ([], {}, "show needs one or more videos"),
        ([np.zeros((2, 9, 9, 2))], {}, "must have 1, 3 or 4 channels"),
        ([np.zeros((2, 9))], {}, r"must be a filled array \(t, y, x, c\)"),
        ([np.zeros((2, 9, 9, 3))], {"labels": ["a", "b"]}, "labels must be one for each of 1"),
        ([np.zeros((2, 9, 9, 3))], {"fps": 0}, "fps must be between"),
    ],
)
def test_what_cannot_be_shown(videos: list[Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        show(*videos, **options)
