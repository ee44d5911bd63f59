"""One layer, the video patch nearest neighbours module (VPNN): query, key, value -> output.

Source: figure 3 of Haim et al., "Diverse Generation from a Single Video Made Possible" (ECCV 2022).
The completeness weights are those of Granot et al., "Drop the GAN" (CVPR 2022), equation 3.
"""

import math
import secrets
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patchvid import matching
from patchvid.checks import Axes, Triple, as_alpha, as_axes, as_size, as_video, as_whole
from patchvid.device import on_device
from patchvid.errors import InvalidInput
from patchvid.kernels import rules

EXACT_PRODUCTS = 1.5e7  # multiplications that an exact search may take: two milliseconds

REACH = 16  # voxels around a carried key within which a better one is looked for


@on_device("query", "key", "value", "nnf", "keys", "queries")
def vpnn(
    query: NDArray[Any],
    key: NDArray[Any],
    value: NDArray[Any],
    *,
    patch: Triple = (3, 7, 7),
    nnf: ArrayLike | None = None,
    alpha: float | None = None,
    keys: ArrayLike | None = None,
    queries: ArrayLike | None = None,
    periodic: Axes = matching.NOT_PERIODIC,
    reduce: Literal["median", "mean"] = "median",
    sweeps: int = matching.SWEEPS,
    seed: int | None = None,
    device: str = "auto",
) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Rebuild `query` from patches of `value`, found by comparing `query` with `key`.

    Parameters
    ----------
    query, key
        (t, y, x, c) with the same number of channels: what is compared.
    value
        (t, y, x, c'), as long, high and wide as `key`: what is taken.
    alpha
        Completeness: below about 100 every part of `key` tends to be used, the more the smaller.
        Added to the mean squared difference between a key patch and the query patch nearest to it,
        it divides the cost of that key. None for no such preference.
    patch, nnf, keys, queries, periodic, sweeps, seed, device
        As for `search`.
    reduce
        As for `vote`.

    Returns
    -------
    output
        (t, y, x, c') of the dtype of `value`, as long, high and wide as `query`.
    nnf
        As `search` returns it.

    Raises
    ------
    InvalidInput
        For arrays that do not fit together.

    Examples
    --------
    >>> video = np.random.default_rng(0).integers(0, 256, (3, 9, 12, 3), dtype=np.uint8)
    >>> output, nnf = vpnn(video, video, video, patch=(3, 5, 5), seed=0)
    >>> output.shape, nnf.shape
    ((3, 9, 12, 3), (1, 5, 8, 3))
    """
    value = as_video("value", value)
    if value.shape[:3] != np.shape(key)[:3]:
        raise InvalidInput(
            f"key and value must have the same (t, y, x), got {np.shape(key)} and {value.shape}"
        )
    seed = secrets.randbits(32) if seed is None else as_whole("seed", seed, 0)
    weights = None
    alpha = as_alpha(alpha)
    if alpha is not None:
        around = rules.continued(query, as_size("patch", patch), as_axes("periodic", periodic))
        _, reverse = matching.search(
            key, around, patch=patch, sweeps=sweeps, seed=seed + 1, device=device
        )
        weights = completeness_weights(reverse, alpha)
    found, _ = matching.search(
        query, key, patch=patch, nnf=nnf, weights=weights, keys=keys, queries=queries,
        periodic=periodic, sweeps=sweeps, seed=seed, device=device,
    )  # fmt: skip
    output = matching.vote(
        value, found, patch=patch, periodic=periodic, reduce=reduce, device=device
    )
    return output, found


def completeness_weights(reverse_cost: NDArray[np.float32], alpha: float) -> NDArray[np.float32]:
    """Factor of every key's cost from its distance to the nearest query, both mean squares."""
    return np.float32(1) / (np.float32(alpha) + reverse_cost)


class Matcher:
    """Searches again and again, from what it found the last time.

    While query and key keep their sizes, as in the EM iterations of a level, the last field is
    improved; when the sizes change, it is carried over to the new ones. A matcher that `explores`
    then searches at random as well, any other takes only what neighbours have.
    """

    def __init__(
        self,
        kernels: ModuleType,
        seed: int,
        periodic: Axes = matching.NOT_PERIODIC,
        *,
        explores: bool = True,
    ) -> None:
        self.kernels = kernels
        self.seed = seed
        self.periodic = periodic
        self.explores = explores
        self.field: NDArray[np.int32] | None = None
        self._layout: Any = None  # sizes and patch of the last search
        self._sweeps = 0  # done so far; each has random numbers of its own
        self._settled: Any = None  # the mean cost of the last search

    def find(
        self,
        query: NDArray[Any],
        key: NDArray[Any],
        patch: Triple,
        weights: NDArray[np.float32] | None = None,
        allowed: NDArray[np.bool_] | None = None,
        updated: NDArray[np.bool_] | None = None,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The field (flat voxel indices) and the cost (mean squared difference per value).

        Keys are those that are `allowed`, and only the patches that `updated` marks are promised.
        """
        kernels = self.kernels
        query, key = matching.as_comparable(query, key, patch)
        weights = matching.restrict(weights, allowed)
        layout = (query.shape[:3], key.shape[:3], patch)
        grids = [
            kernels.patch_grid(query.shape, patch, self.periodic),
            kernels.patch_grid(key.shape, patch),
        ]
        n_values = math.prod(patch) * key.shape[3]
        if math.prod(grids[0]) * math.prod(grids[1]) * n_values <= EXACT_PRODUCTS:
            self.field, cost = kernels.search_exact(
                query, key, patch=patch, weights=weights, periodic=self.periodic
            )
        else:
            known = layout == self._layout
            reach: int | None = REACH
            sweeps = 1
            if self.field is None:
                self.field = matching.random_field(
                    kernels, grids[0], key.shape, grids[1], allowed, self.seed
                )
                reach, sweeps = None, matching.SWEEPS
            elif not known:
                self.field = kernels.carry(
                    self.field, *self._layout[:2], *layout[:2], patch=patch, periodic=self.periodic
                )
                matching.replace_forbidden(
                    kernels, self.field, key.shape, allowed, self.seed, updated
                )
                reach, sweeps = (REACH, 2) if self.explores else (0, 1)
            cost, self._settled = kernels.search(
                query, key, self.field, patch=patch, weights=weights, updated=updated,
                periodic=self.periodic, sweeps=sweeps, past=self._sweeps, reach=reach,
                settled=self._settled if known else None, seed=self.seed,
            )  # fmt: skip
            self._sweeps += sweeps
        self._layout = layout
        cost /= np.float32(n_values)
        return self.field, cost
