// The field of a coarser level scaled to a finer one: one thread per patch, one row of blocks per
// sample.
//
// The rules are those of `carry_patch` in carrying.py. For every position of an axis, the tables
// `near` hold the result of `nearest_coarse`: the nearest patch, and the offset from it.

__device__ __forceinline__ int carry_key(
    int key, long long offset, int extent, int query_fine, int coarse, int fine)
{
    const long long unit = 2LL * query_fine, corner = (long long)extent * query_fine;
    const long long centre = (unit * key + offset + corner) * fine - corner * coarse;
    // Division rounds towards zero, not down, but values below zero become zero anyway.
    const long long rounded = (centre + (long long)query_fine * coarse) / (unit * coarse);
    return (int)min(max(rounded, 0LL), (long long)(fine - extent));
}

struct Sizes {
    int grid_t, grid_y, grid_x, n_t, n_y, n_x, key_t, key_y, key_x;
    int query_t, query_y, query_x, fine_t, fine_y, fine_x, depth, rows, columns;
};

extern "C" __global__ void carry_kernel(
    const int *coarse, const longlong2 *near_t, const longlong2 *near_y, const longlong2 *near_x,
    int *fine, Sizes sizes)
{
    const unsigned int patch = blockIdx.x * blockDim.x + threadIdx.x;
    const Place at = coordinates(patch, sizes.n_y, sizes.n_x);
    if (at.t >= sizes.n_t)
        return;
    coarse += (size_t)blockIdx.y * sizes.grid_t * sizes.grid_y * sizes.grid_x;
    fine += (size_t)blockIdx.y * sizes.n_t * sizes.n_y * sizes.n_x;
    const longlong2 t = near_t[at.t], y = near_y[at.y], x = near_x[at.x];
    const Place key = coordinates(coarse[(t.x * sizes.grid_y + y.x) * sizes.grid_x + x.x], sizes.key_y, sizes.key_x);
    const int to_t = carry_key(key.t, t.y, sizes.depth, sizes.query_t, sizes.key_t, sizes.fine_t);
    const int to_y = carry_key(key.y, y.y, sizes.rows, sizes.query_y, sizes.key_y, sizes.fine_y);
    const int to_x = carry_key(key.x, x.y, sizes.columns, sizes.query_x, sizes.key_x, sizes.fine_x);
    fine[patch] = (to_t * sizes.fine_y + to_y) * sizes.fine_x + to_x;
}
