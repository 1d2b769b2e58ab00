"""Training rows are taken apart again: they must hold the source text, in the prompt format, and nothing else."""

import random
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from hirope_ls.lab.train.corpus import SourceFile
from hirope_ls.lab.train.renaming import Renamer
from hirope_ls.lab.train.rows import ROW_LENGTH, Example, Mix, RowMaker, choose_cut
from hirope_ls.lab.train.tokenizer import (
    END,
    FILE,
    MIDDLE,
    PREFIX,
    SPECIALS,
    SUFFIX,
    plain_encoder,
    special_id,
    train_tokenizer,
)


def source_text(number: int, functions: int) -> str:
    return f'"""Module {number}."""\n\nimport math\n\n' + "".join(
        f"def area_{number}_{i}(radius, scale={i}):\n"
        f'    """The area of circle {i}."""\n'
        f"    if radius < {i}:\n"
        f"        return math.pi * radius ** 2  # as in module {number}\n\n"
        f"    return scale * area_{number}_{i - 1}(radius - 1)\n\n\n"
        for i in range(functions)
    )


FILES = [SourceFile("source", f"{n}.py", source_text(n, functions)) for n, functions in enumerate((1, 3, 30, 60))]
TOKENIZER = train_tokenizer((file.text for file in FILES), vocab_size=600)
END_ID, PREFIX_ID, SUFFIX_ID, MIDDLE_ID, FILE_ID = (
    special_id(TOKENIZER, token) for token in (END, PREFIX, SUFFIX, MIDDLE, FILE)
)


@pytest.fixture
def maker() -> RowMaker:
    return RowMaker(TOKENIZER, FILES, seed=7)


def text_of(ids: list[int]) -> str:
    text: str = TOKENIZER.decode(ids, skip_special_tokens=False)
    return text


def examples(maker: RowMaker, order: str, count: int = 200) -> list[Example]:
    make = maker.context_spm if order == "context-spm" else maker.psm
    found = [make(ROW_LENGTH, maker.rng(index)) for index in range(count)]
    return [example for example in found if example is not None]


def test_context_spm_examples_hold_the_source(maker: RowMaker) -> None:
    found = examples(maker, "context-spm")
    assert len(found) > 190
    contexts = 0
    for example in found:
        ids = example.ids
        assert len(ids) <= ROW_LENGTH
        prefix, middle = ids.index(PREFIX_ID), ids.index(MIDDLE_ID)
        assert ids[prefix + 1] == SUFFIX_ID
        assert ids[-1] == END_ID
        special = [i for i in ids if i in (END_ID, PREFIX_ID, SUFFIX_ID, MIDDLE_ID)]
        assert special == [PREFIX_ID, SUFFIX_ID, MIDDLE_ID, END_ID]
        suffix, last = text_of(ids[prefix + 2 : middle]), text_of(ids[middle + 1 : -1])
        context = ids[:prefix]
        contexts += bool(context)
        if FILE_ID in context:  # what stands before it is of another file
            here = len(context) - context[::-1].index(FILE_ID)
            assert any(file.text.startswith(text_of(context[here:]) + last + suffix) for file in FILES)
        else:
            assert any(text_of(context) + last + suffix in file.text for file in FILES)
        near = text_of(ids[middle + 1 : example.middle[0]])
        if context and context[-1] != FILE_ID:
            assert text_of(context).endswith("\n")
        assert example.middle[1] == len(ids)
        assert near + text_of(ids[example.middle[0] : -1]) == last
    assert 0.6 < contexts / len(found) < 0.95


def test_near_prefix_starts_a_line_and_suffix_ends_one() -> None:
    text = FILES[3].text
    for seed in range(500):
        cut = choose_cut(text, random.Random(seed))
        assert cut.far + cut.near + cut.middle + cut.suffix in text
        assert cut.from_start == text.startswith(cut.far + cut.near + cut.middle + cut.suffix)
        assert not cut.far or cut.far.endswith("\n")
        assert cut.suffix == "" or cut.suffix.endswith("\n")


