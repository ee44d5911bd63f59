# %% [markdown]
# # 4. Search and vote on other data
#
# For each patch of one array, `patchvid.search` finds the nearest patch of another. `patchvid.vote`
# rebuilds an array from patches. The arrays need not be videos: they are (t, y, x, c), with any
# length and any number of channels, of integers, booleans or floats.

# %%
import numpy as np
from matplotlib import pyplot
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.spatial import KDTree

import patchvid
from patchvid import plot

# %config InlineBackend.figure_formats = ["jpeg"]

# %% tags=["parameters"]
N_FRAMES, HEIGHT, WIDTH = 24, 64, 96
SEED = 0

# %% [markdown]
# ## Texture in microscopy
#
# We simulate a tissue under a microscope: cells with bright membranes, some blur, some noise. Each
# picture is one frame with one channel of floats. In the second, one region has smaller cells.

# %%
random = np.random.default_rng(SEED)
y, x = np.mgrid[: 2 * HEIGHT, : 2 * WIDTH]


def tissue(density):
    """Cells around centres that are about 8 pixels apart, or closer by a factor."""
    rows, columns = (np.arange(-8, density * 2 * n + 8, 8) for n in (HEIGHT, WIDTH))
    grid = np.stack(np.meshgrid(rows, columns), axis=-1).reshape(-1, 2)
    centres = grid + random.uniform(-3, 3, grid.shape)
    pixels = density * np.stack([y, x], axis=-1)
    nearest, second = np.moveaxis(KDTree(centres).query(pixels, k=2)[0], -1, 0)
    blurred = gaussian_filter(np.exp(-(second - nearest)), 0.7)
    return (blurred + 0.05 * random.standard_normal(blurred.shape)).astype(np.float32)


inside = np.hypot(y - HEIGHT, x - 1.4 * WIDTH) < 0.4 * HEIGHT
healthy, suspect = tissue(1), np.where(inside, tissue(1.6), tissue(1))

# %% [markdown]
# How far is each patch of the suspect picture from the nearest patch of the healthy one? This needs
# no model of the tissue. A patch stands out if the healthy picture has nothing like it.

# %%
nnf, cost = patchvid.search(
    suspect[None, ..., None], healthy[None, ..., None], patch=(1, 9, 9), seed=SEED
)
figure, axes = pyplot.subplots(1, 3, figsize=(11, 2.8), layout="constrained")
pictures = {"healthy": healthy, "suspect": suspect, "distance": gaussian_filter(cost[0], 4)}
for ax, (title, picture) in zip(axes, pictures.items()):
    ax.imshow(picture, cmap="magma" if title == "distance" else "gray")
    ax.set_title(title)
    ax.set_axis_off()

# %% [markdown]
# A picture is a video of one frame, so `generate` can make more of the same tissue: to augment
# data, or as a null model with the same texture and nothing else. The result has the dtype of the
# source. Here it is also a tile, so you can repeat it without a seam.

# %%
more = patchvid.generate(healthy[None, ..., None], tile="xy", seed=SEED)
strip = plot.side_by_side(
    healthy[None, ..., None], more, labels=["source", "generated"], frames=1, cmap="gray"
)

# %% [markdown]
# ## Gaps in a space-time field
#
# A simulation replaces a satellite: eddies that decay and drift to the east by two cells per frame.
# The domain is periodic in both directions. There are three channels of floats: vorticity and the
# two components of the wind.

# %%
ky, kx = 2 * np.pi * np.fft.fftfreq(HEIGHT)[:, None], 2 * np.pi * np.fft.rfftfreq(WIDTH)
k2 = np.maximum(ky**2 + kx**2, 1e-9)
resolved = (abs(ky) < 2 * np.pi / 3) & (kx < 2 * np.pi / 3)


def on_grid(spectrum):
    return np.fft.irfft2(spectrum, (HEIGHT, WIDTH))


def wind(vorticity):
    return on_grid(1j * ky * vorticity / k2), on_grid(-1j * kx * vorticity / k2)


def tendency(vorticity):
    u, v = wind(vorticity)
    advection = u * on_grid(1j * kx * vorticity) + v * on_grid(1j * ky * vorticity)
    return -(resolved * np.fft.rfft2(advection)) - 0.005 * k2 * vorticity


