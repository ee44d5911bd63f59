"""The CPU back end: Numba loops over patches and voxels.

A field holds, for every query patch, the flat voxel index ``(t * H + y) * W + x`` of the first
voxel of its key patch (int32). Work is cut into tasks of a fixed size, and what a task reads is
never written by another task at the same time, so results do not depend on the number of threads.
"""

import os
import time
from contextlib import nullcontext

import numpy as np

from patchvid.kernels import rules
from patchvid.kernels.exact import search_exact as search_exact
from patchvid.kernels.jit import inlined, kernel
from patchvid.kernels.resample import apply_taps as apply_taps
from patchvid.kernels.rules import make_geometry
from patchvid.kernels.rules import patch_grid as patch_grid
from patchvid.kernels.simd import OVERREAD, rows_ssd
from patchvid.kernels.threads import parallel_range
from patchvid.kernels.voting import vote as vote

DEVICE, xp = "cpu", np

coordinates, carry_key = inlined(rules.coordinates), inlined(rules.carry_key)


def to_device(array):
    """The array where kernels work: as it is."""
    return array


def to_host(array):
    """The array on the host: as it is."""
    return array


def side_stream():
    """A context for work that may run beside other work: on the CPU it has all threads already."""
    return nullcontext()


def devices_of(arrays):
    """Numbers of the devices that hold some arrays: there is one host."""
    return {0}


def use_device(number):
    """A context in which a device is in use: the host always is."""
    return nullcontext()


def synchronize():
    """Wait for all that was launched: nothing, on the CPU."""


def record_event():
    """A moment, for `seconds_between`."""
    return time.perf_counter()


def seconds_between(begin, end):
    """Seconds from one recorded event to another."""
    return end - begin


def check_memory(size):
    """Why the machine could never hold so many bytes, in one line; empty if it could."""
    if not hasattr(os, "sysconf"):
        return ""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size <= memory:
        return ""
    return (
        f"the machine has {memory / 2**30:.1f} GiB of memory, and at least "
        f"{size / 2**30:.1f} GiB are needed; make the clip or the output smaller or shorter"
    )


def indices(mask):
    """Flat indices of what a mask marks, in order; others may stand behind them."""
    return np.flatnonzero(mask)


# ---------------------------------------------------------------------------------------------
# Layout: the kt frames of a patch side by side, so that a patch is ky rows of kx * kt * C values
# ---------------------------------------------------------------------------------------------


@kernel
def _unfold_time(video, unfolded, n_rows, n_columns, depth, first, stop):
    frames, height, width, channels = video.shape
    pixel = depth * channels
    for row in range(first, stop):
        t, y = divmod(row, n_rows)
        y %= height
        for dt in range(depth):
            source = video[(t + dt) % frames, y]
            # One channel at a time: Numba makes little of loops that are three turns long.
            for c in range(channels):
                start = row * n_columns * pixel + dt * channels + c
                for x in range(width):
                    unfolded[start + x * pixel] = source[x, c]
                for x in range(width, n_columns):
                    unfolded[start + x * pixel] = source[x - width, c]


def unfold_time(video: np.ndarray, patch, periodic=(False, False, False)) -> np.ndarray:
    """Flat array of (T', H', W', kt * C) values: voxel (t, y, x) of frames t to t + kt - 1.

    Periodic axes are continued around, so that every patch lies inside.
    """
    grid = patch_grid(video.shape, patch, periodic)
    n_frames, n_rows, n_columns = grid[0], grid[1] + patch[1] - 1, grid[2] + patch[2] - 1
    size = n_frames * n_rows * n_columns * patch[0] * video.shape[3]
    buffer = np.empty(size + OVERREAD, video.dtype)

    def work(first: int, stop: int) -> None:
        _unfold_time(video, buffer, n_rows, n_columns, patch[0], first, stop)

    parallel_range(work, n_frames * n_rows, grain=64)
    return buffer


# ---------------------------------------------------------------------------------------------
# Patch distance and search
# ---------------------------------------------------------------------------------------------


@inlined
def _distance(query, key, query_voxel, key_voxel, geometry, weight, bound):
    """Weighted squared distance of two patches, or a part of it that is not below `bound`."""
    query_size, _, key_size, _, (depth, rows, columns), _, channels = geometry
    pixel = depth * channels
    length, query_row, key_row = columns * pixel, query_size[2] * pixel, key_size[2] * pixel
    a, b = query_voxel * pixel, key_voxel * pixel
    first = min(rows, rules.FIRST_ROWS)
    ssd = rows_ssd(query, a, query_row, key, b, key_row, length, first)
    if first < rows and np.float32(ssd) * weight < bound:
        a, b = a + first * query_row, b + first * key_row
        ssd += rows_ssd(query, a, query_row, key, b, key_row, length, rows - first)
    return np.float32(ssd) * weight


_improve = rules.improver(inlined, _distance)
_fixed_point = inlined(rules.fixed_point)


