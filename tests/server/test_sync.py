"""The server's text is the editor's text, whatever is edited and however positions are counted; it never guesses."""

from __future__ import annotations

import random
from typing import Any

import pytest
from editor import Editor, ReplyError, Text
from fuzz import rng, rounds, save_failure
from server.conftest import Start

from hirope_ls.server.documents import path_of
from hirope_ls.server.narrow import narrowed
from hirope_ls.text.edit import Edit

PIECES = (
    *("def f(x):\n", "    return x\n", "class C:\n", "\n", "\r\n", "\r", "é", "ß", "日本", "𝒳", "👍🏽", "\u2028"),
    *("\x0c", "\x0b", "\x85", "'", '"""', "#", "(", ")", "  ", "\t", "x", "<|fim_middle|>", "e\u0301", "\ufeff"),
)
URI, COPY = "file:///a.py", "file:///copy.py"


def scribble(random: random.Random, length: int) -> str:
    return "".join(random.choice(PIECES) for _ in range(length))


def random_edit(random: random.Random, text: str) -> tuple[int, int, str]:
    start = random.randrange(len(text) + 1)
    end = min(len(text), start + random.choice([0, 0, 0, 1, 1, 3, 20]))
    return start, end, scribble(random, random.choice([0, 0, 1, 1, 2, 5]))


def same_as_fresh(editor: Editor, uri: str) -> None:
    """What the server holds for `uri` equals what it makes of the editor's text afresh."""
    held = editor.inspect(uri)
    editor.open(COPY, editor.texts[uri].text)
    fresh = editor.inspect(COPY)
    editor.close(COPY)
    assert held["version"] == editor.texts[uri].version
    for key in ("tokens", "digest", "units"):
        assert held[key] == fresh[key], key


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (None, "utf-16"),
        (["utf-16"], "utf-16"),
        (["utf-16", "utf-8"], "utf-8"),
        (["utf-32", "utf-16"], "utf-32"),
        (["utf-7"], "utf-16"),
    ],
)
def test_random_edits(fake: Start, offered: list[str] | None, chosen: str) -> None:
    random = rng(f"sync-{chosen}-{len(offered or [])}")
    with fake() as editor:
        editor.initialize(encodings=offered)
        assert editor.encoding == chosen
        history = [("open", scribble(random, 60))]
        editor.open(URI, history[0][1])
        for step in range(rounds(120)):
            edits = []
            text = editor.texts[URI].text
            for _ in range(random.choice([1, 1, 1, 4])):
                start, end, new = random_edit(random, text)
                edits.append((start, end, new))
                copy = Text(text, "utf-8")
                copy.replace(start, end, new)
                text = copy.text
            if random.random() < 0.05:
                text = scribble(random, 60)
                editor.change_all(URI, text)
            else:
                editor.change(URI, *edits)
            history.append((str(edits), text))
            if step % 20 == 19:
                try:
                    same_as_fresh(editor, URI)
                except AssertionError:
                    save_failure(f"sync-{chosen}", repr(history))
                    raise


def change(version: int, *changes: dict[str, Any]) -> dict[str, Any]:
    return {"textDocument": {"uri": URI, "version": version}, "contentChanges": list(changes)}


def span(line: int, start: int, end: int) -> dict[str, Any]:
    return {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}


INVALID: list[tuple[str, dict[str, Any]]] = [
    ("an older version", change(1, {"range": span(0, 0, 0), "text": "y"})),
    ("the same version", change(5, {"range": span(0, 0, 0), "text": "y"})),
    ("a reversed range", change(6, {"range": span(0, 3, 1), "text": "y"})),
    ("a lone surrogate", change(6, {"range": span(0, 0, 0), "text": "\ud800"})),
    ("good, then bad", change(6, {"range": span(0, 0, 0), "text": "y"}, {"range": span(0, 3, 1), "text": ""})),
    ("a malformed range", change(6, {"range": {"start": 5}, "text": "y"})),
    ("no text", change(6, {"range": span(0, 0, 0)})),
    ("no changes", {"textDocument": {"uri": URI, "version": 6}}),
    ("no version", {"textDocument": {"uri": URI}, "contentChanges": [{"text": "y"}]}),
]


def test_invalid_changes_are_never_guessed_at(fake: Start) -> None:
    with fake() as editor:
        editor.initialize()
        editor.ready()
        for name, bad in INVALID:
            editor.open(URI, "x = 1\n")
            editor.texts[URI].version = 4
            editor.change(URI, (0, 0, "a"))
            assert editor.inspect(URI)["version"] == 5, name
            editor.notify("textDocument/didChange", bad)
            assert editor.reply(editor.inline(URI, 3)) == {"items": []}, name
            assert editor.last(URI)["outcome"] == "empty:out-of-sync", name
            with pytest.raises(ReplyError):
                editor.inspect(URI)
            # An incremental change does not help, a full text does.
            editor.texts[URI].version = 6
            editor.change(URI, (0, 0, "b"))
            assert editor.reply(editor.inline(URI, 3)) == {"items": []}, name
            editor.change_all(URI, "z = [1, 2]\n")
            same_as_fresh(editor, URI)
            assert editor.reply(editor.inline(URI, 3))["items"], name
            editor.close(URI)


def test_reopening_brings_a_document_back(fake: Start) -> None:
    with fake() as editor:
        editor.initialize()
        editor.open(URI, "x = 1\n")
        editor.notify("textDocument/didChange", change(1, {"text": "old"}))
        editor.open(URI, "y = 1\n")
        same_as_fresh(editor, URI)
        editor.close(URI)
        editor.open(URI, "y = 2\n")
        editor.change(URI, (0, 1, "z"))
        same_as_fresh(editor, URI)


def test_edits_made_while_a_large_file_is_read(fake: Start) -> None:
    random = rng("large")
    with fake() as editor:
        editor.initialize()
        text = "".join(f"def function_{at}(x):\n    return x + {at}\n\n\n" for at in range(4000))
        editor.open(URI, text)
        for at in range(30):
            editor.change(URI, random_edit(random, editor.texts[URI].text))
            if at == 20:
                editor.change_all(URI, editor.texts[URI].text[5000:] + "# end\n")
        same_as_fresh(editor, URI)


def test_narrowed_edits_do_the_same() -> None:
    random = rng("narrowed")
    for _ in range(rounds(2000)):
        old = scribble(random, random.randrange(8)).encode()
        new = old if random.random() < 0.2 else scribble(random, random.randrange(8)).encode()
        if random.random() < 0.5:
            head, tail = scribble(random, 3).encode(), scribble(random, 3).encode()
            old, new = head + old + tail, head + new + tail
        small = narrowed(Edit(0, len(old), new), old)
        assert old[: small.start] + small.new + old[small.old_end :] == new
        for part in (old[: small.start], small.new, old[small.old_end :]):
            part.decode()
        if old == new:
            assert small.start == small.old_end
            assert small.new == b""


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a/b%20c.py", "/a/b c.py"),
        ("untitled:Untitled-1.py", "Untitled-1.py"),
        ("file:", None),
        ("http://[bad", None),
        ("", None),
    ],
)
def test_path_of(uri: str, path: str | None) -> None:
    assert path_of(uri) == path
