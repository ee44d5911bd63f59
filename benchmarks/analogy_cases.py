"""Our analogies against the paper's: coherence with the style, and motion where the layout has it.

Motion is measured by optical flow, for all films with the same network and weights. The paper's
films are compressed, so ours are compressed first.
"""

from typing import Any

import numpy as np
from harness import Options, Row, Rows, timed
from numpy.typing import NDArray
from quality_cases import compressed

import patchvid
from patchvid.metrics import coherence

Video = NDArray[np.uint8]

SEEDS = range(100, 103)
FLOW_SECONDS, SECONDS = (40, None), (60, 25)  # at most, and aim


def analogies(options: Options) -> Rows:
    """Measure two analogies: lava that falls like water, and soldiers that walk along a digit."""
    content, style, theirs = _read(options, "waterfall", "lava", "waterfall2lava.vgpnn")
    flows: list[Any] = []
    seeds = options.some(SEEDS)
    (seconds,) = timed(lambda: flows.extend(_flow(options, v) for v in (content, style)), 1)
    yield _row(options, "waterfall, lava: both flows", seconds, None, "s", *FLOW_SECONDS)
    made: list[Video] = []

    def make(seed: int) -> None:
        made.append(patchvid.analogy(content, style, flow=tuple(flows), seed=seed))

    make(0)  # compiles what is not yet compiled
    made.clear()
    seconds = min(timed(lambda: make(seeds[len(made)]), len(seeds)))
    yield _row(options, "waterfall to lava, without the flows", seconds, None, "s", *SECONDS)
    yield from _compare(options, "waterfall to lava", _speed(flows[0]), style, made, theirs)

    content, style, theirs = _read(options, "sketch0", "soldiers", "sketch0_soldiers.vgpnn")
    made = [patchvid.analogy(content, style, **patchvid.SKETCH, seed=seed) for seed in seeds]
    strokes = 255 - content[:-1].mean(axis=3)
    yield from _compare(options, "sketch0 to soldiers", strokes, style, made, theirs)


def _compare(
    options: Options, case: str, layout: Any, style: Video, made: list[Video], theirs: Video
) -> Rows:
    """Measure coherence with the style, and the correlation of a film's speed with a layout."""
    films = [compressed(video) for video in made]
    coherences = [coherence(style, film).value for film in (theirs, *films)]
    yield _row(options, f"{case}: coherence", np.mean(coherences[1:]), coherences[0], "")
    laid_out = [_correlation(options, film, layout) for film in (theirs, *films)]
    yield _row(options, f"{case}: motion with layout", np.mean(laid_out[1:]), laid_out[0], "")


def _correlation(options: Options, film: Video, layout: Any) -> float:
    """Correlate over space and time; the paper's films differ in size from their layouts."""
    film = patchvid.resize(film, (len(layout) + 1, *layout.shape[1:]))
    return float(np.corrcoef(_speed(_flow(options, film)).ravel(), layout.ravel())[0, 1])


def _flow(options: Options, video: Video) -> Any:
    method = "classical" if options.quick else "raft"
    weights = options.data("raft/raft-small.pth")
    return patchvid.optical_flow(video, method=method, weights=weights)


def _speed(flow: Any) -> Any:
    return np.hypot(flow[..., 0], flow[..., 1])


def _read(options: Options, *names: str) -> list[Video]:
    """Read films of the shared data; a quick run takes a few small frames."""
    films = [patchvid.read_video(options.data(f"clips/analogy/{name}.mp4"))[0] for name in names]
    return [patchvid.resize(film[:6], (6, 48, 64)) if options.quick else film for film in films]


def _row(
    options: Options, case: str, ours: Any, theirs: float | None, unit: str,
    at_most: float | None = None, aim: float | None = None,
) -> tuple[str, Row]:  # fmt: skip
    if options.quick:
        case, at_most, aim = f"{case} (small)", None, None
    return "analogies", {
        "case": case, "ours": float(ours), "the paper's": theirs, "unit": unit,
        "at most": at_most, "aim": aim,
    }  # fmt: skip
