"""What a model wrote, as prose: where a comment ends, what is cut, and that nothing in it acts."""

from __future__ import annotations

import pytest
from fuzz import rng, rounds

from hirope_ls.engine.explain.prose import as_markdown, comment_prose, explanation, repeats, whole_sentences


@pytest.mark.parametrize(
    ("text", "over", "words"),
    [
        (" adds.", False, ("adds.", False)),
        (" adds.\n", False, ("adds.", False)),
        (" adds.\n    #", False, ("adds.", False)),
        (" adds.\n    # And more", False, ("adds.\nAnd more", False)),
        (" adds.\n\ndef f", False, ("adds.", True)),
        (" adds.\nx", False, ("adds.", True)),
        ("\n# It adds.\n#\n# Twice.\n", True, ("It adds.\n\nTwice.", True)),
        (" adds.\n", True, ("adds.", True)),
    ],
)
def test_a_comment_goes_on_while_its_mark_does(text: str, over: bool, words: tuple[str, bool]) -> None:
    assert comment_prose(text, "#", over) == words


def test_marks_of_two_characters() -> None:
    assert comment_prose(" adds.\n/", "//", False) == ("adds.", False)
    assert comment_prose(" adds.\n/// more\n// yet\nint x;", "//", False) == ("adds.\nmore\nyet", True)


def test_what_is_told_only_grows() -> None:
    """However a generation is cut into pieces, what was shown of it stays shown."""
    source = rng("comment prose")
    for _ in range(rounds(200)):
        lines = source.choices(["# it adds", "  # twice.", "#", "", "x = 1", "#!"], k=source.randint(1, 6))
        text, shown = " begins" + "\n" + "\n".join(lines), ""
        for end in range(len(text) + 1):
            words, _ = comment_prose(text[:end], "#", False)
            assert words.startswith(shown.rstrip())
            shown = words
        assert comment_prose(text, "#", True)[0].startswith(shown.rstrip())


def test_repetition() -> None:
    assert repeats("It adds one. It adds two.") is None
    assert repeats("Begins. " + "and so on and " * 12) is not None
    assert repeats("one\ntwo\none\nthree\none\n") == "one\ntwo\n"
    assert repeats("\n\n\n- \n- \n- \n") is None


def test_a_text_that_was_broken_off() -> None:
    assert whole_sentences("It adds. It then re") == "It adds."
    assert whole_sentences("\n") == ""
    assert whole_sentences("It adds v1.5 and") == "It adds v1.5 and ..."


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("Adds *one*.", "> Adds *one*."),
        ("Uses `a[0] <b>` and [this](x).", "> Uses `a[0] <b>` and \\[this\\](x)."),
        ("![x](http://e.com)", "> \\!\\[x\\](http\\://e.com)"),
        ("<img src=x> https://e.com www.e.com a@b.c", "> \\<img src=x\\> https\\://e.com www\\.e.com a\\@b.c"),
        ("a stray ` and ``two", "> a stray \\` and \\`\\`two"),
        ("# Facts\n---", "> # Facts\n> ---"),
        ("```py\nx = '<b>'\n```\nand <b>", "> ```py\n> x = '<b>'\n> ```\n> and \\<b\\>"),
        ("```<b>\nleft open", "> ```b\n> left open\n> ```"),
        ("bell\x07 and \u202eback", "> bell\ufffd and \ufffdback"),
    ],
)
def test_nothing_in_it_acts(text: str, markdown: str) -> None:
    assert as_markdown(text) == markdown


def test_who_wrote_it_and_that_it_may_be_wrong() -> None:
    told = explanation("It adds.", "tiny<b>", 4_460_000, "It was stopped.")
    assert "written by a model" in told and "By tiny\\<b\\>," in told and "may be wrong" in told
    assert "4.46 million parameters: too few" in told and told.endswith("> It adds.\n\n*It was stopped.*")
    assert "million" not in explanation("It adds.", "large", 1_500_000_000)
