"""llama.cpp's side of a bench, through llama-cpp-python's plain C interface: no Python of theirs runs between tokens.

One sequence with its prefix kept, as its server keeps a slot's; its own defaults otherwise (float16 cache, flash
attention where it wants it, batches of 2,048 tokens), and the greedy choice made by it. Imports no torch.
"""

from __future__ import annotations

import ctypes
from importlib import metadata
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from hirope_ls.lab.bench.sides import Answer, Stopwatch, joined, process_peak, shared_rows
from hirope_ls.model.generator import IntArray, Mentions
from hirope_ls.problems import InputError

_BATCH = 2048  # its default
_FLOAT32 = 0  # ggml's number for the type


_SILENT: Any = llama_cpp.llama_log_callback(lambda level, text, data: None)  # kept alive here


class LlamaCpp:
    """A GGUF file, room for `room` tokens, that many threads. exact: its cache and attention in float32, to compare."""

    def __init__(self, path: Path, room: int, threads: int, exact: bool = False) -> None:
        llama_cpp.llama_log_set(_SILENT, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), llama_cpp.llama_model_default_params())
        if not self._model:
            raise InputError(f"llama.cpp cannot load {path}")
        params = llama_cpp.llama_context_default_params()
        params.n_ctx, params.n_batch = room, _BATCH
        params.n_threads = params.n_threads_batch = threads
        if exact:
            params.type_k = params.type_v = _FLOAT32
            params.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self._context = llama_cpp.llama_init_from_model(self._model, params)
        if not self._context:
            raise InputError(f"llama.cpp has no room for {room} tokens")
        self._room = int(llama_cpp.llama_n_ctx(self._context))
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._greedy = llama_cpp.llama_sampler_init_greedy()
        self._key, self._ids = "", np.zeros(0, np.int32)

    def answer(
        self, key: str, ids: IntArray, positions: IntArray, new: int, mentions: Mentions | None = None
    ) -> Answer:
        """Positions and mentions mean nothing to it. Raises InputError."""
        watch = Stopwatch()
        if len(ids) + new > self._room:  # its own check ends the process
            raise InputError(f"llama.cpp has room for {self._room} tokens, not for {len(ids)} and {new} new ones")
        if key != self._key:
            self._clear(key)
        reused = shared_rows(self._ids, ids)
        llama_cpp.llama_memory_seq_rm(self._memory, 0, reused, -1)
        for start in range(reused, len(ids), _BATCH):
            self._read(ids[start : start + _BATCH])
        said = [self._choose()]
        watch.lap()
        while len(said) < new:
            self._read(np.array(said[-1:], np.int32))
            said.append(self._choose())
            watch.lap()
        self._ids = joined(ids, said)
        return Answer(tuple(said), tuple(watch.laps), reused, len(ids) - reused)

    def logits(self) -> NDArray[np.float32]:
        """float32[vocab] of the row that was read last."""
        vocab = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self._model))
        found: NDArray[np.float32] = np.ctypeslib.as_array(
            llama_cpp.llama_get_logits_ith(self._context, -1), shape=(vocab,)
        )
        return found.copy()

    def forget(self) -> None:
        self._clear(self._key)

    def held(self, key: str) -> tuple[int, int]:
        """Its bytes are the state's that it would write to a file."""
        rows = len(self._ids) if key == self._key else 0
        return rows, int(llama_cpp.llama_state_seq_get_size(self._context, 0)) if rows else 0

    def peak(self) -> int:
        return process_peak()

    def close(self) -> None:
        llama_cpp.llama_sampler_free(self._greedy)
        llama_cpp.llama_free(self._context)
        llama_cpp.llama_model_free(self._model)

    def _read(self, ids: IntArray) -> None:
        ids = np.ascontiguousarray(ids, np.int32)
        tokens = ids.ctypes.data_as(ctypes.POINTER(ctypes.c_int32))
        if llama_cpp.llama_decode(self._context, llama_cpp.llama_batch_get_one(tokens, len(ids))):
            raise InputError(f"llama.cpp could not read {len(ids)} tokens")

    def _choose(self) -> int:
        return int(llama_cpp.llama_sampler_sample(self._greedy, self._context, -1))

    def _clear(self, key: str) -> None:
        llama_cpp.llama_memory_clear(self._memory, False)
        self._key, self._ids = key, np.zeros(0, np.int32)


def version() -> str:
    """Of the Python package, which carries llama.cpp."""
    return metadata.version("llama-cpp-python")
