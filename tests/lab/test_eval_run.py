"""The driver on a real tiny model: what it writes, and that an interrupted evaluation goes on where it stopped."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from lab.eval_parts import HIROPE, PLAIN
from model.tiny_models import TRAINED, save_model

from hirope_ls.lab.eval import plot, report
from hirope_ls.lab.eval.prompts import Prompt
from hirope_ls.lab.eval.reader import Reader
from hirope_ls.lab.eval.report import Row
from hirope_ls.lab.eval.run import LOG, Evaluation
from hirope_ls.lab.eval.sources import Source, text_source
from hirope_ls.lab.eval.task import Item
from hirope_ls.lab.methods import Units
from hirope_ls.model.loader import Loaded
from hirope_ls.problems import InputError

LENGTHS = (32, 128)
KEYS = ["task", "method", "preset", "length", "multiple", "metric", "value", "low", "high", "n"]


class Tail:
    """Scores the last tokens of each source; counts what it is asked, and can be interrupted."""

    name = "tail"
    metrics = ("nll", "exact_match")

    def __init__(self, scored: int = 6) -> None:
        self.scored = scored
        self._asked: list[tuple[str, str, int]] = []
        self._stop_at = -1

    def items(self, sources: Sequence[Source], lengths: Sequence[int], limit: int, seed: int) -> list[Item]:
        return [
            Item(f"{source.name}@{at}", length, Prompt.of(source, at - length, at))
            for length in lengths
            for source in sources[:limit]
            for at in (200, 300)
        ]

    def measure(self, reader: Reader, item: Item) -> dict[str, float]:
        if len(self._asked) == self._stop_at:
            raise KeyboardInterrupt
        self._asked.append((reader.method.name, item.id, item.length))
        nats, best = reader.best(item.payload, self.scored)
        return {"nll": float(nats.mean()), "exact_match": float(best.mean())}


Make = Callable[..., Evaluation]


@pytest.fixture
def make(tiny: Loaded, texts: list[Source], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Evaluations into the same folder, but for what is named; without pictures, which take longest."""
    monkeypatch.setattr(report, "draw", lambda panels, trained_length, out: None)

    def made(
        task: Tail | None = None, seed: int = 0, sources: Sequence[Source] = texts, **changes: object
    ) -> Evaluation:
        task = task or Tail()
        items = task.items(sources, LENGTHS, 2, seed)
        versions = {"hirope-ls": "1", "model": "tiny"}
        whole = Evaluation(task, items, (PLAIN, HIROPE), tiny, "digest", seed, tmp_path / "out", versions)
        return replace(whole, **changes)

    return made


def asked(evaluation: Evaluation) -> list[tuple[str, str, int]]:
    return evaluation.task._asked


def results(evaluation: Evaluation) -> str:
    return (evaluation.out / "results.json").read_text()


def test_results_have_the_agreed_shape(make: Make, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(report, "draw", plot.draw)
    evaluation = make()
    told = evaluation.run()
    found = json.loads(results(evaluation))
    assert list(found) == ["versions", "seed", "rows"]
    assert found["seed"] == 0 and found["versions"] == {"hirope-ls": "1", "model": "tiny"}
    assert all(list(row) == KEYS for row in found["rows"])
    rows = [Row(**row) for row in found["rows"]]
    assert [(row.length, row.method, row.preset, row.metric) for row in rows] == [
        (length, method, preset, metric)
        for length in LENGTHS
        for method, preset in (("rope", ""), ("hirope", "default"))
        for metric in Tail.metrics
    ]
    for row in rows:
        assert (row.task, row.n, row.multiple) == ("tail", 2, row.length / TRAINED)
        assert row.low <= row.value <= row.high
    nll = {(row.length, row.method): row.value for row in rows if row.metric == "nll"}
    assert nll[32, "rope"] == nll[32, "hirope"]  # within the trained length both are the stock model
    assert nll[128, "rope"] != nll[128, "hirope"]
    assert f"{nll[128, 'hirope']:.3f}" in told and told == (evaluation.out / "table.md").read_text()
    assert (evaluation.out / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert "difference from hirope" in (evaluation.out / "differences-tail.md").read_text()


def test_lengths_come_one_after_the_other_and_methods_by_turns(make: Make):
    evaluation = make()
    evaluation.run()
    order = asked(evaluation)
    assert [length for _, _, length in order] == [32] * 8 + [128] * 8
    assert [method for method, _, _ in order] == ["rope", "hirope"] * 8
    assert order[0][1:] == order[1][1:] and order[0][1] != order[2][1]


@pytest.mark.parametrize(
    "stop_at, torn", [(0, b""), (1, b'{"key": "0a'), (7, b'{"key": "0a", "values": {}}'), (15, b"\xff\x00")]
)
def test_an_interrupted_run_goes_on_and_ends_alike(make: Make, tmp_path: Path, capsys, stop_at: int, torn: bytes):
    whole = make(out=tmp_path / "whole")
    whole.run()
    first = make()
    first.task._stop_at = stop_at
    with pytest.raises(KeyboardInterrupt):
        first.run()
    assert f"stopped with {stop_at} of 16 measured" in capsys.readouterr().err
    assert len(asked(first)) == stop_at and not (first.out / "results.json").exists()
    with (first.out / LOG).open("ab") as file:
        file.write(torn)
    second = make()
    second.run()
    assert results(second) == results(whole)
    assert Counter(asked(first) + asked(second)) == Counter(asked(whole))
    third = make()
    third.run()
    assert asked(third) == [] and results(third) == results(whole)


def test_a_line_that_was_torn_in_two_is_measured_again(make: Make):
    evaluation = make()
    evaluation.run()
    before, log = results(evaluation), evaluation.out / LOG
    log.write_bytes(log.read_bytes()[:-9])
    again = make()
    again.run()
    assert asked(again) == asked(evaluation)[-1:] and results(again) == before
    lines = log.read_bytes().splitlines()
    assert len({json.loads(line)["key"] for line in lines}) == len(lines) == 16


def test_a_damaged_line_inside_is_measured_again(make: Make):
    evaluation = make()
    evaluation.run()
    before, log = results(evaluation), evaluation.out / LOG
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:3], b'["no", "object"]\n', b"\n", lines[4][:20] + b"\n", *lines[5:]]))
    again = make()
    again.run()
    assert asked(again) == asked(evaluation)[3:5] and results(again) == before


