"""Vote: combine overlapping patches into one video.

Reference: figure 3 of Haim et al., "Diverse Generation from a Single Video Made Possible" (ECCV
2022).
"""

from typing import Any, Literal

from numpy.typing import ArrayLike, NDArray

from patchvid._device import backend, on_device
from patchvid._validation import (
    Axes,
    Triple,
    check_axes,
    check_patch,
    check_reduce,
    check_video,
    like_input,
    to_kernel_dtype,
)
from patchvid.core.fields import NOT_PERIODIC, from_nnf


@on_device("value", "nnf")
def vote(
    value: NDArray[Any],
    nnf: ArrayLike,
    *,
    patch: Triple = (3, 7, 7),
    periodic: Axes = NOT_PERIODIC,
    reduce: Literal["median", "mean"] = "median",
    device: str = "auto",
) -> NDArray[Any]:
    """Copy the patches of a field to their places, and combine their values where they overlap.

    Parameters
    ----------
    value : array
        (t, y, x, c), uint8, uint16 or float: the video to copy patches from. float64 is rounded to
        float32.
    nnf : array of int
        (t', y', x', 3), as from `search`: the first voxel in `value` of the patch at every place.
    patch : tuple of int
        Frames, rows and columns of a patch.
    periodic : tuple of bool
        Axes (t, y, x) along which the result is periodic.
    reduce : {"median", "mean"}
        "median" keeps edges sharp, and every number in the result occurs in `value`: of an even
        number of votes it takes the lower of the middle two. "mean" is smooth.
    device : {"auto", "cpu", "cuda"}
        As for `search`.

    Returns
    -------
    array
        (t' + patch - 1, ..., c) of the dtype of `value`, or (t', ...) along a periodic axis.

    Raises
    ------
    InvalidInput
        If the field points outside of `value`.
    DeviceError
        If the device cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> video = np.arange(5 * 6 * 7, dtype=np.uint8).reshape(5, 6, 7, 1)
    >>> itself = np.stack(np.indices((4, 4, 5)), axis=-1)
    >>> bool((vote(video, itself, patch=(2, 3, 3)) == video).all())
    True
    """
    kernels = backend(device)
    given, value = value, check_video("value", value)
    patch = check_patch(patch, value.shape)
    periodic, reduce = check_axes("periodic", periodic), check_reduce(reduce)
    field = from_nnf(kernels, nnf, None, value.shape, patch)
    voted = kernels.vote(
        to_kernel_dtype(value), field, patch=patch, periodic=periodic, reduce=reduce
    )
    return like_input(voted, given)
