"""How good a model is while it is trained: losses, bits a byte, and how often greedy decoding would be right.

Plain code, middles in the prompt format, and whole next lines, of files that are never trained on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import LlamaForCausalLM

from hirope_ls.lab.train.corpus import SourceFile
from hirope_ls.lab.train.rows import TRAINED_LENGTH, RowMaker
from hirope_ls.lab.train.written import FIRST_LANGUAGE

ROWS = 32
"""Rows of plain code an evaluation looks at; four times as many middles and next lines."""


@dataclass(frozen=True)
class EvalRow:
    """Ids, the range of them whose loss counts, and how many bytes of text that range stands for."""

    ids: list[int]
    scored: tuple[int, int]
    num_bytes: int


@torch.no_grad()
def measure(model: LlamaForCausalLM, rows: Sequence[EvalRow]) -> dict[str, float]:
    """Mean loss over the scored ids, in nats an id and bits a byte, and the share of rows whose ids are all likeliest.

    The last is the exact-match rate of greedy decoding, found without decoding. Bits a byte do not depend on the
    vocabulary.
    """
    if not rows:
        return {}
    model.train(False)
    total, count, num_bytes, exact = 0.0, 0, 0, 0
    for row in rows:
        ids = torch.tensor([row.ids], device=model.device)
        with torch.autocast(model.device.type, dtype=torch.bfloat16):
            logits = model(input_ids=ids[:, :-1], use_cache=False).logits[0].float()
        start, end = row.scored
        scored, targets = logits[start - 1 : end - 1], ids[0, start:end]
        total += functional.cross_entropy(scored, targets, reduction="sum").item()
        count += end - start
        num_bytes += row.num_bytes
        exact += int((scored.argmax(-1) == targets).all())
    model.train(True)
    return {"loss": total / count, "bits": total / math.log(2) / max(1, num_bytes), "exact": exact / len(rows)}


def held_out_name(language: str) -> str:
    """What the held-out files of a language are called in a history."""
    return "held_out" if language == FIRST_LANGUAGE else f"held_out_{language}"


def evaluations(tokenizer: Tokenizer, sets: Mapping[str, Sequence[SourceFile]]) -> dict[str, list[EvalRow]]:
    """The rows of each set that has files, three kinds of each."""
    result: dict[str, list[EvalRow]] = {}
    for name, files in sets.items():
        if files:
            result[name] = _plain_rows(tokenizer, files)
            result[f"{name}_middle"] = _middle_rows(tokenizer, files)
            result[f"{name}_line"] = _line_rows(tokenizer, files)
    return result


def _plain_rows(tokenizer: Tokenizer, files: Sequence[SourceFile]) -> list[EvalRow]:
    maker = RowMaker(tokenizer, files, seed=-1)
    rows = (maker.plain(TRAINED_LENGTH + 1, maker.rng(index)) for index in range(ROWS))
    return [_row(tokenizer, ids, 1, len(ids)) for ids in rows if len(ids) > 1]


def _middle_rows(tokenizer: Tokenizer, files: Sequence[SourceFile]) -> list[EvalRow]:
    maker = RowMaker(tokenizer, files, seed=-2)
    examples = (maker.context_spm(TRAINED_LENGTH + 1, maker.rng(index)) for index in range(4 * ROWS))
    return [_row(tokenizer, example.ids, *example.middle) for example in examples if example is not None]


def _line_rows(tokenizer: Tokenizer, files: Sequence[SourceFile]) -> list[EvalRow]:
    maker = RowMaker(tokenizer, files, seed=-3)
    lines = (maker.next_line(TRAINED_LENGTH + 1, maker.rng(index)) for index in range(4 * ROWS))
    return [_row(tokenizer, line.ids, *line.middle) for line in lines if line is not None]


def _row(tokenizer: Tokenizer, ids: list[int], start: int, end: int) -> EvalRow:
    text = tokenizer.decode(ids[start:end], skip_special_tokens=True)
    return EvalRow(ids, (start, end), len(text.encode()))
