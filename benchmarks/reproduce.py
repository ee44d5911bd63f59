"""The paper's Table 1 and Figure 6 again: ``python benchmarks/reproduce.py [--quick]``.

Writes the numbers as CSV, the figure as PNG and both as Markdown. Numbers of the paper are marked
as quoted, and those that would take too long to measure as extrapolated. See README.md.

Reference: Haim et al., "Diverse Generation from a Single Video Made Possible" (ECCV 2022).
"""

import csv
import os
from collections.abc import Iterator
from functools import partial
from math import prod
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np
from environment import describe, load, name_results
from harness import Options, Row, Rows, arguments, collect, timed
from numpy.typing import NDArray
from quality_cases import SEEDS, SET, compressed
from result_files import to_markdown
from runtime_figure import draw

import patchvid
from patchvid._device import backend
from patchvid._validation import Triple
from patchvid.core.pyramid import plan_levels
from patchvid.metrics import evaluate

Video = NDArray[np.uint8]

SETS = {
    "13 frames": ("generation", ("air_ballons_cut", "fish", "skydivers")),
    "8 frames": ("singangif", ("birds",)),
}
MAKERS = {"vgpnn": "VGPNN, its own samples", "hpvaegan": "HP-VAE-GAN, its own samples"}
OURS = "patchvid"

DAY = 24 * 3600.0
QUOTED = (  # Table 1: by set and maker, SVFID and seconds
    ("13 frames", "HP-VAE-GAN", 0.0081, 7.625 * DAY),
    ("13 frames", "VGPNN", 0.0072, 18.0),
    ("8 frames", "SinGAN-GIF", 0.0119, None),
    ("8 frames", "VGPNN", 0.0058, 10.0),
)

N_FRAMES = 13
HEIGHTS = (144, 240, 360, 480, 720, 1080)
SMALL_HEIGHTS = (24, 36)  # at which exhaustive search is measured
QUOTED_RUNTIMES = {
    "VGPNN": {144: 18.0, 720: 360.0, 1080: 540.0},
    "HP-VAE-GAN": {144: 7.625 * DAY},
}


def table1(options: Options) -> Rows:
    """Measure quality and runtime of our samples, and quality of the published ones.

    All are read from compressed video; ours are compressed at the rate of the paper's.
    """
    for name, (folder, clips) in SETS.items():
        for clip in options.some(clips):
            yield from _compare(options, name, options.data(f"clips/{folder}/{clip}.mp4"))
    for name, maker, svfid, seconds in QUOTED:
        yield "Table 1, quoted", {
            "set": name, "maker": maker, "SVFID": svfid, "s a sample": seconds, "source": "quoted",
        }  # fmt: skip


def _compare(options: Options, name: str, path: Path) -> Rows:
    def read(file: Path) -> Video:
        video, _ = patchvid.read_video(file)
        return patchvid.resize(video[:4], (4, 24, 32)) if options.quick else video

    source = read(path)
    seeds = options.some(SEEDS[:SET])
    make = partial(patchvid.generate, source)
    make(seed=0)  # compiles what is not yet compiled
    made: list[Video] = []
    seconds = median(timed(lambda: made.append(make(seed=seeds[len(made)])), len(seeds)))
    sets = {OURS: [compressed(video) for video in made]}
    for kind, maker in MAKERS.items():
        sets[maker] = [read(file) for file in sorted(path.parent.glob(f"{path.stem}.{kind}*.mp4"))]
    for maker, samples in sets.items():
        if samples:
            scores = evaluate(source, samples, weights=os.environ.get("PATCHVID_C3D"))
            row: Row = {"set": name, "clip": path.stem, "maker": maker, "samples": len(samples)}
            for measure, estimate in scores.mean._asdict().items():
                row[measure] = estimate and estimate.value
            row["diversity"] = scores.diversity
            row["s a sample"] = seconds if maker == OURS else None
            yield "Table 1", row


