"""The cursor moves to another place of a file that was read: up, down again, and down past an edit.

Real code, the server's prompts. Up: what stands above is cached, so of the file's text nothing is computed again (the
text round the cursor always is). Down past an edit: all below the edit has changed, and is computed again, unless the
engine has something better; "again" is measured as the same prompt over a cache that ends where the edit is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from hirope_ls.engine.prompt import Prompt
from hirope_ls.engine.snapshots import Snapshot
from hirope_ls.lab.bench.code import Desk, code_of
from hirope_ls.lab.bench.ours import Ours
from hirope_ls.lab.bench.peers import Lab, middle, turns
from hirope_ls.lab.bench.rows import Row, missing, row
from hirope_ls.lab.bench.sides import Answer, Side, Took, shared_rows
from hirope_ls.text import Edit

PEERS = ("generate", "llama.cpp")
_COLD, _AGAIN = "ours, cold", "ours, again from the edit"
_TYPED = b"    checked = None\n"


@dataclass(frozen=True)
class Sizes:
    """Tokens of the file before the lower cursor; the upper one is in the middle. Rounds of each jump."""

    context: int = 8_192
    rounds: int = 3


QUICK = Sizes(1_024, 1)


def measure(lab: Lab, sizes: Sizes) -> Iterator[Row]:
    """Rows for each jump. Raises InputError."""
    sides, why = lab.sides(PEERS, sizes.context + 2048)
    desk = Desk.of(lab.card, sizes.context + 1024)
    for case, jump in _jumps(desk, sizes.context).items():
        found = turns(_calls(lab, sides, jump), sizes.rounds)
        if case == "up":
            yield _context_rows(found["ours"], jump.to)
        goal = "jump down" if jump.otherwise == _AGAIN else None
        yield _against(case, jump.otherwise, found["ours"], found[jump.otherwise], goal)
        for peer in sides:
            if peer != "ours":
                yield _against(case, peer, found["ours"], found[peer])
        for peer, reason in why.items():
            yield missing("jump", f"{case}: first token", reason, peer)


@dataclass(frozen=True)
class _Jump:
    """What was asked before, the prompt that is timed, and what it is held against: a cache of `kept` alone."""

    before: tuple[Prompt, ...]
    to: Prompt
    kept: Prompt | None
    otherwise: str


def _jumps(desk: Desk, context: int) -> dict[str, _Jump]:
    snapshot = desk.open("jump", code_of(context))
    low = desk.place(snapshot, context)
    down, up = desk.prompt(snapshot, low), desk.prompt(snapshot, desk.place(snapshot, context // 2))
    edited, at = _edited(desk, snapshot, context // 2)
    there, past = desk.prompt(edited, at), desk.prompt(edited, low + len(_TYPED))
    return {
        "up": _Jump((down,), up, None, _COLD),
        "down again": _Jump((down, up), down, None, _COLD),
        "down past an edit": _Jump((down, there), past, _common(past, down), _AGAIN),
    }


def _calls(lab: Lab, sides: dict[str, Side], jump: _Jump) -> dict[str, Callable[[], Answer]]:
    """Every side's jump, and what ours is held against, in a store of its own."""

    def jumped(side: Side) -> Answer:
        for one in jump.before:
            _ask(side, one)
        return _ask(side, jump.to)

    def otherwise() -> Answer:
        other.forget()
        if jump.kept:
            _ask(other, jump.kept)
        return _ask(other, jump.to)

    other = Ours(lab.loaded)
    calls: dict[str, Callable[[], Answer]] = {name: partial(jumped, side) for name, side in sides.items()}
    return {**calls, jump.otherwise: otherwise}


def _edited(desk: Desk, snapshot: Snapshot, tokens: int) -> tuple[Snapshot, int]:
    """The file with a line more before the place after so many tokens, and the byte where that line ends."""
    place = desk.place(snapshot, tokens)
    start = snapshot.buffer.data.rfind(b"\n", 0, place) + 1
    return desk.pipeline.edit(snapshot, [Edit(start, start, _TYPED)], 2), start + len(_TYPED) - 1


def _ask(side: Side, prompt: Prompt) -> Answer:
    return side.answer("file", prompt.ids, prompt.positions, 1, prompt.mentions)


def _common(past: Prompt, down: Prompt) -> Prompt:
    """The first rows of `past`, those that `down` has, too: what exact reuse keeps of it."""
    kept = shared_rows(down.ids, past.ids)
    return Prompt(past.ids[:kept], past.positions[:, :kept], past.kind, kept, 0, 0, past.dropped)


def _context_rows(answers: list[Answer], prompt: Prompt) -> Row:
    """Rows of the file's text above the near part that were computed again."""
    round_cursor = len(prompt.ids) - prompt.far
    worst = max(answer.computed for answer in answers)
    note = f"{worst} rows computed, {round_cursor} of them round the cursor"
    return row(
        "jump", "up: rows of the file computed again", max(0, worst - round_cursor), "rows", goal="jump up", note=note
    )


def _against(case: str, peer: str, ours: list[Answer], theirs: list[Answer], goal: str | None = None) -> Row:
    (time, cpu), (their_time, their_cpu) = middle(ours, _first), middle(theirs, _first)
    note = (
        f"{ours[0].computed:,} rows computed against {theirs[0].computed:,}; CPU {cpu:.1f} against {their_cpu:.1f} ms"
    )
    return row("jump", f"{case}: first token", time, "ms", peer, their_time, goal, note)


def _first(answer: Answer) -> Took:
    return answer.first
