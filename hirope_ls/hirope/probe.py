"""Finding out by experiment what each attention layer of a model does, with a handful of tokens.

Layers differ in ways that no configuration states: which rotary module they use, whether they use any (NoPE layers),
whether something happens to queries after they were turned. So a few tokens are run through the model with attention
replaced by a recorder, once with rotary modules that do nothing and once with each that does its work; a layer is
understood if turning the first recording with the model's own function gives the second. Runs once, at patch time.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface

from hirope_ls.hirope.rotary import Angles, IdentityRotary, Rotation
from hirope_ls.hirope.support import Unsupported

NAME = "hirope_probe"
_NUM_TOKENS = 4
_REFUSED_ARGUMENTS = {
    "softcap": "soft-caps scores",
    "s_aux": "has attention sinks",
    "position_bias": "adds a bias to scores",
}
_lock = threading.Lock()


@dataclass(frozen=True)
class Finding:
    """What a layer was seen to do: angles and rotation None: it does not rotate; sliding None: full attention."""

    module: nn.Module
    angles: Angles | None
    rotation: Rotation | None
    sliding: int | None


@dataclass(frozen=True)
class _Call:
    module: nn.Module
    query: Tensor
    key: Tensor
    mask: Tensor | None
    arguments: dict[str, Any]


class _Recorder:
    def __init__(self) -> None:
        self.calls: list[_Call] = []
        self.masks: list[dict[str, Any]] = []

    def attention(
        self, module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **rest: Any
    ) -> tuple[Tensor, None]:
        self.calls.append(_Call(module, query.clone(), key.clone(), attention_mask, rest))
        batch, heads, rows, _ = query.shape
        # Zeros keep every layer's input the same, whatever the rotary modules answered.
        return value.new_zeros((batch, rows, heads, value.shape[-1])), None

    def mask(self, q_length: int = _NUM_TOKENS, device: Any = None, **rest: Any) -> Tensor:
        self.masks.append(rest)
        return torch.full((1, 1, q_length, q_length), float(len(self.masks) - 1), device=device)


@contextmanager
def _recording() -> Iterator[_Recorder]:
    recorder = _Recorder()
    with _lock:
        AttentionInterface.register(NAME, recorder.attention)
        AttentionMaskInterface.register(NAME, recorder.mask)
        try:
            yield recorder
        finally:
            AttentionInterface.register(NAME, _nothing)
            AttentionMaskInterface.register(NAME, _nothing)


def _nothing(*_: Any, **__: Any) -> Any:
    raise RuntimeError("the attention of a probe was called outside of it")


def probe(model: nn.Module, rotaries: list[IdentityRotary], num_layers: int, last_position: int) -> list[Finding]:
    """One finding for each attention layer, in the order in which they run.

    The model's configuration must already name this module's attention and `rotaries` must already be in place.
    Positions near `last_position` are used. Raises Unsupported, one line, where a layer is not understood.
    """
    was_training = model.training
    model.eval()
    try:
        return _probe(model, rotaries, num_layers, last_position)
    finally:
        model.train(was_training)
        for rotary in rotaries:
            rotary.shown.clear()


def _probe(model: nn.Module, rotaries: list[IdentityRotary], num_layers: int, last_position: int) -> list[Finding]:
    name = type(model).__name__
    still = _run(model, last_position)
    _check_calls(name, still.calls, num_layers)
    turned: list[tuple[Angles, list[_Call]]] = []
    for rotary in rotaries:
        for layer_type, angles in rotary.angles.items():
            rotary.shown.append(layer_type)
            turned.append((angles, _run(model, last_position).calls))
            rotary.shown.clear()
    return [
        _understand(name, still, index, [(angles, calls[index]) for angles, calls in turned], last_position)
        for index in range(num_layers)
    ]


def _check_calls(name: str, calls: list[_Call], num_layers: int) -> None:
    if len({id(call.module) for call in calls}) < len(calls):
        raise Unsupported(f"{name} computes attention more than once in a layer")
    if len(calls) != num_layers:
        raise Unsupported(f"{name} sends {len(calls)} of {num_layers} layers through the attention interface")


def _run(model: nn.Module, last_position: int) -> _Recorder:
    device = next(model.parameters()).device
    ids = torch.arange(_NUM_TOKENS, device=device)[None]
    first = max(last_position - _NUM_TOKENS + 1, 1)
    with _recording() as recorder, torch.no_grad():
        try:
            model(input_ids=ids, position_ids=ids + first, use_cache=False)
        except torch.OutOfMemoryError:
            raise
        except (TypeError, ValueError, KeyError, AttributeError, RuntimeError, IndexError) as error:
            line = (str(error).splitlines() or [""])[0]
            raise Unsupported(f"{type(model).__name__} does not run with replaced attention: {line}") from error
    return recorder


def _understand(
    name: str, still: _Recorder, index: int, turned: list[tuple[Angles, _Call]], last_position: int
) -> Finding:
    call = still.calls[index]
    _check_arguments(name, call)
    sliding = _sliding_window(name, call, still.masks)
    moved = [(angles, seen) for angles, seen in turned if not _same(seen.query, call.query)]
    if not moved:
        if not all(_same(seen.key, call.key) for _, seen in turned):
            raise Unsupported(f"{name} turns keys but not queries in layer {index}")
        return Finding(call.module, None, None, sliding)
    angles, seen = moved[0]
    rotation = _rotation(angles, call, seen, last_position)
    if rotation is None or len(moved) > 1:
        raise Unsupported(f"{name} rotates queries and keys in its own way in layer {index}")
    return Finding(call.module, angles, rotation, sliding)


def _rotation(angles: Angles, still: _Call, seen: _Call, last_position: int) -> Rotation | None:
    """The way of turning that makes what was seen out of what stood still, or None."""
    function = _turning(type(still.module).__module__)
    if function is None:
        return None
    first = max(last_position - _NUM_TOKENS + 1, 1)
    table = angles.span(first, first + _NUM_TOKENS, still.query)
    for width in (None, angles.column_pairs.shape[0]):
        rotation = Rotation(function, width)
        # A table narrower than the heads it is tried on; a function that takes other things.
        with contextlib.suppress(RuntimeError, TypeError):
            if _same(rotation(still.query, table), seen.query) and _same(rotation(still.key, table), seen.key):
                return rotation
    return None


def _turning(module: str) -> Callable[..., tuple[Tensor, Tensor]] | None:
    """`apply_rotary_pos_emb` of a modeling module, for queries and keys; Gemma 4 has one for heads of either kind."""
    function = getattr(sys.modules[module], "apply_rotary_pos_emb", None)
    if function is None or list(inspect.signature(function).parameters)[:3] != ["x", "cos", "sin"]:
        return function
    return lambda query, key, cos, sin: (function(query, cos, sin), function(key, cos, sin))


def _same(one: Tensor, other: Tensor) -> bool:
    tolerance = 2e-2 if one.dtype in (torch.bfloat16, torch.float16) else 1e-4
    return one.shape == other.shape and bool((one - other).abs().max() <= tolerance * one.abs().max().clamp_min(1e-6))


def _check_arguments(name: str, call: _Call) -> None:
    for argument, what in _REFUSED_ARGUMENTS.items():
        if call.arguments.get(argument) is not None:
            raise Unsupported(f"{name} {what}, which hierarchical attention does not do")
    if call.arguments.get("is_causal") is False or getattr(call.module, "is_causal", True) is False:
        raise Unsupported(f"{name} has attention that is not causal")


def _sliding_window(name: str, call: _Call, masks: list[dict[str, Any]]) -> int | None:
    """The window of the mask that this layer was given; checked against what the layer itself says."""
    mask = call.mask
    if mask is None or mask.shape != (1, 1, _NUM_TOKENS, _NUM_TOKENS) or not 0 <= float(mask[0, 0, 0, 0]) < len(masks):
        raise Unsupported(f"{name} makes attention masks of its own")
    made = masks[int(mask[0, 0, 0, 0])]
    window = made.get("local_size")
    stated = call.arguments.get("sliding_window")
    if window is not None and (window < 2 or (stated is not None and stated != window)):
        raise Unsupported(f"{name} has a sliding window of {window} tokens that its layers give as {stated}")
    if not _follows(made["mask_function"], window):
        raise Unsupported(f"{name} has attention masks that are neither causal nor sliding")
    return window


def _follows(mask_function: Any, window: int | None) -> bool:
    """Whether a mask function of transformers is the causal one, within `window` where given, at telling places."""
    reach = window or 64
    zero = torch.tensor(0)
    for row in (0, 1, reach - 1, reach, reach + 5, 3 * reach + 1):
        for distance in (-3, -1, 0, 1, reach - 1, reach, reach + 1):
            column = row - distance
            if column < 0:
                continue
            expected = distance >= 0 and (window is None or distance < window)
            if bool(mask_function(zero, zero, torch.tensor(row), torch.tensor(column))) != expected:
                return False
    return True
