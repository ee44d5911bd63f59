"""Samples of ours against the paper's own, by the measures of the shared tool."""

from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from common import Options, Row, Rows
from speed_cases import CLIPS

import patchvid

SEEDS = (0, 1, 2)
# Ours over the paper's: the distances at most so much, the diversity at least as much.
LIMITS = {
    "coherence": "<= 0.75",
    "swd": "<= 0.7",
    "completeness": "<= 0.7",
    "diversity": ">= 1",
}


def quality(options: Options) -> Rows:
    """All clips; a quick run takes one clip, two seeds and half the resolution."""
    tool = _load_tool(options.data("tools/quality.py"))
    table: list[Row] = []
    for name in CLIPS[:1] if options.quick else CLIPS:
        source = options.data(f"clips/generation/{name}.mp4")
        published = sorted(source.parent.glob(f"{name}.vgpnn*.mp4"))
        with TemporaryDirectory() as folder:
            made = list(_generate(source, Path(folder), SEEDS[:2] if options.quick else SEEDS))
            theirs, ours = (
                _evaluate(tool, source, samples, options) for samples in (published, made)
            )
        for measure in LIMITS:
            table.append(_row(name, measure, theirs[measure], ours[measure]))
            yield "quality", table[-1]
    for measure, limit in LIMITS.items():
        rows = [row for row in table if row["measure"] == measure]
        means = (mean(row[who] for row in rows) for who in ("the paper's", "ours"))
        row = _row("mean", measure, *means)
        row["mean of ratios"] = mean(row["ratio"] for row in rows)
        row["limit"] = None if options.quick else limit
        yield "quality", row


def _row(clip: str, measure: str, theirs: float, ours: float) -> Row:
    return {
        "clip": clip,
        "measure": measure,
        "the paper's": theirs,
        "ours": ours,
        "ratio": ours / theirs,
    }


def _generate(source: Path, folder: Path, seeds: tuple[int, ...]) -> Iterator[Path]:
    """Samples as video files, so that ours are compressed like the published ones."""
    video, fps = patchvid.read_video(source)
    for seed in seeds:
        target = folder / f"{seed}.mp4"
        patchvid.write_video(target, patchvid.generate(video, seed=seed), fps=fps)
        yield target


def _evaluate(tool: ModuleType, source: Path, samples: list[Path], options: Options) -> Any:
    videos = [tool.load(str(path)) for path in (source, *samples)]
    if options.quick:
        videos = [tool.half(video) for video in videos]
    return tool.evaluate(videos[0], videos[1:])


def _load_tool(path: Path) -> ModuleType:
    spec = spec_from_file_location("quality", path)
    assert spec is not None
    assert spec.loader is not None
    tool = module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool
