# %% [markdown]
# # 1. Generate, and see why
#
# `patchvid.generate` makes new videos out of one. Here its steps are taken one at a time, each with
# the public function that takes it.

# %%
import numpy as np

import patchvid
from patchvid import plot
from patchvid.display.fields import field_to_color

# %config InlineBackend.figure_formats = ["jpeg"]

# %% tags=["parameters"]
N_FRAMES, HEIGHT, WIDTH = 16, 96, 168
FPS = 12
SEED = 9

# %% [markdown]
# ## The clip
#
# Koi swim through the caustics of a pond. All of it moves, and there is a lot to rearrange.

# %%
clip = patchvid.resize(patchvid.sample_clip(), (N_FRAMES, HEIGHT, WIDTH))
patchvid.show(clip, fps=FPS)

# %% [markdown]
# All of it as a strip, and one row of pixels over time: what swims to the right leans to the right.

# %%
strip = plot.film_strip(clip)

# %%
motion = plot.time_slice(clip, y=HEIGHT // 2)

# %% [markdown]
# ## The pyramid
#
# From level to level there are fewer frames and pixels. A patch is 3 frames of 7x7 pixels on all of
# them: on the coarsest it covers half the height of the picture, on the finest not even a fin.
# So the coarsest level is where the layout is decided.

# %%
pyramid = patchvid.build_pyramid(clip)
print(*(level.shape for level in pyramid), sep="\n")

# %% [markdown]
# Three of the levels, scaled to one size:

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
# What makes a sample a new one is added here: noise on the coarsest level, the same in all its
# frames, so that it changes where things are and not how they move.

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
# For every patch of the query, the nearest patch of the coarsest level is found. The result is a
# field of places, drawn in colours that tell where in the clip they are. Noise in, a new
# arrangement of real patches out.

# %%
nnf, cost = patchvid.search(query, coarse, method="exact")
colours = plot.field_map(nnf, coarse.shape)

# %% [markdown]
# ## The votes
#
# Patches overlap, so every pixel is in up to 147 of them, each with an opinion on its colour. The
# median decides for one of those colours; the mean blends them.

# %%
layout = patchvid.vote(coarse, nnf)
blurred = patchvid.vote(coarse, nnf, reduce="mean")
patchvid.show(shown, layout, blurred, labels=["query", "median", "mean"], fps=2)

# %% [markdown]
# ## From coarse to fine
#
# On a finer level the query is the output of the coarser one, scaled up, and the key is the clip's
# coarser level, scaled up just the same: blurred is compared with blurred. The patches are taken
# from the sharp level, the value. Here three levels are taken at once, so that the difference can
# be seen.

# %%
coarser = pyramid[-4]
query = patchvid.resize(patchvid.generate(coarser, seed=SEED), clip.shape[:3])
key = patchvid.resize(coarser, clip.shape[:3])
output, nnf = patchvid.vpnn(query, key, clip, seed=SEED)
axes = plot.side_by_side(
    query, key, clip, output, labels=["query", "key", "value", "output"], frames=1
)

# %% [markdown]
# ## All of it
#
# The clip and two samples, side by side.

# %%
result = patchvid.generate(clip, samples=2, seed=SEED, details=True)
patchvid.show(clip, *result.video, labels=["clip", f"seed {SEED}", f"seed {SEED + 1}"], fps=FPS)

# %% [markdown]
# With `details=True` there is more to look at: what each level took, and where all the pieces are
# from. Where the colours change smoothly, one piece has been copied as it is; where they jump,
# there is a seam, which should be hard to find in the films.

# %%
for level in result.levels[: len(pyramid)]:
    print(f"{level.shape!s:16} {level.iterations:2} iterations")

# %%
patchvid.show(*(field_to_color(nnf, clip.shape) for nnf in result.nnf), fps=FPS)

# %% [markdown]
# ## The knobs
#
# The same seed three times: with no noise, which gives the clip back; as it is by default; and
# without completeness, which may let parts of the clip vanish.

# %%
copy = patchvid.generate(clip, seed=SEED, noise=0)
incomplete = patchvid.generate(clip, seed=SEED, alpha=None)
axes = plot.side_by_side(
    copy, result.video[0], incomplete, labels=["noise=0", "default", "alpha=None"], frames=2
)

# %% [markdown]
# A larger output shows more of the same, neither stretched nor slower.

# %%
patchvid.show(patchvid.generate(clip, seed=SEED, scale=(1, 1, 1.5)), fps=FPS)