@kernel
def _sweep(
    query, key, weights, query_mask, field, cost, threshold, totals, geometry, sweep, first, stop
):  # fmt: skip
    n_y, n_x = field.shape[1:]
    colour = sweep[0]
    for row in range(first, stop):
        t, y = divmod(row, n_y)
        total = np.int64(0)
        for x in range((t + y + colour) & 1, n_x, 2):
            if query_mask.size and not query_mask[t, y, x]:
                continue
            _improve(query, key, weights, field, cost, threshold, t, y, x, geometry, sweep)
            total += _fixed_point(cost[t, y, x])
        totals[colour, row] = total


def search(
    query, key, field, *, patch, weights=None, query_mask=None, periodic=(False, False, False),
    sweeps, first_sweep=0, search_radius=None, cost_threshold=None, seed=0,
):  # fmt: skip
    """Improve `field` in place by PatchMatch.

    Parameters
    ----------
    query, key
        (t, y, x, c) of uint8 or float32, both of the same.
    weights
        Factors of the cost, one a key patch, float32. Keys with an infinite one are never chosen.
    query_mask
        Which query patches may change. The cost of the others is NaN.
    sweeps, first_sweep
        How many sweeps to make, and how many with the same seed came before.
    search_radius
        Random search begins so many voxels around the best key, by default everywhere, and halves
        its radius down to one.
    cost_threshold
        What the last search returned: random search is not for patches that cost less than the
        mean, which have little to gain.

    Returns
    -------
    cost, cost_threshold
        The cost of every patch (float32), and the mean cost (1,) for the next search.
    """
    geometry = make_geometry(query.shape, key.shape, patch, periodic)
    unfolded_query = unfold_time(query, patch, periodic)
    unfolded_key = unfold_time(key, patch)
    cost = np.full(field.shape, np.nan, np.float32)
    n_rows = field.shape[0] * field.shape[1]
    totals = np.zeros((2, n_rows), np.int64)
    n_updated = field.size if query_mask is None else np.count_nonzero(query_mask)
    weights = np.empty((0, 0, 0), np.float32) if weights is None else weights
    query_mask = np.empty((0, 0, 0), np.bool_) if query_mask is None else query_mask
    cost_threshold = np.zeros(1, np.float32) if cost_threshold is None else cost_threshold
    for number, step in enumerate(rules.plan_steps(sweeps, first_sweep, search_radius)):
        for colour in (0, 1):
            sweep = rules.plan_sweep(
                first_sweep + number, colour, number == 0, step, search_radius, seed, key.shape
            )

            def work(first: int, stop: int, threshold=cost_threshold, sweep=sweep) -> None:
                _sweep(
                    unfolded_query, unfolded_key, weights, query_mask, field, cost, threshold,
                    totals, geometry, sweep, first, stop,
                )  # fmt: skip

            parallel_range(work, n_rows, grain=16)
        cost_threshold = np.full(1, rules.mean_cost(totals.sum(), n_updated))
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
    """Squared distance (float32) of every query patch to the key patch its field names."""
    geometry = make_geometry(query.shape, key.shape, patch, periodic)
    unfolded_query, unfolded_key = unfold_time(query, patch, periodic), unfold_time(key, patch)
    cost = np.empty(field.shape, np.float32)

    def work(first: int, stop: int) -> None:
        _patch_distance(unfolded_query, unfolded_key, field, cost, geometry, first, stop)

    parallel_range(work, field.shape[0] * field.shape[1], grain=16)
    return cost


# ---------------------------------------------------------------------------------------------
# Fields
# ---------------------------------------------------------------------------------------------


@kernel
def _carry(coarse, coarse_key, query_size, near, fine, fine_key, patch, first, stop):
    n_y, n_x = fine.shape[1:]
    near_t, near_y, near_x = near
    for row in range(first, stop):
        t, y = divmod(row, n_y)
        for x in range(n_x):
            found = coarse[near_t[t, 0], near_y[y, 0], near_x[x, 0]]
            keys = coordinates(found, coarse_key[1], coarse_key[2])
            beyond = (near_t[t, 1], near_y[y, 1], near_x[x, 1])
            at = np.int64(0)
            for axis in range(3):
                key = carry_key(
                    keys[axis], beyond[axis], patch[axis], query_size[axis], coarse_key[axis],
                    fine_key[axis], fine_key[axis] - patch[axis] + 1,
                )  # fmt: skip
                at = at * fine_key[axis] + key
            fine[t, y, x] = at


def carry(
    field, query_shape, key_shape, fine_query_shape, fine_key_shape, *, patch,
    periodic=(False, False, False),
):  # fmt: skip
    """The field of a coarser level as the start of a finer one: nearest patch, scaled key."""
    fine = np.empty(patch_grid(fine_query_shape, patch, periodic), np.int32)
    near = rules.near_tables(fine.shape, patch, query_shape, fine_query_shape, field.shape)

    def work(first: int, stop: int) -> None:
        _carry(
            field, key_shape[:3], fine_query_shape[:3], near,
            fine, fine_key_shape[:3], patch, first, stop,
        )  # fmt: skip

    parallel_range(work, fine.shape[0] * fine.shape[1], grain=64)
    return fine
