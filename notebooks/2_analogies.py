# %% [markdown]
# # 2. Analogies and sketches
#
# `patchvid.analogy` combines the layout of one video, in space and time, with the look of another.

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
# ## Structure from motion
#
# The content is a disk that crosses a calm background. The style is the pond.

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
# Where something moves in the content, something that moves in the style should appear. Optical
# flow estimates how fast each pixel moves. `flow="classical"` needs only OpenCV. The default is
# RAFT, if you have fetched its weights with `patchvid.fetch_weights`.

# %%
made = patchvid.analogy(content, pond, flow="classical", seed=SEED, details=True)
patchvid.show(content, made.video, labels=["content", "analogy"], fps=FPS)

# %% [markdown]
# Here are the clips, their flow in colours, and their structure: the magnitude of the flow, in a
# few bins. `analogy` compares the structures. If a result is not what you expected, look here
# first.

# %%
seen = patchvid.show_structures(content, pond, made)
strip = plot.film_strip(seen, frames=3)

# %% [markdown]
# ## Your own structure
#
# Any array with a value for each pixel can be the structure: a mask, a depth, a label. Here the
# disk marks where a fish should be, and warm colours mark the fish in the pond.

# %%
warm = pond[..., 0] > pond[..., 2].astype(int) + 20
fish = gaussian_filter(warm.astype(np.float32), (0, 2, 2))
labelled = patchvid.analogy(content, pond, structure=(where, fish), structure_levels=0.7, seed=SEED)
patchvid.show(content, labelled, labels=["content", "analogy by a mask"], fps=FPS)

# %% [markdown]
# ## Sketches
#
# A drawing has no texture and hardly any motion. `patchvid.SKETCH` holds settings for drawings.
# The structure is how much darker or brighter a pixel is than its surroundings, and completeness
# repeats parts of the style if there are too few. The drawing is a travelling wave, and the style
# is a stream of embers.

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
# The middle row over time: the wave moves to the right, and so do the embers in it.

# %%
motion = plot.time_slice(drawn, y=HEIGHT // 2)
