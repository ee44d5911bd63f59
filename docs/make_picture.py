"""Make the README's picture: ``python docs/make_picture.py`` writes ``docs/koi.webp``.

The sample clip, top left, and three videos generated from it, playing in step.
"""

from pathlib import Path

import numpy as np
from PIL import Image

import patchvid
from patchvid.sample import SAMPLE_FPS

SEEDS = (1, 2, 3)
GAP = 8  # transparent pixels between the films
QUALITY = 75
TARGET = Path(__file__).with_name("koi.webp")


def main() -> None:
    clip = patchvid.sample_clip()
    films = [clip, *(patchvid.generate(clip, seed=seed) for seed in SEEDS)]
    n_frames, height, width, _ = clip.shape
    picture = np.zeros((n_frames, 2 * height + GAP, 2 * width + GAP, 4), np.uint8)
    for (row, column), film in zip(np.ndindex(2, 2), films, strict=True):
        corner = picture[:, row * (height + GAP) :, column * (width + GAP) :]
        corner[:, :height, :width, :3] = film
        corner[:, :height, :width, 3] = 255
    first, *others = map(Image.fromarray, picture)
    first.save(
        TARGET,
        save_all=True,
        append_images=others,
        duration=round(1000 / SAMPLE_FPS),
        loop=0,
        quality=QUALITY,
        method=6,
    )
    print(f"{TARGET}: {TARGET.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
