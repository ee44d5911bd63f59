"""Fields as pictures: a colour for every place in a clip, and a map of where pixels came from."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patchvid._validation import check_size
from patchvid.errors import InvalidInput

# The corners of a frame as they stand in it. They differ in hue and hardly in lightness, which is
# left to time.
CORNERS = np.array(
    [[[60, 120, 255], [255, 70, 120]], [[20, 190, 130], [250, 190, 40]]], dtype=np.float32
)
DARKEST = 0.4  # brightness of the first frame, relative to that of the last


def field_to_color(nnf: ArrayLike, shape: Sequence[int]) -> NDArray[np.uint8]:
    """Show a field in colours: the hue says where in the frame a place is, the brightness when.

    Where colours change smoothly, a piece of the clip has been copied as it is; where they jump,
    two pieces meet.

    Parameters
    ----------
    nnf
        (..., 3) of whole numbers: places (t, y, x) in a clip, as `search` returns them.
    shape
        Of that clip, (t, y, x) or (t, y, x, c).

    Returns
    -------
    (..., 3) of uint8. The top left of the clip is blue, the top right red, the bottom left green,
    the bottom right yellow, and the middle grey. The first frame is dark, the last one bright.

    Raises
    ------
    InvalidInput
        For a field that holds anything else than places in such a clip.

    Examples
    --------
    >>> field_to_color([[0, 0, 0], [8, 0, 0], [8, 17, 31]], (9, 18, 32))
    array([[ 24,  48, 102],
           [ 60, 120, 255],
           [250, 190,  40]], dtype=uint8)
    """
    n_frames, height, width = size = check_size("shape", shape[:3])
    nnf = _as_field(nnf)
    if nnf.size and (nnf.min() < 0 or (nnf >= size).any()):
        raise InvalidInput(f"nnf must hold places in a clip of shape {size}; some lie outside")
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    right = np.linspace(0, 1, width, dtype=np.float32)[:, None]
    top, bottom = ((1 - right) * left_end + right * right_end for left_end, right_end in CORNERS)
    palette = (1 - down) * top + down * bottom
    brightness = np.linspace(DARKEST, 1, max(n_frames, 2), dtype=np.float32)[-n_frames:, None]
    colours = np.empty(nnf.shape, np.uint8)
    for place in np.ndindex(nnf.shape[:-3]):  # frame by frame, to need little memory
        t, y, x = np.moveaxis(nnf[place], -1, 0)
        colours[place] = np.rint(palette[y, x] * brightness[t])
    return colours


def pixel_sources(nnf: ArrayLike, size: Sequence[int]) -> NDArray[np.int32]:
    """Where every pixel of an output came from, by the patch that has it in its middle.

    Parameters
    ----------
    nnf
        (t', y', x', 3) of whole numbers: the first voxels of the patches, as in `Made`.
    size
        Of the output, (t, y, x) or (t, y, x, c). An axis that is as long as the field's goes
        around; there the first voxels stand for the patches.

    Returns
    -------
    (t, y, x, 3): places in the clip. Near an end of an axis the first or last patch counts.

    Raises
    ------
    InvalidInput
        For a field that is not that of such an output.

    Examples
    --------
    >>> itself = np.stack(np.indices((4, 6, 8)), axis=-1)
    >>> patches = itself[:2, :4, :6]
    >>> bool((pixel_sources(patches, (4, 6, 8)) == itself).all())
    True
    """
    nnf, extents = _as_field(nnf), check_size("size", size[:3])
    if nnf.ndim != 4 or any(n > m or not n for n, m in zip(nnf.shape, extents)):
        raise InvalidInput(f"nnf must be the field of a video of {extents}, got {nnf.shape}")
    voxels = [np.arange(m) for m in extents]
    patches = [
        np.clip(v - (m - n + 1) // 2, 0, n - 1) for v, n, m in zip(voxels, nnf.shape, extents)
    ]
    within = np.meshgrid(*(v - p for v, p in zip(voxels, patches)), indexing="ij", sparse=True)
    sources = nnf[np.ix_(*patches)].astype(np.int32, copy=False)
    for axis, offset in enumerate(within):
        sources[..., axis] += offset
    return sources


def _as_field(nnf: ArrayLike) -> NDArray[Any]:
    nnf = np.asarray(nnf)
    if nnf.shape[-1:] != (3,) or nnf.dtype.kind not in "iu":
        raise InvalidInput(
            f"nnf must hold whole numbers, (..., 3), got {nnf.dtype} of shape {nnf.shape}"
        )
    return nnf
