"""The memory of answers: sessions as text, and random ones against a slow twin that keeps every answer ever given."""

from __future__ import annotations

import random
import re

import pytest
from fixture import cursor
from fuzz import rng, rounds, save_failure

from hirope_ls.engine.completion import Completion
from hirope_ls.engine.recent import Recent

SESSIONS = {
    "typed along": """
        x = $0      => foo(bar)
        x = f$0     -> oo(bar)
        x = foo($0  -> bar)
        x = foo(bar$0 -> )
        x = foo(bar)$0 -> nothing
    """,
    "deleted back over what was typed along": """
        x = $0      => foo(bar)
        x = foo($0  -> bar)
        x = fo$0    -> o(bar)
        x = $0      -> foo(bar)
    """,
    "accepted by word, then by line, then back": """
        if a:$0             => ⏎    return f(a)⏎    b
        if a:⏎    return$0  -> ·f(a)⏎    b
        if a:⏎    return f(a)$0 -> ⏎    b
        if a:$0             -> ⏎    return f(a)⏎    b
    """,
    "mistyped and taken back": """
        x = $0      => foo(bar)
        x = fo$0    -> o(bar)
        x = fox$0   -> nothing
        x = fox$0   => _trot
        x = fo$0    -> o(bar)
        x = fox_$0  -> trot
    """,
    "gone elsewhere and come back": """
        a = $0⏎b =  => one
        a = ⏎b = $0 -> nothing
        a = ⏎b = $0 => two
        a = $0⏎b =  -> one
        a = ⏎b = $0 -> two
    """,
    "another text is another question": """
        a = $0⏎b =  => one
        a = $0⏎b = c -> nothing
        aa = $0⏎b =  -> nothing
        a = o$0⏎b=   -> nothing
        a = $0⏎b =  -> one
    """,
    "the newest answer for a place counts": """
        x = $0      => foo
        x = $0      => far
        x = f$0     -> ar
        x = fo$0    -> o
    """,
    "an answer given further on goes before an earlier one": """
        x = $0      => foo or bar
        x = foo$0   -> ·or bar
        x = foo$0   => .bar
        x = foo$0   -> .bar
        x = fo$0    -> o or bar
        x = foo $0  -> or bar
    """,
    "characters of several bytes": """
        x = "$0"    => früh 🦊
        x = "frü$0" -> h 🦊
        x = "f$0"   -> rüh 🦊
        x = "fru$0" -> nothing
    """,
}


@pytest.mark.parametrize("session", SESSIONS.values(), ids=SESSIONS.keys())
def test_sessions(session: str) -> None:
    """`=>`: an answer is given; `->`: it must be known. `⏎` is a line's end, `·` a blank."""
    recent = Recent()
    for line in filter(None, map(str.strip, session.splitlines())):
        marked, arrow, answer = re.split(r" +([=-]>) ", line.replace("⏎", "\n").replace("·", " "))
        text, offset = cursor(marked)
        if arrow == "=>":
            recent.add("a", text.encode(), shown(answer, offset))
            continue
        found = recent.find("a", text.encode(), offset)
        assert (found.text if found else "nothing") == answer, line
        assert found is None or (found.start, found.end, found.outcome) == (offset, offset, "cached")


def shown(text: str, at: int) -> Completion:
    return Completion(text, at, at, "shown")


class Twin:
    """Every (text, cursor, answer) ever given; all texts on the way of each are written out."""

    def __init__(self) -> None:
        self.given: list[tuple[str, int, str]] = []

    def answers(self, text: str, at: int) -> list[str]:
        """The rests of all that fit, the newest first."""
        return [
            answer[typed:]
            for origin, place, answer in reversed(self.given)
            for typed in range(len(answer))
            if (origin[:place] + answer[:typed] + origin[place:], place + typed) == (text, at)
        ]


class Typist:
    """Edits a text at random, mostly along with what was suggested, and often back."""

    def __init__(self, random: random.Random) -> None:
        self.random = random
        self.text, self.at = "ab\nba", 2
        self.past = [(self.text, self.at)]

    def step(self, suggested: str) -> None:
        random = self.random
        match random.choice(("along", "along", "word", "all", "type", "back", "back", "move", "return", "undo")):
            case "along":
                self.type(suggested[:1])
            case "word":
                self.type(suggested[: random.randrange(len(suggested) + 1)])
            case "all":
                self.type(suggested)
            case "type":
                self.type(random.choice("abé\n"))
            case "back" if self.at:
                self.text, self.at = self.text[: self.at - 1] + self.text[self.at :], self.at - 1
            case "move":
                self.at = random.randrange(len(self.text) + 1)
            case "return":
                self.at = min(len(self.text), random.choice(self.past)[1])
            case "undo":
                self.text, self.at = random.choice(self.past[-12:])
        self.past.append((self.text, self.at))

    def type(self, new: str) -> None:
        self.text, self.at = self.text[: self.at] + new + self.text[self.at :], self.at + len(new)

    def answer(self) -> str:
        return "".join(self.random.choice("abé\n") for _ in range(self.random.randrange(1, 7)))


def ask(recent: Recent, text: str, at: int) -> str | None:
    found = recent.find("a", text.encode(), len(text[:at].encode()))
    return found.text if found else None


@pytest.mark.parametrize("bounded", [False, True])
def test_random_sessions_equal_the_twin(bounded: bool) -> None:
    random = rng(f"recent-{bounded}")
    for _ in range(rounds(20)):
        recent = Recent(4, 100) if bounded else Recent(10_000, 1 << 30)
        twin, typist = Twin(), Typist(random)
        for _ in range(80):
            text, at = typist.text, typist.at
            found, wanted = ask(recent, text, at), twin.answers(text, at)
            right = found in wanted or (bounded and found is None) if wanted else found is None
            if not right or (not bounded and wanted and found != wanted[0]):
                saved = save_failure("recent", repr((twin.given, text, at, found, wanted)))
                pytest.fail(f"{found!r} is not {wanted[:1]!r}; kept as {saved}")
            answer = found
            if found is None or random.random() < 0.05:
                answer = typist.answer()
                recent.add("a", text.encode(), shown(answer, len(text[:at].encode())), random.random() < 0.5)
                twin.given.append((text, at, answer))
                assert ask(recent, text, at) == answer, "the newest answer always stays"
            assert not bounded or recent.num_bytes <= 100 or len(recent._shown["a"]) == 1
            typist.step(answer or "")


def test_the_document_used_longest_ago_goes_first() -> None:
    recent = Recent(max_bytes=300)
    for uri in ("a", "b"):
        recent.add(uri, bytes(100), shown("x", 50))
    assert recent.find("a", bytes(100), 50)
    recent.add("c", bytes(100), shown("x", 50))
    assert [uri for uri in "abc" if recent.find(uri, bytes(100), 50)] == ["a", "c"]


def test_texts_of_one_version_count_once() -> None:
    recent, data = Recent(max_bytes=150), bytes(100)
    for offset in range(40):
        recent.add("a", data, shown("x", offset))
    assert all(recent.find("a", data, offset) for offset in range(40))
    assert recent.num_bytes == 140


def test_who_gave_an_answer_is_known() -> None:
    recent = Recent()
    recent.add("a", b"x = ", shown("foo", 4), ahead=True)
    known = recent.known("a", b"x = f", 5)
    assert known is not None and known.ahead and (known.offset, known.text) == (4, b"foo")
    recent.add("a", b"x = ", shown("foo", 4))
    known = recent.known("a", b"x = f", 5)
    assert known is not None and not known.ahead
