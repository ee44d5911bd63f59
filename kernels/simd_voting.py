"""Gather votes and take their median, as vector code for Numba's CPU target.

Both work on 256 bits at a time: eight words of 32 bits, each with one float, two 16-bit channels or
four 8-bit channels of a voxel.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WORDS = 8
COUNTED = 255  # votes that can be counted in a lane of 8 bits

_I32, _I64 = ir.IntType(32), ir.IntType(64)


def _pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any, vector: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


def _shuffle(builder: Any, a: Any, b: Any, lanes: Any) -> Any:
    lanes = list(lanes)
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_I32, len(lanes)), lanes))


def _transpose(builder: Any, rows: list[Any]) -> list[Any]:
    """Transpose eight vectors of eight lanes in three rounds of pairwise interleaving."""
    for _ in range(3):
        low, high = (
            [lane for i in half for lane in (i, i + 8)] for half in (range(4), range(4, 8))
        )
        rows = [
            _shuffle(builder, rows[i], rows[i + 4], lanes)
            for i in range(4)
            for lanes in (low, high)
        ]
    return rows


@intrinsic
def scatter_patches(typingctx, words, sources, first, votes, target, pitch, extent):
    """Cast the votes of one row of eight neighbouring patches.

    Word d of patch i, ``words[sources[first + i] + d]`` for d < extent, is written to
    ``votes[target + d * (pitch + 1) + i]``: `votes` has a row for every place in a patch and a
    column for every voxel. Up to 7 words past the extent are read.
    """
    size = types.intp
    signature = types.void(words, sources, size, votes, size, size, size)
    vector = ir.VectorType(_I32, WORDS)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        words, sources, first, votes, target, pitch, extent = args
        starts = context.make_array(signature.args[1])(context, builder, sources).data
        diagonal = builder.add(pitch, _I64(1))
        with cgutils.for_range_slice(builder, _I64(0), extent, _I64(WORDS)) as (d, _):
            rows = []
            for i in range(WORDS):
                at = builder.load(builder.gep(starts, [builder.add(first, _I64(i))]))
                at = builder.add(builder.sext(at, _I64), d)
                source = _pointer(context, builder, signature.args[0], words, at, vector)
                rows.append(builder.load(source, align=4))
            for i, column in enumerate(_transpose(builder, rows)):
                place = builder.add(d, _I64(i))
                with builder.if_then(builder.icmp_signed("<", place, extent)):
                    at = builder.add(target, builder.mul(place, diagonal))
                    goal = _pointer(context, builder, signature.args[3], votes, at, vector)
                    builder.store(column, goal, align=4)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def median_of_lanes(typingctx, votes, first, pitch, n_votes, ranks, rank, medians, out):
    """Write ``medians[out + l]``, the vote of rank ``ranks[rank + l]``, for all lanes of 256 bits.

    Vote v of lane l is ``votes[first + v * pitch + l]``, of an unsigned type. The bits of a median
    are found from the highest down, by counting the votes below a pivot.
    """
    size = types.intp
    signature = types.void(votes, size, size, size, ranks, size, medians, size)
    lane = ir.IntType(votes.dtype.bitwidth)
    n_lanes = 256 // lane.width
    vector, counts = ir.VectorType(lane, n_lanes), ir.VectorType(_I32, n_lanes)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        votes, first, pitch, n_votes, ranks, rank, medians, out = args
        wanted = builder.load(
            _pointer(context, builder, signature.args[4], ranks, rank, counts), align=4
        )
        median = cgutils.alloca_once_value(builder, ir.Constant(vector, None))
        below = cgutils.alloca_once(builder, counts)
        below_some = cgutils.alloca_once(builder, vector)
        with cgutils.for_range(builder, _I64(lane.width)) as loop:
            bit = builder.lshr(lane(1 << lane.width - 1), builder.trunc(loop.index, lane))
            spread = builder.insert_element(ir.Constant(vector, ir.Undefined), bit, _I32(0))
            spread = _shuffle(builder, spread, spread, [0] * n_lanes)
            pivot = builder.or_(builder.load(median), spread)
            builder.store(ir.Constant(counts, None), below)
            with cgutils.for_range_slice(builder, _I64(0), n_votes, _I64(COUNTED)) as (start, _):
                builder.store(ir.Constant(vector, None), below_some)
                left = builder.sub(n_votes, start)
                enough = builder.icmp_signed(">", left, _I64(COUNTED))
                some = builder.select(enough, _I64(COUNTED), left)
                with cgutils.for_range(builder, some) as inner:
                    number = builder.add(start, inner.index)
                    at = builder.add(first, builder.mul(number, pitch))
                    source = _pointer(context, builder, signature.args[0], votes, at, vector)
                    is_below = builder.icmp_unsigned("<", builder.load(source, align=1), pivot)
                    less = builder.sext(is_below, vector)  # -1 where a vote is below
                    builder.store(builder.sub(builder.load(below_some), less), below_some)
                counted = builder.load(below_some)
                if lane.width < 32:
                    counted = builder.zext(counted, counts)
                builder.store(builder.add(builder.load(below), counted), below)
            keeps = builder.icmp_signed("<=", builder.load(below), wanted)
            builder.store(builder.select(keeps, pivot, builder.load(median)), median)
        goal = _pointer(context, builder, signature.args[6], medians, out, vector)
        builder.store(builder.load(median), goal, align=1)
        return context.get_dummy_value()

    return signature, codegen
