# %% [markdown]
# # 3. Retarget, inpaint, loop
#
# The same search and vote, for videos that shall change in one respect and stay as they are in all
# others.

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
# What is narrower shows less of what repeats itself; it is neither squeezed nor cropped.

# %%
narrow = patchvid.retarget(clip, scale=(1, 1, 0.6), seed=SEED)
squeezed = patchvid.resize(clip, narrow.shape[:3])
patchvid.show(clip, narrow, squeezed, labels=["clip", "retargeted", "squeezed"], fps=FPS)

# %% [markdown]
# In time it is the same: less happens one after the other and more side by side, at the pace of
# the clip. The slices show one row over time, and how steep motion is there.

# %%
short = patchvid.retarget(clip, scale=(0.6, 1, 1), seed=SEED)
hasty = patchvid.resize(clip, short.shape[:3])
patchvid.show(clip, short, hasty, labels=["clip", "retargeted", "sped up"], fps=FPS)

# %%
motion = plot.time_slice(short)

# %% [markdown]
# ## Holes
#
# A mask says what shall be made anew: (y, x) for all frames, or (t, y, x) for what moves. Here the
# fish in the middle goes away.

# %%
mask = np.zeros((HEIGHT, WIDTH), bool)
mask[HEIGHT // 3 : 2 * HEIGHT // 3, 2 * WIDTH // 5 : 4 * WIDTH // 5] = True
hole = np.where(mask[..., None], np.uint8(128), clip)
completed = patchvid.inpaint(clip, mask, seed=SEED)
patchvid.show(clip, hole, completed, labels=["clip", "hole", "completed"], fps=FPS)

# %% [markdown]
# Nothing else has changed:

# %%
np.array_equal(completed[:, ~mask], clip[:, ~mask])

# %% [markdown]
# A cue says what shall appear. It is painted in flat colours onto a copy of the clip, and becomes
# what has these colours when it is seen from afar: here a golden fish between the others.

# %%
cue = clip.copy()
cue[:, HEIGHT // 2 - 6 : HEIGHT // 2 + 6, WIDTH // 2 : WIDTH // 2 + 34] = (240, 165, 45)
cued = patchvid.inpaint(clip, cue=cue, seed=SEED)
patchvid.show(clip, cue, cued, labels=["clip", "cue", "made"], fps=FPS)

# %% [markdown]
# ## Loops and tiles
#
# With `loop=True` the last frame goes on into the first. Played twice, there is no jump half way
# down the slice, as there is in the clip.

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
# With `tile="xy"` copies can be laid side by side without a seam: here are four.

# %%
tile = patchvid.generate(clip, size=(N_FRAMES, HEIGHT // 2, WIDTH // 2), tile="xy", seed=SEED)
patchvid.show(np.tile(tile, (1, 2, 2, 1)), fps=FPS)
