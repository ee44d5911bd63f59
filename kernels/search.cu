// Half a sweep of PatchMatch, and patch distances: one thread per patch, one row of blocks per sample.
//
// The rules are those of `improve` in rules.py, and the results are the same bytes. Compiled for one
// patch, DEPTH x ROWS x COLUMNS, and one number of CHANNELS. A channel is a word that holds four
// 8-bit channels of the clip or, with FLOATS, one float. The FIRST_ROWS of a patch may be enough to
// reject a key. Costs are summed as integers, in units of 1 / UNITS and up to MOST.

// Half a sweep. The last sweep applies `finish_cost` in rules.py to the costs.
struct Plan {
    int parity, init, step, search_radius;
    unsigned int number;
    float divisor, alpha;
};

#ifdef FLOATS
typedef float word;
#else
typedef unsigned int word;
#endif

__device__ __forceinline__ unsigned int add(unsigned int a, unsigned int b) { return a + b; }

__device__ __forceinline__ float multiply(float a, float b) { return __fmaf_ieee_rn(a, b, -0.0f); }

// Compare two floats that are not negative; false if one is NaN.
__device__ __forceinline__ bool is_less(float a, float b)
{
    return __float_as_uint(a) < __float_as_uint(b) && __float_as_uint(b) <= 0x7f800000u;
}

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

// Use eight partial sums, added in the same order as the CPU's vectors.
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
            const float difference = __fmaf_ieee_rn(key[dt * key_frame + dy * key_row + value], -1.0f,
                                                    query[dt * query_frame + dy * query_row + value]);
            sums[e % 8] = __fmaf_ieee_rn(difference, difference, sums[e % 8]);
        }
    }
    return add(add(add(sums[0], sums[4]), add(sums[2], sums[6])),
               add(add(sums[1], sums[5]), add(sums[3], sums[7])));
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
    if (first < ROWS && is_less(multiply((float)ssd, weight), bound))
        ssd = add(ssd, rows_ssd(query, query_frame, query_row, key, key_frame, key_row, first, ROWS));
    return multiply((float)ssd, weight);
}

