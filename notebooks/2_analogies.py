# %% [markdown]
# # 2. Analogies and sketches
#
# `patchvid.analogy` takes the layout of one video, in space and time, and the look of another.

# %%
import numpy as np
from scipy.ndimage import gaussian_filter

import patchvid
from patchvid import plot

# %config InlineBackend.figure_formats = ["jpeg"]

# %% tags=["parameters"]
N_FRAMES, HEIGHT, WIDTH = 16, 96, 168
FPS = 12
SEED = 1

# %% [markdown]
# ## What moves becomes what moves
#
# The content is a disk that crosses a calm ground, the style is the pond.

# %%
t, y, x = np.ogrid[:N_FRAMES, :HEIGHT, :WIDTH]
down = y - HEIGHT * (0.5 + 0.2 * np.sin(2 * t / N_FRAMES - 1))
right = x - WIDTH * (0.35 + 0.3 * t / N_FRAMES)
where = np.hypot(down, right / 1.6) < 0.16 * HEIGHT
disk = 200 + 40 * np.sin(0.9 * down) * np.sin(0.9 * right)
ground = 60 + 10 * np.sin(x / 9) + 10 * np.sin(y / 7)
content = np.where(where, disk, ground).astype(np.uint8)[..., None]
pond = patchvid.resize(patchvid.sample_clip(), (N_FRAMES, HEIGHT, WIDTH))
patchvid.show(content, pond, labels=["content", "style"], fps=FPS)

# %% [markdown]
# How fast every pixel moves is estimated by optical flow. `flow="classical"` needs nothing but
# OpenCV; by default RAFT is used, whose weights are fetched once.

# %%
made = patchvid.analogy(content, pond, flow="classical", seed=SEED, details=True)
patchvid.show(content, made.video, labels=["content", "analogy"], fps=FPS)

# %% [markdown]
# What the method saw: the clips, their flow in colours, and their structure, which is the magnitude
# of the flow in a few bins. Where a result is not as expected, look here first.

# %%
seen = patchvid.show_structures(content, pond, made)
strip = plot.film_strip(seen, frames=3)

# %% [markdown]
# ## Your own structure
#
# Anything that has a value for every pixel can be the structure: a mask, a depth, a label. Here
# the disk itself says where a fish should be, and in the pond warm colours say where they are.

# %%
warm = pond[..., 0] > pond[..., 2].astype(int) + 20
fish = gaussian_filter(warm.astype(np.float32), (0, 2, 2))
labelled = patchvid.analogy(content, pond, structure=(where, fish), structure_levels=0.7, seed=SEED)
patchvid.show(content, labelled, labels=["content", "analogy by a mask"], fps=FPS)

# %% [markdown]
# ## Sketches
#
# A drawing has no texture and hardly any motion. `patchvid.SKETCH` holds settings that suit it:
# the structure is how much darker or brighter things are than the ground around them, and
# completeness repeats what there is too little of. The drawing is a wave that travels, and the
# style is a stream of embers.

# %%
angle = 2 * np.pi * t / N_FRAMES
wave = np.abs(y - HEIGHT * (0.5 + 0.3 * np.sin(2 * np.pi * x / WIDTH - angle))) < 0.07 * HEIGHT
sketch = np.where(wave, 255, 0).astype(np.uint8)[..., None]

random = np.random.default_rng(SEED)
embers = np.zeros((N_FRAMES, HEIGHT, WIDTH))
for _ in range(150):
    left, speed, size = random.uniform([0, 1.5, 1.2], [WIDTH, 3, 2.6])
    row = HEIGHT * (0.5 + 0.22 * np.clip(random.normal(), -1.2, 1.2))
    column = (left + speed * t) % (WIDTH + 20) - 10
    embers += np.exp(-((x - column) ** 2 + (y - row) ** 2) / (2 * size**2))
glow = 255 * np.clip(embers[..., None] * [1.2, 0.7, 0.25] + [0.05, 0.02, 0.08], 0, 1)
style = glow.astype(np.uint8)

# %%
drawn = patchvid.analogy(sketch, style, **patchvid.SKETCH, seed=SEED)
patchvid.show(sketch, style, drawn, labels=["sketch", "style", "analogy"], fps=FPS)

# %% [markdown]
# The row in the middle over time: the wave goes to the right, and so do the embers in it.

# %%
motion = plot.time_slice(drawn, y=HEIGHT // 2)
