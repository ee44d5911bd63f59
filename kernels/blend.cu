// Resampling along one of three axes: one thread per output value.
//
// Compiled for the types of input and output values, SOURCE and TARGET. Sums have the order and the
// rounding of the CPU's, see resample.py; `__fmaf_ieee_rn` keeps floats below 1.2e-38, too.

extern "C" __global__ void blend_kernel(
    const SOURCE *source, const long long *starts, const float *weights, TARGET *out,
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
        total = __fmaf_ieee_rn(weights[k], (float)source[(size_t)k * inner], total);
    if (top > 0)
        total = min(max(total + 0.5f, 0.0f), top);
    out[index] = (TARGET)total;
}
