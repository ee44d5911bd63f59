"""The numba.cuda kernels of exact search; `numba_cuda` launches them."""

import numpy as np
from numba import cuda

from patchvid.kernels.numba_kernels import coordinates, device, finish_cost


def _make_exact(square, zero):
    @cuda.jit
    def compare_kernel(query, key, weights, least, found, geometry):
        (_, query_y, query_x), (_, n_y, n_x), (_, key_y, key_x), grid, patch, _, words = geometry
        parts, count = least.shape
        part = cuda.grid(1) // count
        if part >= parts:
            return
        place = cuda.grid(1) - part * count
        t, y, x = coordinates(place, n_y, n_x)
        n_keys = grid[0] * grid[1] * grid[2]
        best, nearest = np.inf, part * n_keys // parts
        for number in range(nearest, (part + 1) * n_keys // parts):
            if weights.size and weights[number] == np.inf:
                continue
            key_t, other_y, other_x = coordinates(number, grid[1], grid[2])
            total = zero
            for dt in range(patch[0]):
                for dy in range(patch[1]):
                    a = (((t + dt) * query_y + y + dy) * query_x + x) * words
                    b = (((key_t + dt) * key_y + other_y + dy) * key_x + other_x) * words
                    for d in range(patch[2] * words):
                        total += square(query[a + d], key[b + d])
            distance = np.float64(total)
            if weights.size:
                distance *= np.float64(weights[number])
            if distance < best:
                best, nearest = distance, number
        least[part, place], found[part, place] = best, nearest

    return compare_kernel


@device
def _bytes_square(one, other):
    total = np.int64(0)
    for shift in range(0, 32, 8):
        difference = np.int64((one >> shift) & 255) - np.int64((other >> shift) & 255)
        total += difference * difference
    return total


@device
def _float_square(one, other):
    difference = np.float64(one) - np.float64(other)
    return difference * difference


EXACT = {
    "uint32": _make_exact(_bytes_square, np.int64(0)),
    "float32": _make_exact(_float_square, np.float64(0)),
}


@cuda.jit
def nearest_kernel(least, found, field, cost, key_size, key_grid, divisor, alpha):
    patch = cuda.grid(1)
    if patch >= field.size:
        return
    best = 0
    for part in range(1, least.shape[0]):
        if least[part, patch] < least[best, patch]:
            best = part
    t, y, x = coordinates(found[best, patch], key_grid[1], key_grid[2])
    field[patch] = (t * key_size[1] + y) * key_size[2] + x
    cost[patch] = finish_cost(np.float32(least[best, patch]), divisor, alpha)
