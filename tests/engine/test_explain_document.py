"""The document of the facts: what it says, and that nothing of a source file acts in it."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from explained import one
from fuzz import rng, rounds
from markdown_it import MarkdownIt

from hirope_ls.engine.explain import Facts, document
from hirope_ls.engine.explain.document import code, fenced, plain

PYTHON = '''
    @cache
    def far(a: int) -> int:
        """Far away.

        And more."""
        return near(a) + other(a)
    def near(a): return 1
    def user(): return $0far(1)
'''


def shown(facts: Facts, **options: object) -> str:
    return document(facts, uri=lambda path: f"file:///w/{path}", **options)  # type: ignore[arg-type]


def test_what_it_says():
    assert shown(one(PYTHON)) == (
        "### function `far`\n\n"
        "```python\n@cache\ndef far(a: int) -> int\n```\n\n"
        "Defined in [main.py:2](<file:///w/main.py#L2>)\n\n"
        "```text\nFar away.\n\nAnd more.\n```\n\n"
        "**Calls**\n\n- `near`: [main.py:7](<file:///w/main.py#L7>)\n- `other`\n\n"
        "**Called by**\n\n- `user`: [main.py:8](<file:///w/main.py#L8>)\n"
    )


def test_a_model_s_words_come_below():
    assert shown(one(PYTHON), explanation="It is *far*.").endswith("\n\n---\n\nIt is *far*.\n")


def test_what_is_not_sure_says_so():
    assert "Told by the name alone" in shown(one("x.$0run()\n", a="class A:\n    def run(self): pass\n"))


def test_long_documentation_is_cut_where_it_is_to_be_short():
    facts = replace(one(PYTHON), documentation="\n".join(f"line {i}" for i in range(50)))
    assert "line 49" in shown(facts) and "line 49" not in shown(facts, whole=False)


EVIL = (
    *(
        "<script>alert(1)</script>",
        "![x](http://evil)",
        "[a](command:run)",
        "```\n# out",
        "~~~~",
        "`",
        "``x``",
        "__init__",
    ),
    *("*a*", "\u202e", "\u2066", "\x1b[31m", "\r", "\u2028", "\0", "<b>", "&lt;", "| a | b |", "\n\n# head", "]", ")"),
    *("<", ">", "\\", "  ", "http://evil.example", "_x_", "a_b_c", "- x", "1. x", "\u200b", "  \n", "%41", "#L1"),
)


def test_nothing_in_the_facts_becomes_markup():
    random_of = rng("explain document")
    facts = one(PYTHON)
    for _ in range(rounds(150)):
        words = ["".join(random_of.choices(EVIL, k=random_of.randint(1, 5))) for _ in range(5)]
        evil = replace(
            facts,
            name=words[0],
            signature=words[1],
            decorators=(words[4],),
            documentation=words[2],
            spot=replace(facts.spot, path=words[3].replace("/", "")),
            calls=tuple(replace(call, text=words[0]) for call in facts.calls),
        )
        _is_harmless(shown(evil), evil)


def _is_harmless(text: str, facts: Facts) -> None:
    assert not any(
        unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") and char != "\n" and char != "\t" for char in text
    )
    markdown = MarkdownIt("commonmark").enable("table")
    markdown.validateLink = lambda url: True  # type: ignore[method-assign] # by itself it has no file: links
    tokens = markdown.parse(text)
    flat = [token for one in tokens for token in (one, *(one.children or ()))]
    allowed = {
        *("heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "fence", "text", "softbreak"),
        *("code_inline", "link_open", "link_close", "strong_open", "strong_close", "bullet_list_open"),
        *("bullet_list_close", "list_item_open", "list_item_close", "text_special"),
    }
    assert {token.type for token in flat} <= allowed, text
    links = [str(token.attrs["href"]) for token in flat if token.type == "link_open"]
    assert len(links) == 3 and all(link.startswith("file:///w/") for link in links)
    assert sum(token.type == "heading_open" for token in flat) == 1
    assert sum(token.type == "fence" for token in flat) == 1 + bool(facts.documentation.strip())


@pytest.mark.parametrize("text", ["`", "``", "a`b", " x ", "__x__", "<b>", "", "*"])
def test_code_and_words_come_out_as_they_are(text):
    markdown = MarkdownIt("commonmark")
    (found,) = markdown.parseInline(code(text))[0].children or ()
    assert found.type == "code_inline" and found.content.strip() == " ".join(text.split())
    assert markdown.parse(fenced(f"{text}\n```\n{text}"))[0].content == f"{text}\n```\n{text}\n"
    parts = markdown.parseInline(plain(text) or "x")[0].children or ()
    assert "".join(part.content for part in parts) == (" ".join(text.split()) or "x")
