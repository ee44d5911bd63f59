"""Other widths, against resizing and seam carving; and the time of retargeting and inpainting.

Seam carving is that of the package seam-carving (``pip install seam-carving``), which works
on pictures only. So it is measured in two ways: seams are found anew in every frame, or they are
found once, in the mean of all frames, and removed from all of them.
"""

from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from typing import Any

import numpy as np
from harness import Options, Row, Rows, timed
from numpy.typing import NDArray

import patchvid
from patchvid import metrics

Video = NDArray[np.uint8]
Size = tuple[int, int, int]

CLIPS = ("large/birds_360p", "generation/air_ballons_cut")
HEIGHT = 90
WIDTHS = (0.5, 1.5)
SCALES = ((1, 1, 0.5), (1, 1, 1.5), (0.5, 1, 1), (2, 1, 1))
RED, BLUE = 0.2125, 0.0721  # weights of these channels in the package's grey


def retarget(options: Options) -> Rows:
    """Measure coherence, completeness and flicker at half and at one and a half times the width."""
    for name in CLIPS[1:] if options.quick else CLIPS:
        video = _read(options, f"clips/{name}.mp4", 48 if options.quick else HEIGHT)
        still = _change(video)
        for factor in WIDTHS:
            size = (*video.shape[:2], round(factor * video.shape[2]))
            for maker, output, seconds in _outputs(video, size):
                yield (
                    "retarget",
                    {
                        "clip": f"{name}, {_size(video)}",
                        "to": _size(output),
                        "maker": maker,
                        "coherence": metrics.coherence(video, output).value,
                        "completeness": metrics.completeness(video, output).value,
                        "change a frame, relative": _change(output) / still,
                        "seconds": seconds,
                    },
                )
    if _installed() is None:
        reason = "seam-carving is not installed (pip install seam-carving)"
        yield "retarget, left out", {"maker": "seam carving", "reason": reason}


def edits(options: Options) -> Rows:
    """Time the filling of a hole of 100x100 pixels, and the change of a 360p clip to four sizes."""
    video = _read(options, "clips/inpaint/soccer_original.mp4", 60 if options.quick else None)
    side = 24 if options.quick else 100
    top, left = ((n - side) // 2 for n in video.shape[1:3])
    hole = np.zeros(video.shape[1:3], bool)
    hole[top : top + side, left : left + side] = True
    patchvid.inpaint(video[:4], hole, seed=0)
    seconds = min(timed(lambda: patchvid.inpaint(video, hole, seed=0), options.repeats(3)))
    case = f"inpaint, a hole of {len(video)}x{side}x{side} in {_size(video)}"
    yield _row(options, case, seconds, 10)
    video = _read(options, "clips/large/birds_360p.mp4", 48 if options.quick else None)
    for scale in options.some(SCALES):
        start = perf_counter()
        output = patchvid.retarget(video, scale=scale, seed=0)
        seconds = perf_counter() - start
        yield _row(options, f"retarget, {_size(video)} to {_size(output)}", seconds)


def _outputs(video: Video, size: Size) -> Iterator[tuple[str, Video, float]]:
    """Yield each maker, the clip that it brought to the new size, and the seconds it took."""
    makers: dict[str, Callable[[Video, Size], Video]] = {
        "patchvid.retarget": lambda video, size: patchvid.retarget(video, size=size, seed=0),
        "resizing": patchvid.resize,
    }
    if installed := _installed():
        makers[f"seam-carving {installed}, every frame"] = _carve_frames
        makers[f"seam-carving {installed}, the mean frame"] = _carve_all
    for maker, make in makers.items():
        start = perf_counter()
        output = make(video, size)
        yield maker, output, perf_counter() - start


def _installed() -> str | None:
    try:
        return version("seam-carving")
    except PackageNotFoundError:
        return None


def _carve_frames(video: Video, size: Size) -> Video:
    import seam_carving

    return np.stack([seam_carving.resize(frame, size[:0:-1]) for frame in video])


def _carve_all(video: Video, size: Size) -> Video:
    """Carve the mean of all frames, and resample every frame at the columns that are left.

    The package returns a picture and no columns, so the number of each column is carried along in
    the red and the blue of the picture, which cancel each other in the grey that it looks at.
    """
    import seam_carving

    _, height, width, _ = video.shape
    columns = np.broadcast_to(np.arange(width, dtype=np.float64), (height, width))
    picture = np.stack([columns, video.mean(axis=(0, 3)), -columns * RED / BLUE], axis=-1)
    places = seam_carving.resize(picture, size[:0:-1])[..., 0].clip(0, width - 1)
    before = np.floor(places).astype(int)
    after = np.minimum(before + 1, width - 1)
    share = (places - before)[..., None]
    rows = np.arange(height)[:, None]
    mixed = (1 - share) * video[:, rows, before] + share * video[:, rows, after]
    return np.rint(mixed).astype(np.uint8)


def _read(options: Options, name: str, height: int | None) -> Any:
    """A clip, shrunk to a height; a quick run takes its beginning."""
    video, _ = patchvid.read_video(options.data(name), frames=(0, 6 if options.quick else None))
    if height is None:
        return video
    width = round(video.shape[2] * height / video.shape[1])
    return patchvid.resize(video, (len(video), height, width))


def _change(video: Video) -> float:
    """Mean difference between a frame and the next."""
    return float(np.abs(np.diff(video.astype(np.float32), axis=0)).mean())


def _row(
    options: Options, case: str, seconds: float, at_most: float | None = None
) -> tuple[str, Row]:
    if options.quick:
        case, at_most = f"{case} (small)", None
    return "edits", {"case": case, "measured": seconds, "unit": "s", "at most": at_most}


def _size(video: Video) -> str:
    return "x".join(map(str, video.shape[:3]))
