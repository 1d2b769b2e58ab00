"""Distant: the right function, the same near text at every distance, and figures that a slow twin gives as well."""

import re

import numpy as np
import pytest
import torch
from fuzz import python_files
from lab.eval_parts import HIROPE, MENTIONING, PLAIN, spoken_of
from model.tiny_models import TRAINED

from hirope_ls.lab.eval.distant import LONGEST, SHORTEST, Distant, functions
from hirope_ls.lab.eval.reader import Reader
from hirope_ls.lab.eval.sources import text_source
from hirope_ls.problems import InputError

DISTANCES = (100, 400, 3000)

SHOP = '''"""A shop."""

import sums


class Till:
    """It adds."""

    # What is bought.
    @cached
    def charge_for(self, goods, price: int, *, rebate=0, **more):
        """The price of goods,
        less the rebate."""
        paid = goods * price - rebate
        return self.total + paid

    def empty(self):
        self.total = 0
        self.total = 0
        self.total = 0
        self.total = 0


def at(left, right):
    return left + right + left + right + left + right + left + right


def __add__(left, right):
    return left + right + left + right + left + right + left + right


def grown(left, right): return left + right + left + right + left + right + left + right + left


print("done")
'''


@pytest.fixture(scope="module")
def files(tokenizer):
    paths = python_files(30, smallest=2_000, largest=9_000)
    return [text_source(f"p/{path.name}", path.read_text("utf-8"), tokenizer, TRAINED) for path in paths]


@pytest.fixture
def shop(tokenizer):
    return text_source("p/shop.py", SHOP, tokenizer, TRAINED)


def decoded(prompt):
    tokenizer = prompt.parts[0].source.tokenizer
    return tokenizer.decode(prompt.ids).decode(errors="replace")


def test_only_telling_functions_of_a_fit_size(shop):
    (found,) = functions(shop)
    assert (found.name, found.parameters) == ("charge_for", ("goods", "price", "rebate"))
    text = decoded(found.text)
    assert text.strip().startswith("# What is bought.\n    @cached") and text.endswith("return self.total + paid")
    rest = shop.tokenizer.decode(shop.tokens.ids[found.body : found.last]).decode()
    assert rest.lstrip().startswith('"""The price of goods,') and rest.endswith("return self.total + paid")


def test_functions_of_real_files(files):
    found = [function for source in files for function in functions(source)]
    assert len(found) > 10
    for function in found:
        assert SHORTEST <= function.last - function.first <= LONGEST
        assert function.first < function.body < function.last
        assert len(function.parameters) >= 2 and not {"self", "cls"} & set(function.parameters)
        head = decoded(function.text).partition(f"def {function.name}(")
        assert head[1] and all(re.search(rf"\b{name}\b", head[2]) for name in function.parameters)


def test_near_text_is_the_same_at_every_distance(files):
    items = Distant().items(files, DISTANCES, 4, 0)
    assert [item.length for item in items] == [distance for distance in DISTANCES for _ in range(4)]
    for item, farthest in zip(items, items[-4:] * 3, strict=True):
        need = item.payload
        assert item.id == farthest.id and need.function == farthest.payload.function
        assert len(need.between) == item.length
        assert np.array_equal(need.between.ids, farthest.payload.between.ids[-item.length :])
        assert not re.search(rf"\b{need.function.name}\b", decoded(need.between))


def test_the_copy_stands_in_its_own_place(files):
    """Right behind what is before it in its file, and the rest of that file comes before any other."""
    for item in Distant().items(files, DISTANCES, 6, 0):
        function, parts = item.payload.function, item.payload.between.parts
        if function.first:
            assert (parts[-1].source, parts[-1].last) == (function.source, function.first)
        own = [part for part in parts if part.source is function.source]
        assert parts[-len(own) :] == tuple(own)
        if len(own) < len(parts):
            assert sum(map(len, own)) == len(function.source) - len(function.text)
        assert all(not (part.first < function.last and part.last > function.first) for part in own)


