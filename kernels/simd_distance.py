"""Sum of squared differences over patch rows, as vector code for Numba's CPU target.

Numba widens 8-bit arithmetic to 64 bits, which costs a factor of 25 here. This intrinsic emits the
vector operations directly, in LLVM's portable form: on x86 they become ``vpmaddwd``, on Arm the
widening multiplies of NEON.

Rows are read in chunks of 32 bytes, and lanes past the end of a row are masked. So buffers must be
readable for `OVERREAD` bytes past their last element.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

OVERREAD = 32

_I8, _I16, _I32, _I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_F32 = ir.FloatType()


def _vector(element: ir.Type, values: Any) -> ir.Constant:
    values = list(values)
    return ir.Constant(ir.VectorType(element, len(values)), values)


def fused_multiply_add(builder: ir.IRBuilder, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
    """Compute a * b + c for vectors of float32, rounded once, as on every device."""
    kind = ir.FunctionType(a.type, [a.type] * 3)
    name = f"llvm.fma.v{a.type.count}f32"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [a, b, c])


def _load(builder: ir.IRBuilder, pointer: ir.Value, lanes: int) -> ir.Value:
    kind = ir.VectorType(pointer.type.pointee, lanes)
    return builder.load(builder.bitcast(pointer, kind.as_pointer()), align=1)


def _add_squares_u8(builder: ir.IRBuilder, total: ir.Value, a: ir.Value, b: ir.Value, mask: Any):
    """Add the 32 squared differences of two byte vectors to the 8 lanes of `total`."""
    low, high = (
        builder.select(builder.icmp_unsigned("<", a, b), x, y) for x, y in ((a, b), (b, a))
    )
    difference = builder.sub(high, low)
    if mask is not None:
        difference = builder.and_(difference, builder.sext(mask, difference.type))
    pairs = builder.bitcast(difference, ir.VectorType(_I16, 16))
    even = builder.and_(pairs, _vector(_I16, [255] * 16))
    odd = builder.lshr(pairs, _vector(_I16, [8] * 16))
    for half in (even, odd):
        wide = builder.zext(half, ir.VectorType(_I32, 16))
        squares = builder.mul(wide, wide)
        nothing = ir.Constant(squares.type, ir.Undefined)
        neighbours = [
            builder.shuffle_vector(squares, nothing, _vector(_I32, range(first, 16, 2)))
            for first in (0, 1)
        ]
        total = builder.add(total, builder.add(*neighbours))  # this pattern is one vpmaddwd
    return total


def _add_squares_f32(builder: ir.IRBuilder, total: ir.Value, a: ir.Value, b: ir.Value, mask: Any):
    difference = builder.fsub(a, b)
    if mask is not None:
        difference = builder.select(mask, difference, ir.Constant(difference.type, None))
    return fused_multiply_add(builder, difference, difference, total)


def _define_rows_ssd(function: ir.Function, element: ir.Type) -> None:
    """Define ``rows_ssd(a, a_stride, b, b_stride, length, rows)``, with strides in elements."""
    a, a_stride, b, b_stride, length, rows = function.args
    is_bytes = element is _I8
    lanes = 32 if is_bytes else 8
    add_squares = _add_squares_u8 if is_bytes else _add_squares_f32
    zero = ir.Constant(ir.VectorType(_I32 if is_bytes else _F32, 8), None)

    entry, row, chunk, tail, done = (
        function.append_basic_block(name) for name in ("entry", "row", "chunk", "tail", "done")
    )
    builder = ir.IRBuilder(entry)
    # Whole chunks come first; 1 to `lanes` elements remain for the masked one.
    whole = builder.and_(builder.sub(length, _I64(1)), _I64(-lanes))
    rest = builder.sub(length, whole)
    lane = _I8 if is_bytes else _I32
    undefined = ir.Constant(ir.VectorType(lane, lanes), ir.Undefined)
    first = builder.insert_element(undefined, builder.trunc(rest, lane), _I32(0))
    rests = builder.shuffle_vector(first, undefined, _vector(_I32, [0] * lanes))
    mask = builder.icmp_unsigned("<", _vector(lane, range(lanes)), rests)
    builder.branch(row)

    builder.position_at_end(row)
    index = builder.phi(_I64)
    row_total = builder.phi(zero.type)
    row_a, row_b = builder.phi(a.type), builder.phi(b.type)
    starts = (_I64(0), zero, a, b)
    for phi, start in zip((index, row_total, row_a, row_b), starts, strict=True):
        phi.add_incoming(start, entry)

    def add_chunk(offset: ir.Value, total: ir.Value, lanes_kept: Any) -> ir.Value:
        a, b = (_load(builder, builder.gep(base, [offset]), lanes) for base in (row_a, row_b))
        return add_squares(builder, total, a, b, lanes_kept)

    builder.cbranch(builder.icmp_signed(">", whole, _I64(0)), chunk, tail)

    builder.position_at_end(chunk)
    offset, chunk_total = builder.phi(_I64), builder.phi(zero.type)
    offset.add_incoming(_I64(0), row)
    chunk_total.add_incoming(row_total, row)
    next_total = add_chunk(offset, chunk_total, None)
    next_offset = builder.add(offset, _I64(lanes))
    offset.add_incoming(next_offset, chunk)
    chunk_total.add_incoming(next_total, chunk)
    builder.cbranch(builder.icmp_signed("<", next_offset, whole), chunk, tail)

    builder.position_at_end(tail)
    tail_total = builder.phi(zero.type)
    tail_total.add_incoming(row_total, row)
    tail_total.add_incoming(next_total, chunk)
    total = add_chunk(whole, tail_total, mask)
    next_index = builder.add(index, _I64(1))
    following = (
        next_index,
        total,
        builder.gep(row_a, [a_stride]),
        builder.gep(row_b, [b_stride]),
    )
    for phi, value in zip((index, row_total, row_a, row_b), following, strict=True):
        phi.add_incoming(value, tail)
    builder.cbranch(builder.icmp_signed("<", next_index, rows), row, done)

    builder.position_at_end(done)
    # A fixed tree, so that float sums do not depend on the machine's vector width.
    result = total
    for half in (4, 2, 1):
        sides = [
            builder.shuffle_vector(result, result, _vector(_I32, range(start, start + half)))
            for start in (0, half)
        ]
        result = (builder.add if is_bytes else builder.fadd)(*sides)
    builder.ret(builder.extract_element(result, _I32(0)))


@intrinsic
def rows_ssd(typingctx, a, a_start, a_stride, b, b_start, b_stride, length, rows):
    """Sum of squared differences of `rows` rows of `length` elements of two flat arrays.

    Row r of `a` begins at ``a[a_start + r * a_stride]``; likewise for `b`. The sum is an exact
    int32 for uint8, and a float32 for float32. `length` and `rows` are at least 1.
    """
    numba_type, element = {
        types.uint8: (types.int32, _I8),
        types.float32: (types.float32, _F32),
    }[a.dtype]
    size = types.int64
    signature = numba_type(a, size, size, b, size, size, size, size)

    def codegen(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        pointer = element.as_pointer()
        result = _I32 if element is _I8 else _F32
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(result, [pointer, _I64, pointer, _I64, _I64, _I64]),
            f"patchvid_rows_ssd_{a.dtype}",
        )
        if function.is_declaration:
            function.linkage = "linkonce_odr"
            function.attributes.add("alwaysinline")
            _define_rows_ssd(function, element)
        starts = [
            builder.gep(
                context.make_array(signature.args[i])(context, builder, args[i]).data, [args[i + 1]]
            )
            for i in (0, 3)
        ]
        return builder.call(function, [starts[0], args[2], starts[1], *args[5:]])

    return signature, codegen
