"""Texts that have to begin with given bytes: the tokens that fit, and generations that keep to them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from fuzz import rng, rounds
from model.prompts import NEVER, a_prompt, told
from model.tiny_models import TRAINED

from hirope_ls.model.beginnings import Beginnings
from hirope_ls.model.decode import LocalModel
from hirope_ls.model.folder import read_card
from hirope_ls.model.generator import Limits
from hirope_ls.model.loader import Loaded, load
from hirope_ls.model.tokens import TextTokenizer

BUDGET = 64 << 20


def obvious(pieces: list[bytes], text: bytes) -> list[int]:
    return [id for id, piece in enumerate(pieces) if piece and (piece.startswith(text) or text.startswith(piece))]


def test_fitting_is_the_obvious_one() -> None:
    random = rng("beginnings")
    for _ in range(rounds(200)):
        letters = random.choice([b"ab", b"a\xff", b"\x00\xfe\xff", b"self. "])
        pieces = [bytes(random.choices(letters, k=random.randrange(5))) for _ in range(random.randrange(40))]
        text = bytes(random.choices(letters, k=random.randint(1, 5)))
        assert sorted(Beginnings(pieces).fitting(text)) == obvious(pieces, text), (pieces, text)


def test_what_is_left() -> None:
    beginnings = Beginnings([b"se", b"lf", b".foo", b""])
    left = [beginnings.left(b"self.f", said) for said in ([], [0], [0, 3], [0, 1], [0, 1, 2], [0, 1, 2, 0])]
    assert left == [b"self.f", b"lf.f", b"lf.f", b".f", b"", b""]


@pytest.fixture(scope="module")
def parts(llama: Path) -> tuple[Loaded, TextTokenizer]:
    return load(read_card(llama), "cpu"), TextTokenizer.load(llama)


def by_whole_passes(loaded: Loaded, tokenizer: TextTokenizer, prefix: bytes, new: int) -> list[int]:
    """Without cache, drafts and tables: each id in turn is asked for its bytes."""
    ids, (units, index) = a_prompt(90)[0].tolist(), a_prompt(90)[1].tolist()
    said: list[int] = []
    for _ in range(new):
        left = prefix[len(tokenizer.decode(said)) :]
        logits = loaded.hirope.forward(torch.tensor([ids]), torch.tensor([units, index]))[0, -1]
        allowed = obvious(list(tokenizer.pieces), left) if left else range(4, tokenizer.vocab_size)
        said.append(max(allowed, key=lambda id: float(logits[id])))
        ids, units, index = [*ids, said[-1]], [*units, units[-1]], [*index, index[-1] + 1]
    return said


def test_a_generation_begins_as_it_has_to(parts: tuple[Loaded, TextTokenizer]) -> None:
    loaded, tokenizer = parts
    random = rng("healed")
    special, size = tokenizer.special.all, tokenizer.vocab_size
    text = Path(__file__).read_bytes()
    assert TRAINED < 90
    for _ in range(rounds(5)):
        at = random.randrange(len(text) - 9)
        prefix = random.choice([text[at : at + random.randint(1, 9)], bytes(random.choices(range(256), k=3))])
        expected = by_whole_passes(loaded, tokenizer, prefix, 12)
        for drafts in (False, True):
            model = LocalModel(loaded, BUDGET, special, size, drafts=drafts, pieces=tokenizer.pieces)
            answers = [told(model.generate("a", *a_prompt(90), Limits(12, prefix=prefix), NEVER)) for _ in range(2)]
            assert [answer.ids for answer in answers] == [expected, expected], prefix
        assert tokenizer.decode(expected).startswith(prefix) or prefix.startswith(tokenizer.decode(expected))


def test_stop_ids_wait_until_the_beginning_is_written(parts: tuple[Loaded, TextTokenizer]) -> None:
    loaded, tokenizer = parts
    special, size = tokenizer.special.all, tokenizer.vocab_size
    model = LocalModel(loaded, BUDGET, special, size, pieces=tokenizer.pieces)
    limits = Limits(9, stop_ids=special, forbidden_ids=frozenset(range(size)) - special, prefix=b"x")
    answer = told(model.generate("a", *a_prompt(20), limits, NEVER))
    assert (answer.ids, answer.reason) == ([], "stop")  # all that fits is forbidden
    single = {tokenizer.token_bytes(id): id for id in range(size)}[b"x"]
    limits = Limits(9, stop_ids=special, forbidden_ids=frozenset(range(size)) - special - {single}, prefix=b"xx")
    assert told(model.generate("a", *a_prompt(20), limits, NEVER)).ids[:2] == [single, single]


def test_a_model_that_knows_no_bytes_refuses(parts: tuple[Loaded, TextTokenizer]) -> None:
    with pytest.raises(ValueError, match="bytes"):
        LocalModel(parts[0], BUDGET).generate("a", *a_prompt(9), Limits(1, prefix=b"x"), NEVER)