def test_one_function_of_each_file_first_drawn_by_the_seed(files):
    ids = [item.id for item in Distant().items(files, [200], 100, 0)]
    names = [id.partition("@")[0] for id in ids]
    once = sorted(set(names), key=names.index)
    assert names[: len(once)] == once and len(once) < len(ids) == len(set(ids))
    assert [item.id for item in Distant().items(files, [200], len(once), 0)] == ids[: len(once)]
    assert [item.id for item in Distant().items(files, [200], len(once), 1)] != ids[: len(once)]


def test_what_is_too_short_is_one_line(shop):
    assert len(Distant().items([shop], [100], 5, 0)) == 1
    with pytest.raises(InputError, match="5,000 tokens of other code"):
        Distant().items([shop], [100, 5000], 5, 0)


def test_a_name_that_the_other_code_holds_is_left_out(tokenizer):
    source = text_source("p/shop.py", SHOP + "Till().charge_for(1, 2)\n", tokenizer, TRAINED)
    with pytest.raises(InputError):
        Distant().items([source], [len(source) - 200], 5, 0)
    near = text_source("p/near.py", "import sums\n" * 400, tokenizer, TRAINED)
    assert Distant().items([text_source("p/shop.py", SHOP, tokenizer, TRAINED), near], [900], 5, 0)
    near = text_source("p/near.py", "import charge_for\n" * 400, tokenizer, TRAINED)
    with pytest.raises(InputError):
        Distant().items([text_source("p/shop.py", SHOP, tokenizer, TRAINED), near], [900], 5, 0)


@pytest.mark.parametrize("method", [PLAIN, HIROPE, MENTIONING], ids=lambda method: method.name)
def test_figures_are_those_of_a_slow_twin(tiny, files, shop, method):
    """Over whole prompts, in one pass each, with nothing shared."""
    task, reader = Distant(), Reader(tiny, method)
    for item in task.items([shop, *files], [90, 300], 2, 0):
        function, need = item.payload.function, item.payload
        found = task.measure(reader, item)
        assert tuple(found) == task.metrics
        copied = function.text + need.between + function.text
        likely = told(tiny, copied, len(function.text), method)
        assert found["copy_nll"] == pytest.approx(-likely[0][-(function.last - function.body) :].mean(), abs=1e-3)
        text = f"\n\n\nresult = {function.name}(" + ", ".join(f"{name}={name}" for name in function.parameters) + ")\n"
        call = text_source(function.source.name, text, function.source.tokenizer, TRAINED)
        asked = function.text + need.between + type(copied).of(call)
        likely, best = told(tiny, asked, len(call), method)
        names = argument_tokens(call, function.parameters)
        chosen = np.concatenate(names) - len(call)
        assert found["nll"] == pytest.approx(-likely[chosen].mean(), abs=1e-3)
        assert found["exact_match"] == np.mean([best[tokens - len(call)].all() for tokens in names])


def told(loaded, prompt, ending, method):
    """`ending`: how many tokens are asked about."""
    loaded.hirope.scheme = method.scheme
    positions, rows = prompt.positions(method.units), torch.from_numpy(prompt.ids.astype(np.int64))
    spoken = spoken_of(prompt, prompt.ids, positions, len(prompt) - ending - 1) if method.scheme.mention_gain else None
    logits = loaded.hirope.forward(rows[None], positions, mentions=spoken)[0, :-1].log_softmax(-1)
    return logits.gather(1, rows[1:, None])[:, 0].numpy(), (logits.argmax(-1) == rows[1:]).numpy()


def argument_tokens(call, parameters):
    """Token by token: those that hold a byte of a name that `=` follows."""
    text = call.data.decode()
    spans = [match.span(1) for match in re.finditer(r"[(,] ?(\w+)=", text)]
    assert [text[slice(*span)] for span in spans] == list(parameters)
    touched, begin = [[] for _ in spans], 0
    for token, end in enumerate(call.tokens.ends.tolist()):
        for at, span in enumerate(spans):
            if set(range(begin, end)) & set(range(*span)):
                touched[at].append(token)
        begin = end
    return [np.array(tokens) for tokens in touched]
