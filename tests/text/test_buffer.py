"""Promise A: the text is never wrong. The naive model is a Python string cut into lines by its own regex."""

from __future__ import annotations

import random
import re
import time

import pytest
from edits import Typist, keep, kept
from fuzz import python_files, rng, rounds
from hypothesis import given
from hypothesis import strategies as st

from hirope_ls.text import Buffer, Edit, Encoding, InvalidChange, InvalidText, edit_for_change, lines

LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
WIDTH = {
    Encoding.UTF8: lambda c: len(c.encode()),
    Encoding.UTF16: lambda c: 1 + (ord(c) > 0xFFFF),
    Encoding.UTF32: lambda c: 1,
}


class Naive:
    """The oracle: a string, its lines, and positions counted one character at a time."""

    def __init__(self, text: str) -> None:
        self.text = text

    def lines(self) -> list[str]:
        found = LINE.findall(self.text)
        # The regex matches the empty end once more than there are lines, unless the text ends with a terminator.
        return found if self.text == "" or self.text[-1] in "\r\n" else found[:-1]

    def index(self, line: int, character: int, encoding: Encoding) -> int:
        """The index in the string of an LSP position, clamped as the specification says."""
        lines = self.lines()
        if line >= len(lines):
            return len(self.text)
        at = sum(map(len, lines[:line]))
        for char in lines[line].rstrip("\r\n"):
            character -= WIDTH[encoding](char)
            if character < 0:
                break
            at += 1
        return at

    def change(self, start: tuple[int, int], end: tuple[int, int], text: str, encoding: Encoding) -> None:
        low, high = self.index(*start, encoding), self.index(*end, encoding)
        self.text = self.text[:low] + text + self.text[high:]


PIECES = [
    *("a", "b", " ", "é", "ß", "日", "😀", "𝒳", "\n", "\r", "\r\n", "\n\r", "\f", "\v", "\u0085", "\u2028", "\u2029"),
    *("def f():\n", "\r\r\n", "x = 1\r\n", "", "\x00", "\ufeff", "e\u0301"),
]


def random_text(random_: random.Random, most: int) -> str:
    return "".join(random_.choices(PIECES, k=random_.randrange(most)))


def random_position(random_: random.Random, lines: int) -> tuple[int, int]:
    return random_.randrange(lines + 2), random_.choice([0, 1, 2, 3, 5, 8, 13, 40, 2**31 - 1])


def test_twenty_thousand_random_edits_equal_the_naive_model(monkeypatch: pytest.MonkeyPatch):
    random_ = rng("text")
    done = 0
    while done < rounds(20_000):
        monkeypatch.setattr(lines, "_RUN", random_.choice([1, 4, 256]))  # borders of runs in short texts, too
        naive = Naive(random_text(random_, 60))
        buffer = Buffer.of(naive.text)
        for _ in range(100):
            encoding = random_.choice(list(Encoding))
            start, end = sorted(random_position(random_, buffer.line_count) for _ in range(2))
            text = random_text(random_, random_.choice([2, 4, 12]))
            if len(naive.text) > 400:
                text, end = "", (end[0] + 20, end[1])
            before = buffer
            edit = edit_for_change(buffer, start, end, text, encoding)
            buffer = buffer.apply(edit)
            naive.change(start, end, text, encoding)
            if buffer.text != naive.text or buffer.lines.starts() != Buffer.of(naive.text).lines.starts():
                pytest.fail(f"see {keep('text', before.data, [edit])}")
            done += 1
        check_lines(buffer, naive)


def check_lines(buffer: Buffer, naive: Naive) -> None:
    lines = naive.lines()
    assert buffer.line_count == len(lines)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode()))
    for number, line in enumerate(lines):
        assert buffer.line_start(number) == starts[number]
        assert buffer.line_span(number) == (starts[number], starts[number] + len(line.rstrip("\r\n").encode()))
    for encoding in Encoding:
        for index, _ in enumerate(naive.text):
            offset = len(naive.text[:index].encode())
            position = buffer.position(offset, encoding)
            inside = buffer.data[offset - 1 : offset + 1] == b"\r\n"
            assert buffer.offset(*position, encoding) == offset - inside


@pytest.mark.parametrize("text, edits", kept("text"))
def test_saved_failures(text: bytes, edits: list[Edit]):
    buffer = Buffer.of(text)
    for edit in edits:
        buffer = buffer.apply(edit)
        assert buffer.lines.starts() == Buffer.of(buffer.data).lines.starts()


def test_long_sessions_on_real_files_keep_the_line_table_exact_and_its_runs_few():
    random_ = rng("lines")
    for path in python_files(3, smallest=60_000):
        buffer = Buffer.of(path.read_bytes())
        typist = Typist(random_)
        for step in range(rounds(150)):
            buffer = buffer.apply(typist.edit(buffer.data))
            if step % 10 == 0:
                assert buffer.lines.starts() == Buffer.of(buffer.data).lines.starts()
        for _ in range(600):  # new lines typed at one place
            buffer = buffer.apply(Edit(5000, 5000, b"\n"))
        assert len(buffer.lines.runs) < 4 + 3 * buffer.line_count / 512


