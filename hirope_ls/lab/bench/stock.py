"""transformers' sides of a bench: `generate()`, and the shortest greedy loop over a `DynamicCache`.

Both keep their cache from call to call and crop it to the prefix that the new prompt shares, which is the best that the
library offers somebody who types. The model is the stock one: eager, SDPA, no hierarchical positions.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, DynamicCache
from transformers.generation.streamers import BaseStreamer
from transformers.utils import logging as transformers_logging

from hirope_ls.lab.bench.sides import Answer, Stopwatch, joined, process_peak, shared_rows
from hirope_ls.model.generator import IntArray, Mentions

_CHUNK = 512  # rows that the loop prefills at once, so that it does not hold the scores of all

Continue = Callable[[Any, Tensor, DynamicCache, int, Stopwatch], list[int]]
"""(model, ids [1, n], cache of fewer than n rows, new tokens, watch): the tokens; a lap of the watch for each."""


class Stock:
    """A stock model that continues in one of the two ways."""

    def __init__(self, model: Any, go_on: Continue) -> None:
        self._model, self._go_on = model, go_on
        self._key, self._ids, self._cache = "", np.zeros(0, np.int32), DynamicCache()

    def answer(
        self, key: str, ids: IntArray, positions: IntArray, new: int, mentions: Mentions | None = None
    ) -> Answer:
        """Positions and mentions mean nothing to a stock model."""
        watch = Stopwatch()
        if key != self._key:
            self._clear(key)
        reused = shared_rows(self._ids, ids)
        if len(self._ids) > reused:
            self._cache.crop(reused - len(self._ids))
        rows = torch.from_numpy(ids.astype(np.int64)).to(self._model.device)[None]
        with torch.inference_mode():
            said = self._go_on(self._model, rows, self._cache, new, watch)
        self._ids = joined(ids, said)
        return Answer(tuple(said), tuple(watch.laps), reused, len(ids) - reused)

    def forget(self) -> None:
        self._clear(self._key)

    def held(self, key: str) -> tuple[int, int]:
        if key != self._key or not len(self._ids):
            return 0, 0
        layers: list[Any] = self._cache.layers
        return len(self._ids), sum(layer.keys.nbytes + layer.values.nbytes for layer in layers)

    def peak(self) -> int:
        return process_peak()

    def close(self) -> None:
        self.forget()

    def _clear(self, key: str) -> None:
        self._key, self._ids, self._cache = key, np.zeros(0, np.int32), DynamicCache()


class _Laps(BaseStreamer):
    """Notes when each token came. The prompt is put first."""

    def __init__(self, watch: Stopwatch) -> None:
        self._watch, self._prompt = watch, True

    def put(self, value: Tensor) -> None:
        if not self._prompt:
            self._watch.lap()
        self._prompt = False

    def end(self) -> None:
        """Nothing is left over."""


def generate(model: Any, ids: Tensor, cache: DynamicCache, new: int, watch: Stopwatch) -> list[int]:
    """The library's own way; see `Continue`."""
    out = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        past_key_values=cache,
        max_new_tokens=new,
        do_sample=False,
        use_cache=True,
        streamer=_Laps(watch),
    )
    said: list[int] = out[0, ids.shape[1] :].tolist()
    return said


def loop(model: Any, ids: Tensor, cache: DynamicCache, new: int, watch: Stopwatch) -> list[int]:
    """What greedy decoding with the library takes at least; see `Continue`."""
    logits = torch.empty(0)
    for start in range(int(cache.get_seq_length()), ids.shape[1], _CHUNK):
        part = ids[:, start : start + _CHUNK]
        logits = model(input_ids=part, past_key_values=cache, use_cache=True, logits_to_keep=1).logits
    said = [int(logits[0, -1].argmax())]
    watch.lap()
    for _ in range(new - 1):
        token = torch.tensor([said[-1:]], device=ids.device)
        said.append(int(model(input_ids=token, past_key_values=cache, use_cache=True).logits[0, -1].argmax()))
        watch.lap()
    return said


def stock_model(folder: Path, device: torch.device | str, dtype: torch.dtype) -> Any:
    """The unpatched model of a checked folder; nothing ends its text early."""
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True, use_safetensors=True)
    endless(model)
    return model.to(device)  # type: ignore[arg-type]


def endless(model: Any) -> None:
    """Let generate() stop at the number of tokens alone, as the other sides do."""
    model.generation_config.eos_token_id = None
    model.generation_config.pad_token_id = 0


def open_stock(folder: Path, device: str, dtype: torch.dtype, threads: int, go_on: Continue) -> Stock:
    """The side, in a process that has loaded nothing yet."""
    torch.set_num_threads(threads)
    return Stock(stock_model(folder, device, dtype), go_on)
