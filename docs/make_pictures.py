"""Make the pictures of the README and of these pages: ``python docs/make_pictures.py``.

The README's picture is the sample clip with three videos generated from it. The picture of novelty
and structure starts from a shore that is drawn here. The others come from the notebooks, which are
run for this.
"""

import runpy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image

import patchvid
from patchvid import plot
from patchvid.data.sample_clip import SAMPLE_FPS

HERE = Path(__file__).parent
TARGET = HERE / "pictures"
SEEDS = (1, 2, 3)
GAP = 8  # transparent pixels between the films

Video = NDArray[np.uint8]


def main() -> None:
    matplotlib.use("agg")
    clip = patchvid.sample_clip()
    samples = [patchvid.generate(clip, seed=seed) for seed in SEEDS]
    write_film("koi", [[clip, samples[0]], samples[1:]], quality=75)

    shore = draw_shore()
    novel, placed = (
        [patchvid.generate(shore, seed=1, **{name: value})[:1] for value in values]
        for name, values in (("novelty", (0, 1)), ("structure", (0, 0.3, 1)))
    )
    write_film("knobs", [[shore[:1], *novel], placed])

    made = run("1_generate")
    levels = [patchvid.resize(level, made["clip"].shape[:3]) for level in made["pyramid"][1::4]]
    labels = ["x".join(map(str, level.shape[:3])) for level in made["pyramid"][1::4]]
    write_figure("pyramid", plot.side_by_side(*levels, labels=labels, frames=1)[0][0])
    result = made["result"]
    write_figure("field", plot.field_map(result.nnf[0], made["clip"].shape))

    made = run("2_analogies")
    write_film("analogy", [[made["content"], made["pond"], made["labelled"]]])
    write_film("sketch", [[made["sketch"], made["style"], made["drawn"]]])

    made = run("3_edit")
    write_film("retarget", [[made["clip"], made["narrow"], made["squeezed"]]])
    write_film("inpaint", [[made["clip"], made["hole"], made["filled"]]])

    made = run("4_arrays")
    fields = [made[name][..., :1] for name in ("truth", "seen", "nearest", "filled")]
    colours = {"cmap": "RdBu_r", "vmin": -3, "vmax": 3}
    labels = ["truth", "seen", "nearest neighbours", "search and vote"]
    write_figure("gaps", plot.side_by_side(*fields, labels=labels, frames=2, **colours)[0][0])


def draw_shore() -> Video:
    """Draw two boats on a sea, before a sky and behind a beach: (12, 72, 128, 3)."""
    t, y, x = np.meshgrid(*map(np.arange, (12, 72, 128)), indexing="ij")
    clouds = np.sin(x / 11 + t / 12 + np.sin(y / 3)) + np.sin(x / 23 - y / 5 + 2) - 0.4
    waves = np.sin(x / 3.1 + t / 2 + 3 * np.sin(y / 5)) * np.sin(y / 2.3 - t / 3)
    grains = np.random.default_rng(0).normal(size=(72, 128))

    video = np.stack([150 + y, 185 + y, 235 + 0 * y]) + 26 * clouds.clip(0, 2)
    sun = np.square(x - 100) + np.square(y - 11) < 40
    video = np.where(sun, np.reshape([255, 240, 180], (3, 1, 1, 1)), video)
    sea = np.stack([20 + y / 3, 70 + y, 110 + y]) + 16 * waves
    video = np.where(y >= 28, sea, video)
    beach = np.reshape([215, 190, 140], (3, 1, 1, 1)) + 7 * grains
    video = np.where(y >= 56 + np.sin(x / 17 + t / 4), beach, video)
    for left, top, speed in ((20, 34, 0.6), (78, 42, -0.5)):
        across, down = x - left - speed * t, y - top
        sail = (down >= -14) & (down < 0) & (across > 0) & (across < (down + 15) / 2)
        hull = (down >= 0) & (down < 4) & (np.abs(across - 1) < 9 - down)
        video = np.where(sail, 250, video)
        video = np.where(hull, np.reshape([140, 40, 30], (3, 1, 1, 1)), video)
    frames: Video = np.moveaxis(video, 0, -1).clip(0, 255).astype(np.uint8)
    return frames


def run(notebook: str) -> dict[str, Any]:
    """Run a notebook and return its variables by name."""
    return runpy.run_path(str(HERE.parent / "notebooks" / f"{notebook}.py"))


def write_film(name: str, rows: Sequence[Sequence[Video]], quality: int = 60) -> None:
    """Write an animation of films in rows, with transparent gaps between them."""
    height = sum(row[0].shape[1] + GAP for row in rows) - GAP
    width = sum(film.shape[2] + GAP for film in rows[0]) - GAP
    picture = np.zeros((len(rows[0][0]), height, width, 4), np.uint8)
    top = 0
    for row in rows:
        left = 0
        for film in row:
            _, down, right, _ = film.shape
            picture[:, top : top + down, left : left + right] = 255
            picture[:, top : top + down, left : left + right, :3] = film
            left += right + GAP
        top += row[0].shape[1] + GAP
    first, *others = map(Image.fromarray, picture)
    duration = round(1000 / SAMPLE_FPS)
    options = {"duration": duration, "loop": 0, "quality": quality, "method": 6}
    first.save(target(name), save_all=True, append_images=others, **options)
    report(name)


def write_figure(name: str, axes: Any) -> None:
    """Write the figure of these axes."""
    options = {"quality": 80, "method": 6}
    axes.figure.savefig(target(name), dpi=120, bbox_inches="tight", pil_kwargs=options)
    report(name)


def target(name: str) -> Path:
    return TARGET / f"{name}.webp"


def report(name: str) -> None:
    print(f"{target(name)}: {target(name).stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
