"""Each family's conventions, on a tokenizer with its settings: markers, order, what opens and ends, what is text."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from edits import ODD, SNIPPETS
from model.family_tokenizers import MADE, NO_UTF8, TAGS
from transformers import PreTrainedTokenizerFast

from hirope_ls.engine.options import Options
from hirope_ls.engine.prompt import build_prompt
from hirope_ls.engine.question import Question, Recipe
from hirope_ls.engine.snapshots import Pipeline
from hirope_ls.model.families import FAMILIES, FimOrder
from hirope_ls.model.folder import Card, read_outline
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.text.buffer import Buffer


@dataclass(frozen=True)
class Family:
    """What a family's card says. `template`: its prompt, P and S for the texts; names of tokens else."""

    made: str
    kind: str
    name: str  # of the folder
    order: FimOrder | None
    template: list[str]
    end: str
    file: str | None = None
    ends: tuple[str, ...] = ()  # what else ends a completion, beside its markers


STAR = ["<fim_prefix>", "P", "<fim_suffix>", "S", "<fim_middle>"]
TURNED = ["<fim_suffix>", "S", "<fim_prefix>", "P", "<fim_middle>"]
META = ["<s>", "▁<PRE>", "P", "▁<SUF>", "S", "▁<MID>"]
QWEN = ["<|fim_prefix|>", "P", "<|fim_suffix|>", "S", "<|fim_middle|>"]
HOLE = ["<｜begin▁of▁sentence｜>", "<｜fim▁begin｜>", "P", "<｜fim▁hole｜>", "S", "<｜fim▁end｜>"]
SEED = ["<[begin▁of▁sentence]>", "<[fim-suffix]>", "S", "<[fim-prefix]>", "P", "<[fim-middle]>"]
BARE = ["<s>", "[SUFFIX]", "S", "[PREFIX]", "P"]
FIRST: FimOrder = "suffix-prefix-middle"
CARDS = [
    Family(
        "qwen2.5-coder", "qwen2", "Qwen2.5-Coder-1.5B", "psm", QWEN, "<|endoftext|>", "<|file_sep|>",
        ("<|fim_pad|>", "<|repo_name|>", "<|im_end|>"),
    ),
    Family("starcoder2", "starcoder2", "any", "psm", STAR, "<|endoftext|>", "<file_sep>", ("<fim_pad>", "<repo_name>")),
    Family(
        "granite-code", "llama", "granite-8b-code-base-4k", "psm", STAR, "<|endoftext|>", "<filename>",
        ("<fim_pad>", "<reponame>"),
    ),
    Family("mellum", "llama", "Mellum-4b-base", FIRST, TURNED, "<|endoftext|>", "<filename>", ("<fim_pad>",)),
    Family("mellum", "mellum", "any", FIRST, TURNED, "<|endoftext|>", "<filename>", ("<fim_pad>",)),
    Family(
        "stable-code", "stablelm", "any", "psm", STAR, "<|endoftext|>", "<filename>", ("<fim_pad>", "<reponame>")
    ),
    Family(
        "santacoder", "llama", "any", "psm", ["<fim-prefix>", "P", "<fim-suffix>", "S", "<fim-middle>"],
        "<|endoftext|>", None, ("<fim-pad>",),
    ),
    Family("deepseek-coder", "llama", "any", "psm", HOLE, "<｜end▁of▁sentence｜>", None, ("<|EOT|>",)),
    Family("codellama", "llama", "any", "psm", META, "</s>", None, ("▁<EOT>",)),
    Family("codellama, an old conversion", "llama", "any", "psm", META, "</s>", None, ("▁<EOT>",)),
    Family(
        "codegemma", "gemma", "any", "psm", ["<bos>", *QWEN], "<eos>", "<|file_separator|>", ("<end_of_turn>",)
    ),
    Family("codestral", "mistral", "Codestral-22B-v0.1", "suffix-prefix", BARE, "</s>"),
    Family("seed-coder", "llama", "any", FIRST, SEED, "<[end▁of▁sentence]>"),
    Family("none", "llama", "any", None, ["P"], "<|end_of_text|>"),
]  # fmt: skip
IDS = [f"{one.made}, {one.kind}" for one in CARDS]
BEFORE = "import os\n\n\nclass A:\n    def f(self, a):\n        x = "
AFTER = "(a)\n\n\n    def g(self):\n\t\treturn 'é'\n"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of each family; each tokenizer is made once."""
    saved = {made: MADE[made].save(tmp_path_factory.mktemp("family"), "llama") for made in MADE}
    found = {}
    for one, id in zip(CARDS, IDS, strict=True):
        place = tmp_path_factory.mktemp("named") / one.name
        found[id] = as_kind(shutil.copytree(saved[one.made], place), one.kind)
    return found | saved


def as_kind(folder: Path, kind: str) -> Path:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": kind}))
    return folder


def stock(folder: Path) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast.from_pretrained(folder)


@pytest.mark.parametrize(("one", "id"), list(zip(CARDS, IDS, strict=True)), ids=IDS)
class TestFamily:
    def test_markers_and_ends_are_found_by_name(self, folders: dict[str, Path], one: Family, id: str) -> None:
        card, special = read_outline(folders[id]), TextTokenizer.load(folders[id]).special
        ids = stock(folders[id]).convert_tokens_to_ids
        assert (card.fim_order, card.fim_doubt) == (one.order, None)
        assert special.has_fim == (one.order is not None)
        assert special.end_of_text == ids(one.end)
        assert special.file_sep == (None if one.file is None else ids(one.file))
        markers = [name for name in one.template if name not in ("P", "S")]
        begin = markers.pop(0) if MADE[one.made].opens else None
        assert special.begin == (None if begin is None else ids(begin))
        wanted = {one.end, *markers, *one.ends, *([one.file] if one.file else [])}
        assert special.ends == {ids(name) for name in wanted} and special.ends <= special.all

    def test_what_opens_a_text_is_what_its_tokenizer_puts_there(
        self, folders: dict[str, Path], one: Family, id: str
    ) -> None:
        first = stock(folders[id])("x = 1").input_ids[0]
        begin = TextTokenizer.load(folders[id]).special.begin
        assert begin == (first if MADE[one.made].opens else None)

    def test_a_prompt_is_as_its_card_writes_it(self, folders: dict[str, Path], one: Family, id: str) -> None:
        tokenizer, ids = TextTokenizer.load(folders[id]), stock(folders[id]).convert_tokens_to_ids
        texts = {"P": tokenizer.encode(BEFORE.encode()).ids, "S": tokenizer.encode(AFTER.encode()).ids}
        wanted: list[int] = []
        for part in one.template:
            wanted += texts[part].tolist() if part in texts else [ids(part)]
        prompt = prompt_of(read_outline(folders[id]), tokenizer)
        assert prompt == wanted

    def test_names_of_its_tokens_in_a_source_are_text(self, folders: dict[str, Path], one: Family, id: str) -> None:
        tokenizer = TextTokenizer.load(folders[id])
        spec = json.loads((folders[id] / "tokenizer.json").read_text("utf-8"))
        names = [token["content"] for token in spec["added_tokens"]]
        names += MADE[one.made].settings.get("additional_special_tokens", [])
        text = "".join(f"x = '{name}' # {name}{name}\n" for name in names)
        for data in (text.encode(), "".join(names).encode(), *(name.encode() for name in names)):
            found = tokenizer.encode(data).ids.tolist()
            assert tokenizer.decode(found) == data
            assert not tokenizer.special.all & set(found)

    def test_texts_come_back_to_the_byte(self, folders: dict[str, Path], one: Family, id: str) -> None:
        tokenizer = TextTokenizer.load(folders[id])
        for text in ("", " ", "▁", "\t\t", "▁ ▁", "\n\n\n", BEFORE, AFTER, " leading", *SNIPPETS, *ODD):
            tokens = tokenizer.encode(text.encode())
            assert tokenizer.decode(tokens.ids.tolist()) == text.encode()

    def test_code_has_the_ids_that_it_has_in_training(self, folders: dict[str, Path], one: Family, id: str) -> None:
        """But for the first word where the tokenizer puts a blank before a text."""
        text = BEFORE + AFTER + "\n\n\n\n<table>    x   =  1\n\t\ty\n"
        wanted = stock(folders[id])(text, add_special_tokens=False).input_ids
        found = TextTokenizer.load(folders[id]).encode(text.encode()).ids.tolist()
        if one.made.startswith(("codellama", "codestral")):
            assert found != wanted
            blank = TextTokenizer.load(folders[id]).encode(b" " + text.encode()).ids.tolist()
            assert blank == wanted, "the blank is the only difference"
        else:
            assert found == wanted


def prompt_of(card: Card, tokenizer: TextTokenizer) -> list[int]:
    snapshot = Pipeline(tokenizer, card.trained_length).open(
        "file:///a.py", 1, Buffer.of(BEFORE + AFTER), "python", "a.py"
    )
    recipe = Recipe(tokenizer, card, Options(heal=False, suffix_tokens=128))
    ids: list[int] = build_prompt(Question(snapshot, len(BEFORE.encode()), recipe)).ids.tolist()
    return ids


# --- what is not known ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "kind", "told"),
    [
        ("granite-code", "llama", "in which order"),  # StarCoder's markers, and nothing says whose model it is
        ("mellum", "llama", "in which order"),
        ("codestral", "mistral", "in which order"),  # Mistral's general models have these tokens, too
        ("another", "llama", "of a kind that is not known"),
    ],
)
def test_an_order_that_is_not_known_is_not_guessed(
    folders: dict[str, Path], tmp_path: Path, made: str, kind: str, told: str
) -> None:
    folder = as_kind(shutil.copytree(folders[made], tmp_path / "mine"), kind)
    card, tokenizer = read_outline(folder), TextTokenizer.load(folder)
    assert card.fim_order is None and card.fim_doubt is not None
    assert told in str(card.fim_doubt) and "\n" not in str(card.fim_doubt)
    begin = [] if tokenizer.special.begin is None else [tokenizer.special.begin]
    assert prompt_of(card, tokenizer) == [*begin, *tokenizer.encode(BEFORE.encode()).ids.tolist()], "the plain prefix"


def test_its_configuration_has_the_last_word(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders["granite-code"], tmp_path / "mine")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"hirope": {"fim_order": "psm"}}))
    card = read_outline(folder)
    assert (card.fim_order, card.fim_doubt) == ("psm", None)
    assert prompt_of(card, TextTokenizer.load(folder)) != prompt_of(
        replace(card, fim_order=None), TextTokenizer.load(folder)
    )


def test_a_model_of_the_hub_is_told_by_its_name_there(folders: dict[str, Path], tmp_path: Path) -> None:
    storage = tmp_path / "models--JetBrains--Mellum-4b-base"
    (storage / "blobs").mkdir(parents=True)
    folder = shutil.copytree(folders["mellum"], storage / "snapshots" / "0123")
    assert read_outline(folder).fim_order == FIRST


def test_gemmas_blanks_and_tags_are_its_own_tokens(folders: dict[str, Path]) -> None:
    tokenizer, ids = TextTokenizer.load(folders["codegemma"]), stock(folders["codegemma"]).convert_tokens_to_ids
    assert tokenizer.encode(b"\n\n\n").ids.tolist() == [ids("\n\n\n")]
    assert tokenizer.encode(b"\t").ids.tolist() == [ids("\t")] and tokenizer.token_bytes(ids("\t")) == b"\t"
    for tag in TAGS:
        assert tokenizer.encode(tag.encode()).ids.tolist() == [ids(tag)]
    assert not tokenizer.special.all & {ids(name) for name in ("\n\n", "▁▁", *TAGS)}
    assert {ids(name) for name in ("<mask>", "[@BOS@]", "<unused0>")} <= tokenizer.special.all


def test_bytes_that_no_text_has_need_no_token(folders: dict[str, Path]) -> None:
    tokenizer = TextTokenizer.load(folders["deepseek-coder"])
    for letter in NO_UTF8:
        found = tokenizer.encode(letter.encode()).ids.tolist()
        assert tokenizer.decode(found) == letter.encode() and min(found) >= 0


def test_every_family_has_a_card_here() -> None:
    tried = {name for one in CARDS for name in one.template}
    for family in FAMILIES:
        assert all(name in tried for name in family.markers if name)
