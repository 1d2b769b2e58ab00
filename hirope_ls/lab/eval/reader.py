"""A loaded model that reads prompts under one method: likelihoods, likelihoods of continuations, greedy text.

Prompts are read in chunks over a cache of unrotated keys, so memory grows with their length and no faster. Each pass
is given the positions of the whole prompt, for some schemes ask how long it will be. Knows no files and no tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from hirope_ls.engine.hearing import hear
from hirope_ls.engine.options import Options
from hirope_ls.hirope import HiRoPE, continued
from hirope_ls.lab.eval.prompts import Prompt
from hirope_ls.lab.eval.scopes import tree_levels
from hirope_ls.lab.eval.served import Served, first_line
from hirope_ls.lab.methods import Method, Units
from hirope_ls.model.generator import Mentions
from hirope_ls.model.loader import Loaded
from hirope_ls.model.needs import measure
from hirope_ls.model.slabs import SlabCache
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import InputError

Nats = NDArray[np.float64]
Hits = NDArray[np.bool_]

_CHUNK = 512  # rows
_ANY_LENGTH = 1 << 24  # tokens of a prompt: it is cut before
_LISTENED = 128  # tokens before the place that is asked about whose mentions count: text near a cursor


class _Where(NamedTuple):
    """Positions int64[levels, n] of a prompt and what may follow it, and what it mentions.

    `seen`: the positions as the rows that are asked about see them. `pairs`: int[2, m], (token, unit), of `mentions`
    and of what was read since.
    """

    positions: Tensor
    seen: Tensor
    mentions: Mentions | None
    pairs: NDArray[np.integer] | None

    def with_said(self, size: int, said: Sequence[int]) -> _Where:
        """With what the tokens `said` mention, which follow a prompt of `size` tokens."""
        if self.mentions is None:
            return self
        return self._replace(pairs=np.append(self.mentions.pairs, self.mentions.after(size, said), axis=1))


class Reader:
    """A model under a method. Several readers may share a model, by turns."""

    def __init__(self, loaded: Loaded, method: Method) -> None:
        self.loaded = loaded
        self.method = method
        self.hirope.scheme = method.scheme
        self._needs = measure(loaded)
        self._served: Served | None = None

    @property
    def hirope(self) -> HiRoPE:
        return self.loaded.hirope

    def nll(self, prompt: Prompt, scored: int) -> Nats:
        """float64[scored]: nats of the last `scored` tokens, given what is before each.

        Raises ValueError where nothing is before the first of them.
        """
        return self.best(prompt, scored)[0]

    def best(self, prompt: Prompt, scored: int) -> tuple[Nats, Hits]:
        """As `nll`, and bool[scored]: whether each token is the likeliest one."""
        first = len(prompt) - scored - 1
        if first < 0 or scored < 1:
            raise ValueError(f"of a prompt of {len(prompt)} tokens the last {scored} cannot be scored")
        ids, where, cache = self._ids(prompt), self._where(prompt, first), self._cache()
        self._read(ids[:first], where, cache)
        return self._told(ids[first:], where, cache)

    def endings(self, prompt: Prompt, endings: Sequence[Prompt]) -> list[tuple[Nats, Hits]]:
        """As `best`, of all tokens of each ending right after `prompt`, which is read once where that is the same.

        To schemes that ask for it, the prompt is as long as with the longest ending.
        """
        told, cache, held = [], self._cache(), torch.empty(0)
        for ending in endings:
            ids = self._ids(prompt + ending)
            more = max(map(len, endings)) - len(ending)
            where = self._where(prompt + ending, len(prompt) - 1, more)
            shared = where.positions[:, : len(prompt) - 1]
            if not torch.equal(held, shared):  # small units may be joined in another way
                cache, held = self._cache(), shared
                self._read(ids[: len(prompt) - 1], where, cache)
            told.append(self._told(ids[len(prompt) - 1 :], where, cache))
            cache.crop(-len(ending))  # counted from the end
        return told

    def continuations(self, prompt: Prompt, texts: Sequence[NDArray[np.int32]]) -> list[float]:
        """The log-probability of each text right after `prompt`, in nats; the prompt is read once.

        A text's tokens go on with the prompt's last unit.
        """
        ids = self._ids(prompt)
        where, cache = self._where(prompt, len(ids) - 1, max(map(len, texts), default=0)), self._cache()
        self._read(ids[:-1], where, cache)
        told = []
        for text in texts:
            heard = where.with_said(len(ids), text.tolist())
            nats, _ = self._told(torch.cat((ids[-1:], self._tensor(text))), heard, cache)
            cache.crop(-len(text))
            told.append(-float(nats.sum()))
        return told

    def generate(self, prompt: Prompt, most: int, stop: Callable[[bytes], bool]) -> bytes:
        """Greedy text after `prompt`: up to `most` tokens, until `stop` says so of it or a control token comes."""
        rows, where, cache = self._ids(prompt), self._where(prompt, len(prompt) - 1, most), self._cache()
        self._read(rows[:-1], where, cache)
        ids, said, rows = list[int](), b"", rows[-1:]
        while len(ids) < most:
            heard = where.with_said(len(prompt), ids)
            rows = self._next(self._forward(rows, heard.seen, heard, cache, last_only=True)[0], prompt, ids)
            ids.append(int(rows))
            piece = prompt.tokenizer.token_bytes(ids[-1])
            said += piece
            if not piece or stop(said):
                break
        return said

    @property
    def _asked(self) -> Loaded:
        """What answers as the engine asks: the method alone."""
        return replace(self.loaded, card=replace(self.loaded.card, pointer=None))

    def _next(self, logits: Tensor, prompt: Prompt, said: Sequence[int]) -> Tensor:
        """int64[1], the token after the prompt and what was said, by logits [1, vocab]."""
        return logits.argmax(-1)

    def fill(self, tokenizer: TextTokenizer, name: str, before: bytes, after: bytes) -> str:
        """What would be suggested between two texts of a file of that name, one line, asked as the engine asks.

        Raises InputError for methods that cannot be served.
        """
        self.hirope.scheme = self.method.scheme
        if self.method.units != Units() or not self.method.scheme.row_switch:
            raise InputError(f"{self.method.name} cannot be asked as an editor asks: leave it out, or --ask line")
        if self._served is None:
            self._served = Served(self._asked, tokenizer, Options(max_lines=1, max_prompt_tokens=_ANY_LENGTH))
        self._served.forget()  # what is kept may depend on how long a prompt was
        return first_line(self._served.answer(name, before, after))

    def _told(self, ids: Tensor, where: _Where, cache: SlabCache) -> tuple[Nats, Hits]:
        """What `best` gives, of ids[1:], which follow what the cache holds and ids[0]; the cache then holds them."""
        nats, best = [np.empty(0)], [np.empty(0, np.bool_)]
        for start in range(0, len(ids) - 1, _CHUNK):
            rows = ids[start : start + _CHUNK + 1]
            logits = self._forward(rows[:-1], where.seen, where, cache)[0].float()
            nats.append(functional.cross_entropy(logits, rows[1:], reduction="none").double().cpu().numpy())
            best.append((logits.argmax(-1) == rows[1:]).cpu().numpy())
        return np.concatenate(nats), np.concatenate(best)

    def _read(self, ids: Tensor, where: _Where, cache: SlabCache) -> None:
        """Fill the empty cache with the tokens `ids`."""
        self.hirope.scheme = self.method.scheme  # another reader may have used the model
        for start in range(0, len(ids), _CHUNK):
            self._forward(ids[start : start + _CHUNK], where.positions, where, cache, last_only=True)

    def _forward(
        self, ids: Tensor, positions: Tensor, where: _Where, cache: SlabCache, last_only: bool = False
    ) -> Tensor:
        return self.hirope.forward(ids[None], positions, cache, last_only, where.pairs)

    def _cache(self) -> SlabCache:
        return SlabCache(self._needs.layers, self._needs.dtype, self.loaded.device)

    def _ids(self, prompt: Prompt) -> Tensor:
        return self._tensor(prompt.ids)

    def _tensor(self, ids: NDArray[np.int32]) -> Tensor:
        return torch.from_numpy(ids.astype(np.int64)).to(self.loaded.device)

    def _where(self, prompt: Prompt, asked: int, more: int = 0) -> _Where:
        """Positions with room for `more` tokens, and what the tokens from a little before number `asked` on mention."""
        own = prompt.positions(self.method.units)
        positions = seen = continued(own, more)
        if self.method.units.distance == "tree":
            seen = continued(tree_levels(prompt, own), more)
        mentions = self._heard(prompt, own[-2], asked) if self.method.scheme.mention_gain else None
        return _Where(positions, seen, mentions, None if mentions is None else mentions.pairs)

    def _heard(self, prompt: Prompt, units: NDArray[np.int64], asked: int) -> Mentions | None:
        defined = ((name, int(units[token])) for name, token in prompt.definitions)
        near = slice(max(asked - _LISTENED, 0), len(prompt))
        return hear(prompt.tokenizer, prompt.ids, units.astype(np.int32), defined, near, None)