@pytest.mark.parametrize("encoding", Encoding)
def test_positions_of_a_line_with_wide_characters(encoding: Encoding):
    buffer = Buffer.of("aé😀b\r\nx")
    widths = [WIDTH[encoding](char) for char in "aé😀b"]
    expected = [0, 1, 3, 7, 8]
    for count in range(5):
        assert buffer.offset(0, sum(widths[:count]), encoding) == expected[count]
        assert buffer.position(expected[count], encoding) == (0, sum(widths[:count]))


def test_a_position_inside_a_pair_is_its_start():
    buffer = Buffer.of("a😀b")
    assert buffer.offset(0, 2, Encoding.UTF16) == 1
    assert [buffer.offset(0, character, Encoding.UTF8) for character in range(2, 6)] == [1, 1, 1, 5]
    assert buffer.position(3, Encoding.UTF16) == (0, 1)


def test_past_the_end_of_a_line_and_of_the_text():
    buffer = Buffer.of("ab\r\ncd")
    assert buffer.offset(0, 99, Encoding.UTF16) == 2
    assert buffer.offset(1, 99, Encoding.UTF16) == 6
    assert buffer.offset(2, 0, Encoding.UTF16) == 6
    assert buffer.position(99, Encoding.UTF16) == (1, 2)
    assert buffer.position(-1, Encoding.UTF16) == (0, 0)
    assert buffer.position(3, Encoding.UTF16) == (0, 2)  # between \r and \n


def test_only_the_three_line_ends_of_lsp_count():
    buffer = Buffer.of("a\fb\vc\u0085d\u2028e\u2029f\x1cg\nh\ri\r\nj")
    assert buffer.line_count == 4
    assert [buffer.data[slice(*buffer.line_span(line))][-1:] for line in range(4)] == [b"g", b"h", b"i", b"j"]


def test_the_empty_text_has_one_line():
    buffer = Buffer.of("")
    assert (buffer.line_count, buffer.line_span(0), buffer.offset(0, 0, Encoding.UTF16)) == (1, (0, 0), 0)
    assert buffer.apply(edit_for_change(buffer, None, None, "x\n", Encoding.UTF16)).line_count == 2


def test_tree_sitters_points_count_newlines_only():
    buffer = Buffer.of("a\rb\r\nc\ud7ff\nd")
    assert [buffer.point(offset) for offset in (0, 2, 5, 9, 10)] == [(0, 0), (0, 2), (1, 0), (1, 4), (2, 0)]


@given(st.text(st.sampled_from("ab\r\n😀é\u2028")), st.integers(0, 9), st.integers(0, 9), st.sampled_from(Encoding))
def test_offsets_equal_the_naive_model(text: str, line: int, character: int, encoding: Encoding):
    expected = Naive(text).index(line, character, encoding)
    assert Buffer.of(text).offset(line, character, encoding) == len(text[:expected].encode())


@pytest.mark.parametrize(
    "start, end, text, error",
    [
        ((1, 0), (0, 3), "", InvalidChange),
        ((0, 2), (0, 1), "", InvalidChange),
        ((-1, 0), (0, 1), "", InvalidChange),
        ((0, -1), (0, 1), "", InvalidChange),
        ((0, 0), None, "", InvalidChange),
        (None, (0, 0), "", InvalidChange),
        ((0, 0), (0, 0), "\ud800", InvalidText),
        (None, None, "a\udfff", InvalidText),
    ],
)
def test_invalid_changes_are_refused(start, end, text, error):
    with pytest.raises(error):
        edit_for_change(Buffer.of("abc\ndef"), start, end, text, Encoding.UTF16)


@pytest.mark.parametrize(
    "edit", [Edit(2, 1, b""), Edit(-1, 0, b""), Edit(0, 9, b""), Edit(2, 2, b"x"), Edit(0, 2, b"")]
)
def test_edits_that_leave_the_text_or_cut_a_character_are_refused(edit: Edit):
    with pytest.raises(InvalidChange):
        Buffer.of("aéb").apply(edit)


def test_bytes_that_are_not_utf8_are_refused():
    for data in (b"\xff", b"a\xe9b", b"\xed\xa0\x80", b"\xc0\x80"):
        with pytest.raises(InvalidText):
            Buffer.of(data)
    with pytest.raises(InvalidText):
        Buffer.of("ab").apply(Edit(1, 1, b"\xc3"))


def seconds(work) -> float:
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


def test_reading_takes_linear_time_and_an_edit_does_not_grow_with_the_file():
    lines = "x = 1  # é\r\n"
    small, large = Buffer.of(lines * 2_000), Buffer.of(lines * 32_000)
    # 16 times the text may take 16 times as long, and 8 times that on a busy machine, but not 256 times.
    assert seconds(lambda: Buffer.of(large.data)) < 128 * seconds(lambda: Buffer.of(small.data)) + 0.01
    edit = Edit(600, 600, b"y")
    assert seconds(lambda: large.lines.apply(edit, large.data)) < 30 * seconds(
        lambda: small.lines.apply(edit, small.data)
    )
    long = Buffer.of("😀" * 1_000_000)
    assert seconds(lambda: long.offset(0, 5, Encoding.UTF16)) < 0.01
