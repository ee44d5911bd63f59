// Places in a clip or in a field, for all kernels: this file is put before each of the others.

struct Place { int t, y, x; };

// The place of a flat index.
__device__ __forceinline__ Place coordinates(unsigned int index, unsigned int height, unsigned int width)
{
    const unsigned int row = index / width, t = row / height;
    return {(int)t, (int)(row - t * height), (int)(index - row * width)};
}

// Whether a position lies on an axis, to which it is brought back if the axis goes around.
__device__ __forceinline__ bool around(int &position, int size, int wraps)
{
    if (wraps)
        position = (position % size + size) % size;
    return position >= 0 && position < size;
}

