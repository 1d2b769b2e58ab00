"""Giving a transformers model hierarchical positions, and taking them away again; weights are never touched.

The model's rotary modules are replaced by ones that do nothing and its attention by ours, on this instance alone: the
configuration objects it carries are replaced by copies, so models that shared one are not affected.

A cache then holds *unrotated* keys with absolute indices, so changed positions never make a stored key wrong. A full
cache (plain `DynamicCache()`, `StaticCache`, slabs) serves every layer; sliding layers may also use a cache that keeps
their last keys only. A cache filled by an unpatched model is of no use to a patched one, and the other way round.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from hirope_ls.hirope import attention
from hirope_ls.hirope import probe as probing
from hirope_ls.hirope.frame import Frame
from hirope_ls.hirope.graphs import Graphs
from hirope_ls.hirope.layer import Beside, Layer
from hirope_ls.hirope.lean import Cached, Decoder
from hirope_ls.hirope.mentions import as_mentions
from hirope_ls.hirope.positions import as_positions, one_unit
from hirope_ls.hirope.quick import Quick
from hirope_ls.hirope.rotary import IdentityRotary, layer_types
from hirope_ls.hirope.scheme import Scheme
from hirope_ls.hirope.support import Support, Unsupported, support, trained_length
from hirope_ls.hirope.turned import TurnedCache

__all__ = ["HiRoPE", "Support", "Unsupported", "patch", "support", "trained_length"]


class HiRoPE:
    """A patched model. Not for several threads at once.

    model            the transformers model, changed in place
    scheme           the scheme in force; may be exchanged between forward passes without touching a cache
    sliding_layers   {layer index: sliding window in tokens} for the layers that never look further back
    turned_layers    indices of the layers that turn their keys at all: those a cache may keep turned keys of
    lean             whether a few rows may be computed by `lean`, where it serves
    compiled         whether by `quick` instead, where that does, after `compile()`
    graphs           whether single rows may be computed by `graphs`, on a GPU
    """

    def __init__(self, model: Any, scheme: Scheme) -> None:
        """Use `patch`."""
        self.model = model
        self.scheme = scheme
        self.sliding_layers: dict[int, int] = {}
        self.turned_layers: frozenset[int] = frozenset()
        self.lean = True
        self.compiled = True
        self.graphs = True
        self._graphs: Graphs | None = None
        self._decoder: Decoder | None = None
        self._quick: Quick | None = None
        self._beside = Beside()
        self._positions: Tensor | None = None
        self._mentions: Tensor | None = None
        self._total: int | None = None
        self._kept: TurnedCache | None = None
        self._undo: list[tuple[nn.Module, str, Any]] = []
        self._attached: list[nn.Module] = []
        self._can_keep_last = "logits_to_keep" in inspect.signature(model.forward).parameters

    @property
    def trained_length(self) -> int:
        return self.scheme.trained_length

    def compile(self) -> None:
        """Have loops for this processor compiled in the background, if they would serve; kept for the next start.

        Runs a process, and writes to the user's cache folder: nothing here does so without being asked."""
        if self._quick is not None:
            self._quick.begin()

    def few_rows(self, wait: bool = False) -> str:
        """What computes a few rows, in words for the user; wait: until machine code that is being made is there."""
        if self._decoder is None:
            return "transformers"
        if self.graphs and self._graphs is not None:
            return self._graphs.told
        if self._quick is None:
            return "torch"
        if self._quick.wait() if wait else self._quick.ready:
            return "compiled loops"
        return f"torch ({self._quick.unavailable or 'loops for this processor are being compiled'})"

    @torch.no_grad()
    def forward(
        self,
        input_ids: Tensor,
        positions: Any,
        past_key_values: Any = None,
        last_only: bool = False,
        mentions: Any = None,
    ) -> Tensor:
        """Logits [B, n, vocab] of the tokens `input_ids` [B, n] that follow what `past_key_values` holds.

        positions: ints [levels, total], one column for each key, cached ones and these n, the same for all B rows.
        More columns may be given; their number is then taken for the prompt's length, which matters only to schemes
        with row_switch=False, stretched frequencies or a group that depends on it. last_only: logits of the last row
        alone, [B, 1, vocab]. mentions: ints [2, m], (token, unit) pairs, for schemes with a mention_gain. The cache,
        any transformers Cache or None, is filled in place. Raises ValueError where positions are too few.
        """
        rows = input_ids.shape[1]
        total = rows + (0 if past_key_values is None else int(past_key_values.get_seq_length()))
        with self.using(positions, mentions):
            frame = Frame(self.scheme, rows, total, self._positions, None, self._mentions)  # raises before any work
            self._check(past_key_values, total)
            kept = self._kept_in(past_key_values, frame)
            decoder = self._decoder if self.lean and len(input_ids) == 1 else None
            store = None if kept is None else Cached.of(past_key_values.layers, kept, frame)
            if decoder is not None and store is not None and self.graphs and self._graphs is not None:
                logits = self._graphs.forward(input_ids[0], frame, store)
                if logits is not None:
                    return logits
            if decoder is not None and store is not None and decoder.serves(frame):
                if self.compiled and self._quick is not None and self._quick.serves(store):
                    return self._quick.forward(input_ids[0], frame, store, last_only)
                return decoder.forward(input_ids[0], frame, store, last_only)
            return self._by_transformers(input_ids, total, past_key_values, kept, last_only)

    def _by_transformers(
        self, input_ids: Tensor, total: int, cache: Any, kept: TurnedCache | None, last_only: bool
    ) -> Tensor:
        arguments: dict[str, Any] = {"logits_to_keep": 1} if last_only and self._can_keep_last else {}
        self._total, self._kept = total, kept
        try:
            found = self.model(
                input_ids=input_ids,
                position_ids=torch.arange(total - input_ids.shape[1], total, device=input_ids.device)[None],
                past_key_values=cache,
                use_cache=cache is not None,
                **arguments,
            )
        finally:
            self._total = self._kept = None
        logits: Tensor = found.logits
        return logits[:, -1:] if last_only else logits

    @contextmanager
    def using(self, positions: Any, mentions: Any = None) -> Iterator[HiRoPE]:
        """Positions, and mentions, for calls of the model that one makes oneself, `generate()` among them.

        positions: ints [levels, total] for all tokens the model will see, those to be generated included (`continued`
        makes them). Rows need equal lengths: no padding.
        """
        if not self._undo:
            raise RuntimeError("this model is not patched any more")
        before = self._positions, self._mentions
        self._positions, self._mentions = as_positions(positions), as_mentions(mentions)
        try:
            yield self
        finally:
            self._positions, self._mentions = before
            self._beside.frame = None

    def unpatch(self) -> None:
        """Give the model back as it was. Calling it twice does no harm."""
        for owner, name, value in reversed(self._undo):
            setattr(owner, name, value)
        for module in self._attached:
            attention.detach(module)
        self._undo, self._attached = [], []
        self._decoder = self._quick = self._graphs = None
        self.sliding_layers, self.turned_layers = {}, frozenset()

    def _check(self, cache: Any, total: int) -> None:
        """Caches made from a configuration drop keys wherever it states a window, `_telling` or not."""
        for index, layer in enumerate(getattr(cache, "layers", ())):
            window = getattr(layer, "sliding_window", None)
            if window is not None and window < total and index not in self.sliding_layers:
                raise ValueError(f"this cache drops keys that layer {index} looks at: use a plain DynamicCache()")

    def _kept_in(self, cache: Any, frame: Frame) -> TurnedCache | None:
        kept = getattr(cache, "turned", None)
        if not isinstance(kept, TurnedCache) or self._positions is None:
            return None
        if frame.stretched:  # these angles change with the prompt; what is kept stays as it is and right
            return None
        kept.begin(self, frame.scheme, self._positions, frame.num_far_keys if frame.long else 0)
        return kept

    def _begin(self, position_ids: Tensor) -> None:
        """Called by the rotary modules at the start of each forward pass, with the plain range of its rows."""
        rows = position_ids.shape[-1]
        total = int(position_ids[0, -1]) + 1 if self._total is None else self._total
        self._beside.frame = Frame(self.scheme, rows, total, self._positions, self._kept, self._mentions)

    def _prepare(self) -> None:
        rotaries = self._replace_rotaries()
        configs = self._own_configs()
        _name_attention(configs, probing.NAME)
        num_layers = int(self.model.config.num_hidden_layers)
        findings = probing.probe(self.model, rotaries, num_layers, self.trained_length - 1)
        if all(finding.angles is None for finding in findings):
            raise Unsupported(f"{type(self.model).__name__} has no layer with rotary positions")
        _name_attention(configs, attention.NAME)
        for index, found in enumerate(findings):
            place = int(getattr(found.module, "layer_idx", index))
            sliding = self._telling(found.sliding)
            attention.attach(found.module, Layer(found.angles, found.rotation, sliding, self._beside, place))
            if found.angles is not None:
                self.turned_layers |= {place}
            self._attached.append(found.module)
            if sliding is not None:
                self.sliding_layers[index] = sliding
        self._beside.frame = None
        self._decoder = Decoder.of(self.model, lambda ids: self.forward(ids[None], one_unit(len(ids)))[0])
        if self._decoder is not None:
            self._quick, self._graphs = Quick.of(self._decoder), Graphs.of(self._decoder)

    def _telling(self, window: int | None) -> int | None:
        """None for a window longer than the trained length (long Phi-3 have one of 262144): no position it keeps is
        in range for that, and it never closed in training."""
        return None if window is None or window > trained_length(self.model.config) else window

    def _replace_rotaries(self) -> list[IdentityRotary]:
        rotaries = []
        for name, module in list(self.model.named_modules()):
            if "rotary_emb" in name.rpartition(".")[2] and layer_types(module):
                owner = self.model.get_submodule(name.rpartition(".")[0])
                rotary = IdentityRotary(module, self._begin)
                self._set(owner, name.rpartition(".")[2], rotary)
                rotaries.append(rotary)
        if not rotaries:
            raise Unsupported(f"{type(self.model).__name__} has no rotary modules to replace")
        return rotaries

    def _own_configs(self) -> list[Any]:
        """Replace every configuration object in the model by a copy that is this model's alone."""
        copies: dict[int, Any] = {}
        for module in self.model.modules():
            config = module.__dict__.get("config")
            if config is not None and hasattr(config, "_attn_implementation"):
                own = copies.setdefault(id(config), copy.copy(config))
                self._set(module, "config", own)
        return list(copies.values())

    def _set(self, owner: nn.Module, name: str, value: Any) -> None:
        self._undo.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)


def _name_attention(configs: list[Any], name: str) -> None:
    for config in configs:
        config._attn_implementation_internal = name


def patch(model: Any, scheme: Scheme | None = None) -> HiRoPE:
    """Give a causal language model of transformers hierarchical positions, in place and without copying weights.

    scheme: `Scheme.default(trained_length(model.config))` where None. A few tokens are run through the model to see
    what its layers do. Raises Unsupported (one line; the model is left as it was) for a model whose positions cannot
    be changed, and ValueError for one that is patched already.
    """
    if any(isinstance(module, IdentityRotary) for module in model.modules()):
        raise ValueError(f"this {type(model).__name__} is patched already: unpatch it first")
    told = support(model.config)
    if not told.ok:
        raise Unsupported(told.reason)
    made = HiRoPE(model, Scheme.default(trained_length(model.config)) if scheme is None else scheme)
    try:
        made._prepare()
    except BaseException:
        made.unpatch()
        raise
    return made
