"""The outputs of a command: file names, printed lines, JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

NO_FILE = Path("-")  # the name that stands for no video

# By default the output has the suffix of the clip if it is one of these. Photos become PNG files,
# and everything else becomes MP4, or a container that holds the chosen codec.
_KEPT = {".gif", ".webp", ".png", ".apng", ".tif", ".tiff", ".exr", ".npy", ".npz"}
_OF_CODEC = {"prores": ".mov", "vp9": ".webm", "ffv1": ".mkv"}
_PHOTOS = {".jpg", ".jpeg", ".bmp", ".ppm", ".pgm"}


@dataclass
class Sample:
    """A finished sample, as it is printed."""

    file: Path | None
    shape: tuple[int, ...]
    seed: int
    seconds: float
    layers: Sequence[Path]
    field: Path | None
    novelty: float | None
    structure: float | None
    noise: float | None
    jumps: Sequence[Mapping[str, Any]] | None

    def __str__(self) -> str:
        size = "x".join(str(n) for n in self.shape[:3])
        from patchvid.results import LAYOUT_MEASURES

        measures = {name: getattr(self, name) for name in LAYOUT_MEASURES}
        layout = "".join(f", {name} {x:.3g}" for name, x in measures.items() if x is not None)
        if self.jumps:
            first, last = self.jumps[0]["first"], self.jumps[0]["last"]
            is_stretch = len(self.jumps) == 1
            layout = f", frames {first} to {last}" if is_stretch else f", {len(self.jumps)} jumps"
        return f"{self.file or NO_FILE}: {size}, seed {self.seed}{layout}, {self.seconds:.1f} s"


@dataclass
class Outputs:
    """The files of a job; None for files that are not wanted."""

    videos: Sequence[Path | None]
    fields: Sequence[Path | None]
    report: Path | None
    extra: Path | None


def plan_outputs(
    output: Path | None,
    clip: Path | None,
    *,
    ending: str,
    samples: int,
    report: Path | None,
    extra: Path | None,
    field: Path | None,
    overwrite: bool,
    preview: bool,
    settings: Mapping[str, Any],
) -> Outputs:
    """Name all files of a job, and raise an error before any work if one cannot be written.

    `settings` are further arguments of `patchvid.write_video` for the videos.
    """
    from patchvid.io.fields import check_field_target
    from patchvid.io.writing import check_target

    videos: list[Path | None] = [None] * samples
    if output != NO_FILE:
        name = output or default_name(clip, ending, settings["codec"])
        videos = [*numbered(_preview_name(name, preview), samples)]
    fields: list[Path | None] = [None] * samples
    if field is not None:
        fields = [*numbered(_preview_name(field, preview), samples)]
    extra = extra and _preview_name(extra, preview)
    report = report and _preview_name(report, preview)
    for path in videos:
        if path is not None:
            check_target(path, overwrite=overwrite, **settings)
    if extra is not None:
        check_target(extra, overwrite=overwrite)
    for path in filter(None, fields):
        check_field_target(path, overwrite=overwrite)
    check_distinct([*videos, *fields, extra])
    if report is not None:
        from patchvid.display.report import check_report

        check_report(report, overwrite=overwrite)
    return Outputs(videos, fields, report, extra)


def check_distinct(paths: Iterable[Path | None]) -> None:
    """Refuse outputs that would overwrite each other."""
    seen = set()
    for path in filter(None, paths):
        if path.resolve() in seen:
            raise click.UsageError(f"{str(path)!r} would be written twice; give another name.")
        seen.add(path.resolve())


def print_json(samples: Sequence[Sample], report: Path | None, command: str) -> None:
    """Print the finished outputs as one JSON document."""
    files = [asdict(sample) for sample in samples]
    document = {"files": files, "report": report, "command": command}
    click.echo(json.dumps(document, indent=2, default=str))


def default_name(clip: Path | None, ending: str, codec: str | None = None) -> Path:
    """Name an output after a clip, with a suffix that suits it and the codec."""
    clip = clip.resolve() if clip else Path("sample.mp4")
    name, suffix = clip.stem, clip.suffix.lower()
    if clip.is_dir():
        name, suffix = clip.name.replace(".", "_"), ""
    if codec is not None:
        suffix = _OF_CODEC.get(codec, ".mp4")
    elif not clip.is_dir() and suffix not in _KEPT:
        suffix = ".png" if suffix in _PHOTOS else ".mp4"
    return Path(name + ending + suffix)


def numbered(path: Path, samples: int) -> list[Path]:
    """Return the names of several samples."""
    if samples == 1:
        return [path]
    digits = len(str(samples))
    return [_marked(path, f"{number:0{digits}}") for number in range(1, samples + 1)]


def _preview_name(path: Path, preview: bool) -> Path:
    return _marked(path, "preview") if preview else path


def in_a_folder(path: Path) -> Path:
    """The output of a name: for a pattern of numbered pictures, their folder."""
    return path.parent if "%" in path.name else path


def _marked(path: Path, mark: str) -> Path:
    if (folder := in_a_folder(path)) != path:
        return _marked(folder, mark) / path.name
    return path.with_name(f"{path.stem}_{mark}{path.suffix}")
