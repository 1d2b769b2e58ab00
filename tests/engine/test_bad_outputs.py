"""What models really say, and people complain about: each file in data/bad_outputs is one case, caught by the rules.

A file has the rules that fire, then the file with its cursor, what the model said, and what is to be shown of it. What
one could not see is written `{u+200b}`, and `{cr}` for a carriage return.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from fixture import split

from hirope_ls.engine.trim import RULES, trim

FOLDER = Path(__file__).parent.parent / "data" / "bad_outputs"
CASES = sorted(FOLDER.glob("*.txt"))
_UNSEEN = re.compile(r"\{u\+([0-9a-f]{4})\}")


@dataclass(frozen=True)
class Case:
    """What a file says."""

    rules: tuple[str, ...]
    before: str
    after: str
    said: str
    shown: str

    @classmethod
    def read(cls, path: Path) -> Case:
        """Raises where the file has not its three parts."""
        text = _UNSEEN.sub(lambda found: chr(int(found[1], 16)), path.read_bytes().decode()).replace("{cr}", "\r")
        found = re.fullmatch(r"rules:(.*?)\n=== file\n(.*)\n=== said\n(.*)\n=== shown\n(.*)\n", text, re.DOTALL)
        assert found is not None, path
        return cls(tuple(found[1].split()), *split(found[2]), found[3], found[4])


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_it_is_caught(path: Path) -> None:
    case = Case.read(path)
    trimmed = trim(case.said, case.before, case.after)
    assert (trimmed.text, trimmed.rules) == (case.shown, case.rules)


def test_they_are_many_and_of_many_languages() -> None:
    assert len(CASES) >= 60
    assert len({path.stem.partition("-")[0] for path in CASES}) >= 10
    assert {rule for path in CASES for rule in Case.read(path).rules} >= {*RULES} - {"trailing-blanks"}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_is_shown_is_shown_as_it_is(path: Path) -> None:
    """The rules leave alone what they have left: the same suggestion, asked for again, is the same."""
    case = Case.read(path)
    assert trim(case.shown, case.before, case.after).text == case.shown
