"""The CPU back end: Numba loops over patches and voxels.

Work is cut into tasks of a fixed size. No task reads data that another one may be writing, so
results do not depend on the number of threads.
"""

import time
from contextlib import nullcontext

import numpy as np

from patchvid.kernels import rules
from patchvid.kernels.carrying import carrier
from patchvid.kernels.choosing import indices as indices
from patchvid.kernels.choosing import select as select
from patchvid.kernels.cpu_memory import footprint as footprint
from patchvid.kernels.exact import search_exact as search_exact
from patchvid.kernels.jit import inlined, kernel
from patchvid.kernels.limits import check_memory as check_memory
from patchvid.kernels.patch_layout import lay_out
from patchvid.kernels.patch_layout import prepare as prepare
from patchvid.kernels.resample import apply_taps as apply_taps
from patchvid.kernels.rules import patch_grid as patch_grid
from patchvid.kernels.simd_distance import rows_ssd
from patchvid.kernels.threads import parallel_range
from patchvid.kernels.voting import prepare_value as prepare_value
from patchvid.kernels.voting import vote as vote

DEVICE, xp = "cpu", np


def to_device(array):
    """Return the array as it is."""
    return array


def to_host(array):
    """Return the array as it is."""
    return array


def samples_at_once(size):
    """Return one: the work on one sample already uses all threads."""
    return 1


def devices_of(arrays):
    """Return the number of the only host."""
    return {0}


def use_device(number):
    """Open an empty context: the host is always in use."""
    return nullcontext()


def synchronize():
    """Return at once: work on the CPU has ended when its call returns."""


def record_event():
    """Return the time now, for `seconds_between`."""
    return time.perf_counter()


def seconds_between(begin, end):
    """Seconds from one event to another."""
    return end - begin


# ---------------------------------------------------------------------------------------------
# Patch distance and search
# ---------------------------------------------------------------------------------------------


@inlined
def _distance(query, key, query_voxel, key_voxel, geometry, weight, bound):
    """Weighted squared distance of two patches, or a part of it if that already reaches `bound`."""
    query_size, _, key_size, _, (slabs, depth, rows, columns), _, channels = geometry
    pixel = depth * channels
    length, query_row, key_row = columns * pixel, query_size[2] * pixel, key_size[2] * pixel
    a, b = query_voxel * pixel, key_voxel * pixel
    done = min(rows, rules.FIRST_ROWS)
    ssd = rows_ssd(query, a, query_row, key, b, key_row, length, done)
    for _ in range(slabs):
        if done < rows and np.float32(ssd) * weight < bound:
            at, to = a + done * query_row, b + done * key_row
            ssd += rows_ssd(query, at, query_row, key, to, key_row, length, rows - done)
        a, b, done = a + query_size[1] * query_row, b + key_size[1] * key_row, 0
    return np.float32(ssd) * weight


@inlined
def _weight_at(weights, t, y, x):
    """The weight of a key; of a mask, whose items have one byte, it is 1 or infinite."""
    if weights.itemsize == 1:
        return np.float32(1) if weights[t, y, x] else np.float32(np.inf)
    return np.float32(weights[t, y, x])


_improve = rules.improver(inlined, _distance, _weight_at)
_fixed_point = inlined(rules.fixed_point)


@kernel
def _sweep(
    query, key, weights, query_mask, field, cost, threshold, totals, geometry, sweep, first, stop
):  # fmt: skip
    n_y, n_x = field.shape[1:]
    parity = sweep[0]
    for row in range(first, stop):
        t, y = divmod(row, n_y)
        total = np.int64(0)
        for x in range((t + y + parity) & 1, n_x, 2):
            if query_mask.size and not query_mask[t, y, x]:
                continue
            _improve(query, key, weights, field, cost, threshold, t, y, x, geometry, sweep)
            total += _fixed_point(cost[t, y, x])
        totals[parity, row] = total


