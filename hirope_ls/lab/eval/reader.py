"""A loaded model that reads prompts under one method: likelihoods, likelihoods of continuations, greedy text.

Prompts are read in chunks over a cache of unrotated keys, so memory grows with their length and no faster. Each pass
is given the positions of the whole prompt, for some schemes ask how long it will be. Knows no files and no tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from transformers import DynamicCache

from hirope_ls.hirope import HiRoPE, continued
from hirope_ls.lab.eval.prompts import Prompt
from hirope_ls.lab.methods import Method
from hirope_ls.model.loader import Loaded

Nats = NDArray[np.float64]
Hits = NDArray[np.bool_]

_CHUNK = 512  # rows


class Reader:
    """A model under a method. Several readers may share a model, by turns."""

    def __init__(self, loaded: Loaded, method: Method) -> None:
        self.loaded = loaded
        self.method = method
        self.hirope.scheme = method.scheme

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
        ids, positions, cache = self._ids(prompt), self._positions(prompt), DynamicCache()
        self._read(ids[:first], positions, cache)
        return self._told(ids[first:], positions, cache)

    def endings(self, prompt: Prompt, endings: Sequence[Prompt]) -> list[tuple[Nats, Hits]]:
        """As `best`, of all tokens of each ending right after `prompt`, which is read once where that is the same.

        To schemes that ask for it, the prompt is as long as with the longest ending.
        """
        told, cache, held = [], DynamicCache(), torch.empty(0)
        for ending in endings:
            ids = self._ids(prompt + ending)
            positions = self._positions(prompt + ending, max(map(len, endings)) - len(ending))
            if not torch.equal(held, positions[:, : len(prompt) - 1]):  # small units may be joined in another way
                cache, held = DynamicCache(), positions[:, : len(prompt) - 1]
                self._read(ids[: len(prompt) - 1], positions, cache)
            told.append(self._told(ids[len(prompt) - 1 :], positions, cache))
            cache.crop(-len(ending))  # counted from the end
        return told

    def continuations(self, prompt: Prompt, texts: Sequence[NDArray[np.int32]]) -> list[float]:
        """The log-probability of each text right after `prompt`, in nats; the prompt is read once.

        A text's tokens go on with the prompt's last unit.
        """
        ids = self._ids(prompt)
        positions = self._positions(prompt, max(map(len, texts), default=0))
        cache = DynamicCache()
        self._read(ids[:-1], positions, cache)
        told = []
        for text in texts:
            nats, _ = self._told(torch.cat((ids[-1:], self._tensor(text))), positions, cache)
            cache.crop(-len(text))
            told.append(-float(nats.sum()))
        return told

    def generate(self, prompt: Prompt, most: int, stop: Callable[[bytes], bool]) -> bytes:
        """Greedy text after `prompt`: up to `most` tokens, until `stop` says so of it or a control token comes."""
        token_bytes = prompt.parts[0].source.tokenizer.token_bytes
        rows, positions = self._ids(prompt), self._positions(prompt, most)
        cache = DynamicCache()
        self._read(rows[:-1], positions, cache)
        said, rows = b"", rows[-1:]
        for _ in range(most):
            rows = self.hirope.forward(rows[None], positions, cache, last_only=True)[0].argmax(-1)
            piece = token_bytes(int(rows))
            said += piece
            if not piece or stop(said):
                break
        return said

    def _told(self, ids: Tensor, positions: Tensor, cache: DynamicCache) -> tuple[Nats, Hits]:
        """What `best` gives, of ids[1:], which follow what the cache holds and ids[0]; the cache then holds them."""
        nats, best = [np.empty(0)], [np.empty(0, np.bool_)]
        for start in range(0, len(ids) - 1, _CHUNK):
            rows = ids[start : start + _CHUNK + 1]
            logits = self.hirope.forward(rows[None, :-1], positions, cache)[0].float()
            nats.append(functional.cross_entropy(logits, rows[1:], reduction="none").double().cpu().numpy())
            best.append((logits.argmax(-1) == rows[1:]).cpu().numpy())
        return np.concatenate(nats), np.concatenate(best)

    def _read(self, ids: Tensor, positions: Tensor, cache: DynamicCache) -> None:
        """Fill the empty cache with the tokens `ids`."""
        self.hirope.scheme = self.method.scheme  # another reader may have used the model
        for start in range(0, len(ids), _CHUNK):
            self.hirope.forward(ids[None, start : start + _CHUNK], positions, cache, last_only=True)

    def _ids(self, prompt: Prompt) -> Tensor:
        return self._tensor(prompt.ids)

    def _tensor(self, ids: NDArray[np.int32]) -> Tensor:
        return torch.from_numpy(ids.astype(np.int64)).to(self.loaded.device)

    def _positions(self, prompt: Prompt, more: int = 0) -> Tensor:
        """int64[levels, n + more], on the CPU."""
        return continued(prompt.positions(self.method.units), more)