def other_text(texts: list[Source]) -> list[Source]:
    """The same names, but a text that differs in one character."""
    data = texts[0].data.decode()
    changed = text_source(texts[0].name, data + " ", texts[0].tokenizer, TRAINED)
    return [changed, texts[1]]


def test_nothing_is_reused_under_another_key(make: Make, texts: list[Source]):
    make().run()
    smaller = replace(HIROPE, scheme=replace(HIROPE.scheme, window=16))
    other_units = replace(HIROPE, units=Units(longest=8))
    for changed, fresh in (
        (make(seed=1), 16),
        (make(model="another"), 16),
        (make(task=Tail(scored=5)), 16),
        (make(methods=(PLAIN, smaller)), 8),
        (make(methods=(other_units,)), 8),
        (make(sources=other_text(texts)), 8),
        (make(), 0),
    ):
        changed.run()
        assert len(asked(changed)) == fresh


def test_a_further_method_is_all_that_is_measured(make: Make):
    make(methods=(PLAIN,)).run()
    evaluation = make()
    evaluation.run()
    assert {method for method, _, _ in asked(evaluation)} == {"hirope"}
    assert len(json.loads(results(evaluation))["rows"]) == 8


class Other(Tail):
    name = "other"


def test_tasks_share_a_folder_only_with_the_same_model_and_seed(make: Make):
    make().run()
    make(task=Other()).run()
    make(methods=(PLAIN,)).run()  # this task's own rows are replaced
    out = make().out
    rows = json.loads((out / "results.json").read_text())["rows"]
    assert Counter(row["task"] for row in rows) == {"other": 8, "tail": 4}
    assert "## other: nll" in (out / "table.md").read_text()
    assert "## tail: nll" in (out / "table.md").read_text()
    for changed in (make(seed=1), make(versions={"model": "another"})):
        with pytest.raises(InputError, match="holds results of another model, version or seed"):
            changed.run()
        assert asked(changed) == []
    (out / "results.json").write_text("[1, 2")  # what is no result stands in nobody's way
    make(seed=1).run()


@dataclass(frozen=True)
class Changed:
    """A model folder with one thing changed, and whether that makes it another model."""

    name: str
    text: str | None
    another: bool


@pytest.mark.parametrize(
    "change",
    [
        Changed("config.json", '{"a": 1}', True),
        Changed("tokenizer.json", "{}", True),
        Changed("chat_template.jinja", "{{ messages }}", True),
        Changed("README.md", "words", False),
        Changed("model.safetensors", None, True),
    ],
    ids=lambda change: change.name,
)
def test_a_model_is_told_by_what_is_in_its_folder(tmp_path: Path, change: Changed):
    from hirope_ls.lab.eval.keys import model_digest

    folder = save_model(tmp_path / "model")
    before = model_digest(folder)
    path = folder / change.name
    if change.text is None:  # one byte in the middle of the weights
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    else:
        path.write_text(change.text)
    assert (model_digest(folder) != before) == change.another
    assert before == model_digest(save_model(tmp_path / "again"))
