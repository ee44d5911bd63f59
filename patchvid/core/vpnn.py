"""The paper's layer, the video patch nearest neighbours module (VPNN): search and vote once.

Reference: figure 3 of Haim et al., "Diverse Generation from a Single Video Made Possible" (ECCV
2022).
"""

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patchvid._device import backend, on_device
from patchvid._validation import (
    Axes,
    Seed,
    Triple,
    check_alpha,
    check_integer,
    check_reduce,
    check_seed,
    check_video,
    like_input,
    to_kernel_dtype,
)
from patchvid.core.fields import (
    NOT_PERIODIC,
    Field,
    PatchMask,
    are_few,
    named_patches,
    other_seed,
)
from patchvid.core.matcher import SWEEPS, Matcher, Operand
from patchvid.core.search import check_operands
from patchvid.errors import InvalidInput
from patchvid.results import to_nnf


def rebuild(
    query: Operand,
    key: Operand,
    value: Callable[[], Any],
    *,
    forward: Matcher,
    reverse: Matcher,
    alpha: float | None = None,
    reduce: Literal["median", "mean"] = "median",
    key_mask: PatchMask | None = None,
    query_mask: PatchMask | None = None,
    update_mask: NDArray[np.bool_] | None = None,
    past: Field | None = None,
    in_place: bool = False,
) -> tuple[Any, Field]:
    """Search and vote: the output (t, y, x, c') of the dtype of `value`, and its field.

    Of several samples, all that differs between them has an axis in front.

    Takes the checked arguments of `vpnn`, with these differences. Query and key know their patch
    and periodic axes. `value` is called after the search, whose memory is free by then; it returns
    an array or the result of the back end's `prepare_value`. The matchers `forward` and `reverse`
    search from query to key and back, and remember their fields. Voxels outside of `update_mask`
    (t, y, x) are undefined. `past` is the field of the first frames. With `in_place` the output may
    replace the first channels of the query, which is then returned in its place.
    """
    weights = None
    if alpha is not None:  # completeness: `rules.finish_cost` makes weights of the reverse costs
        _, weights = reverse.find(key, query.padded().alone(), alpha=alpha)
    # Drop the cost at once: during the vote it would take up the most memory.
    field = forward.find(
        query, key, weights=weights, key_mask=key_mask, query_mask=query_mask, past=past
    )[0]
    over = query.give_way() if in_place else None
    if over is None:
        query.end_search()
    key.end_search()
    source, votes = value(), field
    n_patches = math.prod(field.shape[-3:])
    if isinstance(source, query.kernels.xp.ndarray) and are_few(n_patches, source, query.patch):
        source, votes = named_patches(source, field, query.patch)
    output = query.kernels.vote(
        source, votes, patch=query.patch, periodic=query.periodic, reduce=reduce,
        update_mask=update_mask, over=over,
    )  # fmt: skip
    return (output if over is None or output is not over else query), field


@on_device("query", "key", "value", "nnf", "key_mask", "query_mask")
def vpnn(
    query: NDArray[Any],
    key: NDArray[Any],
    value: NDArray[Any],
    *,
    patch: Triple = (3, 7, 7),
    nnf: ArrayLike | None = None,
    alpha: float | None = None,
    key_mask: ArrayLike | None = None,
    query_mask: ArrayLike | None = None,
    periodic: Axes = NOT_PERIODIC,
    reduce: Literal["median", "mean"] = "median",
    sweeps: int = SWEEPS,
    seed: Seed = None,
    device: str = "auto",
) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Rebuild `query` from patches of `value`, found by comparing `query` with `key`.

    Parameters
    ----------
    query, key : array
        (t, y, x, c) with the same number of channels. Their patches are compared.
    value : array
        (t, y, x, c'), with the frames, rows and columns of `key`. Its patches are copied.
    patch : tuple of int
        Frames, rows and columns of a patch.
    nnf : array of int, optional
        Field to start from, see `search`.
    alpha : float, optional
        Completeness, above 0. The cost of a key patch is divided by `alpha` plus the mean squared
        difference to its nearest query patch. The smaller `alpha`, the more of `key` is used; below
        about 100 in 8 bits nearly all of it. With None, completeness is ignored.
    key_mask, query_mask : array of bool, optional
        Which key patches are allowed, and which query patches to search for, see `search`.
    periodic : tuple of bool
        Axes (t, y, x) along which `query` and the output are periodic.
    reduce : {"median", "mean"}
        See `vote`.
    sweeps : int
        Passes over the field, see `search`.
    seed : int or numpy.random.Generator, optional
        The same seed gives the same output. None picks one at random.
    device : {"auto", "cpu", "cuda"}
        See `search`.

    Returns
    -------
    output : array
        (t, y, x, c') of the dtype of `value`, with the frames, rows and columns of `query`.
    nnf : array of int32
        As `search` returns it.

    Raises
    ------
    InvalidInput
        If the arrays do not fit together.
    DeviceError
        If the device cannot be used.

    Examples
    --------
    >>> video = np.random.default_rng(0).integers(0, 256, (3, 9, 12, 3), dtype=np.uint8)
    >>> output, nnf = vpnn(video, video, video, patch=(3, 5, 5), seed=0)
    >>> output.shape, nnf.shape
    ((3, 9, 12, 3), (1, 5, 8, 3))
    """
    kernels = backend(device)
    sweeps, seed = check_integer("sweeps", sweeps, 1), check_seed(seed)
    alpha, reduce = check_alpha(alpha), check_reduce(reduce)
    query, key, patch, periodic, field, allowed, searched = check_operands(
        kernels, query, key, patch=patch, periodic=periodic, nnf=nnf, key_mask=key_mask,
        query_mask=query_mask,
    )  # fmt: skip
    given, value = value, check_video("value", value)
    if value.shape[:3] != key.shape[:3]:
        raise InvalidInput(
            f"key and value must have the same (t, y, x), got {key.shape} and {value.shape}"
        )
    forward = Matcher(kernels, seed, field=field, method="patchmatch", sweeps=sweeps)
    reverse = Matcher(kernels, other_seed(seed), method="patchmatch", sweeps=sweeps)
    output, found = rebuild(
        Operand(kernels, query, patch, periodic), Operand(kernels, key, patch),
        lambda: to_kernel_dtype(value), forward=forward, reverse=reverse, alpha=alpha,
        reduce=reduce, key_mask=allowed, query_mask=searched,
    )  # fmt: skip
    return like_input(output, given), to_nnf(found, key.shape)
