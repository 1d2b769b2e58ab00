"""Promise B for the whole pipeline: a snapshot after edits is the snapshot made from nothing."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from edits import Typist, keep, kept
from fuzz import python_files, rng, rounds
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from hirope_ls.engine import snapshots
from hirope_ls.engine.limits import Limits
from hirope_ls.engine.snapshots import Pipeline, Snapshot
from hirope_ls.model import runs
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.text import Buffer, Edit, InvalidChange

SPLIT = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s*[\r\n]+|\s+(?!\S)|\s+"


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    """A small tokenizer of the bundled model's kind."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=800, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    made.train_from_iterator([path.read_text("utf-8") for path in python_files(5, largest=30_000)], trainer)
    return TextTokenizer(json.loads(made.to_str()), {})


def difference(snapshot: Snapshot, fresh: Snapshot) -> str | None:
    if snapshot.digest() != fresh.digest():
        return "digest"
    if snapshot.tokens != fresh.tokens:
        return "tokens"
    if snapshot.parse.units != fresh.parse.units:
        return "units"
    return None if snapshot.blocks == fresh.blocks else "blocks"


def check_blocks(snapshot: Snapshot, longest: int) -> None:
    """Blocks cover bytes and tokens once; positions say which block a token is in, and where."""
    blocks, size = snapshot.blocks, len(snapshot.buffer.data)
    assert [block.start for block in blocks] == [0, *(block.end for block in blocks)][: len(blocks)]
    assert [block.first for block in blocks] == [0, *(block.last for block in blocks)][: len(blocks)]
    assert not blocks or (blocks[-1].end, blocks[-1].last) == (size, len(snapshot.tokens))
    for index, block in enumerate(blocks):
        assert 0 < block.last - block.first <= longest
        expected = [[index] * (block.last - block.first), list(range(block.last - block.first))]
        assert snapshot.positions[:, block.first : block.last].tolist() == expected
        # The first byte of the block's first token is in the block, and of the token before it is not.
        begins = int(snapshot.tokens.ends[block.first - 1]) if block.first else 0
        assert block.start <= begins < block.end


def test_two_thousand_random_edits(tokenizer: TextTokenizer, monkeypatch: pytest.MonkeyPatch):
    random_ = rng("snapshots")
    files = [path.read_bytes() for path in python_files(100, smallest=1_500, largest=12_000)]
    for _ in range(rounds(40)):
        text, trained = random_.choice(files)[:2_000].decode("utf-8", "ignore").encode(), random_.choice([64, 128, 512])
        limits = random_.choice([None, Limits(random_.choice([7, 24, 100, 600]), random_.choice([5, 40, 300]))])
        monkeypatch.setattr(runs, "_RUN", random_.choice([5, 50, 4096]))  # borders of runs in short texts, too
        pipeline, typist, made = Pipeline(tokenizer, trained, limits), Typist(random_), []
        snapshot = pipeline.open("file:///a.py", 0, Buffer.of(text), "python", None)
        for version in range(1, 51):
            made.append(typist.edit(snapshot.buffer.data))
            snapshot = pipeline.edit(snapshot, made[-1:], version)
            fresh = pipeline.open("file:///a.py", version, Buffer.of(snapshot.buffer.data), "python", None)
            if wrong := difference(snapshot, fresh):
                pytest.fail(f"{wrong} with {pipeline.limits}: see {keep('snapshots', text, made)}")
        check_blocks(snapshot, pipeline.limits.longest)


@pytest.mark.parametrize("text, edits", kept("snapshots"))
@pytest.mark.parametrize("limits", [Limits.of(64), Limits.of(128), Limits.of(512), Limits(7, 5), Limits(100, 40)])
def test_saved_failures(tokenizer: TextTokenizer, text: bytes, edits: list[Edit], limits: Limits):
    pipeline = Pipeline(tokenizer, 64, limits)
    snapshot = pipeline.open("file:///a.py", 0, Buffer.of(text), "python", None)
    for edit in edits:
        snapshot = pipeline.edit(snapshot, [edit], 1)
        assert difference(snapshot, pipeline.open("", 1, Buffer.of(snapshot.buffer.data), "python", None)) is None


def inverse(edit: Edit, data: bytes) -> Edit:
    return Edit(edit.start, edit.new_end, data[edit.start : edit.old_end])


def test_undoing_everything_gives_the_first_snapshot_again(tokenizer: TextTokenizer):
    random_ = rng("undo")
    pipeline = Pipeline(tokenizer, 128)
    for path in python_files(rounds(5), smallest=3_000, largest=20_000):
        first = snapshot = pipeline.open("file:///a.py", 0, Buffer.of(path.read_bytes()), "python", None)
        typist, undo = Typist(random_), []
        for version in range(25):
            edit = typist.edit(snapshot.buffer.data)
            undo.append(inverse(edit, snapshot.buffer.data))
            snapshot = pipeline.edit(snapshot, [edit], version)
        for version, edit in enumerate(reversed(undo)):
            snapshot = pipeline.edit(snapshot, [edit], version)
        assert difference(snapshot, first) is None


