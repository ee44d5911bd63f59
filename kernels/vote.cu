// Voting: the lower median of the patches that cover a voxel, one thread a voxel.
//
// Compiled for one patch, DEPTH x ROWS x COLUMNS, and for LANES channels in a word of 32 bits: 4 of
// 8 bits, 2 of 16, or 1 of 32, all unsigned. A voxel has `n_words` words, of which one is voted on.

#define VOTES (DEPTH * ROWS * COLUMNS)
#define WIDTH (32 / LANES)
#define LANE (0xFFFFFFFFu >> (32 - WIDTH))
#define COUNTED (LANES == 1 ? VOTES : (int)LANE)  // votes that can be counted in a lane
#define LARGEST 0xFFFFFFFFu                       // in every lane: below no pivot, as if no vote
#define UNROLLED (VOTES <= 160 ? VOTES : 1)       // until votes no longer fit in registers

#if LANES == 4
typedef unsigned char channel_type;
#define SPREAD 0x01010101u
#define BELOW(a, b) __vsetltu4(a, b)
#elif LANES == 2
typedef unsigned short channel_type;
#define SPREAD 0x00010001u
#define BELOW(a, b) __vsetltu2(a, b)
#else
typedef unsigned int channel_type;
#define SPREAD 0x00000001u
#define BELOW(a, b) ((unsigned int)((a) < (b)))
#endif

// The positions on one axis of the patches that cover a voxel there, -1 for those outside.
template <int extent>
__device__ __forceinline__ void find_patches(int (&found)[extent], int position, int size, int wraps)
{
#pragma unroll
    for (int d = 0; d < extent; ++d) {
        found[d] = position - d;
        if (!around(found[d], size, wraps))
            found[d] = -1;
    }
}

extern "C" __global__ void patchvid_median(
    const unsigned int *words, const int *field, const bool *update_mask, channel_type *voted,
    int n_words, int plane, int channels, int n_t, int n_y, int n_x,
    int frames, int height, int width, int key_y, int key_x,
    int wraps_t, int wraps_y, int wraps_x)
{
    const unsigned int voxel = blockIdx.x * blockDim.x + threadIdx.x;
    const Place at = coordinates(voxel, height, width);
    if (at.t >= frames || (update_mask && !update_mask[voxel]))
        return;

    int frame[DEPTH], row[ROWS], column[COLUMNS];  // of the patches in the field; -1: none
    find_patches(frame, at.t, n_t, wraps_t);
    find_patches(row, at.y, n_y, wraps_y);
    find_patches(column, at.x, n_x, wraps_x);
    words += plane;
    unsigned int votes[VOTES];
    int n_votes = 0;
#pragma unroll UNROLLED
    for (int vote = 0; vote < VOTES; ++vote) {
        const int dt = vote / (ROWS * COLUMNS), dy = vote / COLUMNS % ROWS, dx = vote % COLUMNS;
        votes[vote] = LARGEST;
        if (frame[dt] >= 0 && row[dy] >= 0 && column[dx] >= 0) {
            const int first = field[(frame[dt] * n_y + row[dy]) * n_x + column[dx]];
            votes[vote] = words[(size_t)(first + (dt * key_y + dy) * key_x + dx) * n_words];
            ++n_votes;
        }
        // Loads stay on their side of it. Begun all at once they take more registers than there are.
        if (dx == COLUMNS - 1)
            __syncwarp(__activemask());
    }

    // The median's bits from the top: as many votes as its rank may lie below it.
    const int rank = (n_votes - 1) / 2;
    unsigned int median = 0;
#pragma unroll 1
    for (int bit = WIDTH - 1; bit >= 0; --bit) {
        const unsigned int pivot = median | SPREAD << bit;
        int below[LANES] = {};
#pragma unroll UNROLLED
        for (int start = 0; start < VOTES; start += COUNTED) {
            unsigned int some = 0;
#pragma unroll UNROLLED
            for (int vote = start; vote < min(start + COUNTED, VOTES); ++vote)
                some += BELOW(votes[vote], pivot);
#pragma unroll
            for (int lane = 0; lane < LANES; ++lane)
                below[lane] += some >> (lane * WIDTH) & LANE;
        }
#pragma unroll
        for (int lane = 0; lane < LANES; ++lane)
            if (below[lane] <= rank)
                median |= 1u << (lane * WIDTH + bit);
    }
#pragma unroll
    for (int lane = 0; lane < LANES; ++lane)
        if (plane * LANES + lane < channels)
            voted[(size_t)voxel * channels + plane * LANES + lane] = median >> (lane * WIDTH) & LANE;
}
