// Half a sweep of PatchMatch, and patch distances: one thread a patch.
//
// The rules are those of `improve` in rules.py, and the results are the same bytes. Compiled for one
// patch, DEPTH x ROWS x COLUMNS, and one number of CHANNELS. A channel is a word that holds four
// 8-bit channels of the clip or, with FLOATS, one float. The FIRST_ROWS of a patch may be enough to
// reject a key. Costs are summed as integers, in units of 1 / UNITS and up to MOST.

#ifdef FLOATS
typedef float word;
#else
typedef unsigned int word;
#endif

__device__ __forceinline__ unsigned int mix(unsigned int bits)
{
    bits ^= bits >> 16;
    bits *= 0x21F0AAADu;
    bits ^= bits >> 15;
    bits *= 0xD35A2D97u;
    return bits ^ (bits >> 15);
}

__device__ __forceinline__ int draw_near(unsigned int &bits, int centre, int radius, int size)
{
    const int low = max(centre - radius, 0);
    const unsigned int count = min(centre + radius, size - 1) - low + 1;
    const int place = low + __umulhi(bits, count);
    bits *= count;
    return place;
}

#ifdef FLOATS

// The eight partial sums, and the order in which they are added, are those of the CPU's vectors.
__device__ __forceinline__ float rows_ssd(
    const word *query, size_t query_frame, size_t query_row,
    const word *key, size_t key_frame, size_t key_row, int first, int stop)
{
    float sums[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    for (int dy = first; dy < stop; ++dy) {
#pragma unroll
        for (int e = 0; e < COLUMNS * DEPTH * CHANNELS; ++e) {
            const int dx = e / (DEPTH * CHANNELS), dt = e / CHANNELS % DEPTH;
            const int value = dx * CHANNELS + e % CHANNELS;
            const float difference = query[dt * query_frame + dy * query_row + value]
                                   - key[dt * key_frame + dy * key_row + value];
            sums[e % 8] = fmaf(difference, difference, sums[e % 8]);
        }
    }
    return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

#else

__device__ __forceinline__ unsigned int rows_ssd(
    const word *query, size_t query_frame, size_t query_row,
    const word *key, size_t key_frame, size_t key_row, int first, int stop)
{
    unsigned int ssd = 0;
    for (int dy = first; dy < stop; ++dy) {
#pragma unroll
        for (int dt = 0; dt < DEPTH; ++dt) {
            const word *a = query + dt * query_frame + dy * query_row;
            const word *b = key + dt * key_frame + dy * key_row;
#pragma unroll
            for (int d = 0; d < COLUMNS * CHANNELS; ++d) {
                const unsigned int difference = __vabsdiffu4(a[d], b[d]);
                ssd = __dp4a(difference, difference, ssd);
            }
        }
    }
    return ssd;
}

#endif

// Weighted squared distance of two patches, or a part of it if that already reaches `bound`.
__device__ __forceinline__ float distance(
    const word *query, int query_voxel, int query_y, int query_x,
    const word *key, int key_voxel, int key_y, int key_x, float weight, float bound)
{
    const size_t query_row = (size_t)query_x * CHANNELS, key_row = (size_t)key_x * CHANNELS;
    const size_t query_frame = query_y * query_row, key_frame = key_y * key_row;
    query += (size_t)query_voxel * CHANNELS;
    key += (size_t)key_voxel * CHANNELS;
    const int first = min(ROWS, FIRST_ROWS);
    auto ssd = rows_ssd(query, query_frame, query_row, key, key_frame, key_row, 0, first);
    if (first < ROWS && (float)ssd * weight < bound)
        ssd += rows_ssd(query, query_frame, query_row, key, key_frame, key_row, first, ROWS);
    return (float)ssd * weight;
}

extern "C" __global__ void sweep_kernel(
    const word *query, const word *key, const float *weights, const bool *query_mask,
    int *field, float *cost, const float *threshold, unsigned long long *totals,
    int query_y, int query_x, int n_t, int n_y, int n_x,
    int key_y, int key_x, int grid_t, int grid_y, int grid_x,
    int periodic_t, int periodic_y, int periodic_x,
    int colour, int init, int step, int search_radius, unsigned int stream)
{
    const int half = (n_x + 1) / 2;
    const unsigned int thread = blockIdx.x * blockDim.x + threadIdx.x;
    const Place at = coordinates(thread, n_y, half);
    const int t = at.t, y = at.y, x = 2 * at.x + ((t + y + colour) & 1);
    if (t >= n_t || x >= n_x)
        return;
    const int patch = (t * n_y + y) * n_x + x;
    if (query_mask && !query_mask[patch])
        return;

    const int voxel = (t * query_y + y) * query_x + x;
    int best = field[patch];
    Place best_at = coordinates(best, key_y, key_x);
    float best_cost = init ? __int_as_float(0x7f800000) : cost[patch];

    auto consider = [&](int candidate, Place at) {
        const float weight =
            weights ? weights[((size_t)at.t * grid_y + at.y) * grid_x + at.x] : 1.0f;
        const float distant = distance(
            query, voxel, query_y, query_x, key, candidate, key_y, key_x, weight, best_cost);
        if (distant < best_cost) {
            best = candidate;
            best_cost = distant;
            best_at = at;
        }
    };

    if (init)
        consider(best, best_at);
    for (int number = 0; number < 6; ++number) {
        const int side = 2 * (number & 1) - 1;
        const int dt = number >= 4 ? side : 0;
        const int dy = number >= 2 && number < 4 ? side * step : 0;
        const int dx = number < 2 ? side * step : 0;
        int nt = t + dt, ny = y + dy, nx = x + dx;
        if (!is_inside(nt, n_t, periodic_t) || !is_inside(ny, n_y, periodic_y) || !is_inside(nx, n_x, periodic_x))
            continue;
        if (((nt + ny + nx) & 1) == colour)  // the same kind, where an odd period begins again
            continue;
        const int found = field[(nt * n_y + ny) * n_x + nx];
        const int candidate = found - ((dt * key_y + dy) * key_x + dx);
        if (candidate == best)
            continue;
        const Place from = coordinates(found, key_y, key_x);
        const Place at = {from.t - dt, from.y - dy, from.x - dx};
        if (at.t >= 0 && at.t < grid_t && at.y >= 0 && at.y < grid_y && at.x >= 0 && at.x < grid_x)
            consider(candidate, at);
    }
    if (best_cost >= *threshold && best_cost > 0) {
        unsigned int bits = stream ^ (unsigned int)patch;
        for (int radius = search_radius; radius > 0; radius >>= 1) {
            unsigned int drawn = bits = mix(bits);
            Place at;
            at.x = draw_near(drawn, best_at.x, radius, grid_x);
            at.y = draw_near(drawn, best_at.y, radius, grid_y);
            at.t = draw_near(drawn, best_at.t, radius, grid_t);
            consider((at.t * key_y + at.y) * key_x + at.x, at);
        }
    }
    field[patch] = best;
    cost[patch] = best_cost;
    if (best_cost < __int_as_float(0x7f800000))
        atomicAdd(&totals[threadIdx.x], (unsigned long long)(min(best_cost, MOST) * UNITS));
}

// The mean cost of a sweep over `counted` patches if that is given, else over `count`. Clears `totals`.
extern "C" __global__ void settle_kernel(
    unsigned long long *totals, const long long *counted, float *cost_threshold, int n_totals, int count)
{
    if (blockIdx.x * blockDim.x + threadIdx.x)
        return;
    unsigned long long total = 0;
    for (int i = 0; i < n_totals; ++i) {
        total += totals[i];
        totals[i] = 0;
    }
    *cost_threshold = (float)(total / max(counted ? *counted : (long long)count, 1LL)) / UNITS;
}

extern "C" __global__ void distance_kernel(
    const word *query, const word *key, const int *field, float *cost,
    int query_y, int query_x, int n_t, int n_y, int n_x, int key_y, int key_x)
{
    const unsigned int patch = blockIdx.x * blockDim.x + threadIdx.x;
    const Place at = coordinates(patch, n_y, n_x);
    if (at.t >= n_t)
        return;
    const int voxel = (at.t * query_y + at.y) * query_x + at.x;
    cost[patch] = distance(query, voxel, query_y, query_x, key, field[patch], key_y, key_x, 1.0f,
                           __int_as_float(0x7f800000));
}
