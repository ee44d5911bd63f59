"""Arithmetic for one patch or one voxel, written once for every device.

These are plain functions. They run in Python, and each back end compiles them with its own
compiler. All integers have 64 bits; random bits use the lower 32.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

_BITS = 0xFFFFFFFF
FIRST_ROWS = 2  # rows of a patch that are compared first: they are often enough to reject a key
FIRST_STEPS, STEPS = (15, 7), (3, 1)  # all odd, so that such neighbours have the other parity
MANY = 8  # keys for each query patch; with more, a larger layout of the key does not pay
NO_ALPHA = np.float32(-1)
MOST, UNITS = np.float32(2**26), np.float32(2**8)  # costs as integers: their limit, steps per 1


class Prepared(NamedTuple):
    """A video in the layout in which a back end compares its patches or lets them vote.

    `shape` (t, y, x, c) and `dtype` are those of the video, or of each sample's. So many of its
    frames lie side by side, `depth`. Votes may be written into a layout that is `writable`.
    """

    layout: Any
    shape: tuple[int, int, int, int]
    dtype: Any
    depth: int = 1
    writable: bool = False


def patch_grid(shape, patch, periodic=(False, False, False)):
    """Number of patches along t, y and x."""
    t, y, x = (
        size if wraps else size - extent + 1
        for size, extent, wraps in zip(shape, patch, periodic, strict=False)
    )
    return t, y, x


def first_voxel(number, grid, shape):
    """Flat index, in a video of this shape, of the first voxel of patch `number` of a grid.

    `number` may be an array. CuPy's `unravel_index` would wait for the GPU.
    """
    row = number // grid[2]
    skipped = shape[1] - grid[1], shape[2] - grid[2]  # rows and columns that begin no patch
    return number + row * skipped[1] + row // grid[1] * (skipped[0] * shape[2])


def output_shape(grid, patch, periodic):
    """(t, y, x) of the video that a grid of patches covers."""
    t, y, x = (
        count if wraps else count + extent - 1
        for count, extent, wraps in zip(grid, patch, periodic, strict=True)
    )
    return t, y, x


def pad_periodic(video, patch, periodic):
    """Repeat the start of periodic axes at their end, so that all patches lie inside.

    `video` is (t, y, x), (t, y, x, c) or, for several samples, (n, t, y, x, c).
    """
    if not any(periodic):
        return video
    added = [(0, (extent - 1) * wraps) for extent, wraps in zip(patch, periodic, strict=True)]
    before = max(video.ndim - 4, 0)
    after = video.ndim - before - 3
    return np.pad(video, [*[(0, 0)] * before, *added, *[(0, 0)] * after], mode="wrap")


@lru_cache(maxsize=64)
def make_geometry(query_shape, key_shape, patch, periodic):
    """Sizes for a search, from the shapes (t, y, x, c) of its query and key.

    These are: the size of the query, padded by `pad_periodic`, and its number of patches; the size
    of the key and its number of patches; the patch; which axes are periodic; the channels.
    """
    grid = patch_grid(query_shape, patch, periodic)
    padded = tuple(count + extent - 1 for count, extent in zip(grid, patch))
    key_grid = patch_grid(key_shape, patch)
    return padded, grid, key_shape[:3], key_grid, patch, periodic, key_shape[3]


def plan_steps(sweeps, first_sweep, search_radius):
    """Distance to the neighbours, in patches, for each of some sweeps.

    If random keys come from everywhere and there are enough sweeps, good keys spread in large steps
    at first.
    """
    steps = [STEPS[(first_sweep + number) % len(STEPS)] for number in range(sweeps)]
    if search_radius is None and sweeps >= len(FIRST_STEPS) + len(STEPS):
        steps[: len(FIRST_STEPS)] = FIRST_STEPS
    return steps


def plan_sweep(parity, init, step, search_radius, key_shape):
    """Parameters of half a sweep, which improves the patches of one parity, (t + y + x) % 2.

    These are: the parity; whether costs still have to be computed; the distance to the neighbours,
    in patches; the first radius of random search, in voxels.
    """
    most = max(key_shape[:3])
    return parity, init, step, most if search_radius is None else min(search_radius, most)


def fixed_point(cost):
    """Convert a cost to an integer, so that sums do not depend on their order.

    Infinity and NaN become 0.
    """
    return np.int64(min(cost, MOST) * UNITS) if cost < np.inf else np.int64(0)


def mean_cost(total, count):
    """Mean cost, from the sum of `count` costs in fixed point."""
    return np.float32(total // max(count, 1)) / UNITS


def mix(bits):
    """Scramble 32 bits: a bijection in which every input bit changes half of the output bits.

    The constants are those of "lowbias32" (C. Wellons, "Prospecting for hash functions", 2018).
    """
    bits ^= bits >> 16
    bits = (bits * 0x21F0AAAD) & _BITS
    bits ^= bits >> 15
    bits = (bits * 0xD35A2D97) & _BITS
    return bits ^ (bits >> 15)


def random_stream(*numbers):
    """32 random bits from integers of any size: a seed, and numbers that identify its use.

    One more number below 2**32 gives the `mix` of these bits and that number.
    """
    bits = _BITS
    for number in numbers:
        bits = mix(bits ^ (number & _BITS))
        while number := number >> 32:
            bits = mix(bits ^ (number & _BITS))
    return bits


def draw_near(bits, centre, radius, size):
    """Draw a place within `radius` of `centre` in [0, size); also return bits for the next draw.

    The place is the high word of bits * count. The low word is still random, so one hash serves all
    axes as long as the product of their sizes is far below 2**32.
    """
    low = max(centre - radius, 0)
    count = min(centre + radius, size - 1) - low + 1
    product = bits * count
    return low + (product >> 32), product & _BITS


def coordinates(index, height, width):
    """(t, y, x) of a flat voxel index, in 31 bits, because dividing 64 bits takes longer."""
    row = np.uint32(index) // np.uint32(width)
    t = row // np.uint32(height)
    y, x = row - t * np.uint32(height), np.uint32(index) - row * np.uint32(width)
    return np.int64(t), np.int64(y), np.int64(x)


def as_weights(weights):
    """Weights as floats: of a mask, 1 for keys that may be chosen, and infinity for others."""
    if weights is None or weights.dtype != np.bool_:
        return weights
    return np.where(weights, np.float32(1), np.float32(np.inf))


def improver(compiled, distance, weight_at):
    """Compile the rule by which a sweep improves the key of one patch.

    `compiled` is the compiler of a back end. Its ``distance(query, key, query_voxel, key_voxel,
    geometry, weight, bound)`` is the weighted distance of two patches, or a part of it if that
    already reaches the bound. Its ``weight_at(weights, t, y, x)`` is the weight of a key.
    """
    mix_bits, draw, split = compiled(mix), compiled(draw_near), compiled(coordinates)

    def improve(query, key, weights, field, cost, threshold, t, y, x, geometry, sweep):
        """Run PatchMatch for patch (t, y, x): try its neighbours' keys, then random keys.

        Neighbours have the other parity, so all patches of one parity can be improved at the same
        time. Only patches that cost `threshold` or more search at random.
        """
        (_, query_y, query_x), (n_t, n_y, n_x), key_size, key_grid, _, periodic, _ = geometry
        (_, key_y, key_x), (grid_t, grid_y, grid_x) = key_size, key_grid
        parity, init, step, search_radius, stream = sweep
        start = (t * query_y + y) * query_x + x
        weight = np.float32(1)
        best = np.int64(field[t, y, x])
        best_t, best_y, best_x = split(best, key_y, key_x)
        best_cost = cost[t, y, x]
        if init:
            if weights.size:
                weight = weight_at(weights, best_t, best_y, best_x)
            best_cost = distance(query, key, start, best, geometry, weight, np.float32(np.inf))
        for number in range(6):
            side = 2 * (number & 1) - 1
            dt = side if number >= 4 else 0
            dy = side * step if 2 <= number < 4 else 0
            dx = side * step if number < 2 else 0
            nt, ny, nx = t + dt, y + dy, x + dx
            if periodic[0]:
                nt %= n_t
            if periodic[1]:
                ny %= n_y
            if periodic[2]:
                nx %= n_x
            if not (0 <= nt < n_t and 0 <= ny < n_y and 0 <= nx < n_x):
                continue
            if (nt + ny + nx) & 1 == parity:  # across the end of an odd period
                continue
            found = np.int64(field[nt, ny, nx])
            candidate = found - ((dt * key_y + dy) * key_x + dx)
            if candidate == best:
                continue
            at_t, at_y, at_x = split(found, key_y, key_x)
            at_t, at_y, at_x = at_t - dt, at_y - dy, at_x - dx
            if not (0 <= at_t < grid_t and 0 <= at_y < grid_y and 0 <= at_x < grid_x):
                continue
            if weights.size:
                weight = weight_at(weights, at_t, at_y, at_x)
            distant = distance(query, key, start, candidate, geometry, weight, best_cost)
            if distant < best_cost:
                best, best_cost = candidate, distant
                best_t, best_y, best_x = at_t, at_y, at_x
        if best_cost >= threshold[0] and best_cost > 0:
            bits = stream ^ ((t * n_y + y) * n_x + x)
            radius = search_radius
            while radius > 0:
                bits = mix_bits(bits)
                at_x, drawn = draw(bits, best_x, radius, grid_x)
                at_y, drawn = draw(drawn, best_y, radius, grid_y)
                at_t, drawn = draw(drawn, best_t, radius, grid_t)
                radius >>= 1
                candidate = (at_t * key_y + at_y) * key_x + at_x
                if weights.size:
                    weight = weight_at(weights, at_t, at_y, at_x)
                distant = distance(query, key, start, candidate, geometry, weight, best_cost)
                if distant < best_cost:
                    best, best_cost = candidate, distant
                    best_t, best_y, best_x = at_t, at_y, at_x
        field[t, y, x] = best
        cost[t, y, x] = best_cost

    return compiled(improve)


def value_count(patch, channels):
    """Number of values in a patch, the divisor of its cost."""
    return np.float32(patch[0] * patch[1] * patch[2] * channels)


def finish_cost(cost, divisor, alpha):
    """Costs per value or, if `alpha` is given, completeness weights; `cost` may be an array.

    The weight of a key is a factor of its cost, computed from the cost of its nearest query:
    equation 3 of Granot et al., "Drop the GAN" (CVPR 2022). Kernels get `NO_ALPHA` for None.
    """
    cost = cost / divisor
    return cost if alpha is None or alpha < 0 else np.float32(1) / (alpha + cost)
