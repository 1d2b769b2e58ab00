"""Healing: which tokens are read again, a prompt that hardly changes while a word is typed, words that come out."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from bundled import local_model, open_text, question, tokenizer
from fixture import cursor
from fuzz import python_files, rng, rounds

from hirope_ls.engine.complete import complete
from hirope_ls.engine.excerpt import prefix_tokens
from hirope_ls.engine.healing import MOST, kept_tokens
from hirope_ls.engine.options import Options
from hirope_ls.engine.prompt import Prompt, build_prompt
from hirope_ls.model.runs import Tokens


def prompt_at(text: str, offset: int, heal: bool = True) -> Prompt:
    return build_prompt(question(open_text(text), offset, Options(heal=heal)))


@pytest.mark.parametrize(
    ("marked", "healed"),
    [
        ("x = self.get$0\n", b".get"),
        ("x = self.get$0ter\n", b".get"),
        ("x = self$0\n", b" self"),
        ("x = self.$0\n", b"."),
        ("x = $0\n", b" "),
        ("x = 1\n    $0\n", b"    "),
        ("x = 1\n$0\n", b""),
        ("x = f($0)\n", b"("),
        ("x$0", b""),  # the first token stays
        ("if 12$0", b"12"),
        ("", b""),
        ('s = "na\u00efv$0', "a\u00efv".encode()),  # each byte is a token
    ],
)
def test_golden(marked: str, healed: bytes) -> None:
    text, offset = cursor(marked) if marked else ("", 0)
    assert prompt_at(text, offset).healed == healed


def test_at_most_some_tokens_are_read_again() -> None:
    data = b"x = 1\n" + b"a_b_" * 12
    tokens = Tokens.of(np.zeros(len(data), np.int32), np.arange(1, len(data) + 1))
    assert kept_tokens(data, len(data), tokens) == len(data) - MOST


def test_the_prompt_hardly_changes_while_a_word_is_typed() -> None:
    """And is that without healing, less what is healed."""
    random = rng("healing")
    files = python_files(rounds(6), smallest=3000, largest=30_000)
    for path in files:
        text = path.read_text("utf-8")
        at = random.randrange(len(text) // 3, len(text))
        offset = len(text[:at].encode())
        prompt, plain = prompt_at(text, offset), prompt_at(text, offset, heal=False)
        known = prefix_tokens(open_text(text), offset, tokenizer()).ids
        tokens = prompt.dropped + prompt.far + prompt.near
        assert 0 <= len(known) - tokens <= MOST
        assert tokenizer().decode(known[tokens:]) == prompt.healed
        assert plain.healed == b"" and (prompt.healed or np.array_equal(prompt.ids, plain.ids))
    word, text = "quite", "import os\n" * 300 + "print(os."
    prompts = [prompt_at(text + word[:n] + ")\n", len(text) + n) for n in range(1, len(word) + 1)]
    assert {prompt.healed.removeprefix(b".").decode() for prompt in prompts} == {word[:n] for n in range(1, 6)}
    size = min(prompt.ids.size for prompt in prompts)  # the point belongs to the first token or not
    assert all(np.array_equal(prompt.ids[:size], prompts[0].ids[:size]) for prompt in prompts)
    assert max(prompt.ids.size for prompt in prompts) <= size + 1


def test_half_typed_names_are_finished() -> None:
    """The trained model, where the name is clear: as it stands it does not finish most of these."""
    text = "class A:\n    def __init__(self, left, right):\n        self.left = left\n        self.right = right\n\n"
    text += "    def total(self):\n        return self.left + self.right\n\n\n"
    text += "    def swap(self):\n        self."
    model, stop = local_model(), threading.Event()
    found = []
    for name in ("left", "right"):
        for typed in range(1, len(name)):
            offset = len(text) + typed
            here = question(open_text(text + name[:typed] + "\n\nx = 1\n"), offset, Options(max_new_tokens=6))
            done, cold = (complete(here, each, stop) for each in (model, local_model()))
            assert (done.text, done.outcome) == (cold.text, cold.outcome)
            assert done.start == offset
            found.append(done.text.startswith(name[typed:]))
    assert sum(found) >= 5, found


def test_what_was_healed_is_not_shown_when_there_is_no_time() -> None:
    text = "x = self.fo"
    snapshot, model = open_text(text), local_model()
    done = complete(question(snapshot, len(text)), model, threading.Event(), deadline=0.0)
    assert (done.text, done.outcome) == ("", "deadline")
    one = complete(question(snapshot, len(text), Options(max_new_tokens=1)), model, threading.Event())
    assert not one.text.startswith((".f", "f"))
