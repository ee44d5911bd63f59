"""Repeated searches, each of which starts from the field that the last one found.

Reference: Barnes et al., "PatchMatch" (2009).
"""

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from patchvid._validation import Axes, Triple
from patchvid.core.fields import (
    NOT_PERIODIC,
    Field,
    Grid,
    PatchMask,
    Seeds,
    carry_field,
    random_field,
    replace_forbidden,
)
from patchvid.kernels import rules

SWEEPS = 8  # from a random start
RADIUS = 16  # voxels around a known key in which to look for a better one

EXACT_PRODUCTS = 1.5e7  # multiplications that an exact search may take: two milliseconds
MOST_VALUES = (2**31 - 1) // 255**2  # of a patch whose 8-bit distance fits in 32 bits

Method = Literal["auto", "patchmatch", "exact"]


class Operand:
    """A video to compare, which a back end brings into its layout once for all searches.

    Parameters
    ----------
    kernels : module
        The back end of the device that holds the video.
    video : array or callable
        (t, y, x, c), or one for each sample, (n, t, y, x, c). A function makes it, as uint8, when
        it is first needed.
    patch : tuple of int
        Frames, rows and columns of a patch.
    periodic : tuple of bool
        Axes (t, y, x) along which it is periodic, as a query may be.
    first, size : tuple of int, optional
        Where it begins in a larger video, and how large that one is. None: it is the whole.
    once : bool
        Whether it serves a single search. Then the video is let go as soon as it is in the layout
        of the back end, and that as soon as the search has ended.
    shape : tuple of int, optional
        That of the video, if a function makes it.
    votes : callable, optional
        Returns the video in the layout in which it votes, which may serve for searches, too.
    """

    def __init__(
        self,
        kernels: ModuleType,
        video: NDArray[Any] | Callable[[], NDArray[Any]],
        patch: Triple,
        periodic: Axes = NOT_PERIODIC,
        *,
        shape: tuple[int, ...] | None = None,
        first: Triple = (0, 0, 0),
        size: Triple | None = None,
        once: bool = False,
        votes: Callable[[], Any] | None = None,
    ) -> None:
        self.kernels, self.patch, self.periodic = kernels, patch, periodic
        self._video: Any = video
        self._once, self._votes = once, votes
        self.shape: Any = self.video.shape if shape is None else shape
        self.dtype: Any = self.video.dtype if shape is None else np.dtype(np.uint8)
        t, y, x = size or self.shape[-4:-1]
        count: Triple = kernels.patch_grid(self.shape[-4:], patch, periodic)
        self.grid = Grid(count, first, (t, y, x))
        self._prepared: dict[Any, Any] = {}

    @property
    def video(self) -> Any:
        """The video, which is made now if it was not needed before."""
        if callable(self._video):
            self._video = self._video()
        return self._video

    def prepared(self, dtype: Any, *, few: bool) -> Any:
        """The video in this dtype and in the layout of the back end, for few patches or many."""
        if (dtype, few) not in self._prepared:
            video = self.video.astype(dtype, copy=False)
            made = self.kernels.prepare(
                video, patch=self.patch, periodic=self.periodic, few=few,
                votes=self._votes and self._votes(),
            )  # fmt: skip
            self._prepared[dtype, few] = made
            if self._once:
                self._video = None
        return self._prepared[dtype, few]

    def alone(self) -> "Operand":
        """The same video, not as a part of a larger one."""
        if self.grid.size == self.shape[-4:-1]:
            return self
        return Operand(self.kernels, self.video, self.patch, self.periodic)

    def give_way(self) -> Any:
        """Its layout, for votes to be written there, or None if that cannot be.

        The video itself is let go, because it is no longer the same.
        """
        layouts = [*self._prepared.values()]
        if len(layouts) != 1 or not layouts[0].writable or self.alone() is not self:
            return None
        self._video = None
        return layouts[0]

    def end_search(self) -> None:
        """Let go of layouts that serve a single search."""
        if self._once:
            self._prepared.clear()

    def padded(self) -> "Operand":
        """The same patches, as those of a video that is not periodic."""
        if not any(self.periodic):
            return self
        video = rules.pad_periodic(self.video, self.patch, self.periodic)
        return Operand(self.kernels, video, self.patch)


