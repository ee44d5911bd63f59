"""The films of a report: small versions of its videos, and maps of where their pixels come from."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid._convert import Pixels, ValueRange, has_highlights, to_rgb
from patchvid._device import backend_of
from patchvid._resampling import resize
from patchvid.display.field_maps import field_to_color, pixel_sources
from patchvid.display.notebook import show
from patchvid.display.report.page import figure


class ReportFilm(NamedTuple):
    """A video at the size of its film, and optionally a map of its pixels with a label."""

    name: str
    note: str
    pixels: Pixels
    colours: Pixels | None = None
    meaning: str = ""


def shrink(video: NDArray[Any], scale: float) -> NDArray[Any]:
    """Scale height and width."""
    if scale == 1:
        return video
    height, width = (max(1, round(n * scale)) for n in video.shape[1:3])
    return resize(video, (len(video), height, width))


def to_film(video: NDArray[Any], like: NDArray[Any], scale: float) -> Pixels:
    """Convert a video to small RGB frames on the host.

    If floats of the video `like` leave [0, 1], its range is used, with highlights compressed.
    """
    video = backend_of(video).to_host(video)
    range_ = ValueRange.of_type(video.dtype)
    if has_highlights(like):
        range_ = ValueRange.of_values(like)
    elif video.dtype.kind == "f":
        range_ = ValueRange(min(0.0, float(like.min())), max(1.0, float(like.max())))
    return shrink(to_rgb(range_.quantize(video)), scale)


def source_colours(shape: Sequence[int], scale: float) -> Pixels:
    """The colours of the source itself, at the size of its film."""
    frames, (rows, columns) = np.arange(shape[0]), _chosen(shape, scale)
    voxels = np.stack(np.meshgrid(frames, rows, columns, indexing="ij"), axis=-1)
    return field_to_color(voxels, shape)


def output_colours(
    nnf: NDArray[Any], output_shape: Sequence[int], source_shape: Sequence[int], scale: float
) -> Pixels:
    """Colours that show where an output's pixels come from, at the size of its film."""
    sources = pixel_sources(backend_of(nnf).to_host(nnf), output_shape)
    rows, columns = _chosen(output_shape, scale)
    return field_to_color(sources[:, rows[:, None], columns], source_shape)


def _chosen(shape: Sequence[int], scale: float) -> list[NDArray[np.int64]]:
    """Rows and columns of a smaller map; colours between two voxels would have no meaning."""
    return [
        np.linspace(0, n - 1, max(1, round(n * scale))).round().astype(np.int64) for n in shape[1:3]
    ]


def to_html(film: ReportFilm, fps: float) -> str:
    """The film, with its map below it."""
    videos = {film.name: film.pixels}
    if film.colours is not None:
        videos[f"{film.name}: {film.meaning}"] = film.colours
    encoded = {label: show(_even(pixels), fps=fps).mp4 for label, pixels in videos.items()}
    return figure(encoded, film.name, film.note, film.pixels.shape, fps)


def _even(video: Pixels) -> Pixels:
    """The video with its last row or column repeated if their number is odd."""
    odd = [(0, n % 2) for n in video.shape[1:3]]
    return np.pad(video, [(0, 0), *odd, (0, 0)], mode="edge")