def test_several_edits_in_one_step_equal_one_after_the_other(tokenizer: TextTokenizer):
    random_ = rng("several")
    pipeline = Pipeline(tokenizer, 128)
    text = python_files(1, smallest=3_000, largest=9_000)[0].read_bytes()
    first = pipeline.open("file:///a.py", 0, Buffer.of(text), None, "/x/a.py")
    for _ in range(rounds(30)):
        typist, edits, one = Typist(random_), [], first
        for _ in range(random_.randrange(5)):
            edits.append(typist.edit(one.buffer.data))
            one = pipeline.edit(one, edits[-1:], 1)
        assert difference(pipeline.edit(first, edits, 1), one) is None


def test_a_snapshot_is_never_changed(tokenizer: TextTokenizer):
    pipeline = Pipeline(tokenizer, 64)
    first = pipeline.open("file:///a.py", 3, Buffer.of("def f():\n    return 1\n"), "python", None)
    digest = first.digest()
    second = pipeline.edit(first, [Edit(0, 0, b"x = 1\n\n")], 4)
    assert (first.digest(), first.version, second.version) == (digest, 3, 4)
    assert second.digest() != digest
    with pytest.raises(ValueError):
        first.tokens.ids[0] = 1
    with pytest.raises(InvalidChange):
        pipeline.edit(first, [Edit(0, 10_000, b"")], 5)


def test_what_comes_later_leaves_earlier_positions_alone(tokenizer: TextTokenizer):
    text = b"".join(b"def f%d(a):\n    return a + %d\n\n\n" % (i, i) for i in range(30))
    pipeline = Pipeline(tokenizer, 512)
    first = pipeline.open("file:///a.py", 0, Buffer.of(text), "python", None)
    at = text.index(b"def f20")
    second = pipeline.edit(first, [Edit(at, at, b"def g(x):\n    return x\n\n\n")], 1)
    before = first.tokens.before(at - 4)
    assert np.array_equal(first.positions[:, :before], second.positions[:, :before])
    assert np.array_equal(
        first.positions[0, before + 4 :] + 1, second.positions[0, len(second.tokens) - len(first.tokens) + before + 4 :]
    )


def test_a_text_over_the_limit_is_followed_but_not_served(tokenizer: TextTokenizer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(snapshots, "LARGEST_SERVED", 6_000)  # five million bytes would take half a minute
    pipeline = Pipeline(tokenizer, 64)
    line = b"x = 1\n"
    snapshot = pipeline.open("file:///a.py", 0, Buffer.of(line * 1_000), "python", None)
    assert snapshot.served and len(snapshot.tokens)
    snapshot = pipeline.edit(snapshot, [Edit(0, 0, line)], 1)
    assert not snapshot.served and len(snapshot.tokens) == 0 and snapshot.blocks == ()
    snapshot = pipeline.edit(snapshot, [Edit(1, 1, b"y"), Edit(0, 3_000, b"")], 2)
    assert snapshot.served
    assert difference(snapshot, pipeline.open("", 0, Buffer.of(snapshot.buffer.data), "python", None)) is None


def test_unknown_languages_and_the_empty_text(tokenizer: TextTokenizer):
    pipeline = Pipeline(tokenizer, 64)
    plain = pipeline.open("file:///a.txt", 0, Buffer.of("some words\n" * 600), "plaintext", None)
    assert plain.language == "" and {block.kind for block in plain.blocks} == {"flat"}
    check_blocks(plain, 32)
    empty = pipeline.open("file:///a.py", 0, Buffer.of(""), "python", None)
    assert empty.positions.shape == (2, 0) and empty.blocks == ()
    typed = pipeline.edit(empty, [Edit(0, 0, b"x")], 1)
    assert [block[:2] for block in typed.blocks] == [(0, 1)]


def test_limits_are_the_trained_lengths_own_unless_given(tokenizer: TextTokenizer):
    text = Buffer.of("".join(f"def f{i}(a):\n    return a + {i}\n\n\n" for i in range(90)))
    opened = {
        limits: Pipeline(tokenizer, 128, limits).open("", 0, text, "python", None)
        for limits in (None, Limits.of(128), Limits(12, 10_000), Limits(64, 10_000))
    }
    own, same, short, many = opened.values()
    assert difference(own, same) is None
    assert len(own.blocks) <= 64 < len(many.blocks) == 90 < len(short.blocks)
    for snapshot, longest in ((own, 64), (short, 12), (many, 64)):
        check_blocks(snapshot, longest)


def test_digests_tell_positions_apart(tokenizer: TextTokenizer):
    """The same tokens laid out for another trained length have other positions."""
    text = Buffer.of("".join(f"x{random.Random(i).random()} = {i}\n" for i in range(60)))
    digests = {Pipeline(tokenizer, trained).open("", 0, text, "python", None).digest() for trained in (32, 64, 128)}
    assert len(digests) == 3
