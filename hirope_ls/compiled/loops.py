"""The loops of one decoder layer of the Llama kind over a few rows, compiled for this processor by numba.

A small model's step is bound by launching operations, and by passing through its caches more than once; here a layer
is three calls that read each weight, key and value once. Numbers are float32. Knows arrays only.
To be imported through `build.load` alone, which says where the machine code is kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from hirope_ls.compiled.products import QUICK, ZERO, add_weighted, as_float, dots, product

_NEVER = np.float32(-1e30)  # the score of a key that is not seen: its weight is 0 whatever the others are
_LEAST = np.float32(-87.0)  # e to this is about the least normal number
_LOG2_E = np.float32(1.4426950408889634)
_TAYLOR = tuple(np.float32(x) for x in (1.5403530e-4, 1.3333558e-3, 9.6181291e-3, 5.5504109e-2, 0.24022651, 0.69314718))
_HALF, _ONE = np.float32(0.5), np.float32(1.0)


@njit(fastmath=QUICK, inline="always")
def _exp(x: Any) -> Any:
    """e to the x <= 0, to a few units in the last place; 2^k by its bits, times a polynomial over [-1/2, 1/2]."""
    power = max(x, _LEAST) * _LOG2_E
    whole = np.int32(power - _HALF)
    rest = power - np.float32(whole)
    found = _TAYLOR[0]
    found = found * rest + _TAYLOR[1]
    found = found * rest + _TAYLOR[2]
    found = found * rest + _TAYLOR[3]
    found = found * rest + _TAYLOR[4]
    found = found * rest + _TAYLOR[5]
    found = found * rest + _ONE
    return found * as_float((whole + np.int32(127)) << np.int32(23))


@njit(fastmath=QUICK, nogil=True)
def _normed(x: Any, weight: Any, eps: Any, out: Any) -> None:
    """RMS norm of rows [n, d]."""
    for row in range(x.shape[0]):
        total = ZERO
        for c in range(x.shape[1]):
            total += x[row, c] * x[row, c]
        factor = _ONE / np.sqrt(total / np.float32(x.shape[1]) + eps)
        for c in range(x.shape[1]):
            out[row, c] = x[row, c] * factor * weight[c]


@njit(fastmath=QUICK, nogil=True)
def _add(x: Any, to: Any) -> None:
    for row in range(x.shape[0]):
        for c in range(x.shape[1]):
            to[row, c] += x[row, c]


@njit(fastmath={"nsz"}, nogil=True)
def _turned(head: Any, cos: Any, sin: Any, out: Any) -> None:
    """A head [d] turned: pairs are (p, p + d/2), and the first half of the sines is negative.

    Rounded as torch rounds it, so that a key that a cache turns anew is the same to the bit; it would inherit QUICK.
    """
    half = head.shape[0] // 2
    for c in range(half):
        out[c] = head[c] * cos[c] + head[half + c] * sin[c]
        out[half + c] = head[half + c] * cos[half + c] + head[c] * sin[half + c]


@njit(fastmath=QUICK, nogil=True)
def _softmax(scores: Any) -> Any:
    """Weights, not yet divided by their sum, in place of scores [m]; the sum."""
    top = _NEVER
    for j in range(scores.shape[0]):
        top = max(top, scores[j])
    total = ZERO
    for j in range(scores.shape[0]):
        weight = _exp(scores[j] - top)
        scores[j] = weight
        total += weight
    return total


@njit(fastmath=QUICK, nogil=True)
def _head(
    far: Any, near: Any, keys: Any, turned: Any, values: Any, rows: int, num_far: int, window: int, scale: Any,
    bias: Any, raised: Any, heard: Any, gain: Any, scores: Any, out: Any
) -> None:  # fmt: skip
    """One key head's softmax attention for its queries far, near [groups * n, d]; see `attend`."""
    total = keys.shape[0]
    first = num_far - rows + 1 if num_far else 0
    dots(keys[:num_far], far, scores, 0)
    dots(turned[first:total], near, scores, num_far)
    for g in range(near.shape[0]):
        row = g % rows
        index = total - rows + row
        mine = scores[g, : num_far + total - first]
        if num_far:
            for j in range(num_far):
                mine[j] = mine[j] * scale[row] + bias[row]
            for n in range(raised.shape[0]):
                if heard[row, n]:
                    mine[raised[n]] += gain - bias[row]
            for j in range(index - window + 1, num_far):
                mine[j] = _NEVER
        for j in range(num_far, mine.shape[0]):
            mine[j] *= scale[row]
        if num_far:
            for j in range(num_far, num_far + index - window + 1 - first):
                mine[j] = _NEVER
        for j in range(num_far + index + 1 - first, mine.shape[0]):
            mine[j] = _NEVER
        factor = _ONE / _softmax(mine)
        for j in range(mine.shape[0]):
            mine[j] *= factor
    out[:] = ZERO
    add_weighted(scores, 0, values[:num_far], out)
    add_weighted(scores, num_far, values[first:total], out)