class Matcher:
    """Searches repeatedly, each time from the field that it found last.

    While query and key keep their sizes, as in the iterations of a level, each search improves that
    field. When the sizes change, the field is carried over to them.

    Parameters
    ----------
    kernels : module
        The back end of the device that holds the arrays.
    seed : int or tuple of int
        Each search draws different random numbers from it. A tuple has one for each sample: then
        fields and costs have an axis of samples in front.
    field : array of int32, optional
        Where the first search starts. None: a random field.
    method : {"auto", "patchmatch", "exact"}
        "auto" is exact if that is fast.
    sweeps : int, optional
        Passes over the field, all with random search everywhere. None: their number and the radius
        of the random search depend on the quality of the starting field.
    explores : bool
        Whether a search from a carried field also tries random keys, besides those of neighbours.
    """

    def __init__(
        self,
        kernels: ModuleType,
        seed: Seeds,
        *,
        field: Field | None = None,
        method: Method = "auto",
        sweeps: int | None = None,
        explores: bool = True,
    ) -> None:
        self.kernels, self.seed = kernels, seed
        self.method, self.sweeps, self.explores = method, sweeps, explores
        self.field = field
        self._sizes: Any = None  # sizes and patch of the last search
        self._swept = 0  # sweeps so far: each has its own random numbers
        self._cost_threshold: Any = None  # the mean cost of the last search

    def find(
        self,
        query: Operand,
        key: Operand,
        *,
        weights: NDArray[np.float32] | None = None,
        key_mask: PatchMask | None = None,
        query_mask: PatchMask | None = None,
        alpha: float | None = None,
        past: Field | None = None,
    ) -> tuple[Field, NDArray[np.float32]]:
        """The field and its cost, the mean squared difference per value times the key's weight.

        With `alpha`, it returns completeness weights, 1 / (alpha + cost), in place of the cost.
        Only keys in `key_mask` are chosen. Results outside of `query_mask` are undefined. `past` is
        the field of the first frames.
        """
        kernels, patch, periodic = self.kernels, query.patch, query.periodic
        dtype = comparable_dtype(query, key, patch)
        factors: Any = weights
        if key_mask is not None:
            infinite = np.float32(np.inf)
            factors = key_mask if weights is None else np.where(key_mask, weights, infinite)
        sizes = (query.grid, key.grid, patch)
        n_queries, n_keys = math.prod(query.grid.shape), math.prod(key.grid.shape)
        n_values = math.prod(patch) * key.shape[-1]
        is_small = n_queries * n_keys * n_values <= EXACT_PRODUCTS
        if self.method == "exact" or (self.method == "auto" and is_small):
            self.field, cost = kernels.search_exact(
                *(operand.video.astype(dtype, copy=False) for operand in (query, key)),
                patch=patch, weights=factors, periodic=periodic, alpha=alpha,
            )  # fmt: skip
        else:
            threshold = self._cost_threshold if sizes == self._sizes else None
            sweeps, radius = self._fit_field(sizes, key_mask, query_mask, past)
            if self.sweeps is not None:
                sweeps, radius = self.sweeps, None
            few = n_queries * rules.MANY <= n_keys
            cost, self._cost_threshold = kernels.search(
                query.prepared(dtype, few=few), key.prepared(dtype, few=few), self.field,
                patch=patch, weights=factors, query_mask=query_mask, periodic=periodic,
                sweeps=sweeps, first_sweep=self._swept, search_radius=radius,
                cost_threshold=threshold, seed=self.seed, alpha=alpha,
            )  # fmt: skip
            self._swept += sweeps
        self._sizes = sizes
        assert self.field is not None
        return self.field, cost

    def _fit_field(
        self,
        sizes: Any,
        key_mask: PatchMask | None,
        query_mask: PatchMask | None,
        past: Field | None,
    ) -> tuple[int, int | None]:
        """Fit the field to these sizes; return the sweeps and the search radius that it needs."""
        kernels = self.kernels
        query, key, patch = sizes
        if self.field is None:
            self.field = random_field(
                kernels, query.shape, key.size, key.shape, key_mask, self.seed
            )
            return SWEEPS, None
        if sizes == self._sizes:
            return 1, RADIUS
        if self._sizes is not None:
            coarse_query, coarse_key, _ = self._sizes
            self.field = carry_field(
                kernels, self.field, (coarse_query, coarse_key.size), (query, key.size), patch
            )
            if past is not None:
                self.field[: len(past)] = past
        replace_forbidden(kernels, self.field, key.size, key_mask, self.seed, query_mask)
        return (2, RADIUS) if self.explores else (1, 0)


def comparable_dtype(
    query: NDArray[Any] | Operand, key: NDArray[Any] | Operand, patch: Triple
) -> Any:
    """The dtype to compare in: uint8 if both have it and no distance can overflow, else float32."""
    n_values = math.prod(patch) * key.shape[-1]
    are_bytes = query.dtype == key.dtype == np.uint8
    return np.uint8 if are_bytes and n_values <= MOST_VALUES else np.float32
