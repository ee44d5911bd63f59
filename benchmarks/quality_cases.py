"""Our samples against the paper's own, by the measures of the shared tool and of patchvid.

Compression hides differences. The paper's samples are H.264 at x264's default rate. A plain cutout
of the source at that rate is no closer to the source than they are. So our samples are measured
twice: compressed by `write_video`, and compressed like the paper's. The cutout, which is as
coherent as a video can be, is measured in both ways, too.
"""

from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import av
import numpy as np
from harness import Options, Row, Rows
from numpy.typing import NDArray
from speed_cases import CLIPS

import patchvid
from patchvid import metrics

SEEDS = range(500, 509)  # the defaults were chosen with other seeds
SET = 3  # samples for each diversity index: the paper has three
# Limits of the ratio of ours to the paper's, for what the shared tool measures.
LIMITS = {
    "coherence": "<= 0.7",
    "swd": "<= 0.4",
    "completeness": "<= 0.25",
    "diversity": ">= 1",
}
# The same for what patchvid measures.
OWN_LIMITS = {
    "layout": None,
    "nnfdiv": ">= 1",
    "nnfdist": None,
    "longest_run": None,
    "flicker": None,
}
CORNER = np.s_[:5, :24, :32]  # for quick runs
CUTOUT = np.s_[:, 5:-3, 9:-7]  # no multiple of the macroblocks of the source's own compression

Write = Callable[[Path, NDArray[np.uint8], float], object]


def quality(options: Options) -> Rows:
    """Measure all clips with nine seeds; a quick run takes a corner of one clip and three seeds."""
    tool = _load_tool(options.data("tools/quality.py"))
    seeds = SEEDS[:SET] if options.quick else SEEDS
    table: list[Row] = []
    for name in options.some(CLIPS):
        source = options.data(f"clips/generation/{name}.mp4")
        video, fps = patchvid.read_video(source)
        video = video[CORNER] if options.quick else video
        made = [patchvid.generate(video, seed=seed) for seed in seeds]
        published = sorted(source.parent.glob(f"{name}.vgpnn*.mp4"))
        theirs = _evaluate(tool, source, published, options)
        for encoding, write in ENCODINGS.items():
            with TemporaryDirectory() as folder:
                samples = list(_write(made, fps or 10.0, write, Path(folder)))
                ours = _evaluate(tool, source, samples, options)
                (cutout,) = _write([video[CUTOUT]], fps or 10.0, write, Path(folder))
                ideal = _evaluate(tool, source, [cutout], options)
            for measure in LIMITS | OWN_LIMITS:
                row = _row(name, encoding, measure, theirs[measure], ours[measure])
                if measure == "coherence":
                    row["a cutout's"] = ideal[measure]
                table.append(row)
                yield "quality", row
    for encoding in ENCODINGS:
        for measure, limit in (LIMITS | OWN_LIMITS).items():
            rows = [r for r in table if (r["measure"], r["encoding"]) == (measure, encoding)]
            means = (mean(row[who] for row in rows) for who in ("the paper's", "ours"))
            row = _row("mean", encoding, measure, *means)
            row["mean of ratios"] = mean(row["ratio"] for row in rows)
            row["limit"] = None if options.quick else limit
            yield "quality", row


def _row(clip: str, encoding: str, measure: str, theirs: float, ours: float) -> Row:
    return {
        "clip": clip,
        "encoding": encoding,
        "measure": measure,
        "the paper's": theirs,
        "ours": ours,
        "ratio": ours / theirs,
    }


def _write(
    videos: list[NDArray[np.uint8]], fps: float, write: Write, folder: Path
) -> Iterator[Path]:
    """Write videos as compressed files, as the published ones are."""
    for number, video in enumerate(videos):
        target = folder / f"{len(videos)}_{number}.mp4"
        write(target, video, fps)
        yield target


def _write_ours(target: Path, video: NDArray[np.uint8], fps: float) -> None:
    patchvid.write_video(target, video, fps=fps)


def _write_theirs(target: Path, video: NDArray[np.uint8], fps: float) -> None:
    """Write H.264 with x264's defaults, which the published files name."""
    with av.open(str(target), "w") as container:
        stream = container.add_stream("libx264", rate=round(fps), options={"crf": "23"})
        stream.height, stream.width = video.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for pixels in video:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())


ENCODINGS: dict[str, Write] = {"write_video": _write_ours, "x264, crf 23": _write_theirs}


def compressed(video: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Write a video to a file like the paper's, whose sides must be even, and read it back."""
    _, height, width, _ = video.shape
    even = np.pad(video, [(0, 0), (0, height % 2), (0, width % 2), (0, 0)], mode="edge")
    with TemporaryDirectory() as folder:
        target = Path(folder, "sample.mp4")
        ENCODINGS["x264, crf 23"](target, even, 10.0)
        return patchvid.read_video(target)[0][:, :height, :width]


def _evaluate(tool: ModuleType, source: Path, samples: list[Path], options: Options) -> Any:
    videos = [tool.load(str(path)) for path in (source, *samples)]
    if options.quick:
        videos = [video[CORNER] for video in videos]
    source_video, *made = videos
    sets = [made[first : first + SET] for first in range(0, len(made), SET)]
    results = [tool.evaluate(source_video, some) for some in sets]
    own = metrics.evaluate(source_video, made, progress=False).mean._asdict()
    return {
        **{name: mean(result[name] for result in results) for name in LIMITS if results[0][name]},
        **{name: own[name].value for name in OWN_LIMITS},
    }


def _load_tool(path: Path) -> ModuleType:
    spec = spec_from_file_location("quality", path)
    assert spec is not None
    assert spec.loader is not None
    tool = module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool
