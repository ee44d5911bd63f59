"""Make the pictures of the README and of these pages: ``python docs/make_pictures.py``.

The README's picture is the sample clip with three videos generated from it. The others come from
the notebooks, which are run for this.
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
