"""Rules for one patch or one voxel, written once for every device.

Plain functions on integers: a back end compiles them with its own compiler, and they run as they
are in Python. All integers are 64 bits wide; the masks keep random bits to 32.
"""

_BITS = 0xFFFFFFFF


def mix(bits):
    """Scramble 32 bits: a bijection in which every input bit changes half of the output bits.

    The constants are those of "lowbias32" (C. Wellons, "Prospecting for hash functions", 2018).
    """
    bits ^= bits >> 16
    bits = (bits * 0x21F0AAAD) & _BITS
    bits ^= bits >> 15
    bits = (bits * 0xD35A2D97) & _BITS
    return bits ^ (bits >> 15)


def draw_near(bits, centre, radius, size):
    """A random place within `radius` of `centre` in [0, size), and random bits for the next draw.

    The place is the high word of bits * count, the low word is as good as unused: one hash serves
    all axes as long as the product of their sizes is far below 2**32.
    """
    low = max(centre - radius, 0)
    count = min(centre + radius, size - 1) - low + 1
    product = bits * count
    return low + (product >> 32), product & _BITS


def nearest_coarse(position, extent, coarse, fine, count):
    """The patch, in [0, count), of a coarser level whose centre is nearest to a finer patch's.

    Along one axis of `coarse` and `fine` voxels; both patches are `extent` long. Also the finer
    centre's distance behind it, in units of 1 / (2 * fine) coarse voxels: all is exact.
    """
    exact = (2 * position + extent) * coarse - extent * fine
    nearest = min(max((exact + fine) // (2 * fine), 0), count - 1)
    return nearest, exact - 2 * fine * nearest


def carry_key(key, beyond, extent, query_fine, coarse, fine, count):
    """The key, in [0, count), of a finer patch: the coarser one's and `beyond`, scaled.

    `beyond` is what `nearest_coarse` returned and `query_fine` the size it was measured with.
    """
    unit = 2 * query_fine
    exact = (unit * key + beyond + extent * query_fine) * fine - extent * query_fine * coarse
    return min(max((exact + query_fine * coarse) // (unit * coarse), 0), count - 1)
