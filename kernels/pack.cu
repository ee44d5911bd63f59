// The channels of a voxel packed into words of 32 bits, as many as fit, and zeros: one thread per voxel.
//
// Compiled for the type of the values, SOURCE, and for how many fit into a word, LANES. Floats become
// integers in the same order, see ordinals.py.

#if LANES == 1
__device__ __forceinline__ unsigned int bits_of(float value)
{
    const unsigned int bits = __float_as_uint(value);
    return bits ^ ((bits >> 31) * 0x7FFFFFFFu | 0x80000000u);
}
#else
__device__ __forceinline__ unsigned int bits_of(SOURCE value) { return value; }
#endif

extern "C" __global__ void pack_kernel(
    const SOURCE *values, unsigned int *words, unsigned int count, int channels, int n_words)
{
    const unsigned int voxel = blockIdx.x * blockDim.x + threadIdx.x;
    if (voxel >= count)
        return;
    values += (size_t)voxel * channels;
    words += (size_t)voxel * n_words;
    for (int first = 0; first < channels; first += LANES) {
        unsigned int word = 0;
#pragma unroll
        for (int lane = 0; lane < LANES; ++lane)
            if (first + lane < channels)
                word |= bits_of(values[first + lane]) << (32 / LANES * lane);
        *words++ = word;
    }
}
