// Voting: the lower median of the patches that cover a voxel, one thread a voxel.
//
// Compiled for one patch, DEPTH x ROWS x COLUMNS, and for LANES channels in a word of 32 bits: 4 of
// 8 bits, 2 of 16, or 1 of 32, all unsigned. A voxel has `n_words` words, of which one is voted on.

#define VOTES (DEPTH * ROWS * COLUMNS)
#define WIDTH (32 / LANES)
#define LANE (0xFFFFFFFFu >> (32 - WIDTH))
#define COUNTED (LANES == 1 ? VOTES : (int)LANE)  // votes that can be counted in a lane

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

extern "C" __global__ void patchvid_median(
    const unsigned int *words, const int *field, const bool *made, channel_type *voted,
    int n_words, int plane, int channels, int n_t, int n_y, int n_x,
    int frames, int height, int width, int key_y, int key_x,
    int wraps_t, int wraps_y, int wraps_x)
{
    const unsigned int voxel = blockIdx.x * blockDim.x + threadIdx.x;
    const Place at = coordinates(voxel, height, width);
    if (at.t >= frames || (made && !made[voxel]))
        return;

    words += plane;
    unsigned int votes[VOTES];
    int n_votes = 0;
    for (int dt = 0; dt < DEPTH; ++dt) {
        int pt = at.t - dt;
        if (!around(pt, n_t, wraps_t))
            continue;
        for (int dy = 0; dy < ROWS; ++dy) {
            int py = at.y - dy;
            if (!around(py, n_y, wraps_y))
                continue;
            for (int dx = 0; dx < COLUMNS; ++dx) {
                int px = at.x - dx;
                if (!around(px, n_x, wraps_x))
                    continue;
                const int first = field[(pt * n_y + py) * n_x + px];
                votes[n_votes++] = words[(size_t)(first + (dt * key_y + dy) * key_x + dx) * n_words];
            }
        }
    }

    // The median's bits from the top: as many votes as its rank may lie below it.
    const int rank = (n_votes - 1) / 2;
    unsigned int median = 0;
    for (int bit = WIDTH - 1; bit >= 0; --bit) {
        const unsigned int pivot = median | SPREAD << bit;
        int below[LANES] = {};
        for (int start = 0; start < n_votes; start += COUNTED) {
            const int stop = min(start + COUNTED, n_votes);
            unsigned int some = 0;
            for (int vote = start; vote < stop; ++vote)
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
