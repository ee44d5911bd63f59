"""The numba.cuda kernels, compiled from the same rules as the loops of the CPU.

There is one thread for each patch, voxel and channel, or word. `numba_cuda` launches them.
"""

import numpy as np
from numba import cuda

from patchvid.kernels import carrying, rules

device = cuda.jit(device=True)
coordinates, (near, carry_patch) = device(rules.coordinates), carrying.carrier(device)
fixed_point, mean_cost = device(rules.fixed_point), device(rules.mean_cost)
finish_cost = device(rules.finish_cost)


# ---------------------------------------------------------------------------------------------
# Patch distance and search. Voxels hold words of four 8-bit channels, or floats
# ---------------------------------------------------------------------------------------------


@device
def _bytes_ssd(query, key, a, b, first, stop, geometry):
    (_, query_y, query_x), _, (_, key_y, key_x), _, (depth, _, columns), _, channels = geometry
    ssd = np.int32(0)
    for dy in range(first, stop):
        for dt in range(depth):
            query_row = (a + (dt * query_y + dy) * query_x) * channels
            key_row = (b + (dt * key_y + dy) * key_x) * channels
            for d in range(columns * channels):
                one, other = query[query_row + d], key[key_row + d]
                for shift in range(0, 32, 8):
                    difference = np.int32((one >> shift) & 255) - np.int32((other >> shift) & 255)
                    ssd += difference * difference
    return ssd


@device
def _floats_ssd(query, key, a, b, first, stop, geometry):
    (_, query_y, query_x), _, (_, key_y, key_x), _, (depth, _, columns), _, channels = geometry
    # Use eight partial sums, added in the same order as the CPU's vectors.
    sums = cuda.local.array(8, np.float32)
    for lane in range(8):
        sums[lane] = 0
    for dy in range(first, stop):
        lane = 0
        for dx in range(columns):
            for dt in range(depth):
                query_voxel = a + (dt * query_y + dy) * query_x + dx
                key_voxel = b + (dt * key_y + dy) * key_x + dx
                for c in range(channels):
                    difference = query[query_voxel * channels + c] - key[key_voxel * channels + c]
                    sums[lane] = cuda.fma(difference, difference, sums[lane])
                    lane = (lane + 1) & 7
    for half in (4, 2, 1):
        for lane in range(half):
            sums[lane] += sums[lane + half]
    return sums[0]


def _make_distance(rows_ssd):
    @device
    def distance(query, key, query_voxel, key_voxel, geometry, weight, bound):
        """Weighted squared distance of two patches, or a part of it if that reaches `bound`."""
        rows = geometry[4][1]
        first = min(rows, rules.FIRST_ROWS)
        ssd = rows_ssd(query, key, query_voxel, key_voxel, 0, first, geometry)
        if first < rows and np.float32(ssd) * weight < bound:
            ssd += rows_ssd(query, key, query_voxel, key_voxel, first, rows, geometry)
        return np.float32(ssd) * weight

    return distance


@device
def _weight_at(weights, t, y, x):
    return weights[t, y, x]