def test_psm_examples_hold_the_source(maker: RowMaker) -> None:
    for example in examples(maker, "psm"):
        ids = example.ids
        suffix, middle = ids.index(SUFFIX_ID), ids.index(MIDDLE_ID)
        assert (ids[0], ids[-1], example.middle) == (PREFIX_ID, END_ID, (middle + 1, len(ids)))
        text = text_of(ids[1:suffix]) + text_of(ids[middle + 1 : -1]) + text_of(ids[suffix + 1 : middle])
        assert any(text in file.text for file in FILES)


def test_plain_windows_start_a_line_and_mark_file_ends(maker: RowMaker) -> None:
    starts = 0
    for index in range(300):
        ids = maker.plain(ROW_LENGTH, maker.rng(index))
        body = [i for i in ids if i not in (FILE_ID, END_ID)]
        file = next(file for file in FILES if text_of(body) in file.text)
        at = file.text.index(text_of(body))
        assert at == 0 or file.text[at - 1] == "\n"
        assert (ids[0] == FILE_ID) == (at == 0)
        starts += at == 0
        assert (ids[-1] == END_ID) == (at + len(text_of(body)) == len(file.text) and len(ids) > len(body))
    assert starts > 80


def test_rows_are_full_repeatable_and_never_cross_files_unmarked(maker: RowMaker) -> None:
    again, other = RowMaker(TOKENIZER, FILES, seed=7), RowMaker(TOKENIZER, FILES, seed=8)
    rows = [maker.row(index) for index in range(100)]
    assert all(len(row) == ROW_LENGTH for row in rows)
    assert rows[::-1] == [again.row(index) for index in reversed(range(100))]
    assert rows != [other.row(index) for index in range(100)]
    for row in rows:
        cuts = [-1, *(at for at, i in enumerate(row) if i < len(SPECIALS)), len(row)]
        for one, two in pairwise(cuts):
            piece = text_of(row[one + 1 : two])
            parts = piece if one < 0 or row[one] != MIDDLE_ID else piece[:1]
            assert any(parts in file.text for file in FILES), piece


def test_the_mixture_is_the_one_described(maker: RowMaker) -> None:
    rows = [maker.row(index) for index in range(300)]
    spm = sum(any(pair == (PREFIX_ID, SUFFIX_ID) for pair in pairwise(row)) for row in rows)
    plain = sum(PREFIX_ID not in row for row in rows)
    assert 0.45 < spm / len(rows) < 0.75
    assert 0.2 < plain / len(rows) < 0.5


def test_most_middles_stop_before_a_newline() -> None:
    text = FILES[3].text
    cuts = [choose_cut(text, random.Random(seed)) for seed in range(1000)]
    at_line_end = sum(cut.suffix == "" or cut.suffix[0] == "\n" for cut in cuts)
    several_lines = sum("\n" in cut.middle for cut in cuts)
    assert at_line_end > 650
    assert 150 < several_lines < 400


@given(st.text(alphabet="ab .(\r\n\té", min_size=1, max_size=300), st.integers(0, 2**32))
def test_cuts_of_any_text(text: str, seed: int) -> None:
    cut = choose_cut(text, random.Random(seed))
    assert cut.far + cut.near + cut.middle + cut.suffix in text
    for one, two in ((cut.near, cut.middle), (cut.middle, cut.suffix)):
        assert not (one.endswith("\r") and two.startswith("\n"))


@given(st.text(max_size=200))
def test_the_tokenizer_loses_nothing(text: str) -> None:
    assert text_of(plain_encoder(TOKENIZER)(text)) == text


@pytest.mark.parametrize("text", ["\r\n\tx\r\n", "é😀\x00", "a\u2028b", " \n \n\n  x ", END + PREFIX + "x" + FILE])
def test_awkward_text_survives_and_holds_no_special_token(text: str) -> None:
    ids = plain_encoder(TOKENIZER)(text)
    assert text_of(ids) == text
    assert min(ids) >= len(SPECIALS)


def test_the_tokenizer_is_a_function_of_its_texts() -> None:
    again: Tokenizer = train_tokenizer((file.text for file in FILES), vocab_size=600)
    assert again.get_vocab() == TOKENIZER.get_vocab()
    assert [again.id_to_token(number) for number in range(len(SPECIALS))] == list(SPECIALS)


