"""Promise B for syntax: after any edit, the trees and the units are those made from nothing."""

from __future__ import annotations

import random

import pytest
from edits import Typist, keep, kept
from fuzz import python_files, rng, rounds
from syntax.afresh import covers, difference, replay

from hirope_ls.syntax import LANGUAGES, Language, parse, reparse
from hirope_ls.text import Buffer, Edit

LENGTH = 2_500  # bytes of a file that are used: every step parses it afresh


def excerpt(random_: random.Random, text: bytes) -> bytes:
    """Some whole lines of a file, perhaps from its middle."""
    start = 0 if random_.random() < 0.5 else random_.randrange(max(1, len(text) - LENGTH))
    start = text.find(b"\n", start) + 1 if start else 0
    return text[start : text.find(b"\n", start + LENGTH) + 1 or len(text)]


@pytest.mark.parametrize("language", LANGUAGES[:1], ids=lambda language: language.name)  # more: test_languages
def test_two_thousand_random_edits(language: Language):
    random_ = rng("reparse")
    files = [path.read_bytes() for path in python_files(200, smallest=1_500)]
    wrong = 0
    for _ in range(rounds(50)):
        text = excerpt(random_, random_.choice(files))
        buffer, made, typist = Buffer.of(text), [], Typist(random_)
        parsed = parse(language, buffer)
        for _ in range(40):
            edit = typist.edit(buffer.data)
            made.append(edit)
            changed = buffer.apply(edit)
            parsed, buffer = reparse(parsed, buffer, edit, changed), changed
            if not covers(parsed, len(buffer.data)) or difference(parsed, parse(language, buffer)):
                wrong += 1
                keep("reparse", text, made)
                break
    assert wrong == 0


@pytest.mark.parametrize("text, edits", kept("reparse"))
def test_saved_failures(text: bytes, edits: list[Edit]):
    assert replay(LANGUAGES[0], text, edits) is None


def test_typing_without_errors_and_undoing():
    """The path on which tree-sitter goes on from the old tree, which random edits seldom take."""
    random_ = rng("typing")
    for path in python_files(rounds(12), smallest=3_000, largest=9_000):
        buffer = Buffer.of(path.read_bytes())
        parsed = parse(LANGUAGES[0], buffer)
        places = [index for index in range(len(buffer.data)) if buffer.data[index - 1 : index + 1].isalpha()]
        for place in random_.sample(places, 6):
            there = [Edit(place, place, b"q"), Edit(place + 1, place + 1, b"_9"), Edit(place + 1, place + 3, b"")]
            for edit in [*there, Edit(place, place + 1, b"")]:
                changed = buffer.apply(edit)
                parsed, buffer = reparse(parsed, buffer, edit, changed), changed
                assert difference(parsed, parse(LANGUAGES[0], buffer)) is None


def test_pieces_that_an_edit_does_not_touch_are_shared():
    text = b"import os\n" + b"".join(b"def f%d():\n    pass\n\n" % i for i in range(30))
    buffer = Buffer.of(text)
    before = parse(LANGUAGES[0], buffer)
    edit = Edit(text.index(b"f15") + 3, text.index(b"f15") + 3, b"x")
    after = reparse(before, buffer, edit, buffer.apply(edit))
    assert [a is b for a, b in zip(before.pieces, after.pieces, strict=True)].count(False) == 1


def test_the_old_parse_stays_as_it_was():
    buffer = Buffer.of("def f():\n    return 1\n")
    before = parse(LANGUAGES[0], buffer)
    nodes = list(before.nodes())
    edit = Edit(4, 5, b"longer_name")
    reparse(before, buffer, edit, buffer.apply(edit))
    assert list(before.nodes()) == nodes


