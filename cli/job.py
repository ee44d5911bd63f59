"""What every command that makes videos does around its one call: clip in, files out, progress."""

import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click

if TYPE_CHECKING:
    from numpy.typing import NDArray

# What the output is by default: pictures and arrays stay what they are, the rest becomes video.
_KEPT = {".gif", ".webp", ".png", ".apng", ".npy", ".npz"}
_STILLS = {".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".ppm", ".pgm"}

# Reads what a command needs beside its clip, of which it is told the shape and the frames.
Reader = Callable[[tuple[int, ...], tuple[int, int | None]], "NDArray[Any] | None"]


def make_videos(
    make: "Callable[..., NDArray[Any]]",
    *,
    ending: str,
    clip: Path | None,
    frames: tuple[int, int | None],
    max_size: int | None,
    output: Path | None,
    overwrite: bool,
    samples: int,
    seed: int | None,
    quiet: bool,
    beside: "Mapping[str, Reader] | None" = None,
    **settings: Any,
) -> None:
    """Write ``make(clip, seed=..., progress=..., **settings)`` for one seed after another.

    What the readers in ``beside`` return is shrunk like the clip, and handed over by their names.
    Every sample is written as soon as it is made, so that an interrupted job keeps the others.
    """
    from patchvid.video import write_video

    targets = _name_targets(output, clip, ending=ending, samples=samples, overwrite=overwrite)
    seed = secrets.randbits(32) if seed is None else seed
    with Progress(samples, quiet=quiet) as progress:
        video, fps = _read_clip(clip, frames)
        for name, read in (beside or {}).items():
            settings[name] = _shrink(read(video.shape, frames), max_size)
        video = _shrink(video, max_size)
        for sample, target in enumerate(targets):
            start = time.perf_counter()
            made = make(video, seed=seed + sample, progress=progress, **settings)
            write_video(target, made, fps=fps, overwrite=overwrite)
            size = "x".join(str(n) for n in made.shape[:3])
            seconds = time.perf_counter() - start
            progress.finish(f"{target}: {size}, seed {seed + sample}, {seconds:.1f} s")


def _read_clip(
    clip: Path | None, frames: tuple[int, int | None]
) -> tuple["NDArray[Any]", float | None]:
    """The frames of the clip, or of the sample when there is none, and their fps."""
    from patchvid.sample import SAMPLE_FPS, sample_clip
    from patchvid.video import read_video

    if clip is None:
        return sample_clip()[slice(*frames)], SAMPLE_FPS
    return read_video(clip, frames=frames)


def _shrink(video: Any, max_size: int | None) -> Any:
    """The video, or None, with at most so many pixels on its longer side."""
    from patchvid.pyramid import resize

    if video is None or max_size is None or max(video.shape[1:3]) <= max_size:
        return video
    longer = max(video.shape[1:3])
    height, width = (max(1, round(side * max_size / longer)) for side in video.shape[1:3])
    return resize(video, (len(video), height, width))


def _name_targets(
    output: Path | None, clip: Path | None, *, ending: str, samples: int, overwrite: bool
) -> list[Path]:
    """Where each sample goes; raises before any work if one cannot be written."""
    from patchvid.video import check_target

    if output is None:
        clip = clip.resolve() if clip else Path("sample.mp4")
        kind = clip.suffix.lower()
        if clip.is_dir():
            kind = ""
        elif kind not in _KEPT:
            kind = ".png" if kind in _STILLS else ".mp4"
        output = Path(clip.stem + ending + kind)
    targets = [output]
    if samples > 1:
        digits = len(str(samples))
        targets = [
            output.parent / f"{output.stem}_{i:0{digits}}{output.suffix}"
            for i in range(1, samples + 1)
        ]
    for target in targets:
        check_target(target, overwrite=overwrite)
    return targets


@contextmanager
def show_fraction(label: str) -> Iterator[Callable[[float], None]]:
    """Report a fraction that is done: a bar on stderr from the first report on, if a terminal."""
    with ExitStack() as stack:
        bar: Any = None

        def report(fraction: float) -> None:
            nonlocal bar
            if bar is None:
                hidden = not sys.stderr.isatty()
                bar = stack.enter_context(
                    click.progressbar(length=100, label=label, file=sys.stderr, hidden=hidden)
                )
            bar.update(round(100 * fraction) - bar.pos)

        yield report


class Progress:
    """A line on stderr with the level, a bar and the time left; nothing if that is no terminal.

    One instance is called back by ``jobs`` jobs in a row, each ended by `finish`.
    """

    def __init__(self, jobs: int, *, quiet: bool) -> None:
        self.jobs, self.job, self.line = jobs, 0, ""
        self.quiet, self.shown = quiet, sys.stderr.isatty() and not quiet
        self.start = time.monotonic()

    def __enter__(self) -> Self:
        self._show("starting")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._show("")

    def __call__(self, level: int, n_levels: int, fraction: float) -> None:
        done = (self.job + fraction) / self.jobs
        left = round((time.monotonic() - self.start) * (1 - done) / max(done, 1e-3))
        bar = "#" * round(20 * done)
        sample = f"sample {self.job + 1}/{self.jobs}, " if self.jobs > 1 else ""
        stage = f"level {level}/{n_levels}" if level else "optical flow"
        self._show(f"{sample}{stage}  [{bar:.<20}]  {left // 60}:{left % 60:02} left")

    def finish(self, report: str) -> None:
        """End a job with a line on stdout."""
        self._show("")
        if not self.quiet:
            click.echo(report)
        self.job += 1

    def _show(self, line: str) -> None:
        if self.shown and line != self.line:
            click.echo(f"\r{line:{len(self.line)}}" + ("" if line else "\r"), nl=False, err=True)
            self.line = line