def search(
    query, key, field, *, patch, weights=None, query_mask=None, periodic=(False, False, False),
    sweeps, first_sweep=0, search_radius=None, cost_threshold=None, seed=0, alpha=None,
):  # fmt: skip
    """Improve `field` in place by PatchMatch.

    Parameters
    ----------
    query, key : array of uint8 or float32, or the result of `prepare` for one
        (t, y, x, c), with the same dtype and number of channels.
    field : array of int32
        (t', y', x'): flat index of the first voxel of each key patch.
    patch : tuple of int
        Frames, rows and columns of a patch.
    weights : array of float32 or bool, optional
        Factor of the cost for each key patch. A key with an infinite weight is never chosen. Bools
        say which keys may be chosen, and weigh nothing.
    query_mask : array of bool, optional
        Query patches that may change. The cost of the others is NaN.
    periodic : tuple of bool
        Axes along which the query is periodic.
    sweeps, first_sweep : int
        Number of sweeps, and of earlier sweeps with the same seed.
    search_radius : int, optional
        First radius of random search around the best key, in voxels; it is halved down to one.
        None searches everywhere.
    cost_threshold : array of float32, optional
        (1,), as returned by the last search. Patches that cost less have little to gain, so they
        skip the random search.
    seed : int
        Seed of the random search.
    alpha : float, optional
        Return completeness weights, ``1 / (alpha + cost)``, in place of costs.

    Returns
    -------
    cost : array of float32
        (t', y', x'): mean squared difference per value, times weight.
    cost_threshold : array of float32
        (1,), the mean cost, for the next search.
    """
    size, n_values = key.shape, rules.value_count(patch, key.shape[3])
    query, key, geometry = lay_out(query, key, patch, periodic)
    cost = np.empty(field.shape, np.float32)  # the first sweep fills it
    if query_mask is not None:
        cost.fill(np.nan)
    n_rows = field.shape[0] * field.shape[1]
    totals = np.zeros((2, n_rows), np.int64)
    n_updated = field.size if query_mask is None else np.count_nonzero(query_mask)
    weights = np.empty((0, 0, 0), np.float32) if weights is None else weights
    query_mask = np.empty((0, 0, 0), np.bool_) if query_mask is None else query_mask
    cost_threshold = np.zeros(1, np.float32) if cost_threshold is None else cost_threshold
    for number, step in enumerate(rules.plan_steps(sweeps, first_sweep, search_radius)):
        stream = rules.random_stream(seed, first_sweep + number)
        for parity in (0, 1):
            plan = rules.plan_sweep(parity, number == 0, step, search_radius, size)
            sweep = (*plan, stream)

            def work(first: int, stop: int, threshold=cost_threshold, sweep=sweep) -> None:
                _sweep(
                    query, key, weights, query_mask, field, cost, threshold, totals,
                    geometry, sweep, first, stop,
                )  # fmt: skip

            parallel_range(work, n_rows, grain=16)
        cost_threshold = np.full(1, rules.mean_cost(totals.sum(), n_updated))
    cost /= n_values  # in place, because it is large
    if alpha is not None:
        cost = rules.finish_cost(cost, np.float32(1), alpha)
    return cost, cost_threshold


@kernel
def _patch_distance(query, key, field, cost, geometry, first, stop):
    n_y, n_x = field.shape[1:]
    one, infinity = np.float32(1), np.float32(np.inf)
    for row in range(first, stop):
        t, y = divmod(row, n_y)
        voxel = (t * geometry[0][1] + y) * geometry[0][2]
        for x in range(n_x):
            found = np.int64(field[t, y, x])
            cost[t, y, x] = _distance(query, key, voxel + x, found, geometry, one, infinity)


def patch_distance(query, key, field, *, patch, periodic=(False, False, False)):
    """Mean squared difference (float32) of every query patch and its key patch."""
    n_values = rules.value_count(patch, key.shape[3])
    query, key, geometry = lay_out(query, key, patch, periodic)
    cost = np.empty(field.shape, np.float32)

    def work(first: int, stop: int) -> None:
        _patch_distance(query, key, field, cost, geometry, first, stop)

    parallel_range(work, field.shape[0] * field.shape[1], grain=16)
    cost /= n_values
    return cost


# ---------------------------------------------------------------------------------------------
# Fields
# ---------------------------------------------------------------------------------------------


_near, _carry_patch = carrier(inlined)


@kernel
def _carry(field, fine_field, firsts, coarse_sizes, fine_sizes, patch, first, stop):
    n_y, n_x = fine_field.shape[1:]
    levels = field.shape, firsts, coarse_sizes, fine_sizes, patch
    for row in range(first, stop):
        t, y = divmod(row, n_y)
        near_t, near_y = _near(t, 0, levels), _near(y, 1, levels)
        for x in range(n_x):
            near_x = _near(x, 2, levels)
            fine_field[t, y, x] = _carry_patch(field, near_t, near_y, near_x, levels)


def carry(field, fine_grid, firsts, coarse_sizes, fine_sizes, *, patch):
    """Scale the field of a coarser level to a finer one: nearest patch, scaled key."""
    fine_field = np.empty(fine_grid, np.int32)

    def work(first: int, stop: int) -> None:
        _carry(field, fine_field, firsts, coarse_sizes, fine_sizes, patch, first, stop)

    parallel_range(work, fine_grid[0] * fine_grid[1], grain=64)
    return fine_field
