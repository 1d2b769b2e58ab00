"""What caches weigh: bytes for a cached token, the peak of a process, and many files under one budget.

The plain cache is transformers' `DynamicCache` of the same model and number type, by its arithmetic. Peaks are of
processes of their own that do nothing but load the model, read the prompt and say a token.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hirope_ls.lab.bench.code import random_prompt
from hirope_ls.lab.bench.ours import Ours
from hirope_ls.lab.bench.peers import Lab
from hirope_ls.lab.bench.rows import Row, missing, row
from hirope_ls.lab.bench.sides import Side
from hirope_ls.model.needs import measure as needed
from hirope_ls.problems import HiropeError

_PEERS = ("generate", "llama.cpp")
_TYPED = 100  # tokens


@dataclass(frozen=True)
class Sizes:
    """Tokens of the long prompt, files that are cycled, tokens of each, and files that the budget holds."""

    context: int = 8_192
    files: int = 40
    file_tokens: int = 1_024
    held: int = 10


QUICK = Sizes(1_024, 8, 128, 3)


def measure(lab: Lab, sizes: Sizes) -> Iterator[Row]:
    """Rows for a token, for processes, and for the budget."""
    case = f"a cached token of {sizes.context:,}"
    for then, ours in _token_bytes(lab, sizes.context).items():
        yield row("memory", f"{case}, {then}", ours, "bytes", "plain cache", _plain_bytes(lab), "memory token")
    why = "the cache has no setting that leaves the turned keys out"
    yield missing("memory", f"{case}, no turned keys kept", why, "plain cache", "memory token unturned")
    yield from _peaks(lab, sizes)
    yield from _budget(lab, sizes)


def _token_bytes(lab: Lab, context: int) -> dict[str, float]:
    """What ours holds once the text is read, and once some more is typed: room that waits for rows counts, too."""
    ids, positions = random_prompt(lab.card.vocab_size, lab.card.trained_length, context + _TYPED)
    found = {}
    lab.ours.forget()
    for then, size in (("as read", context), ("typed on", context + _TYPED)):
        lab.ours.answer("file", ids[:size], positions[:, :size], 1)
        tokens, held = lab.ours.held("file")
        found[then] = held / tokens
    lab.ours.forget()
    return found


def _plain_bytes(lab: Lab) -> float:
    """What a `DynamicCache` holds for a token: its keys and values, once."""
    needs = needed(lab.loaded)
    return float(sum(one.kv_heads * (one.key_dim + one.value_dim) for one in needs.layers) * needs.dtype.itemsize)


def _peaks(lab: Lab, sizes: Sizes) -> Iterator[Row]:
    """The peak of a process of each side; a GPU's memory does not count there."""
    case = f"peak of a process that reads {sizes.context:,}"
    ours = _peak(lab, "ours", sizes.context)
    for name in filter(lab.wants, _PEERS):
        try:
            reason = lab.lacks(name)
            theirs = 0 if reason else _peak(lab, name, sizes.context)
        except HiropeError as problem:
            reason, theirs = str(problem), 0
        if reason:
            yield missing("memory", case, reason, name)
        else:
            note = "ours and transformers' carry torch" if name == "llama.cpp" else ""
            yield row("memory", case, ours / 2**20, "MiB", name, theirs / 2**20, note=note)


def _peak(lab: Lab, name: str, context: int) -> int:
    side: Side = lab.fresh(name, context + 64)
    try:
        ids, positions = random_prompt(lab.card.vocab_size, lab.card.trained_length, context)
        side.answer("file", ids, positions, 1)
        return side.peak()
    finally:
        side.close()


def _budget(lab: Lab, sizes: Sizes) -> Iterator[Row]:
    """Files in turn, twice, under a budget that holds some of them: what is held is looked at after each."""
    ids, positions = random_prompt(lab.card.vocab_size, lab.card.trained_length, sizes.file_tokens)
    lab.ours.forget()
    lab.ours.answer("one", ids, positions, 1)
    budget = sizes.held * lab.ours.model.used_bytes
    lab.ours.forget()
    side, most = Ours(lab.loaded, budget), 0
    for number in range(2 * sizes.files):
        file = number % sizes.files
        side.answer(f"file{file}", np.roll(ids, file), positions, 1)  # no file begins as another does
        most = max(most, side.model.used_bytes)
    case = f"{sizes.files} files of {sizes.file_tokens:,}, budget for {sizes.held}: most ever held"
    yield row("memory", case, most / 2**20, "MiB", "the budget", budget / 2**20, "memory budget")
