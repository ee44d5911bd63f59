"""Rules for one patch or one voxel, written once for every device.

Plain functions: a back end compiles them with its own compiler, and they run as they are in Python.
All integers are 64 bits wide; the masks keep random bits to 32.
"""

import numpy as np

_BITS = 0xFFFFFFFF
FIRST_ROWS = 2  # of a patch, which may be enough to reject a key
FIRST_STEPS, STEPS = (15, 7), (3, 1)  # all odd, and so they lead to the other colour
MOST, UNITS = np.float32(2**26), np.float32(2**8)  # limit and resolution of a cost as an integer


def patch_grid(shape, patch, periodic=(False, False, False)):
    """How many patches there are along t, y and x."""
    t, y, x = (
        size if wraps else size - extent + 1
        for size, extent, wraps in zip(shape, patch, periodic, strict=False)
    )
    return t, y, x


def first_voxel(number, grid, shape):
    """The flat index, in a video of this shape, of the voxel with which a patch of a grid begins.

    Of many numbers at once: CuPy's `unravel_index` would wait for the GPU.
    """
    row, x = number // grid[2], number % grid[2]
    t, y = row // grid[1], row % grid[1]
    return (t * shape[1] + y) * shape[2] + x


def output_shape(grid, patch, periodic):
    """(t, y, x) of what a grid of patches covers."""
    t, y, x = (
        count if wraps else count + extent - 1
        for count, extent, wraps in zip(grid, patch, periodic, strict=True)
    )
    return t, y, x


def pad_periodic(video, patch, periodic):
    """(t, y, x) or (t, y, x, c), continued around periodic axes so that all patches lie inside."""
    if not any(periodic):
        return video
    around = [(0, (extent - 1) * wraps) for extent, wraps in zip(patch, periodic, strict=True)]
    return np.pad(video, [*around, (0, 0)][: video.ndim], mode="wrap")


def make_geometry(query_shape, key_shape, patch, periodic):
    """What a search knows of its query and key, whose arrays (t, y, x, c) have these shapes.

    Sizes of query and key, each followed by its number of patches; patch; whether axes go around;
    channels. The query is continued around, so that all its patches lie inside.
    """
    grid = patch_grid(query_shape, patch, periodic)
    continued = tuple(count + extent - 1 for count, extent in zip(grid, patch))
    key_grid = patch_grid(key_shape, patch)
    return continued, grid, key_shape[:3], key_grid, patch, periodic, key_shape[3]


def plan_steps(sweeps, first_sweep, search_radius):
    """How many patches away neighbours are in each of some sweeps.

    What is found at random, everywhere, spreads fast first if there is time for both.
    """
    steps = [STEPS[(first_sweep + number) % len(STEPS)] for number in range(sweeps)]
    if search_radius is None and sweeps >= len(FIRST_STEPS) + len(STEPS):
        steps[: len(FIRST_STEPS)] = FIRST_STEPS
    return steps


def plan_sweep(number, colour, init, step, search_radius, seed, key_shape):
    """One half of a sweep over a field: the patches of one colour, (t + y + x) % 2.

    The colour; whether costs are not known yet; how many patches away neighbours are; how many
    voxels from the best key random search begins; random bits.
    """
    most = max(key_shape[:3])
    search_radius = most if search_radius is None else min(search_radius, most)
    return colour, init, step, search_radius, random_stream(seed, number)


def fixed_point(cost):
    """A cost as an integer, so that sums do not depend on their order; 0 for infinity and NaN."""
    return np.int64(min(cost, MOST) * UNITS) if cost < np.inf else np.int64(0)


def mean_cost(total, count):
    """The mean of costs from the sum of their fixed points."""
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
    """32 random bits from whole numbers of any size: a seed, and what it is for."""
    bits = _BITS
    for number in numbers:
        bits = mix(bits ^ (number & _BITS))
        while number := number >> 32:
            bits = mix(bits ^ (number & _BITS))
    return bits


