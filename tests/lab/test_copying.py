"""The copied line: the longest run that stands elsewhere, beside a search of every place."""

from __future__ import annotations

from fuzz import rng, rounds

from hirope_ls.lab.eval.copying import BASELINES, BELOW, Copier, copied, reader
from hirope_ls.lab.eval.prompts import Prompt
from hirope_ls.lab.methods import methods


def slowly(before: bytes, after: bytes = b"") -> bytes:
    """Every place is tried: the longest run before it wins, then the last place."""
    text = after[:BELOW].partition(b"\n")[2] + b"\n\0\n" + before
    best, answer = (0, 0), b""
    for at in range(1, len(text)):
        line = text[at:].partition(b"\n")[0]
        length = 0
        while length < at and text[at - 1 - length] == text[len(text) - 1 - length]:
            length += 1
        if line.strip(b"\0 \t\r") and length and (length, at) > best:
            best, answer = (length, at), line
    return answer


def test_the_nearest_of_the_longest_runs_is_copied_to_the_lines_end():
    above = "total = first(1)\ntotal = second(2)\nother = third(3)\n"
    assert copied(above.encode() + b"total = ") == b"second(2)"
    assert copied(above.encode() + b"total = fi") == b"rst(1)"
    assert copied(above.encode() + b"other") == b" = third(3)"


def test_a_blank_is_no_answer():
    assert copied(b"a = 1\n\n\nb = 2\n\n") == b"b = 2"
    assert copied(b"x") == copied(b"") == copied(b"\n\n\n") == b""


def test_what_stands_below_is_searched_where_it_is_shown():
    assert copied(b"x = 1\nvalue = com", b"\nvalue = compute(x)\n") == b"pute(x)"
    assert copied(b"x = 1\nvalue = com", b"pute(y)\n") != b"pute(y)"  # the rest of the cursor's own line is not
    assert copied(b"val", b"\n" + b"x" * BELOW + b"\nvalue\n") == b""  # nor what a prompt would not show


def test_the_quick_search_finds_what_the_slow_one_does():
    random = rng("copied")
    for _ in range(rounds(300)):
        letters = random.choice(("ab\n", "abc \n", "xé\n"))
        before, after = ("".join(random.choices(letters, k=random.randrange(40))).encode() for _ in range(2))
        assert copied(before, after) == slowly(before, after), (before, after)


def test_a_copier_reads_the_prompt_and_no_model(tiny, texts):
    (method,) = methods("copy", 64, BASELINES)
    copier = reader(tiny, method)
    assert isinstance(copier, Copier) and not isinstance(reader(tiny, methods("rope", 64)[0]), Copier)
    prompt = Prompt.of(texts[0], 0, 400)
    assert copier.generate(prompt, 1, lambda text: True) == copied(texts[0].text(0, 400))
