// The field of a coarser level scaled to a finer one: one thread a patch.
//
// The rules are those of `carry_patch` in rules.py. The tables `near` hold for every position of an
// axis what `nearest_coarse` returned: the nearest patch, and the offset from it.

__device__ __forceinline__ int carry_key(
    int key, long long offset, int extent, int query_fine, int coarse, int fine)
{
    const long long unit = 2LL * query_fine, corner = (long long)extent * query_fine;
    const long long centre = (unit * key + offset + corner) * fine - corner * coarse;
    // Division rounds towards zero, not down. All that lies below zero becomes zero anyway.
    const long long rounded = (centre + (long long)query_fine * coarse) / (unit * coarse);
    return (int)min(max(rounded, 0LL), (long long)(fine - extent));
}

extern "C" __global__ void carry_kernel(
    const int *coarse, const longlong2 *near_t, const longlong2 *near_y, const longlong2 *near_x,
    int *fine, int grid_y, int grid_x, int n_t, int n_y, int n_x, int key_t, int key_y, int key_x,
    int query_t, int query_y, int query_x, int fine_t, int fine_y, int fine_x,
    int depth, int rows, int columns)
{
    const unsigned int patch = blockIdx.x * blockDim.x + threadIdx.x;
    const Place at = coordinates(patch, n_y, n_x);
    if (at.t >= n_t)
        return;
    const longlong2 t = near_t[at.t], y = near_y[at.y], x = near_x[at.x];
    const Place key = coordinates(coarse[(t.x * grid_y + y.x) * grid_x + x.x], key_y, key_x);
    const int to_t = carry_key(key.t, t.y, depth, query_t, key_t, fine_t);
    const int to_y = carry_key(key.y, y.y, rows, query_y, key_y, fine_y);
    const int to_x = carry_key(key.x, x.y, columns, query_x, key_x, fine_x);
    fine[patch] = (to_t * fine_y + to_y) * fine_x + to_x;
}