vorticity = np.fft.rfft2(random.standard_normal((HEIGHT, WIDTH)))
vorticity *= np.exp(-(((np.sqrt(k2) - 0.4) / 0.15) ** 2))
vorticity *= 0.12 / on_grid(vorticity).std()
frames = []
for n in range(N_FRAMES):
    frames.append(np.roll([on_grid(vorticity), *wind(vorticity)], 2 * n, axis=2))
    for _ in range(4):  # steps of half a unit, by the midpoint rule
        vorticity = vorticity + 0.5 * tendency(vorticity + 0.25 * tendency(vorticity))
truth = np.moveaxis(frames, 1, -1)
truth = (truth / truth.std(axis=(0, 1, 2))).astype(np.float32)

# %% [markdown]
# Clouds hide a fifth of the field.

# %%
clouds = gaussian_filter(random.standard_normal(truth.shape[:3]), (3, 6, 6), mode="wrap")
gaps = clouds > np.quantile(clouds, 0.8)
seen = np.where(gaps[..., None], np.float32(0), truth)

# %% [markdown]
# First, we fill each gap with the nearest known values. Then search and vote take turns. We search
# the patches without gaps (`key_mask`) for matches of the patches that touch a gap (`query_mask`),
# and the matches vote on the values in the gap. Each iteration starts from the field of the last
# one (`nnf`). `periodic` names the axes along which the domain is periodic. For smooth data, the
# mean is the right vote.

# %%
PATCH, PERIODIC = (3, 7, 7), (False, True, True)
key_mask = ~sliding_window_view(gaps, PATCH).any(axis=(-3, -2, -1))
padded = np.pad(gaps, [(0, 0), (0, PATCH[1] - 1), (0, PATCH[2] - 1)], mode="wrap")
query_mask = sliding_window_view(padded, PATCH).any(axis=(-3, -2, -1))

nearest = seen[tuple(distance_transform_edt(gaps, return_distances=False, return_indices=True))]
filled, nnf = nearest, None
for _ in range(12):
    nnf, cost = patchvid.search(
        filled, filled, patch=PATCH, nnf=nnf, key_mask=key_mask,
        query_mask=None if nnf is None else query_mask, periodic=PERIODIC, seed=SEED,
    )  # fmt: skip
    voted = patchvid.vote(seen, nnf, patch=PATCH, periodic=PERIODIC, reduce="mean")
    filled = np.where(gaps[..., None], voted, seen)

# %%
axes = plot.side_by_side(
    *(field[..., :1] for field in (truth, seen, nearest, filled)),
    labels=["truth", "seen", "nearest neighbour", "search and vote"],
    cmap="RdBu_r", vmin=-3, vmax=3,
)  # fmt: skip

# %% [markdown]
# The errors in the gaps, relative to the standard deviation of each channel. Interpolation over
# time is here for comparison; it ignores the drift.

# %%
clear, line = ~gaps.transpose(1, 2, 0).ravel(), np.arange(gaps.size)
over_time = np.stack(
    [
        np.interp(line, line[clear], channel.transpose(1, 2, 0).ravel()[clear])
        .reshape(HEIGHT, WIDTH, N_FRAMES)
        .transpose(2, 0, 1)
        for channel in np.moveaxis(seen, -1, 0)
    ],
    axis=-1,
)
ways = {"interpolated over time": over_time, "nearest neighbour": nearest, "patches": filled}
for name, field in ways.items():
    error = np.sqrt(np.mean((field - truth)[gaps] ** 2, axis=0))
    print(f"{name:24}vorticity {error[0]:.2f}   u {error[1]:.2f}   v {error[2]:.2f}")

# %% [markdown]
# ## On the GPU
#
# The functions run where their arrays are. With CuPy arrays they run on the GPU and return CuPy
# arrays.

# %%
try:
    import cupy

    on_gpu = cupy.asarray(filled)
except Exception as reason:  # a missing package, a missing driver, no device
    print(f"Skipped, because there is no GPU that CuPy can use: {reason}")
else:
    nnf, cost = patchvid.search(on_gpu, on_gpu, patch=PATCH, periodic=PERIODIC, seed=SEED)
    rebuilt = patchvid.vote(on_gpu, nnf, patch=PATCH, periodic=PERIODIC, reduce="mean")
    print(type(rebuilt), rebuilt.device, float(abs(rebuilt - on_gpu).max()))
