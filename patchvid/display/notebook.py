"""Films in notebooks and web pages: HTML that contains the video and needs no other file.

The video is H.264 in 4:2:0, which every browser plays, at a bit rate that suits a page.
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
from patchvid._validation import check_number
from patchvid.display._videos import check_labelled
from patchvid.io._frames import rgb_frames
from patchvid.io.encoder import encode_film
from patchvid.io.encoding import choose_encoding
from patchvid.io.info import DEFAULT_FPS

# Lower films are enlarged by a whole factor, because 4:2:0 stores one colour for four pixels.
LEAST_HEIGHT = 80
MOST_PIXELS = 1_000_000  # of a frame; larger frames are reduced
SHOWN_HEIGHT = 180  # least height on a page that is wide enough

GAP = 8  # white pixels between films
RATE = {"crf": "25", "preset": "slower", "threads": "1"}
STILL_QUALITY = 50


class Film(NamedTuple):
    """A film that shows itself in a notebook, and as HTML anywhere else.

    Attributes
    ----------
    mp4 : bytes
        The encoded video.
    still : bytes
        Its first frame as WebP.
    shape : tuple of int
        (t, y, x) of the encoded video.
    parts : sequence of tuple of int and str
        The width of each video in the film, in pixels, and its label.
    """

    mp4: bytes
    still: bytes
    shape: tuple[int, int, int]
    parts: Sequence[tuple[int, str]]

    def _repr_html_(self) -> str:
        """One HTML element that fetches nothing.

        Notebook viewers that remove videos from a page show the still instead.
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
    """Show videos as a film in Jupyter, VS Code or your own web page.

    Parameters
    ----------
    *videos : array
        Each (t, y, x, c) with 1 (grey), 3 (RGB) or 4 (RGB and alpha) channels, and values as for
        `write_video`: floats span [0, 1]. Several videos play side by side and in step; shorter
        ones wait on their last frame. Arrays may be on a GPU.
    fps : float, optional
        Frames per second, 24 by default.
    labels : sequence of str, optional
        Texts to write below the videos, one for each.

    Returns
    -------
    Film
        The last value of a cell shows itself. ``film._repr_html_()`` is the element for a web page,
        and ``film.mp4`` the bytes of the video. No file is written.

    Raises
    ------
    InvalidInput
        If an array cannot be shown, if there is not one label for each video, or if `fps` is not
        between 0.01 and 1000.

    Notes
    -----
    Videos less than 80 pixels high are enlarged by a whole factor, and those with more than a
    million pixels per frame are reduced. The film is compressed with visible loss, as usual on the
    web; files from `write_video` are not.

    Examples
    --------
    >>> clip = np.zeros((5, 30, 40, 3), np.uint8)
    >>> film = show(clip, clip, labels=["before", "after"])
    >>> film.shape, film._repr_html_()[:7]
    ((5, 90, 248), '<figure')
    """
    checked = check_labelled("show", videos, labels)
    fps = DEFAULT_FPS if fps is None else fps
    check_number("fps", fps, 0.01, 1000)
    films = _fit([np.stack(list(rgb_frames(video, keep_alpha=False))) for video in checked])
    picture = _side_by_side(films)
    still = io.BytesIO()
    Image.fromarray(picture[0]).save(still, "webp", quality=STILL_QUALITY)
    parts = [(film.shape[2], label) for film, label in zip(films, labels or [""] * len(films))]
    shape = (picture.shape[0], picture.shape[1], picture.shape[2])
    return Film(encode(picture, fps), still.getvalue(), shape, parts)


def encode(video: Pixels, fps: float, *, preset: str = RATE["preset"]) -> bytes:
    """Encode RGB frames of even sizes as an MP4 that every browser plays.

    With a faster `preset` of x264 the film takes less time, and more bytes.
    """
    how = choose_encoding("film.mp4", video)
    file = io.BytesIO()
    options = {**how.options, **RATE, "preset": preset}
    encode_film(file, video, how._replace(options=options, muxing={}), fps)
    return file.getvalue()


def data_uri(kind: str, data: bytes) -> str:
    """A URI that contains the data."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _fit(films: Sequence[Pixels]) -> list[Pixels]:
    """Enlarge or reduce all films by the same factor, if a page needs it."""
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
    """Join all films into one, on white, with the even sizes that 4:2:0 needs."""
    n_frames, height = (max(film.shape[axis] for film in films) for axis in (0, 1))
    width = sum(film.shape[2] for film in films) + GAP * (len(films) - 1)
    picture = np.full((n_frames, height + height % 2, width + width % 2, 3), 255, np.uint8)
    left = 0
    for film in films:
        frames = np.minimum(np.arange(n_frames), len(film) - 1)
        picture[:, : film.shape[1], left : left + film.shape[2]] = film[frames]
        left += film.shape[2] + GAP
    return picture
