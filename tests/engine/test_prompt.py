"""Prompts: exact text in the model's order, positions that count as promised, little that changes while one types."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from bundled import card, open_text, pipeline, tokenizer
from fixture import cursor
from fuzz import FAILURES, python_files, rng, rounds, save_failure

from hirope_ls.engine.excerpt import prefix_tokens, suffix_ids
from hirope_ls.engine.options import Options
from hirope_ls.engine.prompt import Prompt, build_context, build_prompt
from hirope_ls.engine.question import Question, Recipe
from hirope_ls.engine.snapshots import Snapshot
from hirope_ls.model.families import FimOrder
from hirope_ls.text.edit import Edit

ORDERS: list[FimOrder | None] = [*get_args(FimOrder), None]
IN_PREFIX = ("psm", "suffix-prefix-middle", "suffix-prefix")  # orders with the text before the cursor after its marker
SPECIAL = tokenizer().special
PLAIN = Options()
SMALL = Options(max_prompt_tokens=600)


def prompt_at(
    snapshot: Snapshot, offset: int, order: FimOrder | None = "context-spm", options: Options = PLAIN
) -> Prompt:
    return build_prompt(Question(snapshot, offset, recipe_for(order, options)))


def recipe_for(order: FimOrder | None, options: Options = PLAIN) -> Recipe:
    return Recipe(tokenizer(), replace(card(), fim_order=order), options)


def parts_of(prompt: Prompt) -> dict[str, bytes]:
    """The prompt's text, cut at its special tokens: opening (A), then after prefix, suffix and middle.

    What is healed counts to the text before the cursor.
    """
    names = {SPECIAL.fim_prefix: "prefix", SPECIAL.fim_suffix: "suffix", SPECIAL.fim_middle: "middle"}
    parts, name = {"opening": b""}, "opening"
    for token in prompt.ids.tolist():
        if token in names:
            name = names[token]
            parts[name] = b""
        elif token not in SPECIAL.all:
            parts[name] += tokenizer().token_bytes(token)
    parts["prefix" if prompt.kind in IN_PREFIX else name] += prompt.healed
    return parts


def check_positions(prompt: Prompt) -> None:
    """Units step up by one at most, from 0; tokens count from 0 in each; both stay within the trained range."""
    units, index = prompt.positions
    assert prompt.positions.dtype == np.int32 and prompt.ids.dtype == np.int32
    assert prompt.positions.shape == (2, prompt.ids.size)
    if not prompt.ids.size:
        return
    steps = np.diff(units)
    assert units[0] == 0 and set(steps.tolist()) <= {0, 1}
    assert index[0] == 0 and np.array_equal(np.diff(index), np.where(steps == 1, -index[:-1], 1))
    assert units[-1] < card().trained_length - card().trained_length // 2
    assert prompt.units == units[-1] + 1


def common(one: Prompt, two: Prompt) -> int:
    """How many tokens two prompts begin with alike, ids and positions."""
    n = min(one.ids.size, two.ids.size)
    same = (one.ids[:n] == two.ids[:n]) & (one.positions[:, :n] == two.positions[:, :n]).all(0)
    return int(np.argmin(np.append(same, False)))


FILE = "import os\n\n\n" + "".join(f"def f{n}(a, b):\n    return os.path.join(a, b, {n!r})\n\n\n" for n in range(200))
MIDDLE = FILE.index("def f150") + 30


def test_context_spm_has_far_text_first_and_near_text_last() -> None:
    prompt = prompt_at(open_text(FILE), MIDDLE)
    parts = parts_of(prompt)
    assert parts["opening"] + parts["middle"] == FILE[:MIDDLE].encode()
    assert FILE[MIDDLE:].encode().startswith(parts["suffix"]) and parts["suffix"].endswith(b"\n")
    assert parts["prefix"] == b""
    assert parts["opening"].endswith(b"\n"), "P begins a line"
    assert 64 <= prompt.near <= 191 and prompt.kind == "context-spm"
    assert prompt.ids[0] == SPECIAL.file_sep
    assert prompt.healed == b"." and prompt.far + prompt.near + 1 == len(tokenizer().encode(FILE[:MIDDLE].encode()))


def test_psm_and_spm_keep_the_text_before_the_cursor_together() -> None:
    snapshot = open_text(FILE)
    psm, spm = parts_of(prompt_at(snapshot, MIDDLE, "psm")), parts_of(prompt_at(snapshot, MIDDLE, "spm"))
    assert psm["prefix"] == spm["middle"] == FILE[:MIDDLE].encode()
    assert psm["suffix"] == spm["suffix"] != b""
    assert list(psm) == ["opening", "prefix", "suffix", "middle"] and psm["opening"] == psm["middle"] == b""


def test_models_that_read_the_suffix_first_between_markers_of_its_own() -> None:
    snapshot = open_text(FILE)
    seed, codestral = prompt_at(snapshot, MIDDLE, "suffix-prefix-middle"), prompt_at(snapshot, MIDDLE, "suffix-prefix")
    assert seed.ids[-1] == SPECIAL.fim_middle and seed.positions[0, -1] == seed.positions[0, -2], "it ends P's unit"
    assert np.array_equal(seed.ids[:-1], codestral.ids) and np.array_equal(seed.positions[:, :-1], codestral.positions)
    assert seed.ids[0] == SPECIAL.fim_suffix and seed.ids[seed.suffix + 1] == SPECIAL.fim_prefix
    assert seed.positions[0, seed.suffix] == 0 and seed.positions[0, seed.suffix + 1] == 1, "S is a unit of its own"
    assert list(parts_of(seed)) == ["opening", "suffix", "prefix", "middle"] and SPECIAL.fim_middle not in codestral.ids
    assert parts_of(seed)["prefix"] == parts_of(codestral)["prefix"] == FILE[:MIDDLE].encode()
    for order in ("suffix-prefix-middle", "suffix-prefix"):
        assert build_context(snapshot, recipe_for(order)).ids.size == 0, "there is nothing to prepare"


@pytest.mark.parametrize(
    ("marked", "order"),
    [("import os\nx = $0", "context-spm"), ("import os\nx = $0\n \t\r\n", "psm"), ("import os\nx = $0 + 1\n", None)],
)
def test_without_a_suffix_or_fim_it_is_the_plain_text(marked: str, order: FimOrder | None) -> None:
    text, offset = cursor(marked)
    prompt = prompt_at(open_text(text), offset, order)
    assert prompt.kind == "plain" and prompt.suffix == 0
    assert not set(prompt.ids.tolist()) & {SPECIAL.fim_prefix, SPECIAL.fim_suffix, SPECIAL.fim_middle}
    assert parts_of(prompt)["opening"] == text[:offset].encode()


def test_the_suffix_is_a_unit_between_far_and_near() -> None:
    prompt = prompt_at(open_text(FILE), MIDDLE)
    units = prompt.positions[0]
    opening = 1
    start, end = opening + prompt.far, opening + prompt.far + prompt.suffix + 3
    assert set(units[start:end].tolist()) == {units[start - 1] + 1}
    assert units[end] == units[end - 1] + 1
    assert prompt.ids[start] == SPECIAL.fim_prefix and prompt.ids[end - 1] == SPECIAL.fim_middle


@pytest.mark.parametrize("order", ORDERS)
def test_a_file_with_nothing_in_it(order: FimOrder | None) -> None:
    prompt = prompt_at(open_text(""), 0, order)
    assert prompt.far == prompt.near == prompt.suffix == 0
    check_positions(prompt)


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\r\ny = 2\r\n" * 50,
        "x = 1\ry = 2\r" * 50,
        "\t\tx\n" * 300,
        "s = '🦊 日本語 naïve'\n" * 80,
        "\ufeffimport os\n" * 20,
        "x = " + "[" * 100_000,
        "\n" * 5000,
        " " * 5000 + "x",
        "a" * 30_000,
        "<|endoftext|><|fim_middle|>\n" * 40,
    ],
    ids=lambda text: ascii(text[:12]),
)
@pytest.mark.parametrize("order", ORDERS)
def test_strange_texts(text: str, order: FimOrder | None) -> None:
    snapshot = open_text(text)
    for at in (0, 1, len(text) // 3, len(text) - 1, len(text)):
        offset = len(text[:at].encode())
        prompt = prompt_at(snapshot, offset, order, SMALL)
        check_positions(prompt)
        parts = parts_of(prompt)
        before = parts["opening"] + parts.get("prefix" if order in IN_PREFIX else "middle", b"")
        assert text[:at].encode().endswith(before)
        assert len(before) == offset or prompt.dropped > 0
        assert text[at:].encode().startswith(parts.get("suffix", b""))
        assert prompt.suffix <= 128 and prompt.far + prompt.near <= 600


def test_prefix_tokens_are_those_of_the_prefix_alone() -> None:
    random = rng("prefix")
    for path in python_files(8, largest=60_000):
        text = path.read_text("utf-8")
        snapshot = open_text(text)
        for _ in range(rounds(10)):
            at = random.randrange(len(text) + 1)
            prefix = text[:at].encode()
            if prefix_tokens(snapshot, len(prefix), tokenizer()) != tokenizer().encode(prefix):
                saved = save_failure("prefix", text[:at] + "$0" + text[at:])
                pytest.fail(f"{path.name} at {at}; kept as {saved}")


def test_what_once_failed() -> None:
    for path in FAILURES.glob("prefix-*.txt"):
        text, offset = cursor(path.read_bytes().decode())
        assert prefix_tokens(open_text(text), offset, tokenizer()) == tokenizer().encode(text.encode()[:offset]), path


@pytest.mark.parametrize("order", ORDERS)
def test_a_prompt_knows_no_history(order: FimOrder | None) -> None:
    """The prompt of a snapshot that was edited into being equals that of a fresh one."""
    random = rng("history")
    data = Path(python_files(3)[2]).read_bytes()[:20_000].decode("utf-8", "ignore").encode()
    snapshot = open_text(data.decode(), uri="file:///edited.py")
    for step in range(rounds(15)):
        at = random.randrange(len(snapshot.buffer.data.decode()))
        offset = len(snapshot.buffer.data.decode()[:at].encode())
        new = random.choice(["x", "\n", "def g():\n    pass\n", '"""', "    ", "é", ")"]).encode()
        snapshot = pipeline().edit(snapshot, [Edit(offset, offset, new)], step + 2)
        fresh = open_text(snapshot.buffer.text)
        cursor_at = offset + len(new)
        edited, made = prompt_at(snapshot, cursor_at, order, SMALL), prompt_at(fresh, cursor_at, order, SMALL)
        assert np.array_equal(edited.ids, made.ids) and np.array_equal(edited.positions, made.positions)
        check_positions(edited)


