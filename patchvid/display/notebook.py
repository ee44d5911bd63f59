"""Films in notebooks and web pages: HTML that holds the video itself, and needs no file beside it.

The video is H.264 in 4:2:0, which every browser plays, at a rate that suits a page.
"""

import base64
import io
import math
from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from patchvid._convert import Pixels
from patchvid._resampling import resize
from patchvid._validation import check_video
from patchvid.errors import InvalidInput
from patchvid.io._frames import rgb_frames
from patchvid.io.ffmpeg import CODECS, encode_film
from patchvid.io.video import DEFAULT_FPS

# What is lower is enlarged by a whole factor, because 4:2:0 has a colour for four pixels only. A
# page need not hold more than so many pixels a frame, and shows films so high where there is room.
LEAST_HEIGHT = 80
MOST_PIXELS = 1_000_000
SHOWN_HEIGHT = 180

GAP = 8  # white pixels between films
RATE = {"crf": "25", "preset": "slower", "threads": "1"}
STILL_QUALITY = 50


class Film(NamedTuple):
    """A film that shows itself in a notebook, and as HTML anywhere else.

    `mp4` is the encoded video, `still` its first frame as WebP, `parts` the width of each film in
    it with its label.
    """

    mp4: bytes
    still: bytes
    shape: tuple[int, int, int]
    parts: Sequence[tuple[int, str]]

    def _repr_html_(self) -> str:
        """The film as one HTML element that fetches nothing.

        Viewers that take films out of a page, as some do that show notebooks, leave the still.
        """
        n_frames, height, width = self.shape
        names = ", ".join(label for _, label in self.parts if label) or "film"
        alt = escape(f"{names}: {n_frames} frames of {height}x{width} pixels", quote=True)
        shown = width * math.ceil(SHOWN_HEIGHT / height)
        html = (
            f'<figure style="margin: 0; width: {shown}px; max-width: 100%">'
            f'<video src="{data_uri("video/mp4", self.mp4)}" controls loop autoplay muted '
            'playsinline style="display: block; width: 100%">'
            f'<img src="{data_uri("image/webp", self.still)}" alt="{alt}"></video>'
        )
        if any(label for _, label in self.parts):
            spans = (
                f'<span style="flex: {part}; text-align: center">{escape(label)}</span>'
                for part, label in self.parts
            )
            html += f'<figcaption style="display: flex">{"".join(spans)}</figcaption>'
        return html + "</figure>"

    def __repr__(self) -> str:
        n_frames, height, width = self.shape
        return f"<film of {n_frames} frames, {height}x{width}, {len(self.mp4) / 1000:.0f} kB>"


def show(*videos: NDArray[Any], fps: float | None = None, labels: Sequence[str] = ()) -> Film:
    """Show videos as a film in Jupyter, VS Code or a page of your own.

    Parameters
    ----------
    *videos
        Each (t, y, x, c) with 1 (grey), 3 (RGB) or 4 (RGB and alpha) channels, and values as for
        `write_video`: floats span [0, 1]. Several play side by side and in step; what is shorter
        waits with its last frame for the others.
    fps
        Frames per second, 24 if not given.
    labels
        What to write below each of them.

    Returns
    -------
    Film
        As the last value of a cell it shows itself. ``film._repr_html_()`` is the element for a
        page, and ``film.mp4`` the bytes of the video. No file is written.

    Raises
    ------
    InvalidInput
        If something is no video, or there are not as many labels as videos.

    Notes
    -----
    What is less than 80 pixels high is enlarged by a whole factor, and what has more than a
    million pixels a frame is reduced. The film is compressed as videos on the web are; the files
    of `write_video` are not.

    Examples
    --------
    >>> clip = np.zeros((5, 30, 40, 3), np.uint8)
    >>> film = show(clip, clip, labels=["before", "after"])
    >>> film.shape, film._repr_html_()[:7]
    ((5, 90, 248), '<figure')
    """
    if not videos:
        raise InvalidInput("show needs a video or more, got none")
    if labels and len(labels) != len(videos):
        raise InvalidInput(
            f"labels must be one for each of {len(videos)} videos, got {len(labels)}"
        )
    fps = DEFAULT_FPS if fps is None else fps
    if not 0.01 <= fps <= 1000:
        raise InvalidInput(f"fps must be between 0.01 and 1000, got {fps}")
    films = _fit([_as_rgb(video) for video in videos])
    picture = _side_by_side(films)
    still = io.BytesIO()
    Image.fromarray(picture[0]).save(still, "webp", quality=STILL_QUALITY)
    parts = [(film.shape[2], label) for film, label in zip(films, labels or [""] * len(films))]
    shape = (picture.shape[0], picture.shape[1], picture.shape[2])
    return Film(encode(picture, fps), still.getvalue(), shape, parts)


def encode(video: Pixels, fps: float) -> bytes:
    """Encode RGB frames of even sizes as MP4 that every browser plays."""
    codec = CODECS[".mp4"]
    file = io.BytesIO()
    encode_film(file, video, codec._replace(options=codec.options | RATE, muxing={}), fps)
    return file.getvalue()


def data_uri(kind: str, data: bytes) -> str:
    """The data as an address that holds them."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _as_rgb(video: Any) -> Pixels:
    video = check_video("video", video)
    if video.shape[3] not in (1, 3, 4):
        raise InvalidInput(
            f"video must have 1, 3 or 4 channels to be shown, got {video.shape[3]}; choose some"
        )
    return np.stack(list(rgb_frames(video, keep_alpha=False)))


def _fit(films: Sequence[Pixels]) -> list[Pixels]:
    """The films, all enlarged or reduced by the same factor where a page needs it."""
    height = max(film.shape[1] for film in films)
    width = sum(film.shape[2] for film in films)
    if height < LEAST_HEIGHT:
        factor = math.ceil(LEAST_HEIGHT / height)
        return [film.repeat(factor, axis=1).repeat(factor, axis=2) for film in films]
    if height * width > MOST_PIXELS:
        scale = math.sqrt(MOST_PIXELS / (height * width))
        sizes = [(max(1, round(n * scale)) for n in film.shape[1:3]) for film in films]
        return [resize(film, (len(film), *size)) for film, size in zip(films, sizes)]
    return list(films)


def _side_by_side(films: Sequence[Pixels]) -> Pixels:
    """All films in one, on white, with even sizes as 4:2:0 needs them."""
    n_frames, height = (max(film.shape[axis] for film in films) for axis in (0, 1))
    width = sum(film.shape[2] for film in films) + GAP * (len(films) - 1)
    picture = np.full((n_frames, height + height % 2, width + width % 2, 3), 255, np.uint8)
    left = 0
    for film in films:
        frames = np.minimum(np.arange(n_frames), len(film) - 1)
        picture[:, : film.shape[1], left : left + film.shape[2]] = film[frames]
        left += film.shape[2] + GAP
    return picture
