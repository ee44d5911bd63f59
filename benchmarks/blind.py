"""A page for eyes: ``python benchmarks/blind.py [CLIP ...]`` writes pairs to choose between.

Each pair is one of our samples, and one of the paper's or one with `layout="noise"`, which is how
layouts were made before. Which of them is on the left is drawn at random in the page. All are
compressed as the paper's are, since otherwise compression alone would tell them apart.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Template
from typing import NamedTuple

import click
import numpy as np
from harness import Options, arguments
from numpy.typing import NDArray
from quality_cases import CORNER, SEEDS, compressed
from speed_cases import CLIPS

import patchvid
from patchvid.display.notebook import data_uri, encode

Video = NDArray[np.uint8]

TEMPLATE = Path(__file__).with_suffix(".html")
THEIRS, BEFORE = "the paper's", "layout='noise'"


class Pair(NamedTuple):
    """Two videos made from one clip, by its name."""

    clip: str
    against: str
    seed: int
    ours: Video
    other: Video


def pairs_of(path: Path, video: Video, seeds: Sequence[int], *, quick: bool) -> Iterator[Pair]:
    """Pairs for every seed: against samples of the paper that lie beside the clip, and before."""
    published = sorted(path.parent.glob(f"{path.stem}.vgpnn*.mp4"))
    for number, seed in enumerate(seeds):
        ours = compressed(patchvid.generate(video, seed=seed))
        if number < len(published):
            theirs, _ = patchvid.read_video(published[number])
            yield Pair(path.stem, THEIRS, seed, ours, theirs[CORNER] if quick else theirs)
        before = compressed(patchvid.generate(video, seed=seed, layout="noise"))
        yield Pair(path.stem, BEFORE, seed, ours, before)


def write_page(
    target: Path, clips: dict[str, Video], pairs: Sequence[Pair], fps: dict[str, float]
) -> None:
    """Write a page that fetches nothing."""

    def film(video: Video, clip: str) -> str:
        _, height, width, _ = video.shape
        return data_uri("video/mp4", encode(video[:, : height & ~1, : width & ~1], fps[clip]))

    data = {
        "sources": {name: film(video, name) for name, video in clips.items()},
        "pairs": [
            {**pair._asdict(), "ours": film(pair.ours, pair.clip),
             "other": film(pair.other, pair.clip)}
            for pair in pairs
        ],
    }  # fmt: skip
    # Choices are kept under this name; those for other videos are not shown again.
    name = hashlib.sha256(json.dumps(data).encode()).hexdigest()[:16]
    text = json.dumps({"id": f"blind {name}", **data}).replace("</", "<\\/")
    page = Template(TEMPLATE.read_text("utf-8")).substitute(data=text)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page, encoding="utf-8")


@click.command()
@click.argument(
    "clips", nargs=-1, type=click.Path(path_type=Path, exists=True), metavar="[CLIP]..."
)
@click.option("--samples", type=click.IntRange(1, len(SEEDS)), default=3, help="Samples of a clip.")
@arguments
def main(clips: tuple[Path, ...], samples: int, options: Options, results: Path) -> None:
    """Write a page with pairs of samples from the clips, by default those of the paper."""
    paths = clips or [options.data(f"clips/generation/{name}.mp4") for name in CLIPS]
    sources, rates, pairs = {}, {}, []
    for path in options.some(paths):
        video, fps = patchvid.read_video(path)
        video = video[CORNER] if options.quick else video
        sources[path.stem], rates[path.stem] = video, fps or 10.0
        seeds = options.some(SEEDS[:samples])
        pairs += pairs_of(path, video, seeds, quick=options.quick)
    target = results / ("blind-quick.html" if options.quick else "blind.html")
    write_page(target, sources, pairs, rates)
    click.echo(target)


if __name__ == "__main__":
    main()
