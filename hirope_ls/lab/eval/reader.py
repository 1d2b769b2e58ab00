"""A loaded model that reads prompts under one method: likelihoods, likelihoods of continuations, greedy text.

Prompts are read in chunks over a cache of unrotated keys, so memory grows with their length and no faster. Each pass
is given the positions of the whole prompt, for some schemes ask how long it will be. Knows no files and no tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

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

    def nll(self, prompt: Prompt, scored: int) -> NDArray[np.float64]:
        """float64[scored]: nats of the last `scored` tokens, given what is before each.

        Raises ValueError where nothing is before the first of them.
        """
        return self.best(prompt, scored)[0]

    def best(self, prompt: Prompt, scored: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """As `nll`, and bool[scored]: whether each token is the likeliest one."""
        nats, best = [], []
        for logits, ids in self._scored(prompt, scored):
            nats.append(functional.cross_entropy(logits, ids, reduction="none").double().cpu())
            best.append((logits.argmax(-1) == ids).cpu())
        return torch.cat(nats).numpy(), torch.cat(best).numpy()

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
            rows = torch.cat((ids[-1:], self._tensor(text)))
            told.append(-self._nats(rows, positions, cache))
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

    def _scored(self, prompt: Prompt, scored: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Logits float32[rows, vocabulary] and the tokens int64[rows] that they are about, chunk by chunk."""
        first = len(prompt) - scored - 1
        if first < 0 or scored < 1:
            raise ValueError(f"of a prompt of {len(prompt)} tokens the last {scored} cannot be scored")
        ids, positions, cache = self._ids(prompt), self._positions(prompt), DynamicCache()
        self._read(ids[:first], positions, cache)
        for rows in torch.split(ids[first:-1], _CHUNK):
            begin = cache.get_seq_length()
            logits = self.hirope.forward(rows[None], positions, cache)
            yield logits[0].float(), ids[begin + 1 : begin + 1 + len(rows)]

    def _nats(self, ids: Tensor, positions: Tensor, cache: DynamicCache) -> float:
        """The nats of ids[1:], which follow what the cache holds and ids[0]; the cache is left as it was."""
        if len(ids) < 2:
            return 0.0
        logits = self.hirope.forward(ids[None, :-1], positions, cache)
        cache.crop(1 - len(ids))  # counted from the end
        return float(functional.cross_entropy(logits[0].float(), ids[1:], reduction="sum"))

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