EDITS_AT_BORDERS = [
    ("def a(): pass\ndef b(): pass\n", Edit(13, 14, b"")),
    ("def a(): pass\ndef b(): pass\n", Edit(14, 14, b"@d\n")),
    ("def a(): pass\ndef b(): pass\n", Edit(14, 14, b"# c\n")),
    ("def a(): pass\n# c\ndef b(): pass\n", Edit(17, 17, b"\n")),
    ("def a(): pass\n@d\ndef b(): pass\n", Edit(14, 15, b"")),
    ("def a(): pass\n@d\ndef b(): pass\n", Edit(16, 16, b"\nx = 1")),
    ("def a(): pass\ndef b(): pass\n", Edit(14, 14, b'"""\n')),
    ('def a(): pass\n"""\ndef b(): pass\n"""\n', Edit(14, 15, b"")),
    ("def a(): pass\ndef b(): pass\ndef c(): pass\n", Edit(14, 28, b"")),
    ("def a(): pass\ndef b(): pass\ndef c(): pass\n", Edit(0, 14, b"")),
    ("def a(): pass\ndef b(): pass\ndef c(): pass\n", Edit(3, 31, b"")),
    ("def a(): pass\n", Edit(0, 14, b"")),
    ("", Edit(0, 0, b"def a(): pass\n")),
    ("x\n", Edit(0, 0, b"def a(): pass\n")),
    ("def a(): pass\ndefb(): pass\n", Edit(17, 17, b" ")),
    ("def a(): pass\ndef b(): pass\n", Edit(17, 18, b"")),
    ("def a(): pass\n\rdef b(): pass\n", Edit(14, 15, b"")),
]
CLASS = (
    "class A(B):\n  'doc'\n  x = 1\n  # c\n  @d\n  def m(): pass\n  def n():\n    y\nz = 1\nclass C:\n  def o(): pass\n"
)
AT_MEMBERS = [
    ("class A", b"K", 6),  # another name
    ("class A", b"_", 5),  # no class any more
    ("(B", b"", 1),  # its header stays open
    ("(B", b"(\n", 0),
    ("'doc", b'"""', 0),
    ("'doc", b" ", 0),  # the members' column is another one
    ("x = 1", b"", 4),
    ("  # c", b"  ", 0),
    ("# c", b"", 3),
    ("@d", b"", 2),
    ("@d", b" ", 0),
    ("def m", b"", 3),
    ("def m", b"x = 1\nd", 1),  # a line of module code among the members
    ("def n", b"class K:\n    ", 0),
    ("y\n", b"(\n", 1),
    ("y\n", b"\\\n", 2),
    ("z = 1", b"    ", 0),
    ("z = 1", b")", 0),
    ("z = 1", b"'' ", 0),
    ("class C", b"  ", 0),
    ("class C", b"x", 0),
]


@pytest.mark.parametrize("place, new, gone", AT_MEMBERS)
def test_edits_at_the_borders_of_members(place: str, new: bytes, gone: int):
    at = CLASS.index(place)
    there = Edit(at, at + gone, new)
    back = Edit(at, there.new_end, CLASS[at : at + gone].encode())
    for base in (CLASS, CLASS + CLASS.replace("  ", "\t")):
        assert replay(LANGUAGES[0], base.encode(), [there, back]) is None


def test_a_broken_method_is_parsed_by_itself():
    text = b"class A:\n    x = 1\n" + b"".join(b"    def m%d(self):\n        pass\n\n" % i for i in range(30))
    buffer = Buffer.of(text)
    before = parse(LANGUAGES[0], buffer)
    at = text.index(b"pass", text.index(b"m15"))
    changed = buffer.apply(Edit(at, at, b"foo("))
    after = reparse(before, buffer, Edit(at, at, b"foo("), changed)
    assert [a is b for a, b in zip(before.pieces, after.pieces, strict=True)].count(False) == 1
    assert [unit.name for unit in after.units] == [unit.name for unit in before.units]
    renamed = buffer.apply(Edit(6, 7, b"Other"))
    after = reparse(before, buffer, Edit(6, 7, b"Other"), renamed)
    assert [a is b for a, b in zip(before.pieces, after.pieces, strict=True)].count(False) == 1
    assert [unit.name for unit in after.units][1:] == [f"Other.m{i}" for i in range(30)]


@pytest.mark.parametrize("text, edit", EDITS_AT_BORDERS)
def test_edits_at_the_borders_of_pieces(text: str, edit: Edit):
    assert replay(LANGUAGES[0], text.encode(), [edit]) is None