def typed(text: str, at: int, more: str) -> list[Prompt]:
    """The prompts while `more` is typed, character by character."""
    snapshot = open_text(text)
    prompts = [prompt_at(snapshot, at, options=SMALL)]
    for n, char in enumerate(more, at):
        snapshot = pipeline().edit(snapshot, [Edit(n, n, char.encode())], n)
        prompts.append(prompt_at(snapshot, n + 1, options=SMALL))
    return prompts


MORE = "        if self.ready:\n            total = sum(x for x in self.values)\n            return total\n" * 2


@pytest.mark.parametrize("at", [FILE.index("def f20") - 1, FILE.index("def f190") - 1], ids=["whole", "cut"])
def test_typing_recomputes_little(at: int) -> None:
    prompts = typed(FILE, at, MORE)
    recomputed = [two.ids.size - common(one, two) for one, two in itertools.pairwise(prompts)]
    assert (prompts[0].dropped > 0) == (at > 2000)
    few = sum(count <= 16 for count in recomputed) / len(recomputed)
    assert few > 0.9, f"{few:.0%} of keystrokes recompute at most 16 tokens; {sorted(recomputed)[-20:]}"


def test_a_jump_up_keeps_what_is_above() -> None:
    snapshot = open_text(FILE)
    below, above = prompt_at(snapshot, MIDDLE), prompt_at(snapshot, FILE.index("def f90"))
    assert common(below, above) == 1 + above.far


