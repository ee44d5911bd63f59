# %% [markdown]
# # 3. Retarget, inpaint, loop
#
# Search and vote can also change one aspect of a video and leave everything else unchanged.

# %%
import numpy as np

import patchvid
from patchvid import plot

# %config InlineBackend.figure_formats = ["jpeg"]

# %% tags=["parameters"]
N_FRAMES, HEIGHT, WIDTH = 16, 96, 168
FPS = 12
SEED = 1

# %%
clip = patchvid.resize(patchvid.sample_clip(), (N_FRAMES, HEIGHT, WIDTH))

# %% [markdown]
# ## Another width, height or length
#
# A narrower video moves objects closer together. It is neither squeezed nor cropped.

# %%
narrow = patchvid.retarget(clip, scale=(1, 1, 0.6), seed=SEED)
squeezed = patchvid.resize(clip, narrow.shape[:3])
patchvid.show(clip, narrow, squeezed, labels=["clip", "retargeted", "squeezed"], fps=FPS)

# %% [markdown]
# Time works the same way. Events that followed each other now happen side by side, at the speed of
# the clip. The slice below shows one row over time; the slope of a trace is its speed.

# %%
short = patchvid.retarget(clip, scale=(0.6, 1, 1), seed=SEED)
hasty = patchvid.resize(clip, short.shape[:3])
patchvid.show(clip, short, hasty, labels=["clip", "retargeted", "sped up"], fps=FPS)

# %%
motion = plot.time_slice(short)

# %% [markdown]
# ## Holes
#
# A mask marks the hole to fill: (y, x) for all frames, or (t, y, x) for a hole that moves. Here it
# removes the fish in the middle.

# %%
mask = np.zeros((HEIGHT, WIDTH), bool)
mask[HEIGHT // 3 : 2 * HEIGHT // 3, 2 * WIDTH // 5 : 4 * WIDTH // 5] = True
hole = np.where(mask[..., None], np.uint8(128), clip)
filled = patchvid.inpaint(clip, mask, seed=SEED)
patchvid.show(clip, hole, filled, labels=["clip", "hole", "filled"], fps=FPS)

# %% [markdown]
# Nothing else has changed:

# %%
np.array_equal(filled[:, ~mask], clip[:, ~mask])

# %% [markdown]
# A cue shows what should appear. It is a copy of the clip with flat colours painted on it. Each
# painted area becomes something from the clip that has this colour when seen from a distance: here,
# a golden fish between the others.

# %%
cue = clip.copy()
cue[:, HEIGHT // 2 - 6 : HEIGHT // 2 + 6, WIDTH // 2 : WIDTH // 2 + 34] = (240, 165, 45)
cued = patchvid.inpaint(clip, cue=cue, seed=SEED)
patchvid.show(clip, cue, cued, labels=["clip", "cue", "result"], fps=FPS)

# %% [markdown]
# ## Loops and tiles
#
# With `loop=True`, the last frame leads to the first. Both slices below show a video played twice.
# Halfway down, the clip jumps and the loop does not.

# %%
loop = patchvid.generate(clip, loop=True, seed=SEED)
patchvid.show(loop, fps=FPS)

# %%
axes = plot.side_by_side(
    *(np.concatenate([video, video])[None, :, HEIGHT // 2] for video in (clip, loop)),
    labels=["clip, twice", "loop, twice"],
)
for ax in axes[0]:
    ax.set_aspect("auto")

# %% [markdown]
# With `tile="xy"`, copies fit together without a seam. Here are four of them:

# %%
tile = patchvid.generate(clip, size=(N_FRAMES, HEIGHT // 2, WIDTH // 2), tile="xy", seed=SEED)
patchvid.show(np.tile(tile, (1, 2, 2, 1)), fps=FPS)
