"""A page that shows what was made of what: films in step, where pixels are from, measures, times.

The page is one file. Its films are small versions of the videos, and so are those that are measured
where the videos are large.
"""

import math
import os
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchvid import metrics
from patchvid._paths import StrPath
from patchvid._progress import Progress, part_of, reporting
from patchvid._resampling import resize
from patchvid._validation import check_video
from patchvid.display.fields import field_to_color, pixel_sources
from patchvid.display.notebook import show
from patchvid.display.report.page import PAGE, SCRIPT, STYLE, figure, section, table
from patchvid.errors import InvalidInput
from patchvid.io._files import (
    cannot_write,
    check_target_is_free,
    complete_or_nothing,
    naming_failures,
)
from patchvid.io.video import DEFAULT_FPS
from patchvid.results import LevelTiming, Result

SUFFIXES = (".html", ".htm")

LONGER_SIDE = 480  # pixels of the source's film
MEASURED = 1_000_000  # voxels of the source that is measured, at most

MAP, LEGEND = "where its pixels are from", "the colours of its places"
SEAMS = """\
Below an output is a map of where its pixels are from, in the colours that the places of the source
have below it: the hue says where in the frame, the brightness when. Where colours change smoothly,
a piece has been copied as it is; where they jump, pieces meet."""

MEASURES = """\
Coherence: from a patch of the video to the nearest of the source; completeness: the reverse; swd:
sliced Wasserstein distance of the patches. Less is better. Largest_piece: share of the video that
is copied in one piece, 1 is a copy; mean_piece: share of the piece that a patch is in;
longest_run: frames in a row during which half of the picture plays as in the source."""


class _Film(NamedTuple):
    """What is shown of a video, and the same as a map of places."""

    name: str
    note: str
    pixels: NDArray[Any]
    places: NDArray[np.uint8] | None = None
    meaning: str = ""


class _Sample(NamedTuple):
    """What is told of an output beside its film."""

    name: str
    seed: int
    seconds: float
    levels: list[LevelTiming]
    measured: NDArray[Any]


class Report:
    """Gathers what was made, and writes it as a page.

    Parameters
    ----------
    inputs
        Videos (t, y, x, c) by their names, as functions of patchvid take them; None is left out.
    source
        Name of the input that the outputs are made of. None: the first.
    fps
        Frames per second of all films, 24 if not given.

    Raises
    ------
    InvalidInput
        For something that is no video, or if there is no source.

    Examples
    --------
    >>> import patchvid, tempfile
    >>> clip = patchvid.sample_clip()[:4, :24, :40]
    >>> report = Report({"clip": clip})
    >>> report.add("made.mp4", patchvid.generate(clip, seed=1, details=True))
    >>> folder = tempfile.TemporaryDirectory()
    >>> report.write(f"{folder.name}/made.html", title="Koi")
    >>> Path(folder.name, "made.html").read_text()[:15]
    '<!DOCTYPE html>'
    """

    def __init__(
        self,
        inputs: Mapping[str, NDArray[Any] | None],
        *,
        source: str | None = None,
        fps: float | None = None,
    ) -> None:
        videos = {name: check_video(name, v) for name, v in inputs.items() if v is not None}
        name = next(iter(videos), "") if source is None else source
        if name not in videos:
            raise InvalidInput(f"inputs must hold the source, got {', '.join(videos) or 'none'}")
        self._source = videos[name]
        self._fps = DEFAULT_FPS if fps is None else fps
        self._scale = min(1.0, LONGER_SIDE / max(self._source.shape[1:3]))
        voxels = math.prod(self._source.shape[:3])
        self._measured_scale = min(1.0, math.sqrt(MEASURED / voxels))
        self._films = [_Film(n, _size(v), self._shown(v)) for n, v in videos.items()]
        at = list(videos).index(name)
        self._films[at] = self._films[at]._replace(places=self._legend(), meaning=LEGEND)
        self._samples: list[_Sample] = []

    def add(self, name: str, made: Result, *, seconds: float = math.nan) -> None:
        """Add an output.

        Parameters
        ----------
        name
            What to call it, such as the name of its file.
        made
            What `generate` and its like return for one sample with ``details=True``.
        seconds
            What it took. By default the sum of its levels.
        """
        video = made.video
        if math.isnan(seconds):
            seconds = sum(level.seconds for level in made.levels)
        places = _sampled(pixel_sources(made.nnf, video.shape), self._scale)
        colours = field_to_color(places, self._source.shape)
        note = f"{_size(video)}, seed {made.seed}"
        self._films.append(_Film(name, note, self._shown(video, self._source), colours, MAP))
        measured = _shrunk(video, self._measured_scale)
        self._samples.append(_Sample(name, made.seed, seconds, made.levels, measured))

    def write(
        self,
        path: StrPath,
        *,
        title: str,
        command: str = "",
        tables: Mapping[str, Mapping[str, str]] | None = None,
        overwrite: bool = False,
        progress: Progress | bool | None = None,
    ) -> None:
        """Write the page; `path` appears only when it is complete.

        Parameters
        ----------
        path
            Ends in ``.html``.
        title
            Of the page.
        command
            The command line that makes the same again.
        tables
            What else to tell: rows of names and values, by their heading.
        overwrite
            Replace what is at `path`.
        progress
            Called as ``progress(fraction, message)``, with the fraction of the work that is done.
            None shows a bar in a terminal, False shows nothing.

        Raises
        ------
        VideoError
            If `path` cannot be written; nothing is left behind.
        InvalidInput
            If there is no output.
        """
        check_report(path, overwrite=overwrite)
        if not self._samples:
            raise InvalidInput("a report needs an output or more, got none; add some")
        with reporting(progress, "writing the report") as report:
            self._write(Path(os.path.abspath(path)), title, command, tables or {}, report)

    def _write(
        self,
        path: Path,
        title: str,
        command: str,
        tables: Mapping[str, Mapping[str, str]],
        progress: Progress,
    ) -> None:
        figures = []
        for done, film in enumerate(self._films, 1):
            figures.append(_figure(film, self._fps))
            progress(0.5 * done / len(self._films), "films")
        facts = (section(name, table([], rows.items())) for name, rows in tables.items())
        parts = [
            f'<div class="films">\n{"".join(figures)}</div>',
            f"<p>{SEAMS}</p>",
            section("Measures", self._measures(part_of(progress, 0.5, 1, "measures"))),
            f'<div class="tables">\n{section("Times", self._times())}{"".join(facts)}</div>',
        ]
        if command:
            parts.append(section("The same again", f"<pre>{escape(command)}</pre>\n"))
        page = PAGE.substitute(
            title=escape(title), style=STYLE, script=SCRIPT, body="\n".join(parts)
        )
        with naming_failures(path), complete_or_nothing(path) as part:
            part.write_text(page, encoding="utf-8")

    def _shown(self, video: NDArray[Any], like: NDArray[Any] | None = None) -> NDArray[Any]:
        """A video of 1, 3 or 4 channels, floats of which span [0, 1], at the size of its film."""
        like = video if like is None else like
        if video.shape[3] not in (1, 3, 4):
            video = video.mean(axis=3, keepdims=True).astype(video.dtype)
        if video.dtype.kind == "f":
            low, high = min(0.0, float(like.min())), max(1.0, float(like.max()))
            video = (video - low) / (high - low)
        return _shrunk(video, self._scale)

    def _legend(self) -> NDArray[np.uint8]:
        """The colour of every place in the source."""
        places = np.moveaxis(np.indices(self._source.shape[:3], np.int32), 0, -1)
        return field_to_color(_sampled(places, self._scale), self._source.shape)

    def _measures(self, progress: Progress) -> str:
        """What `patchvid eval` prints, as a table."""
        outputs = [sample.measured for sample in self._samples]
        names = [sample.name for sample in self._samples]
        source = _shrunk(self._source, self._measured_scale)
        try:
            scores, mean, diversity = metrics.evaluate(
                source, outputs, names=names, progress=progress
            )
        except InvalidInput as error:
            return f"<p>Not taken: {escape(str(error))}.</p>\n"
        rows = [(name, *_cells(row)) for name, row in zip(names, scores, strict=True)]
        told = MEASURES
        if diversity is not None:
            rows.append(("mean", *_cells(mean)))
            told += f" Diversity of all: {diversity:.3f}; 0 is equal videos."
        if self._measured_scale < 1:
            told += f" Taken at {source.shape[1]}x{source.shape[2]} pixels."
        measured = [name for name, estimate in mean._asdict().items() if estimate is not None]
        return table(["", *measured], rows, numeric=True) + f"<p>{escape(told)}</p>\n"

    def _times(self) -> str:
        """The seconds of every level."""
        levels = zip(*(sample.levels for sample in self._samples), strict=True)
        rows = [
            (
                "x".join(map(str, of_level[0].shape)),
                str(of_level[0].iterations),
                *(f"{level.seconds:.2f}" for level in of_level),
            )
            for of_level in levels
        ]
        rows.append(("in all", "", *(f"{sample.seconds:.2f}" for sample in self._samples)))
        names = (f"seconds, seed {sample.seed}" for sample in self._samples)
        return table(["level", "iterations", *names], rows, numeric=True)


