"""The CPU back end: Numba loops over patches and voxels.

A field holds, for every query patch, the flat voxel index ``(t * H + y) * W + x`` of the first
voxel of its key patch (int32). Work is cut into tasks of a fixed size, and what a task reads is
never written by another task at the same time, so results do not depend on the number of threads.
"""

import numpy as np
from numba import njit

from patchvid.kernels import rules
from patchvid.kernels.exact import search_exact as search_exact
from patchvid.kernels.simd import OVERREAD, rows_ssd
from patchvid.kernels.threads import share
from patchvid.kernels.voting import vote as vote

BAND = 16  # rows of a search task: long enough to propagate, short enough to share out

kernel = njit(cache=True, nogil=True, error_model="numpy")
mix = njit(inline="always")(rules.mix)
draw_near = njit(inline="always")(rules.draw_near)
carry_key = njit(inline="always")(rules.carry_key)


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

    share(work, n_frames * n_rows, grain=64)
    return buffer


def patch_grid(shape, patch, periodic=(False, False, False)) -> tuple[int, int, int]:
    """How many patches there are along t, y and x."""
    t, y, x = (
        size if wraps else size - extent + 1
        for size, extent, wraps in zip(shape, patch, periodic, strict=False)
    )
    return t, y, x


# ---------------------------------------------------------------------------------------------
# Patch distance and search
# ---------------------------------------------------------------------------------------------


@njit(inline="always")
def _distance(query, query_start, query_row, key, key_start, key_row, length, rows, weight, bound):
    """Weighted squared distance of two patches, or a part of it that is not below `bound`."""
    first = min(rows, 2)
    ssd = rows_ssd(query, query_start, query_row, key, key_start, key_row, length, first)
    if first < rows and np.float32(ssd) * weight < bound:
        ssd += rows_ssd(
            query,
            query_start + first * query_row,
            query_row,
            key,
            key_start + first * key_row,
            key_row,
            length,
            rows - first,
        )
    return np.float32(ssd) * weight


@njit(inline="always")
def _coordinates(index, height, width):
    row = np.uint32(index) // np.uint32(width)
    t = row // np.uint32(height)
    return (
        np.int64(t),
        np.int64(row - t * np.uint32(height)),
        np.int64(np.uint32(index) - row * np.uint32(width)),
    )


