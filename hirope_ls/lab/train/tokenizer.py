"""The bundled model's tokenizer: byte-level BPE, lossless for any text, trained on the corpus.

Newlines are never glued to punctuation, so a token never straddles the end of a line and its code: the
middle of a fill-in example stops before the newline that its suffix begins with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

VOCAB_SIZE = 4096
END = "<|endoftext|>"
PREFIX = "<|fim_prefix|>"
SUFFIX = "<|fim_suffix|>"
MIDDLE = "<|fim_middle|>"
FILE = "<|file_sep|>"
SPECIALS = (END, PREFIX, SUFFIX, MIDDLE, FILE)

# The GPT-4 family's split: a word with one leading sign, digits by three, signs, newlines, blanks.
_SPLIT = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s*[\r\n]+|\s+(?!\S)|\s+"

Encode = Callable[[str], list[int]]


def train_tokenizer(texts: Iterable[str], vocab_size: int = VOCAB_SIZE) -> Tokenizer:
    """A tokenizer for `texts`; the same texts in the same order give the same tokenizer."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Write the folder that `AutoTokenizer.from_pretrained` reads."""
    wrapped = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=END,
        extra_special_tokens=[PREFIX, SUFFIX, MIDDLE, FILE],
        clean_up_tokenization_spaces=False,
    )
    wrapped.save_pretrained(str(folder))


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a folder that `save_tokenizer` wrote."""
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def plain_encoder(tokenizer: Tokenizer) -> Encode:
    """An encoder of source text: what looks like a special token in it is text, never the special token."""
    tokenizer.encode_special_tokens = True

    def encode(text: str) -> list[int]:
        ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    return encode


def special_id(tokenizer: Tokenizer, token: str) -> int:
    """The id of one of SPECIALS."""
    number: int | None = tokenizer.token_to_id(token)
    if number is None:
        raise ValueError(f"the tokenizer has no {token}")
    return number
