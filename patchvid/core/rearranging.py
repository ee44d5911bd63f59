"""Rearrange other layers of a clip, such as depth or mattes, by the field of an output.

An output is a vote by the last field of its finest level, in which kept parts of the clip are put
back. Applied to another layer of the clip, the same field gives the layer that fits the output.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchvid._alpha import is_translucent, premultiply, straight
from patchvid._device import backend, backend_of, on_device
from patchvid._masks import Mask
from patchvid._validation import (
    Triple,
    as_array,
    check_axes,
    check_patch,
    check_reduce,
    check_video,
    like_input,
    shown,
    to_kernel_dtype,
)
from patchvid.core.fields import check_field
from patchvid.errors import InvalidInput
from patchvid.results import PatchField

NOT_SHIFTED: Triple = (0, 0, 0)


@on_device("layer", "field")
def rearrange(layer: NDArray[Any], field: PatchField, *, device: str = "auto") -> NDArray[Any]:
    """Rearrange a layer of a clip as an application rearranged the clip.

    The clip itself becomes the output, apart from the shades that `inpaint` corrects.

    Parameters
    ----------
    layer : array
        (t, y, x, c) or (t, y, x), with the frames, rows and columns of the clip that the output was
        made from; for `analogy`, of the style. Any number of channels and any dtype, as for
        `generate`.
    field : PatchField
        The `field` of a `Result`, or a field from `read_field`.
    device : {"auto", "cpu", "cuda"}
        As for `search`.

    Returns
    -------
    array
        (t, y, x, c) of the dtype of `layer`, with the frames, rows and columns of the output;
        (n, t, y, x, c) for the field of several samples. With the median, every value occurs in the
        layer, except where a soft mask blends two.

    Raises
    ------
    InvalidInput
        If the layer has another size than the clip, or `field` is no `PatchField`.
    DeviceError
        If the device cannot be used.

    Examples
    --------
    >>> from patchvid import generate
    >>> clip = np.random.default_rng(0).integers(0, 256, (4, 20, 24, 3), dtype=np.uint8)
    >>> depth = np.linspace(1, 100, clip[..., 0].size, dtype=np.float32).reshape(clip.shape[:3])
    >>> result = generate(clip, seed=1, size=(3, 20, 30), details=True)
    >>> rearrange(depth, result.field).shape
    (3, 20, 30)
    >>> bool((rearrange(clip, result.field) == result.video).all())
    True
    """
    if not isinstance(field, PatchField):
        raise InvalidInput(f"field must be a PatchField, as in Result.field, got {shown(field)}")
    kernels = backend(device)
    given, layer = layer, check_video("layer", layer)
    if layer.shape[:3] != tuple(field.shape):
        raise InvalidInput(
            f"layer must have the size of the field's clip, {_by(field.shape)}, "
            f"got {_by(layer.shape[:3])}; cut or resize it"
        )
    patch = check_patch(field.patch, layer.shape)
    periodic, reduce = check_axes("periodic", field.periodic), check_reduce(field.reduce)
    fields = as_array(field.places)
    has_alpha = is_translucent(layer)
    source = premultiply(layer) if has_alpha else layer
    layers = []
    for places in fields if fields.ndim == 4 else [fields]:
        checked = check_field(places, layer.shape, patch)
        made = kernels.vote(
            to_kernel_dtype(source), checked, patch=patch, periodic=periodic, reduce=reduce
        )
        if field.made is not None:
            if field.made.shape != made.shape[:3]:
                raise InvalidInput(
                    f"field.made must have the size of the output, {_by(made.shape[:3])}, "
                    f"got {_by(field.made.shape)}"
                )
            made = blend(made, _kept(source, field, made.shape[:3]), field.made)
        if has_alpha:
            made = straight(made, layer.dtype)
        if field.made is not None:  # the colours of transparent pixels are kept, too
            kept = _kept(layer, field, made.shape[:3])
            made = np.where((field.made > 0)[..., None], made, kept)
        layers.append(like_input(made, given))
    return np.stack(layers) if fields.ndim == 4 else layers[0]


def _kept(source: NDArray[Any], field: PatchField, size: Sequence[int]) -> NDArray[Any]:
    """The kept parts of the source, at their places in an output of `size`."""
    return moved(source if field.frames is None else source[field.frames], field.shift, size)


def moved(array: NDArray[Any], shift: Sequence[int], size: Sequence[int]) -> NDArray[Any]:
    """An array (t, y, x, ...) moved by `shift` onto an array of zeros of `size`."""
    source, target = [], []
    for n, m, by in zip(array.shape, size, shift):
        first, stop = max(0, -by), min(n, m - by)
        source.append(slice(first, stop))
        target.append(slice(first + by, stop + by))
    ground = backend_of(array).xp.zeros((*size, *array.shape[3:]), array.dtype)
    ground[tuple(target)] = array[tuple(source)]
    return ground


def blend(made: NDArray[Any], video: NDArray[Any], share: Mask) -> NDArray[Any]:
    """`made` where a mask is white, `video` where it is black, and a blend where it is grey."""
    share = share[..., None]
    mixed = share * made.astype(np.float32) + (1 - share) * video.astype(np.float32)
    if video.dtype.kind == "u":
        mixed = np.rint(mixed)
    return np.where(share > 0, mixed.astype(video.dtype), video)


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