def check_report(path: StrPath, *, overwrite: bool = False) -> None:
    """Raise VideoError unless a report can be written to `path`, so that no work is in vain.

    Parameters
    ----------
    path, overwrite
        As for `Report.write`.
    """
    suffix = Path(path).suffix
    if suffix.lower() not in SUFFIXES:
        raise cannot_write(path, f"suffix must be {' or '.join(SUFFIXES)}, got {suffix!r}")
    check_target_is_free(path, overwrite=overwrite)


def _figure(film: _Film, fps: float) -> str:
    """The film, and the map of places below it, as HTML."""
    videos = {film.name: film.pixels}
    if film.places is not None:
        videos[f"{film.name}: {film.meaning}"] = film.places
    films = {label: show(_even(pixels), fps=fps).mp4 for label, pixels in videos.items()}
    return figure(films, film.name, film.note, film.pixels.shape, fps)


def _even(video: NDArray[Any]) -> NDArray[Any]:
    """The video with a row and a column more where it takes one to make their number even."""
    odd = [(0, n % 2) for n in video.shape[1:3]]
    return np.pad(video, [(0, 0), *odd, (0, 0)], mode="edge")


def _cells(row: metrics.Scores) -> list[str]:
    return [
        f"{estimate.value:.3f}" + (f" ±{estimate.error:.3f}" if estimate.error else "")
        for estimate in row
        if estimate is not None
    ]


def _shrunk(video: NDArray[Any], scale: float) -> NDArray[Any]:
    if scale == 1:
        return video
    height, width = (max(1, round(n * scale)) for n in video.shape[1:3])
    return resize(video, (len(video), height, width))


def _sampled(places: NDArray[Any], scale: float) -> NDArray[Any]:
    """Some of the rows and columns: between places there is nothing to interpolate."""
    rows, columns = (
        np.linspace(0, n - 1, max(1, round(n * scale))).round().astype(int)
        for n in places.shape[1:3]
    )
    return places[:, rows[:, None], columns]


def _size(video: NDArray[Any]) -> str:
    n_frames, height, width = video.shape[:3]
    return f"{n_frames} frame{'s' * (n_frames > 1)}, {height}x{width}"
