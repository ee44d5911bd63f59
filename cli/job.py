"""What every command that makes videos does around its one call: clip in, files out, a report."""

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from patchvid.cli.clips import NOWHERE, as_preview, name_outputs, read_clip, shrink, shrunk
from patchvid.cli.command import described, repeated
from patchvid.cli.info import facts

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Reads what a command needs beside its clip, of which it is told the shape and the frames.
Reader = Callable[[tuple[int, ...], tuple[int, int | None]], "NDArray[Any] | None"]

# Makes a film of the inputs, by their names, and of what was made of them, with details.
Film = Callable[[Mapping[str, Any], Any], "NDArray[Any]"]


@dataclass
class Sample:
    """What became of one sample."""

    file: str | None
    shape: tuple[int, ...]
    seed: int
    seconds: float

    def __str__(self) -> str:
        size = "x".join(str(n) for n in self.shape[:3])
        return f"{self.file or NOWHERE}: {size}, seed {self.seed}, {self.seconds:.1f} s"


def make_videos(
    make: Callable[..., Any],
    *,
    ending: str,
    clip: Path | None,
    frames: tuple[int, int | None],
    max_size: int | None,
    output: Path | None,
    overwrite: bool,
    report: Path | None,
    preview: bool,
    as_json: bool,
    samples: int,
    seed: int | None,
    quiet: bool,
    beside: Mapping[str, Reader] | None = None,
    source: str = "clip",
    also: tuple[Path, Film] | None = None,
    **settings: Any,
) -> None:
    """Write ``make(clip, seed=..., progress=..., **settings)`` for one seed after another.

    What the readers in `beside` return is shrunk like the clip and handed over by their names; the
    input called `source` is the one that outputs are made of. Every sample is written as soon as it
    is made, so that an interrupted job keeps the others. For a report `make` has to give details,
    and for `also`: another file, and what makes its film when the first sample is made.
    """
    from patchvid._progress import reporting
    from patchvid.io.video import check_target, write_video

    ctx = click.get_current_context()
    if output == NOWHERE and not (report or as_json):
        raise click.UsageError("-o - writes no video; give --report or --json, or another name.")
    paths = name_outputs(
        output, clip, ending=ending, samples=samples, overwrite=overwrite, preview=preview
    )
    if also is not None:
        target, show = also
        target = as_preview(target) if preview else target
        check_target(target, overwrite=overwrite)
        if target.resolve() in [path.resolve() for path in paths if path is not None]:
            raise click.UsageError(f"{str(target)!r} would be written twice; give another name.")
    if report is not None:
        from patchvid.display.report import Report, check_report

        report = as_preview(report) if preview else report
        check_report(report, overwrite=overwrite)
    seed = secrets.randbits(32) if seed is None else seed
    made: list[Sample] = []
    video, fps = read_clip(clip, frames)
    whole = video.shape
    read = {name: reader(whole, frames) for name, reader in (beside or {}).items()}
    inputs = {
        name: shrink(v, max_size, preview=preview) for name, v in {"clip": video, **read}.items()
    }
    video = inputs["clip"]
    if preview:
        fps = fps and fps * len(video) / whole[0]
        full = shrunk(whole, max_size, preview=False)
        settings |= _in_proportion(settings, full, video.shape)
    page = None if report is None else Report(inputs, source=source, fps=fps)
    settings |= {name: inputs[name] for name in read}
    details = page is not None or also is not None
    for number, path in enumerate(paths):
        start = time.perf_counter()
        label = f"sample {number + 1}/{samples}" if samples > 1 else ctx.command_path
        with reporting(False if quiet else None, label) as progress:
            result = make(video, seed=seed + number, progress=progress, details=details, **settings)
        film = result.video if details else result
        if path is not None:
            write_video(path, film, fps=fps, overwrite=overwrite)
        if also is not None and number == 0:
            write_video(target, show(inputs, result), fps=fps, overwrite=overwrite)
        file = None if path is None else str(path)
        seconds = time.perf_counter() - start
        made.append(Sample(file, film.shape, seed + number, seconds))
        if not (quiet or as_json):
            click.echo(str(made[-1]))
        if page is not None:
            page.add(path.name if path else f"sample {number + 1}", result, seconds=seconds)
    command = repeated(ctx, seed, without=["--preview"])
    if page is not None and report is not None:
        _write(page, report, command, overwrite=overwrite, quiet=quiet)
    _print(made, report, command, preview=preview, as_json=as_json, quiet=quiet)


def _in_proportion(
    settings: Mapping[str, Any], whole: Sequence[int], small: Sequence[int]
) -> dict[str, Any]:
    """Those settings that are in frames and pixels, for a smaller clip."""
    ratios = [m / n for n, m in zip(whole[:3], small)]
    scaled: dict[str, Any] = {}
    if size := settings.get("size"):
        scaled["size"] = tuple(max(1, round(n * ratio)) for n, ratio in zip(size, ratios))
    if grow := settings.get("grow"):
        scaled["grow"] = max(1, round(grow * ratios[1]))
    return scaled


def _write(page: Any, report: Path, command: str, *, overwrite: bool, quiet: bool) -> None:
    from patchvid._progress import reporting

    ctx = click.get_current_context()
    with reporting(False if quiet else None, "writing the report") as progress:
        page.write(
            report, title=ctx.command_path, command=command,
            tables={"Settings": described(ctx), "Made with": facts()},
            overwrite=overwrite, progress=progress,
        )  # fmt: skip


def _print(
    made: Sequence[Sample],
    report: Path | None,
    command: str,
    *,
    preview: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """What there is to say at the end: of JSON all, else what goes beyond the samples' lines."""
    if as_json:
        files = [asdict(sample) for sample in made]
        page = None if report is None else str(report)
        result = {"files": files, "report": page, "command": command}
        click.echo(json.dumps(result, indent=2))
        return
    if report is not None and not quiet:
        click.echo(f"{report}: {report.stat().st_size / 1e6:.1f} MB")
    if preview and not quiet:
        click.echo(f"in full: {command}")
