// Voting on every voxel by the patches that cover it: one thread per voxel for the median, one per
// voxel and channel for the mean; one row of blocks per sample.
//
// Compiled for one patch, DEPTH x ROWS x COLUMNS, and for LANES channels in a word of 32 bits: 4 of
// 8 bits, 2 of 16, or 1 of 32. All are unsigned, except that a value of one lane is a float.

#define VOTES (DEPTH * ROWS * COLUMNS)
#define WIDTH (32 / LANES)
#define LANE (0xFFFFFFFFu >> (32 - WIDTH))
#define COUNTED (LANES == 1 ? VOTES : (int)LANE)  // votes that can be counted in a lane
#define LARGEST 0xFFFFFFFFu                       // in every lane: never below a pivot, so not counted
#define UNROLLED (VOTES <= 160 ? VOTES : 1)       // more votes would not fit in registers

#if LANES == 4
typedef unsigned char value_type;
#define VALUE(bits) (bits)
#define SPREAD 0x01010101u
#define BELOW(a, b) __vsetltu4(a, b)
#elif LANES == 2
typedef unsigned short value_type;
#define VALUE(bits) (bits)
#define SPREAD 0x00010001u
#define BELOW(a, b) __vsetltu2(a, b)
#else
typedef float value_type;
#define VALUE(bits) __uint_as_float(bits ^ (0xFFFFFFFFu - (bits >> 31) * 0x7FFFFFFFu))  // see ordinals.py
#define SPREAD 0x00000001u
#define BELOW(a, b) ((unsigned int)((a) < (b)))
#endif

struct Sizes {
    int n_t, n_y, n_x, frames, height, width, key_y, key_x, periodic_t, periodic_y, periodic_x;
};

// The patches that cover a voxel, by their positions on one axis; -1 where there is none.
template <int extent>
__device__ __forceinline__ void find_patches(int (&found)[extent], int position, int size, int periodic)
{
#pragma unroll
    for (int d = 0; d < extent; ++d) {
        found[d] = position - d;
        if (!is_inside(found[d], size, periodic))
            found[d] = -1;
    }
}

// The voxel in the value that casts a vote; -1 where there is no patch.
__device__ __forceinline__ int find_vote(
    int vote, const int *field, const int (&frame)[DEPTH], const int (&row)[ROWS],
    const int (&column)[COLUMNS], const Sizes &sizes)
{
    const int dt = vote / (ROWS * COLUMNS), dy = vote / COLUMNS % ROWS, dx = vote % COLUMNS;
    if (frame[dt] < 0 || row[dy] < 0 || column[dx] < 0)
        return -1;
    return field[(frame[dt] * sizes.n_y + row[dy]) * sizes.n_x + column[dx]]
         + (dt * sizes.key_y + dy) * sizes.key_x + dx;
}

// A voxel has `n_words` words, of which this call votes on number `plane`. In the output there are
// `pitch` values from one voxel to the next, of which those after the channels stay as they are.
extern "C" __global__ void median_kernel(
    const unsigned int *words, const int *field, const bool *update_mask, value_type *voted,
    int n_words, int plane, int channels, int pitch, Sizes sizes)
{
    const unsigned int voxel = blockIdx.x * blockDim.x + threadIdx.x;
    const Place at = coordinates(voxel, sizes.height, sizes.width);
    if (at.t >= sizes.frames || (update_mask && !update_mask[voxel]))
        return;

    int frame[DEPTH], row[ROWS], column[COLUMNS];
    find_patches(frame, at.t, sizes.n_t, sizes.periodic_t);
    for (int dt = 0; dt < DEPTH; ++dt)
        if (frame[dt] >= 0)
            frame[dt] += blockIdx.y * sizes.n_t;  // the fields of samples follow each other
    find_patches(row, at.y, sizes.n_y, sizes.periodic_y);
    find_patches(column, at.x, sizes.n_x, sizes.periodic_x);
    words += plane;
    unsigned int votes[VOTES];
    int n_votes = 0;
#pragma unroll UNROLLED
    for (int vote = 0; vote < VOTES; ++vote) {
        const int voter = find_vote(vote, field, frame, row, column, sizes);
        votes[vote] = LARGEST;
        if (voter >= 0) {
            votes[vote] = words[(size_t)voter * n_words];
            ++n_votes;
        }
        // The compiler moves no loads across this. All at once would need too many registers.
        if (vote % COLUMNS == COLUMNS - 1)
            __syncwarp(__activemask());
    }

    // Find the median's bits from the highest down: at most as many votes as its rank lie below it.
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
    const size_t first = (size_t)blockIdx.y * sizes.frames * sizes.height * sizes.width;
#pragma unroll
    for (int lane = 0; lane < LANES; ++lane) {
        const unsigned int bits = median >> (lane * WIDTH) & LANE;
        if (plane * LANES + lane < channels)
            voted[(first + voxel) * pitch + plane * LANES + lane] = VALUE(bits);
    }
}

extern "C" __global__ void mean_kernel(
    const value_type *value, const int *field, const bool *update_mask, value_type *voted,
    int channels, Sizes sizes)
{
    const size_t index = (size_t)blockIdx.x * blockDim.x + threadIdx.x;  // may exceed 32 bits
    const unsigned int voxel = index / channels;
    const Place at = coordinates(voxel, sizes.height, sizes.width);
    if (at.t >= sizes.frames || (update_mask && !update_mask[voxel]))
        return;
    field += (size_t)blockIdx.y * sizes.n_t * sizes.n_y * sizes.n_x;
    voted += (size_t)blockIdx.y * sizes.frames * sizes.height * sizes.width * channels;

    int frame[DEPTH], row[ROWS], column[COLUMNS];
    find_patches(frame, at.t, sizes.n_t, sizes.periodic_t);
    find_patches(row, at.y, sizes.n_y, sizes.periodic_y);
    find_patches(column, at.x, sizes.n_x, sizes.periodic_x);
    value += index - (size_t)voxel * channels;
    int n_votes = 0;
#if LANES == 1
    float total = 0, excess = 0;
#else
    long long total = 0;
#endif
#pragma unroll UNROLLED
    for (int vote = 0; vote < VOTES; ++vote) {
        const int voter = find_vote(vote, field, frame, row, column, sizes);
        if (voter < 0)
            continue;
        ++n_votes;
        const value_type cast = value[(size_t)voter * channels];
#if LANES == 1  // Kahan's sum: the next vote is corrected by the last rounding error
        const float corrected = cast - excess, rounded = total + corrected;
        excess = (rounded - total) - corrected;
        total = rounded;
#else
        total += cast;
#endif
    }
#if LANES == 1
    voted[index] = total / (float)n_votes;
#else
    voted[index] = (value_type)((2 * total + n_votes) / (2 * n_votes));
#endif
}