def test_newlines_are_tokens_of_their_own() -> None:
    encode = plain_encoder(TOKENIZER)
    text = "x = f(1):\n    y = (2)\n"
    assert encode(text) == encode("x = f(1):") + encode("\n") + encode("    y = (2)") + encode("\n")


def test_a_next_line_is_a_line_of_the_source_with_what_stands_before_it(maker: RowMaker) -> None:
    found = [line for index in range(100) if (line := maker.next_line(ROW_LENGTH, maker.rng(index))) is not None]
    assert len(found) > 50
    for line in found:
        start, end = line.middle
        assert end == len(line.ids) <= ROW_LENGTH
        text = text_of(line.ids[start:end])
        assert text.strip()
        assert text.index("\n") == len(text) - 1
        assert any(text_of(line.ids[:start]) + text in file.text for file in FILES)
    assert max(len(line.ids) for line in found) > ROW_LENGTH // 2


def test_other_languages_are_a_small_part_of_what_is_drawn() -> None:
    others = [SourceFile(f"other{n}", f"{n}.js", "let a = 1;\n" * 2000) for n in range(20)]
    mixed = RowMaker(TOKENIZER, FILES + others)
    drawn = [mixed._pick(mixed.rng(index)).path.endswith(".js") for index in range(2000)]
    assert 0.1 < sum(drawn) / len(drawn) < 0.2
    assert RowMaker(TOKENIZER, others)._pick(random.Random(0)) in others


def test_renamed_rows_keep_the_form_and_change_rare_words() -> None:
    words = [f"rare{chr(97 + a)}{chr(97 + b)}" for a in range(20) for b in range(20)]
    texts = [f"def {words[n]}_count(self):\n    return self.{words[n]} + len(self.{words[n - 1].capitalize()})\n" * 3
             for n in range(400)] + ["".join(f"{word}\n" for word in words)]  # fmt: skip
    renamer = Renamer([SourceFile("s", f"{n}.py", text) for n, text in enumerate(texts)])
    text = texts[7]
    results = {renamer.renamed(text, random.Random(seed)) for seed in range(10)}
    assert len(results) > 5
    for result in results:
        found = re.fullmatch(r"(def (\w+)_count\(self\):\n    return self\.(\w+) \+ len\(self\.(\w+)\)\n)\1\1", result)
        assert found is not None, result
        assert found[2] == found[3] in words
        assert found[4].lower() in words
        assert found[4][0].isupper()


def test_a_renamed_example_is_cut_from_one_renamed_text() -> None:
    words = [f"name{chr(97 + a)}{chr(97 + b)}" for a in range(20) for b in range(20)]
    files = [
        SourceFile("s", f"{n}.py", f"x = {words[n]}\n" * 200 + f"{words[n - 1]}\n{words[n - 2]}\n") for n in range(400)
    ]
    maker = RowMaker(TOKENIZER, files, mix=Mix(renamed=1.0))
    for index in range(20):
        example = maker.context_spm(ROW_LENGTH, maker.rng(index))
        if example is not None:
            assert len(set(re.findall(r"= (name\w\w)\n", text_of(example.ids)))) <= 2  # two where a second file begins


def test_what_rows_are_made_of_is_a_choice() -> None:
    middle, prefix = TOKENIZER.token_to_id(MIDDLE), TOKENIZER.token_to_id(PREFIX)
    plain = RowMaker(TOKENIZER, FILES, mix=Mix(spm=0, psm=0))
    assert not any(middle in plain.row(index) for index in range(40))
    for mix, suffix_first in ((Mix(spm=1, psm=0), True), (Mix(spm=0, psm=1), False)):
        rows = [RowMaker(TOKENIZER, FILES, mix=mix).row(index) for index in range(40)]
        after = [row[row.index(prefix) + 1] == TOKENIZER.token_to_id(SUFFIX) for row in rows if prefix in row]
        assert len(after) > 30
        assert sum(one == suffix_first for one in after) > 0.9 * len(after)  # a prefix in front may be empty in both