def figure6(options: Options) -> Rows:
    """Measure the runtime by size of the frames, on every device and by exhaustive search."""
    video, _ = patchvid.read_video(options.data("clips/large/balloons_1080p.mp4"))
    heights = (24, 36) if options.quick else HEIGHTS
    for device in _devices():
        for height in heights:
            clip = patchvid.resize(video[:N_FRAMES], _shape(height))
            make = partial(patchvid.generate, clip, seed=0, device=device)
            if height == heights[0]:
                make()
            seconds = median(timed(make, options.repeats(3) if height <= 240 else 1))
            yield _runtime(f"{OURS}, {device}", height, seconds, "measured")
    yield from _exhaustive(video, (12,) if options.quick else SMALL_HEIGHTS, heights)
    for maker, runtimes in QUOTED_RUNTIMES.items():
        for height, seconds in runtimes.items():
            yield _runtime(maker, height, seconds, "quoted")


def _devices() -> Iterator[str]:
    for device in ("cpu", "cuda"):
        try:
            backend(device)
        except patchvid.DeviceError:
            continue
        yield device


def _exhaustive(video: Video, measured: tuple[int, ...], others: tuple[int, ...]) -> Rows:
    """Time all searches of the paper's schedule, where each patch is compared with all others.

    For sizes at which this takes too long, the number of products is divided by the rate of the
    largest size that was measured. In fact memory would run out first, as the paper says of its own
    comparison.
    """
    name = "exhaustive search, cpu"
    rate = 1.0
    for height in measured:
        clip = patchvid.resize(video[:N_FRAMES], _shape(height))
        (seconds,) = timed(partial(_search_all, clip), 1)
        rate = _n_products(_shape(height)) / seconds
        yield _runtime(name, height, seconds, "measured")
    for height in others:
        yield _runtime(name, height, _n_products(_shape(height)) / rate, "extrapolated")


def _search_all(clip: Video) -> None:
    levels = patchvid.build_pyramid(clip)
    for level, (_, patch, iterations) in zip(levels, _schedule(clip.shape[:3])):
        for _ in range(iterations):
            patchvid.search(level[::-1], level, patch=patch, method="exact")


def _n_products(shape: Triple) -> float:
    """Count the products of values: each patch of a level with all others, in every iteration."""
    total = 0.0
    for size, patch, iterations in _schedule(shape):
        n_patches = prod(n - k + 1 for n, k in zip(size, patch))
        total += iterations * float(n_patches) ** 2 * prod(patch)
    return total


def _schedule(shape: Any) -> list[tuple[Triple, Triple, int]]:
    """List the levels, coarsest first, with the patch and iterations that the paper gives them."""
    plan = []
    for number, level in enumerate(plan_levels(shape)):
        n_voxels = prod(level.shape)
        patch = (3, 5, 5) if n_voxels > 7_500_000 else (3, 7, 7)
        iterations = 1 if number == 0 or n_voxels > 3_000_000 else 5
        plan.append((level.shape, patch, iterations))
    return plan


def _shape(height: int) -> Triple:
    return N_FRAMES, height, 2 * round(height * 8 / 9)


def _runtime(maker: str, height: int, seconds: float, source: str) -> tuple[str, Row]:
    size = "x".join(map(str, _shape(height)))
    return "Figure 6", {
        "maker": maker, "height": height, "size": size, "seconds": seconds, "source": source,
    }  # fmt: skip


# -------------------------------------------------------------------------------------------------
# Files
# -------------------------------------------------------------------------------------------------


@click.command()
@arguments
def main(options: Options, results: Path) -> None:
    """Repeat the paper's Table 1 and Figure 6 on this machine."""
    about = describe()
    tables = collect([table1, figure6], options)
    about["load average, end"] = load()
    ending = "-reproduce-quick" if options.quick else "-reproduce"
    stem = str(name_results(results, about, ending))
    for name, rows in tables.items():
        _write_csv(Path(f"{stem}-{name.lower().replace(', ', '-').replace(' ', '')}.csv"), rows)
    markdown = to_markdown({"about": about, "tables": tables})
    try:
        picture = Path(f"{stem}-figure6.png")
        draw(tables["Figure 6"], picture, about)
        markdown += f"\n![Runtime over the size of the frames]({picture.name})\n"
    except (KeyError, ImportError) as error:
        click.echo(f"no picture of Figure 6: {error}", err=True)
    Path(f"{stem}.md").write_text(markdown, encoding="utf-8")
    click.echo(f"{stem}.md")


def _write_csv(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
