// The part of CUDA C that the kernels use, for a C++ compiler: they run thread by thread.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#define __device__
#define __global__
#define __forceinline__ inline

struct Index { unsigned int x, y, z; };
struct longlong2 { long long x, y; };
static thread_local Index threadIdx, blockIdx, blockDim, gridDim;

using std::max;
using std::min;

static inline unsigned int __umulhi(unsigned int a, unsigned int b)
{
    return (uint64_t)a * b >> 32;
}

static inline unsigned long long atomicAdd(unsigned long long *total, unsigned long long value)
{
    const unsigned long long before = *total;
    *total += value;
    return before;
}

static inline unsigned long long atomicExch(unsigned long long *place, unsigned long long value)
{
    return std::exchange(*place, value);
}

// Threads run one after another.
static inline unsigned int __activemask() { return 1; }
static inline void __syncwarp(unsigned int) {}
static inline void __threadfence() {}

static inline float __fmaf_ieee_rn(float a, float b, float c) { return std::fma(a, b, c); }

// A clock by which nothing is waited for.
static inline long long clock64()
{
    static long long cycles = 0;
    return cycles += 1LL << 40;
}

static inline float __int_as_float(int bits)
{
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float __uint_as_float(unsigned int bits)
{
    return __int_as_float((int)bits);
}

static inline unsigned int __float_as_uint(float value)
{
    unsigned int bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline unsigned int __vabsdiffu4(unsigned int a, unsigned int b)
{
    unsigned int result = 0;
    for (int shift = 0; shift < 32; shift += 8) {
        const int x = a >> shift & 255, y = b >> shift & 255;
        result |= (unsigned int)(x < y ? y - x : x - y) << shift;
    }
    return result;
}

static inline unsigned int __dp4a(unsigned int a, unsigned int b, unsigned int sum)
{
    for (int shift = 0; shift < 32; shift += 8)
        sum += (a >> shift & 255) * (b >> shift & 255);
    return sum;
}

static inline unsigned int lanes_below(unsigned int a, unsigned int b, int width)
{
    const unsigned int lane = (1u << width) - 1;
    unsigned int result = 0;
    for (int shift = 0; shift < 32; shift += width)
        result |= (unsigned int)((a >> shift & lane) < (b >> shift & lane)) << shift;
    return result;
}

static inline unsigned int __vsetltu4(unsigned int a, unsigned int b) { return lanes_below(a, b, 8); }
static inline unsigned int __vsetltu2(unsigned int a, unsigned int b) { return lanes_below(a, b, 16); }

// Run a kernel for all threads of blocks from `first` on, in `rows` rows of blocks; `arguments` point
// to its arguments' values.
template <class... A, size_t... I>
void run_each(void (*kernel)(A...), void **arguments, std::index_sequence<I...>)
{
    kernel(*static_cast<A *>(arguments[I])...);
}

template <class... A>
void run(void (*kernel)(A...), void **arguments, unsigned first, unsigned blocks, unsigned rows,
         unsigned threads)
{
    gridDim = {blocks, rows, 1};
    blockDim = {threads, 1, 1};
    for (blockIdx = {0, 0, 0}; blockIdx.y < rows; ++blockIdx.y)
        for (blockIdx.x = first; blockIdx.x < blocks; ++blockIdx.x)
            for (threadIdx = {0, 0, 0}; threadIdx.x < threads; ++threadIdx.x)
                run_each(kernel, arguments, std::index_sequence_for<A...>());
}

#define RUNNABLE(kernel) \
    extern "C" void run_##kernel(void **arguments, unsigned first, unsigned blocks, unsigned rows, \
                                 unsigned threads) \
    { \
        run(kernel, arguments, first, blocks, rows, threads); \
    }
