// The field of a coarser level scaled to a finer one: one thread per patch, one row of blocks per
// sample. The rules are those of carrying.py. Divisions round towards zero, not down, but values
// below zero become zero or more anyway.

struct Near { int patch; long long offset; };

__device__ __forceinline__ Near nearest_coarse(
    int position, int extent, int coarse, int fine, int count, int first)
{
    const long long exact = (2LL * position + extent) * coarse - (long long)extent * fine;
    const long long last = first + count - 1;
    const long long nearest = min(max((exact + fine) / (2LL * fine), (long long)first), last);
    return {(int)nearest - first, exact - 2LL * fine * nearest};
}

__device__ __forceinline__ int carry_key(
    int key, long long offset, int extent, int query_fine, int coarse, int fine)
{
    const long long unit = 2LL * query_fine, corner = (long long)extent * query_fine;
    const long long centre = (unit * key + offset + corner) * fine - corner * coarse;
    const long long rounded = (centre + (long long)query_fine * coarse) / (unit * coarse);
    return (int)min(max(rounded, 0LL), (long long)(fine - extent));
}

// Along each axis: patches of both levels, the first of them, sizes of both levels, and a patch.
struct Sizes {
    int n[3], fine_n[3], first[3], fine_first[3];
    int query[3], key[3], fine_query[3], fine_key[3], patch[3];
};

extern "C" __global__ void carry_kernel(const int *coarse, int *fine, Sizes sizes)
{
    const unsigned int patch = blockIdx.x * blockDim.x + threadIdx.x;
    const Place at = coordinates(patch, sizes.fine_n[1], sizes.fine_n[2]);
    if (at.t >= sizes.fine_n[0])
        return;
    coarse += (size_t)blockIdx.y * sizes.n[0] * sizes.n[1] * sizes.n[2];
    fine += (size_t)blockIdx.y * sizes.fine_n[0] * sizes.fine_n[1] * sizes.fine_n[2];
    const int place[3] = {at.t, at.y, at.x};
    Near near[3];
    int carried[3];
#pragma unroll
    for (int axis = 0; axis < 3; axis++)
        near[axis] = nearest_coarse(
            sizes.fine_first[axis] + place[axis], sizes.patch[axis], sizes.query[axis],
            sizes.fine_query[axis], sizes.n[axis], sizes.first[axis]);
    const int found = (near[0].patch * sizes.n[1] + near[1].patch) * sizes.n[2] + near[2].patch;
    const Place key = coordinates(coarse[found], sizes.key[1], sizes.key[2]);
    const int from[3] = {key.t, key.y, key.x};
#pragma unroll
    for (int axis = 0; axis < 3; axis++)
        carried[axis] = carry_key(
            from[axis], near[axis].offset, sizes.patch[axis], sizes.fine_query[axis],
            sizes.key[axis], sizes.fine_key[axis]);
    fine[patch] = (carried[0] * sizes.fine_key[1] + carried[1]) * sizes.fine_key[2] + carried[2];
}
