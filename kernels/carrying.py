"""Fields carried to a finer level: arithmetic written once for every device, as in `rules`."""

from functools import lru_cache

import numpy as np

from patchvid.kernels import rules


def nearest_coarse(position, extent, coarse, fine, count, first=0):
    """Find the coarse patch nearest to a fine patch; also return the offset.

    This is along one axis of `coarse` and `fine` voxels, where both patches are `extent` long, and
    by their centres. The offset from the coarse centre to the fine one is in units of
    1 / (2 * fine) coarse voxels, so all numbers are exact. `position` may be an array. There are
    `count` coarse patches from number `first` on, which counts as 0.
    """
    exact = (2 * position + extent) * coarse - extent * fine
    nearest = np.clip((exact + fine) // (2 * fine), first, first + count - 1)
    return nearest - first, exact - 2 * fine * nearest


@lru_cache(maxsize=64)
def near_tables(
    fine_grid, patch, query_shape, fine_query_shape, grid, first=(0, 0, 0), fine_first=(0, 0, 0)
):
    """`nearest_coarse` for every position of the axes t, y and x: three tables (n, 2) of int64.

    The grids of both levels may begin at other places than the first ones.
    """
    sizes = zip(patch, query_shape, fine_query_shape, grid, first)
    return tuple(
        np.stack(nearest_coarse(begin + np.arange(n, dtype=np.int64), *of_axis), axis=-1)
        for begin, n, of_axis in zip(fine_first, fine_grid, sizes)
    )


def carry_key(key, offset, extent, query_fine, coarse, fine):
    """The key of a fine patch along one axis: the coarse patch's key plus `offset`, scaled.

    `offset` is from `nearest_coarse`, for a fine query of `query_fine` voxels. The key videos have
    `coarse` and `fine` voxels.
    """
    unit = 2 * query_fine
    exact = (unit * key + offset + extent * query_fine) * fine - extent * query_fine * coarse
    return min(max((exact + query_fine * coarse) // (unit * coarse), 0), fine - extent)


def carrier(compiled):
    """Compile the rule that gives one patch of a finer level its key; see `rules.improver`."""
    split, scale = compiled(rules.coordinates), compiled(carry_key)

    def carry_patch(field, near_t, near_y, near_x, key_size, fine_query, fine_key, patch):
        """The key, as a flat index, of the patch with these rows of `near_tables`."""
        found = field[near_t[0], near_y[0], near_x[0]]
        key_t, key_y, key_x = split(found, key_size[1], key_size[2])
        t = scale(key_t, near_t[1], patch[0], fine_query[0], key_size[0], fine_key[0])
        y = scale(key_y, near_y[1], patch[1], fine_query[1], key_size[1], fine_key[1])
        x = scale(key_x, near_x[1], patch[2], fine_query[2], key_size[2], fine_key[2])
        return (t * fine_key[1] + y) * fine_key[2] + x

    return compiled(carry_patch)
