// Coordinates of voxels and patches. This file is put before each of the others.

struct Place { int t, y, x; };

// The coordinates of a flat index.
__device__ __forceinline__ Place coordinates(unsigned int index, unsigned int height, unsigned int width)
{
    const unsigned int row = index / width, t = row / height;
    return {(int)t, (int)(row - t * height), (int)(index - row * width)};
}

// Whether a position lies on an axis; on a periodic axis it is wrapped first.
__device__ __forceinline__ bool is_inside(int &position, int size, int periodic)
{
    if (periodic)
        position = (position % size + size) % size;
    return position >= 0 && position < size;
}

