"""End to end: the command an editor runs, the bundled model, a real file of some 2,000 lines."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

import pytest
from editor import Editor
from fuzz import python_files, rng, rounds, save_failure

from hirope_ls.model.folder import bundled_folder

pytestmark = pytest.mark.skipif(not bundled_folder().is_dir(), reason="the bundled model is not there")

URI, COPY, SMALL = "file:///work/real.py", "file:///work/copy.py", "file:///work/small.py"
TYPED = "file:///work/typed.py"
PATIENT = {"deadlineMs": 120_000, "maxNewTokens": 24}  # a busy machine must not change what is said


def real_text() -> str:
    """A file of the standard library with 1,900 to 2,600 lines."""
    for path in python_files(10_000, 50_000, 150_000):
        text = path.read_bytes().decode()
        if 1900 <= text.count("\n") <= 2600 and "\r" not in text:
            return text
    raise AssertionError("the standard library has no such file")


@pytest.fixture(scope="module")
def editor() -> Iterator[Editor]:
    """One server for all: its model takes seconds to load. Tests take files of their own."""
    with Editor() as editor:
        editor.initialize(options=PATIENT, encodings=["utf-8", "utf-16"])
        yield editor


def line_end(text: str, line: int) -> int:
    """The string index of the end of a line that has some code on it, from `line` on."""
    lines = text.splitlines(keepends=True)
    while not lines[line].strip().endswith((")", ":", ",")):
        line += 1
    return sum(map(len, lines[: line + 1])) - 1


def complete(editor: Editor, uri: str, index: int) -> tuple[Any, dict[str, Any]]:
    answer = editor.reply(editor.inline(uri, index), 180)
    last = editor.last(uri)
    assert not last["outcome"].startswith(("error", "deadline")), last
    return answer, last


def test_a_keystroke_reuses_all_but_a_few_tokens(editor: Editor) -> None:
    text = real_text()
    editor.open(TYPED, text)
    at = line_end(text, 1000)
    early = editor.reply(editor.inline(TYPED, at), 180)
    loading = editor.last(TYPED)["outcome"] == "loading"
    assert not loading or early == {"items": []}
    editor.ready(180)
    first, last = complete(editor, TYPED, at)
    if first["items"] and loading:
        assert last["outcome"] == "cached", "asked while the model was loading: known once it is loaded"
    prefilled = []
    for _ in range(4):
        suggested = first["items"][0]["insertText"][:1] if first["items"] else ""
        letter = "q" if suggested != "q" else "z"
        editor.change(TYPED, (at, at, letter))
        at += 1
        first, last = complete(editor, TYPED, at)
        tokens = last["tokens"]
        assert tokens["reused"] + tokens["prefilled"] == tokens["prompt"], tokens
        assert tokens["prompt"] > 2000 and last["mentions"] > 0, last
        prefilled.append(tokens["prefilled"])
    # One of the four may cross the place where the near prefix begins anew.
    assert sorted(prefilled)[-2] <= 8, prefilled
    cache = editor.inspect(TYPED)["cache"]
    editor.close(TYPED)
    assert cache["tokens"] >= tokens["prompt"]
    assert cache["bytes"] > 0


def test_inspect(editor: Editor) -> None:
    text = (
        "import os\n\n\ndef first(a):\n    return a\n\n\nclass C:\n    x = 1\n\n    def m(self):\n        return 'é𝒳'\n"
    )
    editor.open(SMALL, text)
    seen = editor.inspect(SMALL)  # waits for the tokenizer, not for the model
    assert seen["version"] == 1
    assert seen["trainedLength"] > 0
    assert len(seen["digest"]) == 64
    assert [(unit["kind"], unit["name"]) for unit in seen["units"]] == [
        ("module", ""),
        ("function", "first"),
        ("class", "C"),
        ("function", "C.m"),
    ]
    assert [unit["unitIndex"] for unit in seen["units"]] == [0, 1, 2, 3]
    assert sum(unit["tokens"] for unit in seen["units"]) == seen["tokens"]
    ends = [(unit["range"]["start"], unit["range"]["end"]) for unit in seen["units"]]
    assert ends[0][0] == {"line": 0, "character": 0}
    assert all(before[1] == after[0] for before, after in itertools.pairwise(ends))
    assert ends[-1][1] == editor.texts[SMALL].position(len(text))


@pytest.mark.timeout(900)
def test_many_edits_then_everything_equals_fresh_and_cold(editor: Editor) -> None:
    random = rng("real")
    text = real_text()
    editor.open(URI, text)
    editor.ready(180)
    steps = rounds(2000)
    asked: list[tuple[str, int, Any]] = []
    for step in range(1, steps + 1):
        edit = random_edit(random, editor.texts[URI].text)
        editor.change(URI, edit)
        if step % 20 == 0:
            compare(editor)
        if step % (steps // 4) == 0:
            at = line_end(editor.texts[URI].text, random.randrange(100, 400))
            editor.change(URI, (at, at, "\n    "))
            asked.append((editor.texts[URI].text, at + 5, complete(editor, URI, at + 5)[0]))
    with Editor() as cold:
        cold.initialize(options=PATIENT, encodings=["utf-8"])
        cold.ready(180)
        for number, (then, at, answer) in enumerate(asked):
            uri = f"file:///work/cold{number}.py"
            cold.open(uri, then)
            assert complete(cold, uri, at)[0] == answer, save_failure("cold", then)


def compare(editor: Editor) -> None:
    """The document equals a copy that is opened now."""
    editor.open(COPY, editor.texts[URI].text)
    held, fresh = editor.inspect(URI), editor.inspect(COPY)
    editor.close(COPY)
    for key in ("tokens", "digest", "units"):
        assert held[key] == fresh[key], save_failure("inspect", editor.texts[URI].text)


NEW = ("x", "é", "    ", "\n", "(", ")", '"', "'''", "#", "def g(y):\n    return y\n", "class D:\n", "𝒳", "\\", ":")


def random_edit(random: random.Random, text: str) -> tuple[int, int, str]:
    """Mostly typing near one place, sometimes elsewhere, sometimes a deletion."""
    if random.random() < 0.1:
        random_edit.place = random.randrange(len(text))  # type: ignore[attr-defined]
    start = min(getattr(random_edit, "place", len(text) // 2) + random.randrange(40), len(text))
    end = min(len(text), start + random.choice([0, 0, 0, 1, 2, 30]))
    return start, end, random.choice(NEW) if random.random() < 0.8 else ""
