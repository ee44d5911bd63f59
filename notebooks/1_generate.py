# %% [markdown]
# # Generate, and see why
#
# `patchvid.generate` makes new videos out of one. Here its steps are taken one at a time, on the
# sample clip, each with the public function that takes it.
#
# Open this file as a notebook in VS Code, or in Jupyter with jupytext; `python 1_generate.py`
# runs it too, and shows nothing.

# %%
import base64
import io
import os

import numpy as np
from PIL import Image

import patchvid

N_FRAMES, HEIGHT, WIDTH = map(int, os.environ.get("NOTEBOOK_SIZE", "24,128,224").split(","))
SEED = 1


class Film:
    """Videos that play side by side and in step, scaled to the clip's frames and height."""

    def __init__(self, *videos):
        self.videos = videos

    def _repr_html_(self):
        scaled = []
        for video in self.videos:
            size = (N_FRAMES, HEIGHT, round(video.shape[2] * HEIGHT / video.shape[1]))
            scaled.append(np.clip(patchvid.resize(video, size), 0, 255).astype(np.uint8))
        first, *others = map(Image.fromarray, np.concatenate(scaled, axis=2))
        file = io.BytesIO()
        first.save(file, "webp", save_all=True, append_images=others, duration=83, loop=0)
        data = base64.b64encode(file.getvalue()).decode()
        return f'<img src="data:image/webp;base64,{data}" style="max-width: 100%">'


# %% [markdown]
# ## The clip
#
# Koi swim through the caustics of a pond. All of it moves, and there is a lot to rearrange.

# %%
clip = patchvid.resize(patchvid.sample_clip(), (N_FRAMES, HEIGHT, WIDTH))
Film(clip)

# %% [markdown]
# ## The pyramid
#
# From level to level there are fewer frames and pixels. A patch is 3 frames of 7x7 pixels on all of
# them: on the coarsest it covers half the height of the picture, on the finest not even a fin.
# So the coarsest level is where the layout is decided.

# %%
pyramid = patchvid.build_pyramid(clip)
print(*(level.shape for level in pyramid), sep="\n")
Film(clip, pyramid[len(pyramid) // 2], pyramid[0])

# %% [markdown]
# ## The noise
#
# What makes a sample a new one is added here: noise on the coarsest level, the same in all its
# frames, so that it changes where things are and not how they move.

# %%
coarse = pyramid[0]
random = np.random.default_rng(SEED)
noise = random.standard_normal((1, *coarse.shape[1:]), dtype=np.float32)
query = coarse + 5 * 127.5 * noise
Film(coarse, query)

# %% [markdown]
# ## The field
#
# For every patch of the query, the nearest patch of the coarsest level is found. The result is a
# field of places, shown as colours: red tells when a patch was seen in the clip, green how far
# down, blue how far to the right. First the field of the clip itself, then the one that was found:
# noise in, a new arrangement of real patches out.

# %%
nnf, cost = patchvid.search(query, coarse, method="exact")
itself = np.stack(np.indices(nnf.shape[:3]), axis=-1)
Film(255 * itself / coarse.shape[:3], 255 * nnf / coarse.shape[:3])

# %% [markdown]
# ## The votes
#
# Patches overlap, so every pixel is in up to 147 of them, each with an opinion on its colour. The
# median (in the middle) decides for one of those colours; the mean (on the right) would blur them.

# %%
layout = patchvid.vote(coarse, nnf)
blurred = patchvid.vote(coarse, nnf, reduce="mean")
Film(query, layout, blurred)

# %% [markdown]
# ## From coarse to fine
#
# On a finer level the query is the output of the coarser one, scaled up, and the key is the clip's
# coarser level, scaled up just the same: blurred is compared with blurred. The patches are taken
# from the sharp level, the value. Here three levels are taken at once, so that the difference can
# be seen. From left to right: query, key, value and output.

# %%
coarser = pyramid[-4]
query = patchvid.resize(patchvid.generate(coarser, seed=SEED), clip.shape[:3])
key = patchvid.resize(coarser, clip.shape[:3])
output, nnf = patchvid.vpnn(query, key, clip, seed=SEED)
Film(query, key, clip, output)

# %% [markdown]
# ## All of it
#
# The clip and two samples. With `details=True` there is more to look at: what each level took, and
# where all the pieces are from. Where the colours change smoothly, one piece has been copied as it
# is; where they jump, there is a seam, which should be hard to find in the films.

# %%
result = patchvid.generate(clip, samples=2, seed=SEED, details=True)
print(*result.levels[: len(pyramid)], sep="\n")
Film(clip, *result.video)

# %%
itself = np.stack(np.indices(result.nnf.shape[1:4]), axis=-1)
Film(*(255 * nnf / clip.shape[:3] for nnf in (itself, *result.nnf)))

# %% [markdown]
# ## The knobs
#
# The same seed three times: with no noise, which gives the clip back; as it is by default; and
# without completeness, which may let parts of the clip vanish.

# %%
Film(
    patchvid.generate(clip, seed=SEED, noise=0),
    result.video[0],
    patchvid.generate(clip, seed=SEED, alpha=None),
)

# %% [markdown]
# A larger output shows more of the same, neither stretched nor slower.

# %%
Film(patchvid.generate(clip, seed=SEED, scale=(1, 1, 1.5)))
