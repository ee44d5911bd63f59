"""The layout in which the CPU compares patches.

The kt frames of a patch lie side by side, so a patch is ky rows of kx * kt * c values. Where few
patches are searched, frames lie as they are, and a patch is kt slabs of ky rows.
"""

import numpy as np

from patchvid.kernels.jit import kernel
from patchvid.kernels.rules import Prepared, make_geometry, patch_grid
from patchvid.kernels.simd_distance import OVERREAD
from patchvid.kernels.threads import parallel_range


@kernel
def _unfold_time(video, unfolded, n_rows, n_columns, depth, first, stop):
    frames, height, width, channels = video.shape
    pixel = depth * channels
    for row in range(first, stop):
        t, y = divmod(row, n_rows)
        y %= height
        for dt in range(depth):
            source = video[(t + dt) % frames, y]
            # One channel at a time: Numba compiles inner loops of just three steps badly.
            for c in range(channels):
                start = row * n_columns * pixel + dt * channels + c
                for x in range(width):
                    unfolded[start + x * pixel] = source[x, c]
                for x in range(width, n_columns):
                    unfolded[start + x * pixel] = source[x - width, c]


def unfold_time(video: np.ndarray, patch, periodic, depth: int) -> np.ndarray:
    """Copy a video to (t', y, x, depth * c), flat: voxel (t, y, x) of so many frames from t on.

    The start of a periodic axis is repeated at its end, so that all patches lie inside.
    """
    n_frames, n_rows, n_columns = (
        n + extent - 1 for n, extent in zip(patch_grid(video.shape, patch, periodic), patch)
    )
    n_frames -= depth - 1
    size = n_frames * n_rows * n_columns * depth * video.shape[3]
    buffer = np.empty(size + OVERREAD, video.dtype)

    def work(first: int, stop: int) -> None:
        _unfold_time(video, buffer, n_rows, n_columns, depth, first, stop)

    parallel_range(work, n_frames * n_rows, grain=64)
    return buffer


def prepare(video, *, patch, periodic=(False, False, False), few=False, votes=None):
    """Bring a video into the layout in which its patches are compared, for several searches.

    With `few` it takes no more memory than the video, and each comparison more time. Floats, whose
    sums depend on their order, have one layout only. The layout of `votes` is never that.
    """
    if isinstance(video, Prepared):
        return video
    depth = 1 if few and video.dtype == np.uint8 else patch[0]
    return Prepared(unfold_time(video, patch, periodic, depth), video.shape, video.dtype, depth)


def lay_out(query, key, patch, periodic):
    """Layouts of query and key, and the geometry, whose patch has slabs of frames side by side."""
    query, key = prepare(query, patch=patch, periodic=periodic), prepare(key, patch=patch)
    *sizes, _, periodic, channels = make_geometry(query.shape, key.shape, patch, periodic)
    slabs = (patch[0] // key.depth, key.depth, *patch[1:])
    return query.layout, key.layout, (*sizes, slabs, periodic, channels)