// Improve one patch by its neighbours' keys, then by random keys; return its cost as an integer.
__device__ __forceinline__ unsigned long long improve(
    const word *query, const word *key, const float *weights, const bool *query_mask,
    int *field, float *cost, const float *threshold, unsigned int stream,
    const Geometry &sizes, const Plan &plan)
{
    const int n_t = sizes.n_t, n_y = sizes.n_y, n_x = sizes.n_x;
    const int key_y = sizes.key_y, key_x = sizes.key_x;
    const int grid_t = sizes.grid_t, grid_y = sizes.grid_y, grid_x = sizes.grid_x;
    const unsigned int thread = blockIdx.x * blockDim.x + threadIdx.x;
    const Place at = coordinates(thread, n_y, (n_x + 1) / 2);
    const int t = at.t, y = at.y, x = 2 * at.x + ((t + y + plan.parity) & 1);
    if (t >= n_t || x >= n_x)
        return 0;
    const int patch = (t * n_y + y) * n_x + x;
    if (query_mask && !query_mask[patch])
        return 0;

    const int voxel = (t * sizes.query_y + y) * sizes.query_x + x;
    int best = field[patch];
    Place best_at = coordinates(best, key_y, key_x);
    float best_cost = plan.init ? INFINITE : cost[patch];

    auto consider = [&](int candidate, Place at) {
        const float weight =
            weights ? weights[((size_t)at.t * grid_y + at.y) * grid_x + at.x] : 1.0f;
        const float distant = distance(
            query, voxel, sizes.query_y, sizes.query_x, key, candidate, key_y, key_x, weight, best_cost);
        if (is_less(distant, best_cost)) {
            best = candidate;
            best_cost = distant;
            best_at = at;
        }
    };

    if (plan.init)
        consider(best, best_at);
    for (int number = 0; number < 6; ++number) {
        const int side = 2 * (number & 1) - 1;
        const int dt = number >= 4 ? side : 0;
        const int dy = number >= 2 && number < 4 ? side * plan.step : 0;
        const int dx = number < 2 ? side * plan.step : 0;
        int nt = t + dt, ny = y + dy, nx = x + dx;
        if (!is_inside(nt, n_t, sizes.periodic_t) || !is_inside(ny, n_y, sizes.periodic_y)
            || !is_inside(nx, n_x, sizes.periodic_x))
            continue;
        if (((nt + ny + nx) & 1) == plan.parity)  // where an odd period begins again
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
    if (!(threshold && is_less(best_cost, *threshold)) && is_less(0, best_cost)) {
        unsigned int bits = stream ^ (unsigned int)patch;
        for (int radius = plan.search_radius; radius > 0; radius >>= 1) {
            unsigned int drawn = bits = mix(bits);
            Place at;
            at.x = draw_near(drawn, best_at.x, radius, grid_x);
            at.y = draw_near(drawn, best_at.y, radius, grid_y);
            at.t = draw_near(drawn, best_at.t, radius, grid_t);
            consider((at.t * key_y + at.y) * key_x + at.x, at);
        }
    }
    field[patch] = best;
    cost[patch] = finish(best_cost, plan.divisor, plan.alpha);
    return is_less(best_cost, INFINITE) ? (unsigned long long)(min(best_cost, MOST) * UNITS) : 0;
}

// Half a sweep. Threads with the same number in all blocks of a sample share a total of costs and a
// count of finished threads; one more count is of the numbers that are finished. All are in `totals`,
// and zero before and after a sweep. The last thread of the second half writes the mean cost: of
// `counted` patches if that is given, otherwise of all. By then `threshold`, perhaps the same array, is
// read. `streams` are the random bits of the samples' seeds, see `random_stream` in rules.py.
extern "C" __global__ void sweep_kernel(
    const word *query, const word *key, const float *weights, const bool *query_mask,
    int *field, float *cost, const float *threshold, float *mean, const unsigned int *streams,
    unsigned long long *totals, const long long *counted, Geometry sizes, Plan plan)
{
    const unsigned int sample = blockIdx.y, n = blockDim.x;
    const int count = sizes.n_t * sizes.n_y * sizes.n_x;
    query += sample * sizes.next_query;
    key += sample * sizes.next_key;
    weights = weights ? weights + sample * sizes.next_weights : weights;
    threshold = threshold ? threshold + sample : threshold;
    const unsigned long long cost_here = improve(
        query, key, weights, query_mask, field + (size_t)sample * count, cost + (size_t)sample * count,
        threshold, mix(streams[sample] ^ plan.number), sizes, plan);
    totals += sample * (2 * n + 1);
    unsigned long long *done = totals + n, *all_done = done + n;
    if (cost_here)
        atomicAdd(&totals[threadIdx.x], cost_here);
    if (plan.parity == 0)
        return;
    __threadfence();
    if (atomicAdd(&done[threadIdx.x], 1ULL) < gridDim.x - 1)
        return;
    __threadfence();
    if (atomicAdd(all_done, 1ULL) < n - 1)
        return;
    __threadfence();
    unsigned long long total = 0;
    for (unsigned int i = 0; i < n; ++i) {
        total += atomicExch(&totals[i], 0ULL);
        done[i] = 0;
    }
    *all_done = 0;
    mean[sample] = (float)(total / max(counted ? *counted : (long long)count, 1LL)) / UNITS;
}

extern "C" __global__ void distance_kernel(
    const word *query, const word *key, const int *field, float *cost, Geometry sizes, float divisor)
{
    const unsigned int patch = blockIdx.x * blockDim.x + threadIdx.x;
    const Place at = coordinates(patch, sizes.n_y, sizes.n_x);
    if (at.t >= sizes.n_t)
        return;
    const unsigned int sample = blockIdx.y;
    const size_t first = (size_t)sample * sizes.n_t * sizes.n_y * sizes.n_x;
    query += sample * sizes.next_query;
    key += sample * sizes.next_key;
    const int voxel = (at.t * sizes.query_y + at.y) * sizes.query_x + at.x;
    const float distant = distance(query, voxel, sizes.query_y, sizes.query_x, key, field[first + patch],
                                   sizes.key_y, sizes.key_x, 1.0f, INFINITE);
    cost[first + patch] = divide(distant, divisor);
}
