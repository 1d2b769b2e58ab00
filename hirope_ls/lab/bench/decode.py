"""Time decoding, token by token, after a long context that every side has read.

All continue places in real code greedily, taking turns of some tokens each in one run, so that a busy machine slows
all alike; the ratio is what counts. Each turn is at another line, so that nobody says again what it said before. Ours
does all that a completion does: choice among the allowed ids, log-probability, stop flag, mentions, reuse. A token's
time is the mean over a turn, and the median of the turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from hirope_ls.engine.prompt import Prompt
from hirope_ls.lab.bench.code import Desk, code_of
from hirope_ls.lab.bench.peers import PEERS, Lab, in_turn, middle
from hirope_ls.lab.bench.rows import Row, missing, row
from hirope_ls.lab.bench.sides import Answer, Side, Took

_GOALS = {"generate": "decode generate", "llama.cpp": "decode llama.cpp"}
_JUDGED_FROM = 8_000  # tokens of context


@dataclass(frozen=True)
class Sizes:
    """Tokens of the file before the first new one, new tokens in a turn, and turns."""

    contexts: tuple[int, ...] = (1_024, 8_192, 16_384)
    tokens: int = 24
    rounds: int = 5


QUICK = Sizes((1_024,), 8, 2)


def measure(lab: Lab, sizes: Sizes) -> Iterator[Row]:
    """Rows for each context and peer. Raises InputError."""
    sides, why = lab.sides(PEERS, max(sizes.contexts) + 2048)
    desk = Desk.of(lab.card, max(sizes.contexts) + 1024)
    for context in sizes.contexts:
        snapshot = desk.open(f"decode{context}", code_of(context))
        places = desk.places(snapshot, context, 1 + sizes.rounds)
        yield from _context(sides, [desk.prompt(snapshot, place) for place in places], context, sizes)
        for peer, reason in why.items():
            yield missing("decode", f"{context:,} tokens", reason, peer, _GOALS.get(peer))
    why_not = "hirope-ls lab device does, with models of real sizes" if lab.on_gpu else "no GPU"
    yield missing("decode", "share of the memory's bandwidth", why_not, "bandwidth", "decode bandwidth")


def _context(sides: dict[str, Side], prompts: list[Prompt], context: int, sizes: Sizes) -> Iterator[Row]:
    cold = in_turn(sides, [partial(_afresh, prompt=prompts[0])])
    turns = in_turn(sides, [partial(_answer, prompt=prompt, new=1 + sizes.tokens) for prompt in prompts[1:]])
    case, goals = f"{context:,} tokens", _GOALS if context >= _JUDGED_FROM else {}
    for name in sides:
        if name == "ours":
            continue
        (ours, ours_cpu), (theirs, theirs_cpu) = (middle(turns[side], _step) for side in ("ours", name))
        note = f"a token: {ours:.2f} against {theirs:.2f} ms, CPU {ours_cpu:.2f} against {theirs_cpu:.2f} ms"
        yield row("decode", f"{case}: decode", 1e3 / ours, "tokens/s", name, 1e3 / theirs, goals.get(name), note)
    for name in sides:
        if name == "ours":
            continue
        (ours, ours_cpu), (theirs, theirs_cpu) = (middle(cold[side], _first) for side in ("ours", name))
        note = f"{cold['ours'][0].computed:,} rows; CPU {ours_cpu:.0f} against {theirs_cpu:.0f} ms"
        yield row("decode", f"{case}: prefill", ours, "ms", name, theirs, note=note)


def _answer(side: Side, prompt: Prompt, new: int) -> Answer:
    return side.answer("file", prompt.ids, prompt.positions, new, prompt.mentions)


def _afresh(side: Side, prompt: Prompt) -> Answer:
    side.forget()
    return _answer(side, prompt, 1)


def _step(answer: Answer) -> Took:
    return answer.step


def _first(answer: Answer) -> Took:
    return answer.first
