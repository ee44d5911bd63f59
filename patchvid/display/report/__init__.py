"""A page on outputs and their source: films in step, sources of pixels, measures, times.

The page is one file. Its films are small versions of the videos. Large videos are measured at a
smaller size.
"""

import math
import os
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from patchvid._paths import StrPath
from patchvid._progress import Progress, part_of, reporting
from patchvid._validation import check_video
from patchvid.display.report.films import (
    ReportFilm,
    output_colours,
    shrink,
    source_colours,
    to_film,
    to_html,
)
from patchvid.display.report.page import fill_page, section, table
from patchvid.display.report.tables import Sample, measures, times
from patchvid.errors import InvalidInput
from patchvid.io._files import (
    cannot_write,
    check_target_is_free,
    complete_or_nothing,
    naming_failures,
)
from patchvid.io.info import DEFAULT_FPS
from patchvid.results import LAYOUT_MEASURES, AnyResult, GenerateResult

SUFFIXES = (".html", ".htm")

LONGER_SIDE = 480  # pixels of the source's film
MEASURED = 1_000_000  # most voxels of the source when it is measured

OUTPUT_MAP, SOURCE_MAP = "where its pixels come from", "the colours of its pixels"
MAPS = """\
The map below an output shows where its pixels come from, in the colours of the map below the
source: the hue is the place in the frame, the brightness is the time. Where colours change
smoothly, a piece was copied whole; where they jump, two pieces meet."""


class Report:
    """A page of outputs, with the inputs they were made from.

    Parameters
    ----------
    inputs : mapping of str to array or None
        Videos (t, y, x, c) by their names, as given to the applications; None is left out. Arrays
        may be on a GPU.
    source : str, optional
        Name of the input that the outputs' patches come from. By default the first one.
    fps : float, optional
        Frames per second of all films, 24 by default.

    Raises
    ------
    InvalidInput
        If an array is not a video, or there is no such source.

    Examples
    --------
    >>> import patchvid, tempfile
    >>> clip = patchvid.sample_clip()[:4, :24, :40]
    >>> report = Report({"clip": clip})
    >>> report.add("clip_gen.mp4", patchvid.generate(clip, seed=1, details=True))
    >>> folder = tempfile.TemporaryDirectory()
    >>> report.write(f"{folder.name}/report.html", title="Koi")
    >>> Path(folder.name, "report.html").read_text()[:15]
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
        self._films = [
            ReportFilm(n, _describe(v), to_film(v, v, self._scale)) for n, v in videos.items()
        ]
        at = list(videos).index(name)
        self._films[at] = self._films[at]._replace(
            colours=source_colours(self._source.shape, self._scale), meaning=SOURCE_MAP
        )
        self._samples: list[Sample] = []

    def add(self, name: str, result: AnyResult, *, seconds: float | None = None) -> None:
        """Add an output.

        Parameters
        ----------
        name : str
            Its name on the page, such as that of its file.
        result : Result
            The result of an application such as `generate` for one sample with ``details=True``.
        seconds : float, optional
            Its total time. By default the sum over its levels.

        Raises
        ------
        InvalidInput
            If the result is not that of one sample.
        """
        video = check_video(name, result.video)
        if seconds is None:
            seconds = sum(level.seconds for level in result.levels)
        pixels = to_film(video, self._source, self._scale)
        colours = output_colours(result.nnf, video.shape, self._source.shape, self._scale)
        note = f"{_describe(video)}, seed {result.seed}"
        if isinstance(result, GenerateResult):
            for measure in LAYOUT_MEASURES:
                values = getattr(result, measure)
                note += f", {measure} {values[0]:.3g}" if values else ""
        self._films.append(ReportFilm(name, note, pixels, colours, OUTPUT_MAP))
        measured = shrink(video, self._measured_scale)
        self._samples.append(Sample(name, result.seed, seconds, result.levels, measured))

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
        path : str or path-like
            A name that ends in ``.html``.
        title : str
            Title of the page.
        command : str
            The command line that makes the same outputs again.
        tables : mapping of str to mapping, optional
            Further tables by their headings, each of texts by their names.
        overwrite : bool
            Whether to replace an existing file.
        progress : callable or bool, optional
            Called as ``progress(fraction, message)``, with the fraction of the work done, from 0 to
            1. None shows a bar in a terminal, False shows nothing.

        Raises
        ------
        VideoError
            If `path` cannot be written. No partial file remains.
        InvalidInput
            If there is no output.
        """
        check_report(path, overwrite=overwrite)
        if not self._samples:
            raise InvalidInput("a report needs one or more outputs, got none; add some")
        target = Path(os.path.abspath(path))
        with reporting(progress, "writing the report") as report:
            html = fill_page(title, self._body(command, tables or {}, report))
            with naming_failures(target), complete_or_nothing(target) as part:
                part.write_text(html, encoding="utf-8", errors="backslashreplace")

    def _body(
        self, command: str, tables: Mapping[str, Mapping[str, str]], progress: Progress
    ) -> str:
        figures = []
        for done, film in enumerate(self._films, 1):
            figures.append(to_html(film, self._fps))
            progress(0.5 * done / len(self._films), "films")
        measured = measures(
            shrink(self._source, self._measured_scale), self._samples,
            shrunk=self._measured_scale < 1, progress=part_of(progress, 0.5, 1, "measures"),
        )  # fmt: skip
        beside = [
            section("Times", times(self._samples)),
            *(section(name, table([], rows.items())) for name, rows in tables.items()),
        ]
        parts = [
            f'<div class="films">\n{"".join(figures)}</div>',
            f"<p>{MAPS}</p>",
            section("Measures", measured),
            f'<div class="tables">\n{"".join(beside)}</div>',
        ]
        if command:
            parts.append(section("Command", f"<pre>{escape(command)}</pre>\n"))
        return "\n".join(parts)


def check_report(path: StrPath, *, overwrite: bool = False) -> None:
    """Raise an error unless a report can be written to `path`; call it before long work.

    Parameters
    ----------
    path : str or path-like
        As for `Report.write`.
    overwrite : bool
        Whether to replace an existing file.

    Raises
    ------
    VideoError
        If the name does not end in ``.html``, or no file can be written there.
    """
    suffix = Path(path).suffix
    if suffix.lower() not in SUFFIXES:
        raise cannot_write(path, f"suffix must be {' or '.join(SUFFIXES)}, got {suffix!r}")
    check_target_is_free(path, overwrite=overwrite)


def _describe(video: NDArray[Any]) -> str:
    n_frames, height, width = video.shape[:3]
    return f"{n_frames} frame{'s' * (n_frames > 1)}, {height}x{width}"
