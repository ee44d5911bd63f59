"""Times that a user waits for: whole clips, single calls and starting up, with their limits."""

from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from harness import Options, Row, Rows, run_alone, timed
from numpy.typing import NDArray

import patchvid

CLIPS = ("air_ballons_cut", "fish", "skydivers")
PATCH = (3, 7, 7)
MAX_SWEEPS = 30
SMALL = ("--frames", "0:4", "--max-size", "96")  # for quick runs, and to have kernels compiled


def clips(options: Options) -> Rows:
    """Time one sample with default settings, without the first call."""
    for name in options.some(CLIPS):
        video, _ = patchvid.read_video(options.data(f"clips/generation/{name}.mp4"))
        if options.quick:
            video = video[:5, :48, :64]
        patchvid.generate(video, seed=0)
        seconds = median(timed(partial(patchvid.generate, video, seed=1), options.repeats(3)))
        yield _row(options, f"generate, {name}, {_size(video)}", seconds, "s", 3, 1.5)


def golden(options: Options) -> Rows:
    """Time a search from a random start to nearly the cost of a published field."""
    name = "nnf_level06_j0" if options.quick else "nnf_level12_j0"
    data = np.load(options.data(f"golden/{name}.npz"))
    query, key = _as_bytes(data["query"]), _as_bytes(data["key"])
    published = patchvid.patch_distance(query, key, data["official_nnf"], patch=PATCH).mean()

    def ratio(**settings: Any) -> float:
        _, cost = patchvid.search(query, key, patch=PATCH, seed=0, **settings)
        return float(cost.mean() / published)

    case = f"search, {name}"
    ratios = (ratio(sweeps=sweeps) for sweeps in range(1, MAX_SWEEPS + 1))
    needed = next((number for number, r in enumerate(ratios, 1) if r <= 1.02), None)
    seconds = None
    if needed:
        seconds = median(timed(lambda: ratio(sweeps=needed), options.repeats(5)))
    yield _row(options, f"{case}, random start to 1.02x the published cost", seconds, "s", 1, 0.4)
    yield _row(options, f"{case}, sweeps for that", needed, "")
    yield _row(options, f"{case}, default sweeps, cost / published", ratio(), "")


def vote(options: Options) -> Rows:
    """Time a median vote with a published field."""
    name = "nnf_level06_j0" if options.quick else "nnf_level12_j0"
    data = np.load(options.data(f"golden/{name}.npz"))
    value, nnf = _as_bytes(data["key"]), data["official_nnf"]
    seconds = median(timed(lambda: patchvid.vote(value, nnf, patch=PATCH), options.repeats(9)))
    yield _row(options, f"vote, median, {_size(value)}", seconds, "s", 0.08, 0.03)


def birds_360p(options: Options) -> Rows:
    """81 frames of 360x640."""
    yield from _big(options, "birds_360p", (90, 45))


def balloons_1080p(options: Options) -> Rows:
    """16 frames of 1080x1920."""
    yield from _big(options, "balloons_1080p", (150, 75), (3, 2))


def startup(options: Options) -> Rows:
    """Time processes that do nearly nothing, from start to end; a quick run starts them once."""
    for case, command, limit in (
        ("import patchvid", ("-c", "import patchvid"), 0.15),
        ("patchvid --help", ("-m", "patchvid", "--help"), 0.3),
    ):
        seconds = median(run_alone(*command).seconds for _ in range(options.repeats(9)))
        yield _row(options._replace(quick=False), case, seconds, "s", limit)


def first_run(options: Options) -> Rows:
    """Time `patchvid gen` on the sample clip, with no compiled kernels in the cache.

    A quick run compiles nothing.
    """
    with TemporaryDirectory() as folder:
        command = ("-m", "patchvid", "gen", "-o", Path(folder, "first.mp4"), "--seed", "0")
        if options.quick:
            seconds = run_alone(*command, *SMALL).seconds
        else:
            seconds = run_alone(*command, NUMBA_CACHE_DIR=Path(folder, "cache")).seconds
    yield _row(options, "first patchvid gen, with compilation", seconds, "s", 30, 15)


def growth(options: Options) -> Rows:
    """Measure the time per voxel by size of the frames, with the same patch and iterations."""
    video, _ = patchvid.read_video(options.data("clips/large/balloons_1080p.mp4"))
    smallest = None
    for height in (36, 72) if options.quick else (144, 360, 720, 1080):
        clip = patchvid.resize(video, (len(video), height, height * 16 // 9))
        make = partial(patchvid.generate, clip, seed=0, patch=PATCH, iterations=1)
        if smallest is None:
            make()
        seconds = min(timed(make, options.repeats(3) if height < 360 else 1))
        each = seconds / (clip.size // clip.shape[3])
        smallest = smallest or each
        row = {"size": _size(clip), "µs a voxel": 1e6 * each, "to the smallest": each / smallest}
        yield "growth", row


def _big(
    options: Options, name: str, seconds: tuple[float, float], peak_gb: tuple[float, ...] = ()
) -> Rows:
    """``patchvid gen`` on a large clip, in a process of its own, with compiled kernels."""
    with TemporaryDirectory() as folder:
        clip, target = options.data(f"clips/large/{name}.mp4"), Path(folder, "big.mp4")
        command = ("-m", "patchvid", "gen", clip, "-o", target, "--seed", "0", "--overwrite")
        usage = run_alone(*command, *SMALL)
        if not options.quick:
            usage = run_alone(*command)
    yield _row(options, f"patchvid gen {name}.mp4", usage.seconds, "s", *seconds)
    yield _row(options, f"patchvid gen {name}.mp4, peak memory", usage.peak_gb, "GB", *peak_gb)


def _row(
    options: Options, case: str, measured: float | None, unit: str,
    at_most: float | None = None, aim: float | None = None,
) -> tuple[str, Row]:  # fmt: skip
    """Make a row of the table; limits hold for the real inputs, not for those of a quick run."""
    row = {"case": case, "measured": measured, "unit": unit, "at most": at_most, "aim": aim}
    if options.quick:
        row |= {"case": f"{case} (small)", "at most": None, "aim": None}
    return "speed", row


def _as_bytes(video: NDArray[Any]) -> NDArray[np.uint8]:
    """8 bits from values that span [-1, 1]."""
    return np.clip(np.rint((video.astype(np.float32) + 1) * 127.5), 0, 255).astype(np.uint8)


def _size(video: NDArray[Any]) -> str:
    return "x".join(map(str, video.shape[:3]))