@njit(fastmath=QUICK, nogil=True, cache=True)
def begin(
    x: Any, norm: Any, eps: Any, query_weight: Any, query_bias: Any, key_weight: Any, key_bias: Any,
    value_weight: Any, value_bias: Any, query_norm: Any, key_norm: Any, norm_eps: Any, cos: Any, sin: Any,
    far_cos: Any, far_sin: Any, keys: Any, values: Any, turned: Any, start: int, near: Any, far: Any
) -> None:  # fmt: skip
    """Up to the scores of a layer's rows x [n, hidden]: writes their keys, and their queries near, far [heads * n, d].

    Weights [out, in], biases [out] or [0], norms [hidden], those of single heads [d] or [0]. cos, sin [n, d] turn the
    rows ordinarily, far_cos, far_sin [d] the queries for far keys, if `far` has room; sines signed. keys, turned
    [kv, capacity, d] and values [kv, capacity, dv] hold `start` rows before these.
    """
    rows, kv_heads, size = x.shape[0], keys.shape[0], keys.shape[2]
    heads = query_weight.shape[0] // size
    h = np.empty_like(x)
    _normed(x, norm, eps, h)
    query = np.empty((rows, query_weight.shape[0]), np.float32)
    key = np.empty((rows, key_weight.shape[0]), np.float32)
    value = np.empty((rows, value_weight.shape[0]), np.float32)
    product(h, query_weight, query_bias, query)
    product(h, key_weight, key_bias, key)
    product(h, value_weight, value_bias, value)
    for row in range(rows):
        if query_norm.shape[0]:
            of_query, of_key = query[row].reshape(heads, size), key[row].reshape(kv_heads, size)
            _normed(of_query, query_norm, norm_eps, of_query)
            _normed(of_key, key_norm, norm_eps, of_key)
        for n in range(heads):
            head = query[row, n * size : (n + 1) * size]
            _turned(head, cos[row], sin[row], near[n * rows + row])
            if far.shape[0]:
                _turned(head, far_cos, far_sin, far[n * rows + row])
        for n in range(kv_heads):
            head = key[row, n * size : (n + 1) * size]
            keys[n, start + row] = head
            _turned(head, cos[row], sin[row], turned[n, start + row])
            values[n, start + row] = value[row, n * values.shape[2] : (n + 1) * values.shape[2]]


@njit(fastmath=QUICK, nogil=True, cache=True)
def attend(
    near: Any, far: Any, keys: Any, values: Any, turned: Any, total: int, num_far: int, window: int, scale: Any,
    bias: Any, raised: Any, heard: Any, gain: Any, first_head: int, end_head: int, out: Any
) -> None:  # fmt: skip
    """Attention of the key heads first_head .. end_head-1 for the queries of `begin`: out [n, heads * dv].

    num_far: keys that are far for the last row, `window` and more before it; 0: all are near. scale [n] multiplies
    scores, bias [n] is added to far ones, but for the keys `raised` [s] in the rows that have heard [n, s] of them:
    these get `gain`.
    """
    rows, groups, size = out.shape[0], near.shape[0] // (out.shape[0] * keys.shape[0]), values.shape[2]
    scores = np.empty((groups * rows, num_far + total), np.float32)
    mixed = np.empty((groups * rows, size), np.float32)
    for n in range(first_head, end_head):
        start, stop = n * groups * rows, (n + 1) * groups * rows
        _head(far[start:stop], near[start:stop], keys[n, :total], turned[n, :total], values[n, :total], rows,
              num_far, window, scale, bias, raised, heard, gain, scores, mixed)  # fmt: skip
        for g in range(groups):
            place = (n * groups + g) * size
            for row in range(rows):
                out[row, place : place + size] = mixed[g * rows + row]


@njit(fastmath=QUICK, nogil=True, cache=True)
def finish(
    x: Any, mixed: Any, out_weight: Any, out_bias: Any, norm: Any, eps: Any, gate_weight: Any, gate_bias: Any,
    up_weight: Any, up_bias: Any, down_weight: Any, down_bias: Any
) -> None:  # fmt: skip
    """What follows attention, whose heads are mixed [n, heads * dv], in place of x [n, hidden]: SiLU, gated."""
    rows, h = x.shape[0], np.empty_like(x)
    product(mixed, out_weight, out_bias, h)
    _add(h, x)
    _normed(x, norm, eps, h)
    gate = np.empty((rows, gate_weight.shape[0]), np.float32)
    up = np.empty((rows, up_weight.shape[0]), np.float32)
    product(h, gate_weight, gate_bias, gate)
    product(h, up_weight, up_bias, up)
    for row in range(rows):
        for c in range(gate.shape[1]):
            number = gate[row, c]
            small = _exp(-abs(number))
            up[row, c] *= number * (_ONE if number > ZERO else small) / (_ONE + small)
    product(up, down_weight, down_bias, h)
    _add(h, x)


@njit(fastmath=QUICK, nogil=True, cache=True)
def logits(x: Any, norm: Any, eps: Any, weight: Any, bias: Any, out: Any) -> None:
    """out [n, vocab] of the last layer's rows x [n, hidden]."""
    h = np.empty_like(x)
    _normed(x, norm, eps, h)
    product(h, weight, bias, out)
