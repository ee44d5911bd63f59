// Resampling along three axes: one thread per output value, one row of blocks per frame.
//
// Compiled for the types of input and output values, SOURCE and TARGET. Sums are over rows, then over
// pixels, then over frames. They have the order and the rounding of the CPU's, see resample.py;
// `__fmaf_ieee_rn` keeps floats below 1.2e-38, too.

struct Sizes {
    int old_t, old_y, old_x, new_t, new_y, new_x, channels, taps_t, taps_y, taps_x;
};

extern "C" __global__ void blend_kernel(
    const SOURCE *source, const long long *starts_t, const long long *starts_y,
    const long long *starts_x, const float *weights_t, const float *weights_y,
    const float *weights_x, TARGET *out, Sizes sizes, float top)
{
    const unsigned int index = blockIdx.x * blockDim.x + threadIdx.x;
    const Place at = coordinates(index, sizes.new_x, sizes.channels);  // row, pixel and channel
    const unsigned int sample = blockIdx.y / sizes.new_t, t = blockIdx.y - sample * sizes.new_t;
    const int y = at.t, x = at.y, channels = sizes.channels;
    if (y >= sizes.new_y)
        return;
    const size_t row = (size_t)sizes.old_x * channels, frame = sizes.old_y * row;
    source += (sample * sizes.old_t + starts_t[t]) * frame + starts_y[y] * row;
    source += starts_x[x] * channels + at.x;
    weights_t += t * sizes.taps_t;
    weights_y += y * sizes.taps_y;
    weights_x += x * sizes.taps_x;
    float total = 0;
    for (int dt = 0; dt < sizes.taps_t; ++dt) {
        float of_frame = 0;
        for (int dx = 0; dx < sizes.taps_x; ++dx) {
            const SOURCE *values = source + dt * frame + dx * channels;
            float of_pixel = 0;
            for (int dy = 0; dy < sizes.taps_y; ++dy)
                of_pixel = __fmaf_ieee_rn(weights_y[dy], (float)values[dy * row], of_pixel);
            of_frame = __fmaf_ieee_rn(weights_x[dx], of_pixel, of_frame);
        }
        total = __fmaf_ieee_rn(weights_t[dt], of_frame, total);
    }
    if (top > 0)
        total = min(max(total + 0.5f, 0.0f), top);
    out[(size_t)blockIdx.y * sizes.new_y * sizes.new_x * channels + index] = (TARGET)total;
}
