// The channels of a voxel in words of 32 bits, as many to a word as fit, and zeros: one thread a
// word.
//
// Compiled for the kind of values, SOURCE, and how many fit into a word, LANES.

extern "C" __global__ void patchvid_pack(
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
