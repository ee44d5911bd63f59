// What several kernels share: coordinates, sizes of a search, and arithmetic that keeps floats below
// 1.2e-38, which CuPy's option -ftz=true would make zero. This file is put before each of the others.

#define INFINITE __int_as_float(0x7f800000)

struct Place { int t, y, x; };

// The coordinates of a flat index.
__device__ __forceinline__ Place coordinates(unsigned int index, unsigned int height, unsigned int width)
{
    const unsigned int row = index / width, t = row / height;
    return {(int)t, (int)(row - t * height), (int)(index - row * width)};
}

// Whether a position lies on an axis; on a periodic axis it is wrapped first.
__device__ __forceinline__ bool is_inside(int &position, int size, int periodic)
{
    if (periodic)
        position = (position % size + size) % size;
    return position >= 0 && position < size;
}

// Sizes of a search, which do not change from sweep to sweep. Of query, key and weights, there are the
// elements from one sample to the next, or 0 if all samples share them.
struct Geometry {
    long long next_query, next_key, next_weights;
    int query_y, query_x, n_t, n_y, n_x, key_y, key_x, grid_t, grid_y, grid_x;
    int periodic_t, periodic_y, periodic_x;
};

__device__ __forceinline__ float add(float a, float b) { return __fmaf_ieee_rn(a, 1.0f, b); }

__device__ __forceinline__ float divide(float a, float b)
{
#ifdef __CUDA_ARCH__
    asm("div.rn.f32 %0, %0, %1;" : "+f"(a) : "f"(b));
    return a;
#else
    return a / b;
#endif
}

// A cost per value or, unless `alpha` is negative, a completeness weight: `finish_cost` in rules.py.
__device__ __forceinline__ float finish(float cost, float divisor, float alpha)
{
    const float finished = divide(cost, divisor);
    return alpha < 0 ? finished : divide(1, add(alpha, finished));
}
