// The field of a finer level from that of a coarser one: one thread a patch.
//
// `near` are what `nearest_coarse` in rules.py says of the positions of each axis: a coarse patch,
// and how far beyond its centre the finer one's lies.

// `carry_key` in rules.py.
__device__ __forceinline__ long long carry_key(
    int key, long long beyond, int extent, long long query_fine, long long coarse, long long fine)
{
    const long long unit = 2 * query_fine;
    const long long exact =
        (unit * key + beyond + extent * query_fine) * fine - extent * query_fine * coarse;
    return min(max((exact + query_fine * coarse) / (unit * coarse), 0LL), fine - extent);
}

extern "C" __global__ void patchvid_carry(
    const int *coarse, const long long *near_t, const long long *near_y, const long long *near_x,
    int *fine, int n_t, int n_y, int n_x, int coarse_y, int coarse_x,
    int key_t, int key_y, int key_x, int query_t, int query_y, int query_x,
    int fine_t, int fine_y, int fine_x, int depth, int rows, int columns)
{
    const unsigned int patch = blockIdx.x * blockDim.x + threadIdx.x;
    const Place at = coordinates(patch, n_y, n_x);
    if (at.t >= n_t)
        return;
    near_t += 2 * at.t, near_y += 2 * at.y, near_x += 2 * at.x;
    const int found = coarse[(*near_t * coarse_y + *near_y) * coarse_x + *near_x];
    const Place key = coordinates(found, key_y, key_x);
    const long long t = carry_key(key.t, near_t[1], depth, query_t, key_t, fine_t);
    const long long y = carry_key(key.y, near_y[1], rows, query_y, key_y, fine_y);
    const long long x = carry_key(key.x, near_x[1], columns, query_x, key_x, fine_x);
    fine[patch] = (t * fine_y + y) * fine_x + x;
}
