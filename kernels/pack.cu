// The channels of a voxel packed into words of 32 bits, as many as fit, and zeros: one thread a word.
//
// Compiled for the type of the values, SOURCE, and for how many fit into a word, LANES.

extern "C" __global__ void pack_kernel(
    const SOURCE *values, unsigned int *words, unsigned int count, int channels, int n_words)
{
    const unsigned int index = blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= count)
        return;
    const unsigned int voxel = index / n_words;
    const int first = (index - voxel * n_words) * LANES;
    unsigned int word = 0;
#pragma unroll
    for (int lane = 0; lane < LANES; ++lane)
        if (first + lane < channels)
            word |= (unsigned int)values[(size_t)voxel * channels + first + lane]
                 << (32 / LANES * lane);
    words[index] = word;
}
