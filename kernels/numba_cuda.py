"""Kernels of the CUDA back end in numba.cuda: one thread a patch, or a voxel and channel.

They compile the rules that the CPU's loops compile. Arrays are on the device.
"""

import cupy
import numpy as np
from numba import cuda
from numba.cuda import dispatcher

from patchvid.kernels import rules
from patchvid.kernels.raw_cuda import THREADS

device = cuda.jit(device=True)
coordinates, carry_key = device(rules.coordinates), device(rules.carry_key)
fixed_point, mean_cost = device(rules.fixed_point), device(rules.mean_cost)


def _launch(kernel, count, *arguments):
    """Run a kernel for so many patches or voxels, in the stream that CuPy is using."""
    stream = cuda.external_stream(cupy.cuda.get_current_stream().ptr)
    # Without `sync` Numba would wait for what has been launched before.
    taken = [
        cuda.as_cuda_array(argument, sync=False) if isinstance(argument, cupy.ndarray) else argument
        for argument in arguments
    ]
    dispatcher.config.CUDA_LOW_OCCUPANCY_WARNINGS = 0  # small levels are few blocks, and should be
    kernel[-(-count // THREADS), THREADS, stream](*taken)


# ---------------------------------------------------------------------------------------------
# Patch distance and search. Voxels hold words of four bytes, or floats.
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
    # Eight partial sums and the tree that adds them are those of the CPU's vectors.
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
        """Weighted squared distance of two patches, or a part of it that is not below `bound`."""
        rows = geometry[4][1]
        first = min(rows, rules.FIRST_ROWS)
        ssd = rows_ssd(query, key, query_voxel, key_voxel, 0, first, geometry)
        if first < rows and np.float32(ssd) * weight < bound:
            ssd += rows_ssd(query, key, query_voxel, key_voxel, first, rows, geometry)
        return np.float32(ssd) * weight

    return distance


def _make_kernels(rows_ssd):
    distance = _make_distance(rows_ssd)
    improve = rules.improver(device, distance)

    @cuda.jit
    def sweep_kernel(
        query, key, weights, query_mask, field, cost, threshold, totals, geometry, sweep
    ):  # fmt: skip
        n_t, n_y, n_x = field.shape
        t, y, place = coordinates(cuda.grid(1), n_y, (n_x + 1) // 2)
        x = 2 * place + ((t + y + sweep[0]) & 1)
        if t < n_t and x < n_x and (query_mask.size == 0 or query_mask[t, y, x]):
            improve(query, key, weights, field, cost, threshold, t, y, x, geometry, sweep)
            # Sums of integers do not depend on their order.
            cuda.atomic.add(totals, cuda.threadIdx.x, np.uint64(fixed_point(cost[t, y, x])))

    @cuda.jit
    def distance_kernel(query, key, field, cost, geometry):
        n_t, n_y, n_x = field.shape
        t, y, x = coordinates(cuda.grid(1), n_y, n_x)
        if t < n_t:
            voxel = (t * geometry[0][1] + y) * geometry[0][2] + x
            cost[t, y, x] = distance(
                query, key, voxel, field[t, y, x], geometry, np.float32(1), np.float32(np.inf)
            )

    return sweep_kernel, distance_kernel


KERNELS = {"uint32": _make_kernels(_bytes_ssd), "float32": _make_kernels(_floats_ssd)}


@cuda.jit
def settle_kernel(totals, counted, cost_threshold, count):
    if cuda.grid(1) == 0:
        total = np.int64(0)
        for thread in range(totals.size):
            total += np.int64(totals[thread])
            totals[thread] = 0
        cost_threshold[0] = mean_cost(total, counted[0] if counted.size else count)


def sweep(
    query, key, weights, query_mask, field, cost, threshold, totals, counted, geometry, plans
):  # fmt: skip
    """Improve the patches of both colours, as `raw_cuda.sweep` does it."""
    n_t, n_y, n_x = field.shape
    kernel, _ = KERNELS[query.dtype.name]
    for plan in plans:
        _launch(
            kernel, n_t * n_y * ((n_x + 1) // 2), query.reshape(-1), key.reshape(-1),
            weights, query_mask, field, cost, threshold, totals, geometry, plan,
        )  # fmt: skip
    cost_threshold = cupy.empty(1, np.float32)
    _launch(settle_kernel, 1, totals, counted, cost_threshold, field.size)
    return cost_threshold


def distance(query, key, field, cost, geometry):
    """Fill in the squared distance of every patch to its key."""
    _, kernel = KERNELS[query.dtype.name]
    _launch(kernel, field.size, query.reshape(-1), key.reshape(-1), field, cost, geometry)


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


def to_words(values):
    """(t, y, x, n) of uint32: the channels of a voxel, as many to a word as fit, and zeros."""
    *shape, channels = values.shape
    words = cupy.empty((*shape, -(-channels * values.itemsize // 4)), np.uint32)
    flat = [cupy.ascontiguousarray(array).reshape(-1, array.shape[3]) for array in (values, words)]
    _launch(pack_kernel, words.size, *flat)
    return words


# ---------------------------------------------------------------------------------------------
# Voting
# ---------------------------------------------------------------------------------------------


@device
def _find_vote(number, field, t, y, x, key_size, patch, periodic):
    """The voxel that casts a vote on another, by its flat index; -1 if no patch lies there."""
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
def median_kernel(value, field, update_mask, voted, key_size, patch, periodic, bits):
    channels = voted.shape[3]
    voxel = cuda.grid(1) // channels
    c = cuda.grid(1) - voxel * channels
    t, y, x = coordinates(voxel, voted.shape[1], voted.shape[2])
    if t >= voted.shape[0] or (update_mask.size and not update_mask[t, y, x]):
        return
    most = patch[0] * patch[1] * patch[2]
    n_votes = np.int64(0)
    for number in range(most):
        n_votes += _find_vote(number, field, t, y, x, key_size, patch, periodic) >= 0
    # The median's bits from the top: as many votes as its rank may lie below it.
    rank = (n_votes - 1) // 2
    median = np.int64(0)
    for bit in range(bits - 1, -1, -1):
        pivot = median | (np.int64(1) << bit)
        below = np.int64(0)
        for number in range(most):
            voter = _find_vote(number, field, t, y, x, key_size, patch, periodic)
            below += voter >= 0 and np.int64(value[voter, c]) < pivot
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
    real, lost = np.float32(0), np.float32(0)
    for number in range(patch[0] * patch[1] * patch[2]):
        voter = _find_vote(number, field, t, y, x, key_size, patch, periodic)
        if voter >= 0:
            n_votes += 1
            if whole:
                total += np.int64(value[voter, c])
            else:  # what a sum in single precision loses is added to the next vote
                vote = np.float32(value[voter, c]) - lost
                rounded = real + vote
                lost = (rounded - real) - vote
                real = rounded
    if whole:
        voted[t, y, x, c] = (2 * total + n_votes) // (2 * n_votes)
    else:
        voted[t, y, x, c] = real / np.float32(n_votes)


def median(value, field, update_mask, voted, key_size, patch, periodic):
    """Fill in the lower median of the votes on every voxel, of unsigned integers."""
    votes = value.reshape(-1, value.shape[3])
    bits = 8 * value.dtype.itemsize
    _launch(
        median_kernel, voted.size, votes, field, update_mask, voted, key_size, patch, periodic, bits
    )  # fmt: skip


def mean(value, field, update_mask, voted, key_size, patch, periodic):
    """Fill in the mean of the votes on every voxel; integers are rounded, halves up."""
    votes = value.reshape(-1, value.shape[3])
    whole = value.dtype.kind == "u"
    _launch(
        mean_kernel, voted.size, votes, field, update_mask, voted, key_size, patch, periodic, whole
    )


# ---------------------------------------------------------------------------------------------
# Fields and pyramids
# ---------------------------------------------------------------------------------------------


@cuda.jit
def carry_kernel(coarse, near_t, near_y, near_x, fine, coarse_key, query_size, fine_key, patch):
    n_t, n_y, n_x = fine.shape
    t, y, x = coordinates(cuda.grid(1), n_y, n_x)
    if t >= n_t:
        return
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


def carry(coarse, near, fine, coarse_key, query_size, fine_key, patch):
    """Fill in the field of a finer level; `near` is what `nearest_coarse` says of each axis."""
    _launch(carry_kernel, fine.size, coarse, *near, fine, coarse_key, query_size, fine_key, patch)


@cuda.jit
def blend_kernel(source, starts, weights, out, top):
    _, n, inner = out.shape
    outer, entry, place = coordinates(cuda.grid(1), n, inner)
    if outer >= out.shape[0]:
        return
    total = np.float32(0)
    for k in range(weights.shape[1]):
        value = np.float32(source[outer, starts[entry] + k, place])
        total = cuda.fma(weights[entry, k], value, total)
    if top:
        total = min(max(total + np.float32(0.5), np.float32(0)), np.float32(top))
    out[outer, entry, place] = total


def blend(source, starts, weights, out, top):
    """Resample the middle one of three axes; unless `top` is 0, round up to it."""
    _launch(blend_kernel, out.size, source, starts, weights, out, top)
