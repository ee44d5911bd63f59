"""Separable resampling of a clip on the CPU: first blend rows, then pixels, then frames.

One row of all output frames is computed at a time. So only a few rows are held between the three
passes, which fit into the cache, and the clip is read in the order in which it is stored. Every sum
has a fixed order and every row one writer, so the number of threads cannot change a byte.
"""

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from patchvid.kernels.jit import kernel
from patchvid.kernels.simd_distance import fused_multiply_add
from patchvid.kernels.threads import parallel_range

Clip = NDArray[Any]
Floats = NDArray[np.float32]
Taps = tuple[NDArray[np.int64], Floats]

# Floats blended at once: along a row, and over the channels of one pixel. If fewer are needed, as
# many are still read and written.
_ROW_LANES = 32
_PIXEL_LANES = 4

# Rows blended at once: more would not fit into the first-level cache.
_GROUP = 16


def apply_taps(video: Clip, tables: tuple[Taps, Taps, Taps], out: Clip) -> None:
    """Resample `video` into `out`, both (t, y, x, c), by the tables of the axes t, y and x.

    A table holds `starts` (n,) and `weights` (n, taps): entry i of the axis is the sum over k of
    ``weights[i, k]`` times input entry ``starts[i] + k``. Clips are uint8, uint16 or float32, both
    of the same dtype, and C-contiguous; integers are rounded, halves upwards, and clipped.
    """
    n_frames, height, width, channels = out.shape
    top = np.float32(np.iinfo(out.dtype).max) if out.dtype.kind == "u" else None
    rows, new_rows = video.reshape(*video.shape[:2], -1), out.reshape(n_frames, height, -1)
    if rows.shape[2] < _ROW_LANES:  # _ROW_LANES values of the last row are read
        rows = np.pad(rows, ((0, 0), (0, 0), (0, _ROW_LANES - rows.shape[2])))
    pitch = max(width * channels, rows.shape[2]) + _ROW_LANES

    def work(first: int, stop: int) -> None:
        scratch = np.empty((len(rows) + 1, pitch), np.float32)
        _make_rows(rows, channels, tables, first, stop, scratch, top, new_rows)

    parallel_range(work, height, grain=-(-height // numba.get_num_threads()))


def _define_blend(
    typing_context: Any,
    lanes: Any,
    out: Any,
    o: Any,
    source: Any,
    i: Any,
    step: Any,
    weights: Any,
    j: Any,
    taps: Any,
    init: Any,
) -> Any:
    """``out[o + l] = sum_k weights[j + k] * source[i + k * step + l]`` for l in 0..lanes - 1.

    Indices are flat and arrays contiguous. Unless `init`, the sum is added to `out`. The lanes are
    one vector, because Numba would compute them one by one.
    """
    size = types.intp
    signature = types.void(lanes, out, size, source, size, size, weights, size, size, types.boolean)
    floats = ir.VectorType(ir.FloatType(), lanes.literal_value)
    first_lane = ir.Constant(ir.VectorType(ir.IntType(32), floats.count), [0] * floats.count)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def pointer(k: int) -> Any:
            array = context.make_array(signature.args[k])(context, builder, arguments[k])
            return builder.gep(array.data, [arguments[k + 1]])

        def load(at: Any) -> Any:
            kind = ir.VectorType(at.type.pointee, floats.count)
            return builder.load(builder.bitcast(at, kind.as_pointer()), align=1)

        target, values, weight = pointer(1), pointer(3), pointer(6)
        step, taps, init = arguments[5], arguments[8], arguments[9]
        zero = ir.Constant(floats, [0.0] * floats.count)
        start = builder.select(init, zero, load(target))
        total = cgutils.alloca_once_value(builder, start)
        with cgutils.for_range(builder, taps) as loop:
            value = load(builder.gep(values, [builder.mul(loop.index, step)]))
            if value.type != floats:
                value = builder.uitofp(value, floats)
            w = builder.load(builder.gep(weight, [loop.index]))
            w = builder.insert_element(ir.Constant(floats, ir.Undefined), w, ir.IntType(32)(0))
            w = builder.shuffle_vector(w, w, first_lane)
            builder.store(fused_multiply_add(builder, w, value, builder.load(total)), total)
        builder.store(builder.load(total), builder.bitcast(target, floats.as_pointer()), align=1)
        return context.get_dummy_value()

    return signature, codegen


_blend: Any = intrinsic(prefer_literal=True)(_define_blend)


@njit(nogil=True)
def _blend_rows(
    rows: Clip, i: int, pitch: int, weights: Floats, entry: int, width: int, out: Floats
) -> None:
    """Blend the rows that begin at i, i + pitch, ... into the first `width` values of `out`."""
    taps = weights.shape[1]
    for k in range(0, taps, _GROUP):
        group, init = min(_GROUP, taps - k), k == 0
        for x in range(0, width - _ROW_LANES + 1, _ROW_LANES):
            at, j = i + k * pitch + x, entry * taps + k
            _blend(_ROW_LANES, out, x, rows, at, pitch, weights, j, group, init)
    if width % _ROW_LANES:  # the last group overlaps the one before
        x = max(width - _ROW_LANES, 0)
        _blend(_ROW_LANES, out, x, rows, i + x, pitch, weights, entry * taps, taps, True)


@njit(nogil=True)
def _blend_pixels(
    line: Floats, channels: int, starts: NDArray[np.int64], weights: Floats, out: Floats
) -> None:
    """Blend along one row. The next pixel overwrites lanes past the last channel of a pixel."""
    width, taps = weights.shape
    for x in range(width):
        for c in range(0, channels, _PIXEL_LANES):
            o, i = x * channels + c, starts[x] * channels + c
            _blend(_PIXEL_LANES, out, o, line, i, channels, weights, x * taps, taps, True)


@njit(nogil=True)
def _store(line: Floats, top: np.float32 | None, out: Clip) -> None:
    """Copy a row. `top` is the largest integer of the output's type, or None for floats."""
    zero, half = np.float32(0), np.float32(0.5)
    for i in range(len(out)):
        if top is None:
            out[i] = line[i]
        else:
            out[i] = min(max(line[i] + half, zero), top)


@kernel
def _make_rows(
    video: Clip,
    channels: int,
    tables: tuple[Taps, Taps, Taps],
    first: int,
    stop: int,
    scratch: Floats,
    top: np.float32 | None,
    out: Clip,
) -> None:
    """Compute rows `first` to `stop - 1` of all frames. Here clips are (t, y, x * c)."""
    (t_starts, t_weights), (y_starts, y_weights), (x_starts, x_weights) = tables
    n_frames, height, old_width = video.shape
    width, pitch = out.shape[2], scratch.shape[1]
    same_x = x_weights.shape[1] == 1 and x_starts[-1] == len(x_starts) - 1
    line = scratch[n_frames]
    for y in range(first, stop):
        for t in range(n_frames):
            i = (t * height + y_starts[y]) * old_width
            if same_x:
                _blend_rows(video, i, old_width, y_weights, y, old_width, scratch[t])
            else:
                _blend_rows(video, i, old_width, y_weights, y, old_width, line)
                _blend_pixels(line, channels, x_starts, x_weights, scratch[t])
        for t in range(len(out)):
            _blend_rows(scratch, t_starts[t] * pitch, pitch, t_weights, t, width, line)
            _store(line, top, out[t, y])
