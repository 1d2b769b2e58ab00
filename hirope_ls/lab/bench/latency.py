"""Time to the first token, and to a whole line, while one types a line of a long file: warm against cold, and peers.

A line of real code is taken out and typed again, character by character, and every side answers after each with the
same number of new tokens, over its own prefix cache. The prompts are those of the server, mentions included; the time
to make one from the edited text is shown apart, for it is ours alone. No editor, no pipes, no result cache.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from hirope_ls.engine.prompt import Prompt
from hirope_ls.lab.bench.code import Desk, code_of
from hirope_ls.lab.bench.goals import GOALS
from hirope_ls.lab.bench.peers import Lab, in_turn, middle
from hirope_ls.lab.bench.rows import Row, missing, row
from hirope_ls.lab.bench.sides import Answer, Side, Took

PEERS = ("generate", "llama.cpp", "llama.cpp f16")
_JUDGED_FROM = 8_000  # tokens of context from which warm is held against cold
_COLD_ONCE = 10_000  # tokens from which one cold answer must do


@dataclass(frozen=True)
class Sizes:
    """Tokens of the file before the cursor, keys typed there, tokens of a line, and how often cold is measured."""

    contexts: tuple[int, ...] = (1_024, 8_192, 32_768)
    keys: int = 12
    line: int = 12
    rounds: int = 3


QUICK = Sizes((1_024,), 4, 6, 1)


def measure(lab: Lab, sizes: Sizes) -> Iterator[Row]:
    """Rows for each context. Raises InputError."""
    sides, why = lab.sides(PEERS, max(sizes.contexts) + 2048)
    desk = Desk.of(lab.card, max(sizes.contexts) + 1024)
    for context in sizes.contexts:
        yield from _typing(lab, desk, sides, context, sizes)
        for peer, reason in why.items():
            goal = "latency line generate" if peer == "generate" else "latency line llama.cpp"
            yield missing("latency", f"{context:,} tokens", reason, peer, None if peer.endswith("f16") else goal)


def _typing(lab: Lab, desk: Desk, sides: dict[str, Side], context: int, sizes: Sizes) -> Iterator[Row]:
    snapshot = desk.open(f"latency{context}", code_of(context))
    prompts, made = _timed(desk.typed(snapshot, desk.place(snapshot, context), sizes.keys))
    rounds = sizes.rounds if context < _COLD_ONCE else 1
    cold = in_turn(sides, [partial(_afresh, prompt=prompts[0], new=sizes.line)] * rounds)
    warm = in_turn(sides, [partial(_answer, prompt=prompt, new=sizes.line) for prompt in prompts[1:]])
    yield from _against_cold(context, cold["ours"], warm["ours"], made)
    for name in sides:
        if name != "ours":
            yield from _against(name, context, cold, warm, sizes.line)


def _timed(prompts: Iterator[Prompt]) -> tuple[list[Prompt], float]:
    """The prompts, and the median ms for one key to become one."""
    found, took = [], []
    began = time.perf_counter()
    for prompt in prompts:
        found.append(prompt)
        took.append(time.perf_counter() - began)
        began = time.perf_counter()
    return found, 1e3 * median(took[1:])


def _answer(side: Side, prompt: Prompt, new: int) -> Answer:
    return side.answer("file", prompt.ids, prompt.positions, new, prompt.mentions)


def _afresh(side: Side, prompt: Prompt, new: int) -> Answer:
    side.forget()
    return _answer(side, prompt, new)


def _first(answer: Answer) -> Took:
    return answer.first


def _line(answer: Answer) -> Took:
    return answer.all


def _against_cold(context: int, cold: Sequence[Answer], warm: Sequence[Answer], made: float) -> Iterator[Row]:
    case = f"{context:,} tokens"
    (afresh, afresh_cpu), (first, first_cpu) = middle(cold, _first), middle(warm, _first)
    computed = [answer.computed for answer in warm]
    rows = f"{median(computed):.0f} rows computed, not {cold[0].computed:,}"
    note = f"CPU {first_cpu:.1f} against {afresh_cpu:.1f} ms; {rows}"
    goal = "latency warm" if context >= _JUDGED_FROM else None
    yield row("latency", f"{case}: first token, warm", first, "ms", "ours, cold", afresh, goal, note)
    worst = max(warm, key=lambda answer: answer.first.wall)
    note = f"{worst.computed} rows computed"
    yield row("latency", f"{case}: first token, worst key", 1e3 * worst.first.wall, "ms", note=note)
    yield row("latency", f"{case}: one key to its prompt", made, "ms", note="text, tree, tokens, positions, mentions")


def _against(
    name: str, context: int, cold: dict[str, list[Answer]], warm: dict[str, list[Answer]], line: int
) -> Iterator[Row]:
    cases = (
        ("first token, warm", _first, warm, f"latency first {name}"),
        (f"line of {line} tokens, warm", _line, warm, f"latency line {name}"),
        ("first token, cold", _first, cold, ""),
    )
    for case, what, answers, goal in cases:
        (ours, ours_cpu), (theirs, theirs_cpu) = (middle(answers[side], what) for side in ("ours", name))
        note = f"CPU {ours_cpu:.1f} against {theirs_cpu:.1f} ms"
        wanted = goal if goal in GOALS else None
        yield row("latency", f"{context:,} tokens: {case}", ours, "ms", name, theirs, wanted, note)