@kernel
def _sweep(
    query, key, weights, updated, field, cost, totals, tasks,
    key_shape, patch, pixel, periodic, radii, threshold, fresh, step, stream, first, stop,
):  # fmt: skip
    """Improve the field once, over the patches of `tasks`: propagation, then random search."""
    n_t, n_y, n_x = field.shape
    kt, ky, kx = patch
    key_y, key_x = key_shape[1], key_shape[2]
    frame = key_y * key_x
    grid_t, grid_y, grid_x = key_shape[0] - kt + 1, key_y - ky + 1, key_x - kx + 1
    query_row, key_row = (n_x + kx - 1) * pixel, key_x * pixel
    query_frame = query_row * (n_y + ky - 1)
    length = kx * pixel
    one, infinity = np.float32(1), np.float32(np.inf)

    for task in range(first, stop):
        t, band_start, band_stop = tasks[task]
        total = np.float64(0)
        for band_y in range(band_start, band_stop):
            y = band_y if step > 0 else band_start + band_stop - 1 - band_y
            for scan_x in range(n_x):
                x = scan_x if step > 0 else n_x - 1 - scan_x
                if updated.size and not updated[t, y, x]:
                    continue
                start = t * query_frame + y * query_row + x * pixel
                best = np.int64(field[t, y, x])
                best_t, best_y, best_x = _coordinates(best, key_y, key_x)
                best_cost = infinity if fresh else cost[t, y, x]
                index = (t * n_y + y) * n_x + x
                # One loop over all candidates: the patch's own key, four neighbours', random ones.
                for number in range(0 if fresh else 1, 5 + len(radii)):
                    if number == 0:
                        candidate, at_t, at_y, at_x = best, best_t, best_y, best_x
                    elif number < 5:
                        dt, dy, dx = 0, 0, 0
                        if number == 1:
                            dx = -step
                        elif number == 2:
                            dy = -step
                        else:
                            dt = 2 * number - 7
                        nt, ny, nx = t + dt, y + dy, x + dx
                        if periodic[0]:
                            nt %= n_t
                        if periodic[1]:
                            ny %= n_y
                        if periodic[2]:
                            nx %= n_x
                        if not (0 <= nt < n_t and 0 <= ny < n_y and 0 <= nx < n_x):
                            continue
                        found = np.int64(field[nt, ny, nx])
                        candidate = found - (dt * frame + dy * key_x + dx)
                        if candidate == best:
                            continue
                        at_t, at_y, at_x = _coordinates(found, key_y, key_x)
                        at_t, at_y, at_x = at_t - dt, at_y - dy, at_x - dx
                        if not (0 <= at_t < grid_t and 0 <= at_y < grid_y and 0 <= at_x < grid_x):
                            continue
                    else:
                        if best_cost < threshold or best_cost == 0:
                            break
                        radius = radii[number - 5]
                        bits = mix(mix(stream + number) ^ index)
                        at_x, bits = draw_near(bits, best_x, radius, grid_x)
                        at_y, bits = draw_near(bits, best_y, radius, grid_y)
                        at_t, bits = draw_near(bits, best_t, radius, grid_t)
                        candidate = at_t * frame + at_y * key_x + at_x
                    weight = weights[candidate] if weights.size else one
                    distance = _distance(
                        query, start, query_row, key, candidate * pixel, key_row,
                        length, ky, weight, best_cost,
                    )  # fmt: skip
                    if distance < best_cost:
                        best, best_cost = candidate, distance
                        best_t, best_y, best_x = at_t, at_y, at_x

                field[t, y, x] = best
                cost[t, y, x] = best_cost
                total += best_cost
        totals[t, band_start // BAND] = total


def _tasks(grid, periodic) -> list[np.ndarray]:
    """The tasks (t, first row, last row + 1) of a sweep, in groups that may run together.

    Tasks that touch, also around a periodic axis, are in different groups.
    """
    frames = np.arange(grid[0])
    starts = np.arange(0, grid[1], BAND)
    colours = []
    for count, wraps in ((len(frames), periodic[0]), (len(starts), periodic[1])):
        colour = np.arange(count) % 2
        if wraps and count % 2 and count > 1:
            colour[-1] = 2
        colours.append(colour)
    n_colours = 3 if max(colours[0].max(), colours[1].max()) == 2 else 2
    group = (colours[0][:, None] + colours[1]) % n_colours
    groups = []
    for number in range(n_colours):
        at_t, at_band = np.nonzero(group == number)
        start = starts[at_band]
        groups.append(np.stack([frames[at_t], start, np.minimum(start + BAND, grid[1])], axis=1))
    return groups


def search(
    query, key, field, *, patch, weights=None, updated=None, periodic=(False, False, False),
    sweeps, backward=False, reach=None, settled=0.0, seed=0,
):  # fmt: skip
    """Improve `field` in place by PatchMatch and return the cost of every patch (float32).

    `query` and `key` are (t, y, x, c) of uint8 or float32. `weights` (one a key patch, float32)
    multiply the cost; a key with an infinite one is never chosen. `updated` marks the query patches
    that may change; the cost of the others is NaN. Sweeps go forward and back in turn.

    Random search begins `reach` voxels around the best key, everywhere by default, and halves its
    radius down to one. It is not for patches that cost less than the mean of the last sweep, in the
    first one less than `settled`: they have little to gain.
    """
    unfolded_query = unfold_time(query, patch, periodic)
    unfolded_key = unfold_time(key, patch)
    pixel = patch[0] * key.shape[3]
    cost = np.full(field.shape, np.nan, np.float32)
    n_bands = -(-field.shape[1] // BAND)
    totals = np.zeros((field.shape[0], n_bands))
    groups = _tasks(field.shape, periodic)
    reach = min(reach or max(key.shape[:3]), max(key.shape[:3]))
    radii = np.array([reach >> halvings for halvings in range(reach.bit_length())])
    n_updated = field.size if updated is None else np.count_nonzero(updated)
    if updated is None:
        updated = np.empty((0, 0, 0), np.bool_)
    by_voxel = np.empty(0, np.float32)
    if weights is not None:
        padding = [(0, extent - 1) for extent in patch]
        by_voxel = np.pad(weights, padding).reshape(-1)
    threshold = settled
    for sweep in range(sweeps):
        moment = (
            threshold,
            sweep == 0,
            1 if (sweep + backward) % 2 == 0 else -1,
            rules.mix((seed + sweep * 0x9E3779B1) & 0xFFFFFFFF),
        )
        for tasks in groups:

            def work(first: int, stop: int, tasks=tasks, moment=moment) -> None:
                _sweep(
                    unfolded_query, unfolded_key, by_voxel, updated, field, cost, totals, tasks,
                    key.shape[:3], patch, pixel, periodic, radii, *moment, first, stop,
                )  # fmt: skip

            share(work, len(tasks))
        mean = float(totals.sum()) / max(n_updated, 1)
        threshold = mean if mean < np.inf else 0.0  # some patches have no allowed key yet
    return cost


@kernel
def _patch_distance(
    query, key, field, cost, query_row, query_frame, key_row, pixel, patch, first, stop
):
    n_y, n_x = field.shape[1:]
    for row in range(first, stop):
        t, y = divmod(row, n_y)
        for x in range(n_x):
            start = t * query_frame + y * query_row + x * pixel
            cost[t, y, x] = rows_ssd(
                query, start, query_row, key, np.int64(field[t, y, x]) * pixel, key_row,
                patch[2] * pixel, patch[1],
            )  # fmt: skip


def patch_distance(query, key, field, *, patch, periodic=(False, False, False)):
    """Squared distance (float32) of every query patch to the key patch its field names."""
    cost = np.empty(field.shape, np.float32)
    pixel = patch[0] * key.shape[3]
    query_row = (field.shape[2] + patch[2] - 1) * pixel
    query_frame = query_row * (field.shape[1] + patch[1] - 1)
    unfolded_query, unfolded_key = unfold_time(query, patch, periodic), unfold_time(key, patch)

    def work(first: int, stop: int) -> None:
        _patch_distance(
            unfolded_query, unfolded_key, field, cost,
            query_row, query_frame, key.shape[2] * pixel, pixel, patch, first, stop,
        )  # fmt: skip

    share(work, field.shape[0] * field.shape[1], grain=16)
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
            keys = _coordinates(found, coarse_key[1], coarse_key[2])
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
    near = tuple(
        np.array([rules.nearest_coarse(i, *sizes) for i in range(n)], np.int64)
        for n, *sizes in zip(fine.shape, patch, query_shape, fine_query_shape, field.shape)
    )

    def work(first: int, stop: int) -> None:
        _carry(
            field, key_shape[:3], fine_query_shape[:3], near,
            fine, fine_key_shape[:3], patch, first, stop,
        )  # fmt: skip

    share(work, fine.shape[0] * fine.shape[1], grain=64)
    return fine
