"""Fields as pictures: a colour for every voxel of a clip, and the source of every pixel."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patchvid._device import backend_of, on_device
from patchvid._validation import Triple, as_array, check_size
from patchvid.errors import InvalidInput

# Colours of the corners of a frame. They differ in hue but hardly in lightness, which shows time.
CORNERS = np.array(
    [[[60, 120, 255], [255, 70, 120]], [[20, 190, 130], [250, 190, 40]]], dtype=np.float32
)
DARKEST = 0.4  # brightness of the first frame, relative to that of the last


@on_device("nnf")
def field_to_color(nnf: ArrayLike, shape: Sequence[int]) -> NDArray[np.uint8]:
    """Show a field in colours: the hue is the place in the frame, the brightness is the time.

    Where colours change smoothly, a piece of the clip was copied whole. Where they jump, two pieces
    meet.

    Parameters
    ----------
    nnf : array of int
        (..., 3): voxels (t, y, x) of a clip, as from `search`.
    shape : sequence of int
        (t, y, x) or (t, y, x, c) of that clip.

    Returns
    -------
    array of uint8
        (..., 3): RGB. The top left of the clip is blue, the top right red, the bottom left green,
        the bottom right yellow, and the middle grey. The first frame is dark, the last one bright.
        Computed on the host; for a field on a GPU, copied back to it.

    Raises
    ------
    InvalidInput
        If the field holds anything but voxels of such a clip.

    Examples
    --------
    >>> field_to_color([[0, 0, 0], [8, 0, 0], [8, 17, 31]], (9, 18, 32))
    array([[ 24,  48, 102],
           [ 60, 120, 255],
           [250, 190,  40]], dtype=uint8)
    """
    n_frames, height, width = size = _check_extents("shape", shape)
    field = _check_field(nnf)
    if field.size and (field.min() < 0 or (field >= size).any()):
        raise InvalidInput(f"nnf must hold voxels of a clip of shape {size}; some lie outside")
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    right = np.linspace(0, 1, width, dtype=np.float32)[:, None]
    top, bottom = ((1 - right) * left_end + right * right_end for left_end, right_end in CORNERS)
    palette = (1 - down) * top + down * bottom
    brightness = np.linspace(DARKEST, 1, max(n_frames, 2), dtype=np.float32)[-n_frames:, None]
    colours = np.empty(field.shape, np.uint8)
    for place in np.ndindex(field.shape[:-3]):  # frame by frame, which takes little memory
        t, y, x = np.moveaxis(field[place], -1, 0)
        colours[place] = np.rint(palette[y, x] * brightness[t])
    return colours


@on_device("nnf")
def pixel_sources(nnf: ArrayLike, size: Sequence[int]) -> NDArray[np.int32]:
    """Find the source voxel of every pixel of an output, by the patch centred on the pixel.

    Parameters
    ----------
    nnf : array of int
        (t', y', x', 3): the first voxels of the patches, as in `Result`.
    size : sequence of int
        (t, y, x) or (t, y, x, c) of the output. An axis as long as the field's counts as periodic;
        along it, the first voxel of a patch is used instead of its centre.

    Returns
    -------
    array of int32
        (t, y, x, 3): voxels of the clip. Near the ends of an axis they come from the first or the
        last patch. Computed on the host; for a field on a GPU, copied back to it.

    Raises
    ------
    InvalidInput
        If the array is not a field of such an output.

    Examples
    --------
    >>> itself = np.stack(np.indices((4, 6, 8)), axis=-1)
    >>> patches = itself[:2, :4, :6]
    >>> bool((pixel_sources(patches, (4, 6, 8)) == itself).all())
    True
    """
    field, extents = _check_field(nnf), _check_extents("size", size)
    if field.ndim != 4 or any(n > m or not n for n, m in zip(field.shape, extents)):
        raise InvalidInput(
            f"nnf must be the field of a video of shape {extents}, got shape {field.shape}"
        )
    voxels = [np.arange(m) for m in extents]
    patches = [
        np.clip(v - (m - n + 1) // 2, 0, n - 1) for v, n, m in zip(voxels, field.shape, extents)
    ]
    within = np.meshgrid(*(v - p for v, p in zip(voxels, patches)), indexing="ij", sparse=True)
    sources = field[np.ix_(*patches)].astype(np.int32, copy=False)
    for axis, offset in enumerate(within):
        sources[..., axis] += offset
    return sources


def _check_extents(name: str, shape: Any) -> Triple:
    """(t, y, x) of a shape, with or without its channels."""
    with suppress(TypeError):  # not a sequence: refused below
        shape = tuple(shape)[:3]
    return check_size(name, shape)


def _check_field(nnf: ArrayLike) -> NDArray[Any]:
    """Whole numbers (..., 3), on the host."""
    field = as_array(nnf)
    if field.shape[-1:] != (3,) or field.dtype.kind not in "iu":
        raise InvalidInput(
            f"nnf must hold whole numbers, (..., 3), got {field.dtype} of shape {field.shape}"
        )
    on_host: NDArray[Any] = backend_of(field).to_host(field)
    return on_host
