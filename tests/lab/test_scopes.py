"""Tree distances and even units: what the experiments beyond the paper put on the unit level."""

import numpy as np
import pytest
from lab.eval_parts import tokenizer as tokenizer
from model.tiny_models import TRAINED

from hirope_ls.lab.eval.prompts import Prompt
from hirope_ls.lab.eval.reader import Reader
from hirope_ls.lab.eval.scopes import tree_distance, tree_levels
from hirope_ls.lab.eval.sources import text_source
from hirope_ls.lab.methods import Units, methods
from hirope_ls.problems import InputError

TEXT = """import os

def first():
    return os

class A:
    size = 1

    def one(self):
        return 1

    def two(self):
        return 2

class B:
    def one(self):
        return self
"""


def test_distances_in_the_tree():
    assert tree_distance(("p", "a.py", "A", "one"), ("p", "a.py", "A", "two")) == 2
    assert tree_distance(("p", "a.py", "A", "one"), ("p", "a.py", "A")) == 1
    assert tree_distance(("p", "a.py", "A", "one"), ("p", "b.py", "f")) == 5
    assert tree_distance(("p", "a.py"), ("p", "a.py")) == 0


def test_siblings_are_nearer_than_strangers(tokenizer):
    source = text_source("p/a.py", TEXT, tokenizer, TRAINED)
    end = source.token_at(TEXT.index("class B"))
    prompt = Prompt.of(source, 0, end)  # ends in A.two
    positions = prompt.positions(Units())
    seen = tree_levels(prompt, positions)
    assert seen[1].tolist() == positions[1].tolist() and seen.min() == 0
    names = ["import os", "def first", "class A", "def one", "def two"]
    level = {name: int(seen[0, source.token_at(TEXT.index(name))]) for name in names}
    assert level["def two"] > level["class A"] > level["def one"] == level["import os"] > level["def first"]
    assert level["def two"] - level["class A"] == 1 and level["def two"] - level["def first"] == 3


def test_a_file_of_the_same_folder_is_nearer_than_one_of_another(tokenizer):
    one, near, far = (text_source(name, TEXT, tokenizer, TRAINED) for name in ("p/a.py", "p/b.py", "q/c.py"))
    prompt = Prompt.of(far) + Prompt.of(near) + Prompt.of(one)
    seen = tree_levels(prompt, prompt.positions(Units()))
    assert seen[0, 0] < seen[0, len(far)] < seen[0, len(far) + len(near)]


def test_even_units(tokenizer):
    source = text_source("p/a.py", TEXT * 5, tokenizer, TRAINED)
    prompt = Prompt.of(source, 7)
    positions = prompt.positions(Units(units="even"))
    assert positions.shape == (2, len(prompt)) and (positions[0] * 64 + positions[1] == np.arange(len(prompt))).all()


def test_each_is_a_method_of_its_own(tiny, tokenizer):
    source = text_source("p/a.py", TEXT * 5, tokenizer, TRAINED)
    prompt = Prompt.of(source)
    order = "hirope:split=natural:gain=0"
    names = order, f"{order}:distance=tree", f"{order}:units=even"
    told = [Reader(tiny, method).nll(prompt, 20) for method in methods(",".join(names), TRAINED)]
    assert all(abs(told[0] - other).max() > 1e-4 for other in told[1:])


@pytest.mark.parametrize(
    "wrong",
    [
        "hirope:gain=0:distance=tree",
        "hirope:split=natural:distance=tree",
        "hirope:split=natural:levels=3:units=even",
        "hirope:units=odd",
    ],
)
def test_what_does_not_go_together(wrong):
    with pytest.raises(InputError):
        methods(wrong, TRAINED)
