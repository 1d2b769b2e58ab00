"""Names of a text: which are asked for, which stand against them, ranking against a slow twin, and answers."""

import argparse
import json
import re
from dataclasses import replace

import pytest
from fuzz import python_files
from lab.eval_parts import HIROPE, PLAIN
from model.tiny_models import TRAINED, save_model

from hirope_ls.lab.eval import symbols
from hirope_ls.lab.eval.names import LEAST, LONGEST, MOST, Names, definitions, name_ids, spread
from hirope_ls.lab.eval.prompts import Prompt
from hirope_ls.lab.eval.reader import Reader
from hirope_ls.lab.eval.sources import text_source
from hirope_ls.lab.eval.symbols import ANSWER, BEFORE, COMMENT, LIST, Symbols
from hirope_ls.lab.eval.task import Item
from hirope_ls.model.folder import read_card
from hirope_ls.model.loader import load
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import InputError, ModelRefused

LENGTHS = (1024, 4096)
TEMPLATE = (
    "{% for turn in messages %}<|fim_prefix|>{{ turn.role }}\n{{ turn.content }}<|fim_suffix|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|fim_prefix|>assistant\n{% endif %}"
)


@pytest.fixture(scope="module")
def files(tokenizer):
    """Five real files, long enough."""
    paths = python_files(5, smallest=20_000, largest=60_000)
    return [text_source(f"p/{path.name}", path.read_text("utf-8"), tokenizer, TRAINED) for path in paths]


@pytest.fixture(scope="module")
def items(files):
    return Symbols().items(files, LENGTHS, 3, 0)


