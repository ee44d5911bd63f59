// Exact search: the nearest key of every query patch, one row of blocks per sample.
//
// The keys are divided into parts. One thread compares a query patch with the keys of one part, and
// another one finds the least of all parts. Of equals, the first key is taken. Words hold four channels
// of 8 bits. With FLOATS they are floats, whose squares are summed in double precision, as on the CPU.

// CuPy's option -ftz=true would make floats below 1.2e-38 zero in these conversions.
__device__ __forceinline__ double widened(float value)
{
#ifdef __CUDA_ARCH__
    double same;
    asm("cvt.f64.f32 %0, %1;" : "=d"(same) : "f"(value));
    return same;
#else
    return value;
#endif
}

__device__ __forceinline__ float rounded(double value)
{
#ifdef __CUDA_ARCH__
    float nearest;
    asm("cvt.rn.f32.f64 %0, %1;" : "=f"(nearest) : "d"(value));
    return nearest;
#else
    return value;
#endif
}

#ifdef FLOATS
typedef float word;
typedef double sum;

__device__ __forceinline__ double square(float a, float b)
{
    const double difference = widened(a) - widened(b);
    return difference * difference;
}
#else
typedef unsigned int word;
typedef unsigned int sum;

__device__ __forceinline__ unsigned int square(unsigned int a, unsigned int b)
{
    const unsigned int difference = __vabsdiffu4(a, b);
    return __dp4a(difference, difference, 0u);
}
#endif

struct Patch {
    int depth, rows, columns, words;  // words of a voxel
};

extern "C" __global__ void compare_kernel(
    const word *query, const word *key, const float *weights, double *least, int *found,
    Geometry sizes, Patch patch, unsigned int parts)
{
    const unsigned int count = sizes.n_t * sizes.n_y * sizes.n_x;
    const unsigned int thread = blockIdx.x * blockDim.x + threadIdx.x, part = thread / count;
    if (part >= parts)
        return;
    const unsigned int sample = blockIdx.y;
    const Place at = coordinates(thread - part * count, sizes.n_y, sizes.n_x);
    const size_t query_row = (size_t)sizes.query_x * patch.words, query_frame = sizes.query_y * query_row;
    const size_t key_row = (size_t)sizes.key_x * patch.words, key_frame = sizes.key_y * key_row;
    query += sample * sizes.next_query + at.t * query_frame + at.y * query_row + at.x * patch.words;
    key += sample * sizes.next_key;
    weights = weights ? weights + sample * sizes.next_weights : weights;
    const long long n_keys = (long long)sizes.grid_t * sizes.grid_y * sizes.grid_x;
    const int first = part * n_keys / parts, stop = (part + 1) * n_keys / parts;
    double best = INFINITE;
    int place = first;
    for (int number = first; number < stop; ++number) {
        const float weight = weights ? weights[number] : 1;
        if (weight == INFINITE)
            continue;
        const Place from = coordinates(number, sizes.grid_y, sizes.grid_x);
        const word *other = key + from.t * key_frame + from.y * key_row + from.x * patch.words;
        sum total = 0;
        for (int dt = 0; dt < patch.depth; ++dt) {
            for (int dy = 0; dy < patch.rows; ++dy) {
                const word *a = query + dt * query_frame + dy * query_row;
                const word *b = other + dt * key_frame + dy * key_row;
                for (int d = 0; d < patch.columns * patch.words; ++d)
                    total += square(a[d], b[d]);
            }
        }
        const double distance = total * widened(weight);
        if (distance < best) {
            best = distance;
            place = number;
        }
    }
    least[(size_t)sample * parts * count + thread] = best;
    found[(size_t)sample * parts * count + thread] = place;
}

extern "C" __global__ void nearest_kernel(
    const double *least, const int *found, int *field, float *cost, Geometry sizes, unsigned int parts,
    float divisor, float alpha)
{
    const unsigned int count = sizes.n_t * sizes.n_y * sizes.n_x;
    const unsigned int patch = blockIdx.x * blockDim.x + threadIdx.x;
    if (patch >= count)
        return;
    const size_t first = (size_t)blockIdx.y * parts * count + patch;
    size_t best = first;
    for (unsigned int part = 1; part < parts; ++part)
        if (least[first + (size_t)part * count] < least[best])
            best = first + (size_t)part * count;
    const Place at = coordinates(found[best], sizes.grid_y, sizes.grid_x);
    field[(size_t)blockIdx.y * count + patch] = (at.t * sizes.key_y + at.y) * sizes.key_x + at.x;
    cost[(size_t)blockIdx.y * count + patch] = finish(rounded(least[best]), divisor, alpha);
}
