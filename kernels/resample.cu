// Resampling one of three axes: one thread a value of what is made.
//
// Compiled for the kinds of values that are read, SOURCE, and MADE. Sums have the order and the
// rounding of `blend_kernel` in numba_cuda.py.

extern "C" __global__ void patchvid_blend(
    const SOURCE *source, const long long *starts, const float *weights, MADE *made,
    unsigned int count, int old_entries, int entries, int inner, int taps, float top)
{
    const unsigned int index = blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= count)
        return;
    const Place at = coordinates(index, entries, inner);
    const int entry = at.y;
    source += ((size_t)at.t * old_entries + starts[entry]) * inner + at.x;
    weights += entry * taps;
    float total = 0;
    for (int k = 0; k < taps; ++k)
        total = fmaf(weights[k], (float)source[(size_t)k * inner], total);
    if (top > 0)
        total = min(max(total + 0.5f, 0.0f), top);
    made[index] = (MADE)total;
}
