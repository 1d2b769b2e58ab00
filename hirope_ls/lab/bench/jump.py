"""The cursor moves to another place of a file that was read: up, down again, and down past an edit.

Real code, the server's prompts. Up: what stands above is cached, so of the file's text nothing is computed again (the
text round the cursor always is). Down past an edit: all below the edit has changed, and is computed again, unless
`approximateSplice` is on; "again" is measured as the same prompt over a cache that ends where the edit is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from statistics import median

from hirope_ls.engine.prompt import Prompt
from hirope_ls.lab.bench.code import Desk, code_of
from hirope_ls.lab.bench.ours import Ours
from hirope_ls.lab.bench.peers import Lab, in_turn, middle
from hirope_ls.lab.bench.rows import Row, missing, row
from hirope_ls.lab.bench.sides import Answer, Side, Took, shared_rows
from hirope_ls.text import Edit

PEERS = ("generate", "llama.cpp")
_COLD, _AGAIN = "ours, cold", "ours, again from the edit"
_SPLICED = "ours, approximate"


@dataclass(frozen=True)
class Sizes:
    """Tokens of the file before the lower cursor; the upper one is in the middle. Rounds of each jump."""

    context: int = 8_192
    rounds: int = 3


QUICK = Sizes(1_024, 1)


def measure(lab: Lab, sizes: Sizes) -> Iterator[Row]:
    """Rows for each jump. Raises InputError."""
    sides, why = lab.sides(PEERS, sizes.context + 2048)
    rounds = _rounds(Desk.of(lab.card, sizes.context + 1024), sizes)
    other, spliced = Ours(lab.loaded), Ours(lab.loaded, approximate=True)
    for case in rounds[0]:
        jumps = [jumps[case] for jumps in rounds]
        otherwise = jumps[0].otherwise
        more = {otherwise: other, **({_SPLICED: spliced} if otherwise == _AGAIN else {})}
        found = in_turn({**sides, **more}, [partial(_jump, other=other, jump=jump) for jump in jumps])
        if case == "up":
            yield _context_rows(found["ours"], jumps)
        yield _against(case, otherwise, found, "jump down" if otherwise == _AGAIN else None)
        if _SPLICED in found:
            name = f"{case}, approximateSplice"
            yield _against(name, otherwise, {**found, "ours": found[_SPLICED]}, "jump down")
        for peer in sides:
            if peer != "ours":
                yield _against(case, peer, found)
        for peer, reason in why.items():
            yield missing("jump", f"{case}: first token", reason, peer)


@dataclass(frozen=True)
class _Jump:
    """What was asked before, the prompt that is timed, and what it is held against: a cache of `kept` alone."""

    before: tuple[Prompt, ...]
    to: Prompt
    kept: Prompt | None
    otherwise: str


def _rounds(desk: Desk, sizes: Sizes) -> list[dict[str, _Jump]]:
    """The jumps of each round: to another line, and past another edit, so that nobody has been there before."""
    snapshot = desk.open("jump", code_of(sizes.context))
    low = desk.place(snapshot, sizes.context)
    down, found = desk.prompt(snapshot, low), []
    for number, high in enumerate(desk.places(snapshot, sizes.context // 2, sizes.rounds)):
        up = desk.prompt(snapshot, high)
        typed = b"    checked = %d\n" % number
        start = snapshot.buffer.data.rfind(b"\n", 0, high) + 1
        edited = desk.pipeline.edit(snapshot, [Edit(start, start, typed)], 2)
        there, past = desk.prompt(edited, start + len(typed) - 1), desk.prompt(edited, low + len(typed))
        jumps = {
            "up": _Jump((down,), up, None, _COLD),
            "down again": _Jump((down, up), down, None, _COLD),
            "down past an edit": _Jump((down, there), past, _common(past, down), _AGAIN),
        }
        found.append(jumps)
    return found


def _jump(side: Side, other: Side, jump: _Jump) -> Answer:
    """A side's jump; `other` is what ours is held against, in a store of its own."""
    if side is other:
        side.forget()
        before = [jump.kept] if jump.kept else []
    else:
        before = [*jump.before]
    for one in before:
        _ask(side, one)
    return _ask(side, jump.to)


def _ask(side: Side, prompt: Prompt) -> Answer:
    return side.answer("file", prompt.ids, prompt.positions, 1, prompt.mentions)


def _common(past: Prompt, down: Prompt) -> Prompt:
    """The first rows of `past`, those that `down` has, too: what exact reuse keeps of it."""
    kept = shared_rows(down.ids, past.ids)
    return Prompt(past.ids[:kept], past.positions[:, :kept], past.kind, kept, 0, 0, past.dropped)


def _context_rows(answers: list[Answer], jumps: list[_Jump]) -> Row:
    """Rows of the file's text above the near part that were computed again."""
    near = [len(jump.to.ids) - jump.to.far for jump in jumps]
    again = max(max(0, answer.computed - least) for answer, least in zip(answers, near, strict=True))
    note = f"{max(answer.computed for answer in answers)} rows computed at most, round the cursor"
    return row("jump", "up: rows of the file computed again", again, "rows", goal="jump up", note=note)


def _against(case: str, peer: str, found: dict[str, list[Answer]], goal: str | None = None) -> Row:
    ours, theirs = found["ours"], found[peer]
    (time, cpu), (their_time, their_cpu) = middle(ours, _first), middle(theirs, _first)
    rows = f"{median(one.computed for one in ours):,.0f} rows computed"
    note = f"{rows} against {median(one.computed for one in theirs):,.0f}; CPU {cpu:.1f} against {their_cpu:.1f} ms"
    return row("jump", f"{case}: first token", time, "ms", peer, their_time, goal, note)


def _first(answer: Answer) -> Took:
    return answer.first
