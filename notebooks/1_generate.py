# %% [markdown]
# # 1. Generate, step by step
#
# `patchvid.generate` makes new videos from one clip. This notebook takes its steps one at a time,
# each with a public function.

# %%
import numpy as np

import patchvid
from patchvid import plot

# %config InlineBackend.figure_formats = ["jpeg"]

# %% tags=["parameters"]
N_FRAMES, HEIGHT, WIDTH = 16, 96, 168
FPS = 12
SEED = 9

# %% [markdown]
# ## The clip
#
# Koi swim in a pond under rippling light. Everything moves, and there is much to rearrange.

# %%
clip = patchvid.resize(patchvid.sample_clip(), (N_FRAMES, HEIGHT, WIDTH))
patchvid.show(clip, fps=FPS)

# %% [markdown]
# The same clip as a strip of frames, and below it one row of pixels over time. A fish that swims to
# the right leaves a trace that leans to the right.

# %%
strip = plot.film_strip(clip)

# %%
motion = plot.time_slice(clip, y=HEIGHT // 2)

# %% [markdown]
# ## The pyramid
#
# Coarser levels have fewer frames and pixels, but a patch is 3 frames of 7x7 pixels on every level.
# On the coarsest level it covers half the height of the picture, on the finest less than a fin. So
# the coarsest level decides the layout.

# %%
pyramid = patchvid.build_pyramid(clip)
print(*(level.shape for level in pyramid), sep="\n")

# %% [markdown]
# Three of the levels, scaled to the same size:

# %%
middle = pyramid[len(pyramid) // 2]
patchvid.show(
    *(patchvid.resize(level, clip.shape[:3]) for level in (pyramid[0], middle, clip)),
    labels=["coarsest", "middle", "finest"],
    fps=FPS,
)

# %% [markdown]
# ## The noise
#
# Noise on the coarsest level makes a sample new. It is the same in all frames, so it changes where
# objects are, but not how they move. This is the method of the paper, `layout="noise"`; by default,
# `generate` draws layouts by flow matching.

# %%
coarse = pyramid[0]
random = np.random.default_rng(SEED)
noise = random.standard_normal((1, *coarse.shape[1:]), dtype=np.float32)
query = coarse + 2 * 127.5 * noise
shown = np.clip(query, 0, 255).astype(np.uint8)
patchvid.show(coarse, shown, labels=["coarsest level", "with noise: the query"], fps=2)

# %% [markdown]
# ## The field
#
# For each patch of the query, `search` finds the nearest patch of the coarsest level. The result is
# a field of positions in the clip, shown here as colours. The search turns noise into a new
# arrangement of real patches.

# %%
nnf, cost = patchvid.search(query, coarse, method="exact")
colours = plot.field_map(nnf, coarse.shape)

# %% [markdown]
# ## The votes
#
# Patches overlap. Each pixel lies in up to 147 of them, and each patch votes for a colour. The
# median picks one of these colours; the mean blends them.

# %%
layout = patchvid.vote(coarse, nnf)
blurred = patchvid.vote(coarse, nnf, reduce="mean")
patchvid.show(shown, layout, blurred, labels=["query", "median", "mean"], fps=2)

# %% [markdown]
# ## From coarse to fine
#
# On a finer level, the query is the output of the coarser level, scaled up. The key is the clip's
# coarser level, scaled up in the same way, so that both are equally blurred. The output takes its
# patches from the sharp level, the value. Here we skip three levels to make the difference visible.

# %%
coarser = pyramid[-4]
query = patchvid.resize(patchvid.generate(coarser, seed=SEED), clip.shape[:3])
key = patchvid.resize(coarser, clip.shape[:3])
output, nnf = patchvid.vpnn(query, key, clip, seed=SEED)
axes = plot.side_by_side(
    query, key, clip, output, labels=["query", "key", "value", "output"], frames=1
)

# %% [markdown]
# ## All levels
#
# The clip and two samples, side by side:

# %%
result = patchvid.generate(clip, samples=2, seed=SEED, details=True)
patchvid.show(clip, *result.video, labels=["clip", f"seed {SEED}", f"seed {SEED + 1}"], fps=FPS)

# %% [markdown]
# With `details=True`, the result also tells how many iterations each level took, and where each
# patch comes from. Where the colours below change smoothly, a piece was copied whole. Where they
# jump, there is a seam, which should be hard to find in the videos.

# %%
for level in result.levels[: len(pyramid)]:
    print(f"{level.shape!s:16} {level.iterations:2} iterations")

# %%
patchvid.show(*(patchvid.field_to_color(nnf, clip.shape) for nnf in result.nnf), fps=FPS)

# %% [markdown]
# ## Settings
#
# The same seed with three settings: no noise, which gives the clip back; the defaults; and no
# completeness, with which parts of the clip may vanish.

# %%
copy = patchvid.generate(clip, seed=SEED, noise=0)
incomplete = patchvid.generate(clip, seed=SEED, alpha=None)
axes = plot.side_by_side(
    copy, result.video[0], incomplete, labels=["noise=0", "default", "alpha=None"], frames=2
)

# %% [markdown]
# A larger output shows more of the same. Nothing is stretched or slowed down.

# %%
patchvid.show(patchvid.generate(clip, seed=SEED, scale=(1, 1, 1.5)), fps=FPS)
