"""Products of a few rows with many, compiled for this processor by numba: what a decoder layer spends its time on.

Numbers are float32; sums are made in whatever order is quickest. The many may be bfloat16, given as their bits
(uint16). Knows arrays only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

QUICK = {"reassoc", "contract", "arcp", "nsz", "nnan"}
ZERO = np.float32(0.0)
_BLOCK = 8


@intrinsic
def as_float(_typing: Any, bits: Any) -> Any:
    """The float32 with these bits (int32)."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@intrinsic
def _wide(_typing: Any, number: Any) -> Any:
    """A float32 as it is, or a bfloat16, given by its bits (uint16), as one."""

    def generate(_context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if signature.args[0] == types.float32:
            return arguments[0]
        bits = builder.zext(arguments[0], ir.IntType(32))
        return builder.bitcast(builder.shl(bits, bits.type(16)), ir.FloatType())

    return (types.float32(number), generate) if number in (types.float32, types.uint16) else None


def _lane_sums(lanes: int) -> Any:
    """A function of keys [_BLOCK, d], rows [d, lanes], out [_BLOCK, lanes]: out[j] = sum over n of keys[j, n] rows[n].

    The compiler makes sums over a single row's numbers by itself, but sums of several rows side by side in one register
    it does not find.
    """
    vector = ir.VectorType(ir.FloatType(), lanes)

    def place(builder: Any, array: Any, row: Any, column: Any) -> Any:
        step = builder.add(builder.mul(row, array.step), column)
        return builder.gep(array.data, [step])

    @intrinsic
    def sums(_typing: Any, keys: Any, rows: Any, out: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            arrays = [_Rows(context, builder, kind, each) for kind, each in zip(signature.args, arguments, strict=True)]
            key, row, told = arrays
            intp = key.step.type
            totals = [cgutils.alloca_once_value(builder, ir.Constant(vector, None)) for _ in range(_BLOCK)]
            for total in totals:
                builder.store(ir.Constant(vector, None), total)
            with cgutils.for_range(builder, key.columns, intp=intp) as loop:
                pointer = builder.bitcast(place(builder, row, loop.index, intp(0)), vector.as_pointer())
                numbers = builder.load(pointer, align=4)
                for j, total in enumerate(totals):
                    number = builder.load(place(builder, key, intp(j), loop.index))
                    one = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.IntType(32)(0))
                    zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes), None)
                    every = builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)
                    product = builder.fmul(every, numbers, flags=["fast"])
                    builder.store(builder.fadd(builder.load(total), product, flags=["fast"]), total)
            for j, total in enumerate(totals):
                pointer = builder.bitcast(place(builder, told, intp(j), intp(0)), vector.as_pointer())
                builder.store(builder.load(total), pointer, align=4)
            return context.get_dummy_value()

        return types.none(keys, rows, out), generate

    return sums


class _Rows:
    """What generated code knows of an array [n, m] of float32: its data, numbers from row to row, and columns."""

    def __init__(self, context: Any, builder: Any, kind: Any, value: Any) -> None:
        array = context.make_array(kind)(context, builder, value)
        self.data = array.data
        _, self.columns = cgutils.unpack_tuple(builder, array.shape)
        stride, _ = cgutils.unpack_tuple(builder, array.strides)
        self.step = builder.sdiv(stride, stride.type(4))


_sums_of_8, _sums_of_16 = _lane_sums(8), _lane_sums(16)


@njit(fastmath=QUICK, nogil=True)
def dots(keys: Any, rows: Any, out: Any, first: int) -> None:
    """out[g, first + j] = keys[j] . rows[g], for all keys [m, d] and rows [n, d]."""
    done = 0
    while rows.shape[0] - done > 4:
        done += _dots_of_many(keys, rows[done : done + 16], out[done:], first)
    if done < rows.shape[0]:
        _dots_of_few(keys, rows[done:], out[done:], first)


@njit(fastmath=QUICK, nogil=True)
def _dots_of_many(keys: Any, rows: Any, out: Any, first: int) -> Any:
    """As `dots` for up to 16 rows; their number."""
    count, size = rows.shape
    lanes = 8 if count <= 8 else 16
    columns = np.zeros((size, lanes), np.float32)
    for g in range(count):
        for n in range(size):
            columns[n, g] = rows[g, n]
    block, sums = np.zeros((_BLOCK, size), np.float32), np.empty((_BLOCK, lanes), np.float32)
    for start in range(0, keys.shape[0], _BLOCK):
        held = min(_BLOCK, keys.shape[0] - start)
        for j in range(held):
            for n in range(size):
                block[j, n] = _wide(keys[start + j, n])
        if lanes == 8:
            _sums_of_8(block, columns, sums)
        else:
            _sums_of_16(block, columns, sums)
        for g in range(count):
            for j in range(held):
                out[g, first + start + j] = sums[j, g]
    return count


@njit(fastmath=QUICK, nogil=True)
def _dots_of_few(keys: Any, rows: Any, out: Any, first: int) -> None:
    """As `dots`, each sum by itself."""
    size = rows.shape[1]
    fours = rows.shape[0] // 4 * 4
    for j in range(keys.shape[0]):
        key = keys[j]
        for g in range(0, fours, 4):
            a, b, c, d = rows[g], rows[g + 1], rows[g + 2], rows[g + 3]
            sum_a, sum_b, sum_c, sum_d = ZERO, ZERO, ZERO, ZERO
            for n in range(size):
                number = _wide(key[n])
                sum_a += number * a[n]
                sum_b += number * b[n]
                sum_c += number * c[n]
                sum_d += number * d[n]
            out[g, first + j], out[g + 1, first + j] = sum_a, sum_b
            out[g + 2, first + j], out[g + 3, first + j] = sum_c, sum_d
        for g in range(fours, rows.shape[0]):
            row = rows[g]
            total = ZERO
            for n in range(size):
                total += _wide(key[n]) * row[n]
            out[g, first + j] = total


@njit(fastmath=QUICK, nogil=True)
def product(x: Any, weight: Any, bias: Any, out: Any) -> None:
    """out = x weight^T + bias: x [n, in], weight [out, in], bias [out] or [0]."""
    dots(weight, x, out, 0)
    if bias.shape[0]:
        for row in range(x.shape[0]):
            for c in range(bias.shape[0]):
                out[row, c] += bias[c]


@njit(fastmath=QUICK, nogil=True)
def add_weighted(weights: Any, first: int, values: Any, out: Any) -> None:
    """out[g] += weights[g, first + j] values[j], summed over values [m, d]."""
    count, size = values.shape[0], values.shape[1]
    fours = count // 4 * 4
    for j in range(0, fours, 4):
        a, b, c, d = values[j], values[j + 1], values[j + 2], values[j + 3]
        for g in range(out.shape[0]):
            w_a, w_b = weights[g, first + j], weights[g, first + j + 1]
            w_c, w_d = weights[g, first + j + 2], weights[g, first + j + 3]
            row = out[g]
            for n in range(size):
                row[n] += w_a * a[n] + w_b * b[n] + w_c * c[n] + w_d * d[n]
    for j in range(fours, count):
        for g in range(out.shape[0]):
            for n in range(size):
                out[g, n] += weights[g, first + j] * values[j, n]