def draw_near(bits, centre, radius, size):
    """A random place within `radius` of `centre` in [0, size), and random bits for the next draw.

    The place is the high word of bits * count, the low word is as good as unused: one hash serves
    all axes as long as the product of their sizes is far below 2**32.
    """
    low = max(centre - radius, 0)
    count = min(centre + radius, size - 1) - low + 1
    product = bits * count
    return low + (product >> 32), product & _BITS


def coordinates(index, height, width):
    """(t, y, x) of a flat voxel index, which has 31 bits: divisions of 64 would take longer."""
    row = np.uint32(index) // np.uint32(width)
    t = row // np.uint32(height)
    y, x = row - t * np.uint32(height), np.uint32(index) - row * np.uint32(width)
    return np.int64(t), np.int64(y), np.int64(x)


def improver(compiled, distance):
    """The rule by which a sweep improves the key of one patch.

    `compiled` is the compiler of a back end, and its ``distance(query, key, query_voxel, key_voxel,
    geometry, weight, bound)`` the weighted distance of two patches, or a part of it that is not
    below the bound.
    """
    mix_bits, draw, split = compiled(mix), compiled(draw_near), compiled(coordinates)

    def improve(query, key, weights, field, cost, threshold, t, y, x, geometry, sweep):
        """PatchMatch for the patch (t, y, x): its own key, its neighbours' keys, random keys.

        Neighbours are of the other colour, so that all patches of one colour can be improved at the
        same time. Random search is for patches that cost `threshold` or more.
        """
        (_, query_y, query_x), (n_t, n_y, n_x), key_size, key_grid, _, periodic, _ = geometry
        (_, key_y, key_x), (grid_t, grid_y, grid_x) = key_size, key_grid
        colour, init, step, search_radius, stream = sweep
        start = (t * query_y + y) * query_x + x
        weight = np.float32(1)
        best = np.int64(field[t, y, x])
        best_t, best_y, best_x = split(best, key_y, key_x)
        best_cost = cost[t, y, x]
        if init:
            if weights.size:
                weight = weights[best_t, best_y, best_x]
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
            if (nt + ny + nx) & 1 == colour:  # around an odd period
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
                weight = weights[at_t, at_y, at_x]
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
                    weight = weights[at_t, at_y, at_x]
                distant = distance(query, key, start, candidate, geometry, weight, best_cost)
                if distant < best_cost:
                    best, best_cost = candidate, distant
                    best_t, best_y, best_x = at_t, at_y, at_x
        field[t, y, x] = best
        cost[t, y, x] = best_cost

    return compiled(improve)


def nearest_coarse(position, extent, coarse, fine, count):
    """The patch, in [0, count), of a coarser level whose centre is nearest to a finer patch's.

    Along one axis of `coarse` and `fine` voxels; both patches are `extent` long. Also the finer
    centre's distance behind it, in units of 1 / (2 * fine) coarse voxels: all is exact.
    """
    exact = (2 * position + extent) * coarse - extent * fine
    nearest = min(max((exact + fine) // (2 * fine), 0), count - 1)
    return nearest, exact - 2 * fine * nearest


def near_tables(fine_grid, patch, query_shape, fine_query_shape, grid):
    """What `nearest_coarse` says of every position of the axes t, y and x, (n, 2) each."""
    return tuple(
        np.array([nearest_coarse(i, *sizes) for i in range(n)], np.int64)
        for n, *sizes in zip(fine_grid, patch, query_shape, fine_query_shape, grid)
    )


def carry_key(key, beyond, extent, query_fine, coarse, fine, count):
    """The key, in [0, count), of a finer patch: the coarser one's and `beyond`, scaled.

    `beyond` is what `nearest_coarse` returned and `query_fine` the size it was measured with.
    """
    unit = 2 * query_fine
    exact = (unit * key + beyond + extent * query_fine) * fine - extent * query_fine * coarse
    return min(max((exact + query_fine * coarse) // (unit * coarse), 0), count - 1)
