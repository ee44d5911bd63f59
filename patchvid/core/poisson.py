"""Poisson's equation in a hole, by multigrid: values whose steps come closest to given ones.

A coarser grid has one voxel for each block of two along every axis, and its equation is the sum of
those in the block. Sums have a fixed order, so the result has the same bytes on every device.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from patchvid._validation import Axes

CYCLES = 4  # each leaves about a quarter of the error
VISITS = 2  # of the next coarser grid in each cycle
SWEEPS, LAST_SWEEPS = 2, 8  # of Jacobi's method before and after each visit; on the coarsest grid
SMALLEST = 4  # voxels along the longest axis of the coarsest grid
DAMPING = 0.8  # of Jacobi's method
OVERCORRECTION = 1.5  # blocks of one value are too stiff to follow a slope

Floats = NDArray[np.float32]
# Along an axis: slices of voxels and of their next neighbours.
Pair = tuple[tuple[Any, ...], tuple[Any, ...]]


def add_steps(divergence: Floats, steps: Floats, axis: int, wraps: bool) -> None:
    """Add to a divergence (t, y, x) the steps from every voxel to the next one along an axis.

    The last step leads to the first voxel if the axis wraps, and is ignored otherwise.
    """
    for here, there in _pairs(steps.shape, axis, wraps):
        divergence[here] -= steps[here]
        divergence[there] += steps[here]


def integrate(divergence: Floats, free: NDArray[np.bool_], periodic: Axes) -> Floats:
    """Find values whose steps from voxel to voxel come closest to the given ones.

    Parameters
    ----------
    divergence : array of float32
        (c, t, y, x): the sums of the given steps that `add_steps` makes from zeros.
    free : array of bool
        (t, y, x): where values are sought. Elsewhere they are 0, and this must be somewhere.
    periodic : tuple of bool
        Axes along which the last voxel is a neighbour of the first.

    Returns
    -------
    array of float32
        (c, t, y, x). The sum of squared differences between their steps and the given ones is
        least, apart from the error that is left after `CYCLES`.
    """
    ones = free.astype(np.float32)
    anchor = np.zeros_like(ones)
    links = [np.zeros_like(ones) for _ in range(3)]
    for axis, weights in enumerate(links):
        for here, there in _pairs(free.shape, axis, periodic[axis]):
            weights[here] = ones[here] * ones[there]
            anchor[here] += ones[here] * (1 - ones[there])
            anchor[there] += ones[there] * (1 - ones[here])
    grids = [_Grid.of(links, anchor, periodic)]
    while max(grids[-1].total.shape) > SMALLEST:
        grids.append(grids[-1].coarser())
    right = divergence * ones
    values = np.zeros_like(right)
    for _ in range(CYCLES):
        _improve(grids, values, right, VISITS)
    return values


class _Grid(NamedTuple):
    """The equation of a grid: for every voxel, the weights of its neighbours.

    `links` are the weights to the next voxel along each axis, and `anchor` is the weight of all
    neighbours that are 0. `total` is the sum of both, and `inverse` its damped inverse, or 0.
    `parts` are the links again, with the slices of their voxels and of the next ones.
    """

    links: Sequence[Floats]
    anchor: Floats
    periodic: Axes
    total: Floats
    inverse: Floats
    parts: Sequence[tuple[Floats, Pair]]

    @classmethod
    def of(cls, links: Sequence[Floats], anchor: Floats, periodic: Axes) -> Self:
        parts = [
            (weights[here], (here, there))
            for axis, weights in enumerate(links)
            for here, there in _pairs(anchor.shape, axis, periodic[axis])
        ]
        total = anchor.copy()
        for weights, pair in parts:
            for side in pair:
                total[side] += weights
        inverse = np.where(total > 0, np.float32(DAMPING) / np.maximum(total, 1), np.float32(0))
        return cls(links, anchor, periodic, total, inverse, parts)

    def coarser(self) -> Self:
        links = []
        for axis, weights in enumerate(self.links):
            for other in range(3):
                weights = (_between_blocks if other == axis else _sums)(weights, other)
            links.append(weights)
        return self.of(links, _block_sums(self.anchor), self.periodic)

    def residual(self, values: Floats, right: Floats) -> Floats:
        """The error of the equation at every voxel."""
        error = right - self.total * values
        for weights, (here, there) in self.parts:
            error[here] += weights * values[there]
            error[there] += weights * values[here]
        return error

    def smooth(self, values: Floats, right: Floats, sweeps: int) -> None:
        """Remove errors from the values that change fast from voxel to voxel."""
        for _ in range(sweeps):
            change = self.residual(values, right)
            change *= self.inverse
            values += change


def _improve(grids: Sequence[_Grid], values: Floats, right: Floats, visits: int) -> None:
    """Improve the values of the first grid, with visits of the coarser grids after it."""
    grid, *others = grids
    if not others:
        grid.smooth(values, right, LAST_SWEEPS)
        return
    grid.smooth(values, right, SWEEPS)
    rest = _block_sums(grid.residual(values, right))
    change = np.zeros_like(rest)
    for visit in range(visits, 0, -1):
        _improve(others, change, rest, visit)
    change *= np.float32(OVERCORRECTION)
    for axis, n in enumerate(grid.total.shape):
        if n > 1:
            change = np.repeat(change, 2, axis=axis - 3)[_part(axis, slice(n))]
    values += np.where(grid.total > 0, change, np.float32(0))
    grid.smooth(values, right, SWEEPS)


def _pairs(shape: Sequence[int], axis: int, wraps: bool) -> list[Pair]:
    """Slices of voxels and of their next neighbours along an axis; the last pair may wrap."""
    if shape[axis] == 1:
        return []
    pairs = [(_part(axis, slice(-1)), _part(axis, slice(1, None)))]
    if wraps:
        pairs.append((_part(axis, slice(-1, None)), _part(axis, slice(1))))
    return pairs


def _part(axis: int, part: slice) -> tuple[Any, ...]:
    """The index of a part along t, y or x, the last axes of an array."""
    return (..., part, *[slice(None)] * (2 - axis))


def _block_sums(values: Floats) -> Floats:
    for axis in range(3):
        values = _sums(values, axis)
    return values


def _sums(values: Floats, axis: int) -> Floats:
    """Sums of pairs of voxels along an axis; the last one may be alone."""
    n = values.shape[axis - 3]
    if n == 1:
        return values
    sums = values[_part(axis, slice(None, None, 2))].copy()
    sums[_part(axis, slice(n // 2))] += values[_part(axis, slice(1, None, 2))]
    return sums


def _between_blocks(links: Floats, axis: int) -> Floats:
    """The links of an axis from pair to pair; the last one leads to the first."""
    n = links.shape[axis - 3]
    if n == 1:
        return links
    between = links[_part(axis, slice(None, None, 2))].copy()
    between[_part(axis, slice(n // 2))] = links[_part(axis, slice(1, None, 2))]
    return between
