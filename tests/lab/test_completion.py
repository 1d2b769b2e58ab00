"""Next lines: which are asked for, what stands before them, and how an answer is compared."""

import argparse
import random
from pathlib import Path

import pytest
from lab.eval_parts import HIROPE, PAPER, PLAIN, THREE, workspace
from model.tiny_models import TRAINED

from hirope_ls.lab.eval import completion
from hirope_ls.lab.eval.completion import MOST, Completion, Target, compared
from hirope_ls.lab.eval.copying import BASELINES, copied, reader
from hirope_ls.lab.eval.lines import STRETCH, Line, chosen, code_lines
from hirope_ls.lab.eval.reader import Reader
from hirope_ls.lab.eval.rest import Rest
from hirope_ls.lab.eval.sources import sources, text_source
from hirope_ls.lab.eval.task import Item
from hirope_ls.lab.methods import methods
from hirope_ls.problems import InputError

LENGTHS = (192, 512)

CODE = '''\
"""A module that is about
lines of text = (which look like code)
"""
import os, sys
from os.path import (
    join as join_paths,
)

# a comment = of(the, module)
class Thing:
    """What it is."""
    text = "a string" + other(1)

    def method(self, first, second):
        x
        return first + second
        later = first(second)  # and a comment
table = [
    "a string that stands alone",
    "key" + join_paths(1, 2),
]
'''


def text_of(prompt):
    source = prompt.parts[0].source
    return source.tokenizer.decode(prompt.ids).decode(errors="replace")


def test_lines_that_are_code(tokenizer):
    source = text_source("p/code.py", CODE, tokenizer, TRAINED)
    lines = list(code_lines(source))
    assert [line.text for line in lines] == [
        "class Thing:",
        'text = "a string" + other(1)',
        "def method(self, first, second):",
        "return first + second",
        "table = [",
        '"key" + join_paths(1, 2),',
    ]
    for line in lines:
        assert CODE.splitlines()[line.number - 1].strip() == line.text
        rest = tokenizer.decode(source.tokens.ids[line.first :]).decode()
        assert rest.lstrip(" ").startswith(line.text)  # blanks of the line itself and nothing of the one before


def test_lines_are_chosen_near_each_other():
    lines = [Line(number, number * 20, "x") for number in range(200)]
    taken = [chosen(lines, 4, random.Random(seed)) for seed in range(20)]
    assert all(len(set(four)) == 4 and four == sorted(four, key=lambda line: line.first) for four in taken)
    assert all(four[-1].first - four[0].first <= STRETCH for four in taken)
    assert len({four[0] for four in taken}) > 10
    assert chosen(lines[:1], 4, random.Random(0)) == lines[:1] and chosen([], 4, random.Random(0)) == []


def test_the_same_lines_at_every_length(texts):
    items = Completion(lines=3).items(texts, LENGTHS, 2, 0)
    short, long = ([item for item in items if item.length == length] for length in LENGTHS)
    assert [item.id for item in short] == [item.id for item in long] and len({item.id for item in items}) == 6
    assert {item.file for item in items} == {source.name for source in texts}
    for one, other in zip(short, long, strict=True):
        assert (len(one.payload.prompt), len(other.payload.prompt)) == tuple(length - MOST for length in LENGTHS)
        assert one.payload.text == other.payload.text
        assert text_of(other.payload.prompt).endswith(text_of(one.payload.prompt))


def test_a_line_follows_its_prompt(texts):
    for item in Completion().items(texts, LENGTHS, 2, 0):
        source = next(source for source in texts if source.name == item.file)
        lines = source.data.decode().splitlines()
        number = int(item.id.rpartition("@")[2])
        assert lines[number - 1].strip() == item.payload.text
        assert text_of(item.payload.prompt).rstrip(" ").endswith(f"{lines[number - 2]}\n")


def test_items_depend_on_the_seed_alone(texts):
    ids = [[item.id for item in Completion().items(texts, LENGTHS, 2, seed)] for seed in (0, 0, 1)]
    assert ids[0] == ids[1] != ids[2]
    assert {item.file for item in Completion().items(texts, LENGTHS, 1, 0)} == {texts[0].name}


def test_too_long_or_too_short_a_context(texts):
    with pytest.raises(InputError, match="no file has a line"):
        Completion().items(texts, (50_000,), 2, 0)
    with pytest.raises(InputError, match="128 or more"):
        Completion().items(texts, (64, 512), 2, 0)