def _make_kernels(rows_ssd):
    distance = _make_distance(rows_ssd)
    improve = rules.improver(device, distance, _weight_at)

    @cuda.jit
    def sweep_kernel(
        query, key, weights, query_mask, field, cost, threshold, totals, geometry, sweep, divisor,
        alpha,
    ):  # fmt: skip
        n_t, n_y, n_x = field.shape
        t, y, place = coordinates(cuda.grid(1), n_y, (n_x + 1) // 2)
        x = 2 * place + ((t + y + sweep[0]) & 1)
        if t < n_t and x < n_x and (query_mask.size == 0 or query_mask[t, y, x]):
            improve(query, key, weights, field, cost, threshold, t, y, x, geometry, sweep)
            # Sums of integers do not depend on their order.
            cuda.atomic.add(totals, cuda.threadIdx.x, np.uint64(fixed_point(cost[t, y, x])))
            cost[t, y, x] = finish_cost(cost[t, y, x], divisor, alpha)

    @cuda.jit
    def distance_kernel(query, key, field, cost, geometry, divisor):
        n_t, n_y, n_x = field.shape
        t, y, x = coordinates(cuda.grid(1), n_y, n_x)
        if t < n_t:
            voxel = (t * geometry[0][1] + y) * geometry[0][2] + x
            distant = distance(
                query, key, voxel, field[t, y, x], geometry, np.float32(1), np.float32(np.inf)
            )
            cost[t, y, x] = distant / divisor

    return sweep_kernel, distance_kernel


SEARCH = {"uint32": _make_kernels(_bytes_ssd), "float32": _make_kernels(_floats_ssd)}


@cuda.jit
def settle_kernel(totals, counted, mean, count):
    if cuda.grid(1) == 0:
        total = np.int64(0)
        for thread in range(totals.size):
            total += np.int64(totals[thread])
            totals[thread] = 0
        mean[0] = mean_cost(total, counted[0] if counted.size else count)


@cuda.jit
def pack_kernel(values, words):
    lanes = 4 // values.itemsize
    n_words, channels = words.shape[1], values.shape[1]
    voxel = cuda.grid(1) // n_words
    if voxel >= words.shape[0]:
        return
    plane = cuda.grid(1) - voxel * n_words
    word = np.uint32(0)
    for lane in range(lanes):
        channel = plane * lanes + lane
        if channel < channels:
            word |= np.uint32(values[voxel, channel]) << np.uint32(32 // lanes * lane)
    words[voxel, plane] = word


# ---------------------------------------------------------------------------------------------
# Voting
# ---------------------------------------------------------------------------------------------


@device
def _find_vote(number, field, t, y, x, key_size, patch, periodic):
    """Flat index of the voxel that casts a vote; -1 where there is no patch."""
    dt, dy, dx = coordinates(number, patch[1], patch[2])
    pt, py, px = t - dt, y - dy, x - dx
    n_t, n_y, n_x = field.shape
    if periodic[0]:
        pt %= n_t
    if periodic[1]:
        py %= n_y
    if periodic[2]:
        px %= n_x
    if not (0 <= pt < n_t and 0 <= py < n_y and 0 <= px < n_x):
        return np.int64(-1)
    return field[pt, py, px] + (dt * key_size[1] + dy) * key_size[2] + dx


@cuda.jit
def median_kernel(value, field, update_mask, voted, channels, key_size, patch, periodic, bits):
    voxel = cuda.grid(1) // channels
    c = cuda.grid(1) - voxel * channels
    t, y, x = coordinates(voxel, voted.shape[1], voted.shape[2])
    if t >= voted.shape[0] or (update_mask.size and not update_mask[t, y, x]):
        return
    lanes = 32 // bits
    word, shift, lane = c // lanes, c % lanes * bits, (np.int64(1) << bits) - 1
    most = patch[0] * patch[1] * patch[2]
    n_votes = np.int64(0)
    for number in range(most):
        n_votes += _find_vote(number, field, t, y, x, key_size, patch, periodic) >= 0
    # Find the median's bits from the highest down: at most `rank` votes lie below it.
    rank = (n_votes - 1) // 2
    median = np.int64(0)
    for bit in range(bits - 1, -1, -1):
        pivot = median | (np.int64(1) << bit)
        below = np.int64(0)
        for number in range(most):
            voter = _find_vote(number, field, t, y, x, key_size, patch, periodic)
            below += voter >= 0 and (np.int64(value[voter, word]) >> shift & lane) < pivot
        if below <= rank:
            median = pivot
    voted[t, y, x, c] = median


@cuda.jit
def mean_kernel(value, field, update_mask, voted, key_size, patch, periodic, whole):
    channels = voted.shape[3]
    voxel = cuda.grid(1) // channels
    c = cuda.grid(1) - voxel * channels
    t, y, x = coordinates(voxel, voted.shape[1], voted.shape[2])
    if t >= voted.shape[0] or (update_mask.size and not update_mask[t, y, x]):
        return
    n_votes, total = np.int64(0), np.int64(0)
    real, excess = np.float32(0), np.float32(0)
    for number in range(patch[0] * patch[1] * patch[2]):
        voter = _find_vote(number, field, t, y, x, key_size, patch, periodic)
        if voter >= 0:
            n_votes += 1
            if whole:
                total += np.int64(value[voter, c])
            else:  # Kahan's sum: the next vote is corrected by the last rounding error
                corrected = np.float32(value[voter, c]) - excess
                rounded = real + corrected
                excess = (rounded - real) - corrected
                real = rounded
    if whole:
        voted[t, y, x, c] = (2 * total + n_votes) // (2 * n_votes)
    else:
        voted[t, y, x, c] = real / np.float32(n_votes)


# ---------------------------------------------------------------------------------------------
# Fields and pyramids
# ---------------------------------------------------------------------------------------------


@cuda.jit
def carry_kernel(field, fine_field, firsts, coarse_sizes, fine_sizes, patch):
    n_t, n_y, n_x = fine_field.shape
    t, y, x = coordinates(cuda.grid(1), n_y, n_x)
    if t < n_t:
        levels = field.shape, firsts, coarse_sizes, fine_sizes, patch
        near_t, near_y, near_x = near(t, 0, levels), near(y, 1, levels), near(x, 2, levels)
        fine_field[t, y, x] = carry_patch(field, near_t, near_y, near_x, levels)


@cuda.jit
def blend_kernel(
    source, starts_t, starts_y, starts_x, weights_t, weights_y, weights_x, out, top
):  # fmt: skip
    n_t, n_y, n_x, channels = out.shape
    voxel = cuda.grid(1) // channels
    c = cuda.grid(1) - voxel * channels
    t, y, x = coordinates(voxel, n_y, n_x)
    if t >= n_t:
        return
    total = np.float32(0)
    for dt in range(weights_t.shape[1]):
        of_frame = np.float32(0)
        for dx in range(weights_x.shape[1]):
            of_pixel = np.float32(0)
            for dy in range(weights_y.shape[1]):
                value = source[starts_t[t] + dt, starts_y[y] + dy, starts_x[x] + dx, c]
                of_pixel = cuda.fma(weights_y[y, dy], np.float32(value), of_pixel)
            of_frame = cuda.fma(weights_x[x, dx], of_pixel, of_frame)
        total = cuda.fma(weights_t[t, dt], of_frame, total)
    if top:
        total = min(max(total + np.float32(0.5), np.float32(0)), np.float32(top))
    out[t, y, x, c] = total
