"""The rest of lines, taken out: which those are, what stands round them, and that no tokenizer has a say in it."""

from __future__ import annotations

import pytest
from fuzz import python_files
from model.tiny_models import TRAINED

from hirope_ls.lab.eval.gaps import KINDS, cursor, stretches
from hirope_ls.lab.eval.lines import code_spans
from hirope_ls.lab.eval.rest import Rest
from hirope_ls.lab.eval.sources import text_source
from hirope_ls.model.folder import bundled_folder
from hirope_ls.model.tokens import TextTokenizer

CONTEXT = 1500


def real(tokenizer):
    files = python_files(4, smallest=4_000, largest=9_000)
    return [text_source(f"p/{path.name}", path.read_text("utf-8"), tokenizer, TRAINED) for path in files]


def test_each_gap_is_the_rest_of_a_line_of_code(texts):
    for stretch in stretches(texts, CONTEXT, 2, 3, 0):
        source = next(source for source in texts if source.name == stretch.name)
        codes = {source.data[code:end].decode() for _, _, code, end in code_spans(source)}
        assert stretch.text in source.data and 1 <= len(stretch.gaps["rest"]) <= 3
        for rest, line in zip(*(stretch.gaps[kind] for kind in KINDS), strict=True):
            whole = stretch.missing(line)
            assert whole in codes and whole.endswith(stretch.missing(rest)) and rest.end == line.end
            assert stretch.before(line).rpartition(b"\n")[2].strip() == b""
            assert 0 < len(stretch.before(rest)) <= CONTEXT + len(whole)
            assert stretch.after(line) == b"" and stretch.after(rest)[:1] in (b"\n", b" ", b"")
            more = stretch.typed(rest)
            assert stretch.missing(rest)[1:] == stretch.missing(more) and more.end == rest.end


def test_what_is_scored_follows_something(texts):
    for stretch in stretches(texts, CONTEXT, 2, 3, 0):
        start, end = stretch.scored
        assert 0 < start < end <= len(stretch.text) and stretch.text[start - 1 : start] == b"\n"
        assert end == max(gap.end for gap in stretch.gaps["rest"])


def test_the_same_questions_whatever_the_tokenizer_and_how_many_files(texts, tokenizer):
    other = TextTokenizer.load(bundled_folder())
    asked = list(stretches(real(tokenizer), CONTEXT, 9, 3, 0))
    assert asked == list(stretches(real(other), CONTEXT, 9, 3, 0))
    assert asked[:2] == list(stretches(real(tokenizer), CONTEXT, 2, 3, 0))
    assert asked != list(stretches(real(tokenizer), CONTEXT, 9, 3, 1))


def test_a_cursor_leaves_some_of_a_word():
    class Last:
        def randrange(self, most):
            return most - 1

    assert cursor("value = ü)", Last()) == len("value = ")
    assert cursor("if x:", Last()) == len("if ")


def test_the_rest_of_lines_at_every_length(texts):
    task = Rest(lines=3)
    items = task.items(texts, (192, 512), 2, 0)
    short, long = ([item.payload for item in items if item.length == length] for length in (192, 512))
    assert len(short) == len(long) > 0
    for one, other in zip(short, long, strict=True):
        assert (one.missing, one.after) == (other.missing, other.after) and other.before.endswith(one.before)
        source = next(source for source in texts if source.name.endswith(one.name))
        assert one.before + one.missing.encode() + one.after in source.data


@pytest.mark.parametrize("lines", [1, 5])
def test_no_more_than_what_is_asked_for(texts, lines):
    assert all(len(stretch.gaps["line"]) <= lines for stretch in stretches(texts, CONTEXT, 2, lines, 0))
    assert len(list(stretches(texts, CONTEXT, 1, lines, 0))) == 1