@pytest.fixture(scope="module")
def chat(tmp_path_factory):
    """A folder with a chat template, and its model."""
    folder = save_model(tmp_path_factory.mktemp("chat"))
    settings = {"eos_token": "<|endoftext|>", "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return load(read_card(folder), "cpu", "float32")


def text_of(prompt):
    return prompt.parts[0].source.tokenizer.decode(prompt.ids).decode(errors="replace")


DEFINED = """\
import os

class A:
    x = 1
    def f(self): pass
    y = 2
    def __len__(self): pass

async def _g():
    def inner(): pass
"""


def test_definitions(tokenizer):
    source = text_source("p/a.py", DEFINED, tokenizer, TRAINED)
    found = definitions(source)
    assert [one.name for one in found] == ["A", "f", "_g"]
    rests = [tokenizer.decode(source.tokens.ids[one.first :]).decode().lstrip() for one in found]
    assert all(map(str.startswith, rests, ("class A", "def f", "async def _g")))


def test_names_are_spread_evenly():
    assert spread("abcdefghi", 3) == ["a", "e", "i"] and spread("ab", 3) == ["a", "b"] and spread("", 3) == []


def test_the_same_end_at_every_length(items):
    short, long = ([item for item in items if item.length == length] for length in LENGTHS)
    assert [item.id for item in short] == [item.id for item in long] and len(short) == 3
    for one, other in zip(short, long, strict=True):
        assert text_of(other.payload.window).endswith(text_of(one.payload.window))
        assert text_of(one.payload.prompt) == text_of(one.payload.window) + LIST
        assert [len(item.payload.prompt) + LONGEST for item in (one, other)] == list(LENGTHS)


def test_true_names_are_defined_and_false_ones_nowhere(items, files):
    for item in items:
        names, text = item.payload.names, text_of(item.payload.window)
        assert LEAST <= len(names.true) == len(names.false) <= MOST
        assert len(set(names.true + names.false)) == 2 * len(names.true)
        assert all(f"def {name}" in text or f"class {name}" in text for name in names.true)
        assert not any(name in text for name in names.false)
        elsewhere = {one.name for source in files if source.name != item.file for one in definitions(source)}
        assert elsewhere.issuperset(names.false)
        sizes = [[len(name_ids(files[0], name)) for name in side] for side in (names.true, names.false)]
        assert sizes[0] == sizes[1] and max(sizes[0]) <= LONGEST
    assert max(len(item.payload.names.true) for item in items) > MOST // 2


def test_items_depend_on_the_seed_alone(items, files):
    def told(found):
        return [(item.id, item.length, item.payload.names) for item in found]

    assert told(Symbols().items(files, LENGTHS, 3, 0)) == told(items)
    assert told(Symbols().items(files, LENGTHS, 3, 1)) != told(items)
    assert len(Symbols().items(files, LENGTHS, 1, 0)) == 2


def test_files_without_names(tokenizer):
    source = text_source("p/a.py", "x = 1\n" * 1000, tokenizer, TRAINED)
    with pytest.raises(InputError, match="defines 4 names"):
        Symbols().items([source], LENGTHS, 3, 0)


def test_ranking_is_by_what_the_window_adds(tiny, items):
    """Against each name scored by itself, the whole prompt read afresh."""
    task, reader, found = Symbols(), Reader(tiny, PLAIN), []
    for item in items[:3]:
        question = item.payload
        true, names = question.names.true, question.names.true + question.names.false
        gain = {name: likely(reader, question, question.prompt, name) for name in names}
        gain = {name: gain[name] - likely(reader, question, question.after, name) for name in names}
        best = sorted(names, key=lambda name: -gain[name])[: len(true)]
        found.append(len(set(best) & set(true)) / len(true))
        for _ in range(2):  # also with what is kept
            assert task.measure(reader, item) == {"recall": found[-1]}
    assert set(found) != {0.5}  # else the order would not matter


def likely(reader, question, prompt, name):
    source = question.window.parts[0].source
    text = Prompt.of(text_source("name", f' "{name}",\n', source.tokenizer, TRAINED))
    return -reader.nll(prompt + text, len(text)).sum()


def test_names_that_the_window_makes_likelier_count_as_found(tiny, items):
    """The names on either side may be exchanged: what was found as true is then false."""
    task, reader, item = Symbols(), Reader(tiny, PLAIN), items[0]
    names = item.payload.names
    other = replace(item.payload, names=Names(names.false, names.true))
    found = [task.measure(reader, one)["recall"] for one in (item, Item("x@1", item.length, other))]
    assert sum(found) == pytest.approx(1.0)


def test_a_chat_model_is_asked_in_its_own_words(chat, files):
    tokenizer = TextTokenizer.load(chat.card.folder)
    task = Symbols("generate", chat.card.folder)
    item = task.items(files, LENGTHS, 1, 0)[1]
    question = item.payload
    assert len(question.prompt) + min(ANSWER, LENGTHS[0] // 4) == item.length == LENGTHS[1]
    prefix, suffix = tokenizer.special.fim_prefix, tokenizer.special.fim_suffix
    ids = question.prompt.ids.tolist()
    assert ids[0] == prefix and ids.count(prefix) == 2 and ids.count(suffix) == 1
    text = text_of(question.prompt)
    assert text.startswith(f"user\n{BEFORE}{text_of(question.window)}\n```\n\nList") and text.endswith("assistant\n")


def test_answers_are_searched_for_the_names(chat, files):
    task, reader = Symbols("generate", chat.card.folder), Reader(chat, HIROPE)
    item = task.items(files, (1024,), 1, 0)[0]
    question = replace(item.payload, room=40)
    answer = reader.generate(question.prompt, 40, lambda _: False).decode(errors="replace")
    words = re.findall(r"\w+", answer)
    assert len(set(words)) > 1
    half = Names((words[0], "in_no_answer"), ("a", "b"))
    assert task.measure(reader, Item(item.id, 1024, replace(question, names=half))) == {"recall": 0.5}


def test_without_a_template_the_answer_is_a_comment(tiny, files):
    task = Symbols("generate")
    question = task.items(files, (1024,), 1, 0)[0].payload
    assert text_of(question.prompt).endswith(COMMENT) and not question.before.parts
    assert [symbols._left_comment(text) for text in (b"a, b\n", b"a\n# b", b"a\nclass", b"a\n\n")] == [0, 0, 1, 1]
    assert 0 <= task.measure(Reader(tiny, PLAIN), Item("x@1", 1024, replace(question, room=8)))["recall"] <= 1


def test_options(tiny, chat):
    parser = argparse.ArgumentParser()
    symbols.add_arguments(parser)
    base, tuned = tiny.card.folder, chat.card.folder
    for words, folder, how, used in (
        ([], base, "rank", None),
        ([], tuned, "generate", tuned),
        (["--how", "rank"], tuned, "rank", tuned),
        (["--how", "generate"], base, "generate", None),
    ):
        task = symbols.from_args(parser.parse_args(words), folder)
        assert (task.how, task.chat) == (how, used)


def test_a_template_that_cannot_be_used(tmp_path, files):
    folder = save_model(tmp_path)
    (folder / "chat_template.jinja").write_text("{{ raise_exception('no\nuser') }}")
    with pytest.raises(ModelRefused, match="no user"):
        Symbols("generate", folder).items(files, LENGTHS, 1, 0)
    (tmp_path / "two").mkdir()
    folder = save_model(tmp_path / "two")
    (folder / "chat_template.jinja").write_text("silence")
    with pytest.raises(ModelRefused, match="say once"):
        Symbols("generate", folder).items(files, LENGTHS, 1, 0)