BODY = "def {name}(value):\n    return value + {name}_of(value)\n\n\n"
MAIN = "from pkg.used import helper, unused\nimport os\n\n\ndef main(value):\n" + "    more = value + value\n" * 3
REPO = {
    "pkg/main.py": MAIN + "    return helper(value)\n" + "    x = value(os)\n" * 300,
    "pkg/used.py": "def helper(value):\n    return value * 2\n",
    "pkg/unused.py": "".join(BODY.format(name=f"f{at}") for at in range(30)),
}


def test_a_repository_stands_in_front(tmp_path, tokenizer):
    files = sources([workspace(tmp_path, REPO) / "pkg"], tokenizer, TRAINED)
    items = Completion("repo").items(files, LENGTHS, 5, 0)
    assert [item.id for item in items] == ["pkg/main.py@9"] * 2  # the one line that uses what is imported
    for item in items:
        assert item.payload.text == "return helper(value)"
        *_, used, main = item.payload.prompt.parts
        assert (used.source.name, main.source.name) == ("pkg/used.py", "pkg/main.py")
        assert len(item.payload.prompt) == item.length - MOST
    assert items[1].payload.prompt.parts[0].source.name == "pkg/unused.py"


def test_other_workspaces_do_not(tmp_path, tokenizer):
    root = workspace(tmp_path, {name.replace("pkg/unused", "other/unused"): text for name, text in REPO.items()})
    files = sources([root / "pkg", root / "other"], tokenizer, TRAINED)
    with pytest.raises(InputError):
        Completion("repo").items(files, LENGTHS, 5, 0)


@pytest.mark.parametrize("method", [PLAIN, HIROPE], ids=lambda method: method.name)
def test_what_the_model_writes_is_compared(tiny, texts, method):
    task, reader = Completion(), Reader(tiny, method)
    item = task.items(texts, LENGTHS, 1, 0)[-1]
    written = reader.generate(item.payload.prompt, MOST, lambda text: b"\n" in text)
    line = written.split(b"\n")[0].decode(errors="replace").strip()
    assert task.measure(reader, item) == compared(line, item.payload.text)
    right = Item(item.id, item.length, Target(item.payload.prompt, line))
    assert task.measure(reader, right) == {"exact_match": 1.0, "edit_similarity": 1.0}


def test_comparison():
    assert compared("x = 1", "x = 1") == {"exact_match": 1.0, "edit_similarity": 1.0}
    assert compared("", "x = 1") == {"exact_match": 0.0, "edit_similarity": 0.0}
    assert compared("abcd", "abxd") == {"exact_match": 0.0, "edit_similarity": pytest.approx(0.75)}
    long = "value = " * 40  # difflib would take such frequent letters for junk
    assert compared(f"{long}1", f"{long}2")["edit_similarity"] > 0.99


def test_options():
    parser = argparse.ArgumentParser()
    completion.add_arguments(parser)
    task = completion.from_args(parser.parse_args([]), Path())
    assert (task.context, task.lines) == ("file", 2)
    task = completion.from_args(parser.parse_args(["--context", "repo", "--lines", "4"]), Path())
    assert (task.context, task.lines) == ("repo", 4)


def test_the_rest_of_a_line_is_asked_for_as_an_editor_asks(tiny, texts):
    """Readers take turns at a model, and each answers as if it were alone."""
    items = Rest(lines=1).items(texts, LENGTHS, 2, 0)
    alone = [[answered(Reader(tiny, method), item) for item in items] for method in (PLAIN, HIROPE)]
    asked = [Reader(tiny, method) for method in (PLAIN, HIROPE)]
    by_turns = [[answered(one, item) for one in asked] for item in items]
    assert by_turns == [list(pair) for pair in zip(*alone, strict=True)]
    for item in items:
        assert Rest().measure(asked[1], item) == compared(
            answered(asked[1], item).strip(), item.payload.missing.strip()
        )
    (copying,) = methods("copy", TRAINED, BASELINES)
    there = copied(items[0].payload.before, items[0].payload.after).decode()
    assert answered(reader(tiny, copying), items[0]) == there


def answered(one, item):
    gap = item.payload
    return one.fill(gap.above.tokenizer, gap.name, gap.before, gap.after)


@pytest.mark.parametrize("method", [PAPER, THREE])
def test_what_cannot_be_served_cannot_be_asked_so(tiny, texts, method):
    with pytest.raises(InputError, match=f"{method.name} cannot be asked as an editor asks"):
        answered(Reader(tiny, method), Rest(lines=1).items(texts, LENGTHS, 1, 0)[0])
