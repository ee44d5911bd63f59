"""Fields carried to a finer level: arithmetic written once for every device, as in `rules`."""

from patchvid.kernels import rules


def nearest_coarse(position, extent, coarse, fine, count, first):
    """Find the coarse patch nearest to a fine patch; also return the offset.

    This is along one axis of `coarse` and `fine` voxels, where both patches are `extent` long, and
    by their centres. The offset from the coarse centre to the fine one is in units of
    1 / (2 * fine) coarse voxels, so all numbers are exact. There are `count` coarse patches from
    number `first` on, which counts as 0.
    """
    exact = (2 * position + extent) * coarse - extent * fine
    nearest = min(max((exact + fine) // (2 * fine), first), first + count - 1)
    return nearest - first, exact - 2 * fine * nearest


def carry_key(key, offset, extent, query_fine, coarse, fine):
    """The key of a fine patch along one axis: the coarse patch's key plus `offset`, scaled.

    `offset` is from `nearest_coarse`, for a fine query of `query_fine` voxels. The key videos have
    `coarse` and `fine` voxels.
    """
    unit = 2 * query_fine
    exact = (unit * key + offset + extent * query_fine) * fine - extent * query_fine * coarse
    return min(max((exact + query_fine * coarse) // (unit * coarse), 0), fine - extent)


def carrier(compiled):
    """Compile the rules that give a patch of a finer level its key; see `rules.improver`.

    `levels` is the grid of the coarse field, the first patches of both fields, the sizes of query
    and key on the coarse level and on the fine one, and the extent of a patch.
    """
    split, nearest, scale = map(compiled, (rules.coordinates, nearest_coarse, carry_key))

    def near(position, axis, levels):
        """The result of `nearest_coarse` for a position along an axis of the fine field."""
        grid, (first, fine_first), (query, _), (fine_query, _), patch = levels
        return nearest(
            fine_first[axis] + position, patch[axis], query[axis], fine_query[axis], grid[axis],
            first[axis],
        )  # fmt: skip

    def carry_patch(field, near_t, near_y, near_x, levels):
        """The key, as a flat index, of the patch with these results of `near`."""
        _, _, (_, key), (query, fine_key), patch = levels
        found = field[near_t[0], near_y[0], near_x[0]]
        key_t, key_y, key_x = split(found, key[1], key[2])
        t = scale(key_t, near_t[1], patch[0], query[0], key[0], fine_key[0])
        y = scale(key_y, near_y[1], patch[1], query[1], key[1], fine_key[1])
        x = scale(key_x, near_x[1], patch[2], query[2], key[2], fine_key[2])
        return (t * fine_key[1] + y) * fine_key[2] + x

    return compiled(near), compiled(carry_patch)
