"""What the approximate splice costs and saves: next-token distributions after an edit far above, against exact ones.

Real files are edited as people edit them, so many tokens above a cursor. The session that knew the text from before
answers by a splice and by computing all rows after the edit; the distributions over the tokens that really follow the
cursor are compared. KL is of the exact one to the spliced one, in nats; times are CPU time of the same process.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hirope_ls.engine.prompt import Prompt, build_prompt
from hirope_ls.engine.question import Question, Recipe
from hirope_ls.engine.snapshots import Pipeline, Snapshot
from hirope_ls.lab.eval.edits import KINDS, assignment_before, edit
from hirope_ls.lab.eval.tables import markdown
from hirope_ls.model.folder import Card, bundled_folder, read_card
from hirope_ls.model.generator import IntArray
from hirope_ls.model.kv import KVStore
from hirope_ls.model.loader import Loaded, choose_threads, load
from hirope_ls.model.needs import measure
from hirope_ls.model.run import NO_MENTIONS, Rows
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import InputError
from hirope_ls.text import Buffer

_KV_BUDGET = 4 << 30
_FOLLOWING = 32  # tokens after the cursor whose distributions are compared
_CHUNK = 512


@dataclass(frozen=True)
class Case:
    """One edit, measured. Rows computed and CPU seconds until the first token's distribution, spliced and exact."""

    file: str
    kind: str
    distance: int
    agreement: float
    kl: float
    worst: float
    rows: int
    exact_rows: int
    seconds: float
    exact_seconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("files", type=Path, nargs="+", help="long source files")
    add("--model", type=Path, default=bundled_folder(), metavar="DIR", help="model folder (default: the bundled model)")
    add("--distances", default="512,1024,2048,4096", metavar="LIST", help="tokens from the edit to the cursor")
    add("--cursors", type=int, default=3, metavar="N", help="places in each file (default: 3)")
    add("--seed", type=int, default=0, metavar="N", help="for the places (default: 0)")
    add("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    add("--json", type=Path, metavar="FILE", help="write every case there as well")


def run(args: argparse.Namespace) -> int:
    """Measure, print a table, and return 0. Raises HiropeError."""
    try:
        distances = [int(word) for word in args.distances.split(",")]
        texts = {path.name: path.read_bytes().decode().encode() for path in args.files}
    except ValueError:
        raise InputError("--distances takes numbers of tokens, 512,1024, and files are UTF-8") from None
    except OSError as error:
        raise InputError(f"cannot read {error.filename}: {error.strerror}") from None
    choose_threads()
    bench = Bench(load(read_card(args.model), args.device), TextTokenizer.load(args.model))
    source = random.Random(args.seed)
    cases = [case for name, text in texts.items() for case in bench.cases(name, text, distances, args.cursors, source)]
    if not cases:
        raise InputError("no file has an assignment so far above a cursor: choose longer files or shorter --distances")
    print(table(cases), end="")
    if args.json:
        args.json.write_text(json.dumps([asdict(case) for case in cases], indent=1) + "\n", "utf-8")
    return 0


class Bench:
    """A model with a store of its own, and the way from a text to rows."""

    def __init__(self, loaded: Loaded, tokenizer: TextTokenizer) -> None:
        self._hirope, self._device = loaded.hirope, loaded.device
        self._card: Card = loaded.card
        self._tokenizer = tokenizer
        self._pipeline = Pipeline(tokenizer, loaded.card.trained_length)
        needs = measure(loaded)
        self._store = KVStore(needs.layers, needs.dtype, loaded.device, _KV_BUDGET)

    def cases(
        self, name: str, text: bytes, distances: Sequence[int], cursors: int, source: random.Random
    ) -> Iterator[Case]:
        """All kinds of edits at all distances above some line starts of the last third of the text."""
        before = self._snapshot(text)
        lines = [at + 1 for at in range(len(text) * 2 // 3, len(text) * 19 // 20) if text[at : at + 1] == b"\n"]
        for cursor in source.sample(lines, min(cursors, len(lines))):
            self._store.clear()
            at = before.tokens.before(cursor)
            for distance in distances:
                place = assignment_before(text, int(before.tokens.ends[at - distance])) if at > distance else None
                edits = (
                    {kind: edit(text, place, kind, before.layout.starts.tolist()) for kind in KINDS} if place else {}
                )
                for kind, edited in edits.items():
                    after = self._snapshot(edited)
                    yield self._case(name, kind, distance, before, cursor, after, cursor + len(edited) - len(text))

    def _case(self, name: str, kind: str, distance: int, before: Snapshot, old: int, after: Snapshot, new: int) -> Case:
        self._read("before", self._prompt(before, old), False)
        prompt = self._prompt(after, new)
        following = self._tokenizer.encode(after.buffer.data[new : new + 12 * _FOLLOWING]).ids[:_FOLLOWING]
        made = {}
        for key, approximate in (("spliced", True), ("exact", False)):
            self._store.drop(key)
            self._read(key, self._prompt(before, old), False)  # a copy of what is known of the text from before
            began = time.process_time()
            rows = self._read(key, prompt, approximate)[1]
            seconds = time.process_time() - began
            made[key] = self._read(key, _continued(prompt, following), approximate)[0], rows, seconds
        (spliced, rows, seconds), (exact, exact_rows, exact_seconds) = made["spliced"], made["exact"]
        kl = (exact.exp() * (exact - spliced)).sum(-1)
        agreement = (exact.argmax(-1) == spliced.argmax(-1)).double().mean()
        measured = float(agreement), float(kl.mean()), float(kl.max()), rows, exact_rows, seconds, exact_seconds
        return Case(name, kind, distance, *measured)

    def _read(self, key: str, rows: Rows, approximate: bool) -> tuple[Tensor, int]:
        """Log-probabilities [n, vocab] of what follows each of the last chunk's n rows, and how many were computed."""
        session = self._store.resume(key, rows, len(rows.ids) - 1, 0, approximate)
        logits = torch.empty(0)
        with torch.inference_mode():
            while session.length < len(rows.ids):
                keys = session.stage(rows, _CHUNK)
                ids = torch.from_numpy(rows.ids[session.length : keys.shape[1]].astype(np.int64)).to(self._device)
                logits = self._hirope.forward(ids[None], keys, session.cache, False, session.mentions)
                session.commit(ids.shape[0])
        return logits[0].double().log_softmax(-1), session.computed

    def _snapshot(self, text: bytes) -> Snapshot:
        return self._pipeline.open("file:///edited.py", 1, Buffer.of(text), None, "edited.py")

    def _prompt(self, snapshot: Snapshot, cursor: int) -> Rows:
        prompt: Prompt = build_prompt(Question(snapshot, cursor, Recipe(self._tokenizer, self._card)))
        pairs = prompt.mentions.pairs.astype(np.int64) if prompt.mentions else NO_MENTIONS
        return Rows(prompt.ids, prompt.positions, pairs)


def _continued(prompt: Rows, following: IntArray) -> Rows:
    """The prompt with these tokens after it, in its last unit."""
    ids, positions, mentions = prompt
    more = np.repeat(positions[:, -1:], len(following), axis=1)
    more[-1] += np.arange(1, len(following) + 1, dtype=np.int32)
    return Rows(np.append(ids, following), np.append(positions, more, axis=1), mentions)


def table(cases: Sequence[Case]) -> str:
    """By distance and kind of edit: means over the cases."""
    heads = [
        "edit",
        "tokens above",
        "cases",
        "top-1 agreement",
        "KL",
        "worst KL",
        "rows",
        "exact rows",
        "CPU time ratio",
    ]
    lines = []
    for distance in sorted({case.distance for case in cases}):
        for kind in [*KINDS, "all"]:
            some = [case for case in cases if case.distance == distance and kind in (case.kind, "all")]
            if some:
                lines.append([kind, f"{distance:,}", str(len(some)), *_figures(some)])
    return markdown(heads, [*lines, ["all", "all", str(len(cases)), *_figures(cases)]])


def _figures(cases: Sequence[Case]) -> list[str]:
    mean = statistics.fmean
    return [
        f"{mean(case.agreement for case in cases):.3f}",
        f"{mean(case.kl for case in cases):.4f}",
        f"{max(case.worst for case in cases):.3f}",
        f"{mean(case.rows for case in cases):,.0f}",
        f"{mean(case.exact_rows for case in cases):,.0f}",
        f"{sum(case.seconds for case in cases) / sum(case.exact_seconds for case in cases):.3f}",
    ]