def test_the_context_is_what_prompts_begin_with() -> None:
    snapshot = open_text(FILE)
    context = build_context(snapshot, Recipe(tokenizer(), card()))
    check_positions(context)
    prompt = prompt_at(snapshot, MIDDLE)
    assert common(context, prompt) == 1 + prompt.far
    assert context.far == min(len(snapshot.tokens), Options().prompt_cap(card().trained_length))
    spm = build_context(snapshot, recipe_for("spm"))
    assert spm.ids.size == 0, "the suffix comes first: there is nothing to prepare"
    psm = build_context(snapshot, recipe_for("psm"))
    assert common(psm, prompt_at(snapshot, MIDDLE, "psm")) >= prompt.far


def test_too_long_a_text_is_cut_in_hops() -> None:
    snapshot = open_text(FILE)
    total = len(tokenizer().encode(FILE.encode()))
    assert total > 2 * 600
    dropped = set()
    for at in range(len(FILE) // 2, len(FILE) // 2 + 1500, 5):
        prompt = prompt_at(snapshot, at, options=SMALL)
        dropped.add(prompt.dropped)
        assert 300 <= prompt.far + prompt.near <= 600
        assert SPECIAL.file_sep not in prompt.ids.tolist(), "it does not begin at the file's start"
    tokens = len(tokenizer().encode(FILE[len(FILE) // 2 :][:1500].encode()))
    assert len(dropped) <= tokens // 150 + 2


@pytest.mark.parametrize("wanted", [0, 1, 20, 96, 128, 1000])
def test_suffixes_end_with_a_line(wanted: int) -> None:
    data = FILE.encode()
    ids = suffix_ids(data, MIDDLE, tokenizer(), wanted)
    text = tokenizer().decode(ids)
    assert data[MIDDLE:].startswith(text) and ids.size <= 128
    assert (text == b"") == (wanted == 0)
    assert not text or text.endswith(b"\n")
    if 0 < wanted <= 96:
        assert ids.size >= wanted - 2


def test_options_choose_a_cap_by_the_model() -> None:
    assert Options().prompt_cap(512) == 8192
    assert Options().prompt_cap(32_768) == 32_768
    assert Options(max_prompt_tokens=1000).prompt_cap(512) == 1000
