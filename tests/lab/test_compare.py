"""`hirope-ls eval compare`: two tiny models and copying, on the same lines, from the options to the page."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from fuzz import python_files
from model.tiny_models import TRAINED, save_model

from hirope_ls import cli
from hirope_ls.lab.eval import comparison
from hirope_ls.lab.eval.compare import LOG
from hirope_ls.lab.eval.copying import copied
from hirope_ls.lab.eval.gaps import stretches
from hirope_ls.lab.eval.kinds import KINDS
from hirope_ls.lab.eval.rivals import Case, Copied, Model
from hirope_ls.lab.eval.served import Served
from hirope_ls.lab.eval.sources import text_source
from hirope_ls.lab.reproduce import cases, compared
from hirope_ls.lab.reproduce.measuring import Study
from hirope_ls.lab.reproduce.page import TEMPLATE, page
from hirope_ls.lab.reproduce.plan import PLAN
from hirope_ls.model.folder import read_card
from hirope_ls.model.loader import Loaded, load


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("models")
    return [save_model(root / "old"), save_model(root / "new", intermediate_size=96)]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    for index, path in enumerate(python_files(2, smallest=4_000, largest=9_000)):
        (tmp_path / "code").mkdir(exist_ok=True)
        (tmp_path / "code" / f"file_{index}.py").write_bytes(path.read_bytes())
    return tmp_path / "code"


def words(workspace: Path, out: Path, *more: str) -> list[str]:
    given = ["--workspace", str(workspace), "--out", str(out), "--context", "400", "--lines", "1", "--device", "cpu"]
    return ["eval", "compare", *given, "--threads", "1", *more]


def test_models_and_the_copy_answer_the_same_and_it_goes_on(models, workspace, tmp_path, capsys):
    out = tmp_path / "out"
    given = words(workspace, out, "--models", *map(str, models))
    assert cli.main(given) == 0
    first, _ = capsys.readouterr()
    lines = [json.loads(line) for line in (out / LOG).read_text().splitlines()]
    assert [line["rival"] for line in lines] == ["copy", "old", "new"] * 2
    assert len({line["file"] for line in lines}) == 2 and len({line["bits"] for line in lines[1:3]}) == 2
    assert all((line["bits"] is None) == (line["cold"] is None) == (line["rival"] == "copy") for line in lines)
    assert "Difference from copy" in first and "| a completion takes" in first and "by what was missing" in first
    for line in lines:
        (by_length, by_words), right = _hits(line["hits"]), line["rest_exact_match"] * line["lines"]
        assert by_length == by_words == (pytest.approx(right), line["lines"])
    assert (out / "table.md").read_text() == first and (out / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert cli.main([*given, "--limit", "2"]) == 0
    again, told = capsys.readouterr()
    assert again == first and "6 of 6 measurements are known" in told
    assert cli.main(words(workspace, out, "--limit", "1", "--models", str(models[0]), "--seed", "1")) == 0
    assert len((out / LOG).read_text().splitlines()) == 6 + 2, "other lines are other questions"


def _hits(found: dict[str, list[int]]) -> list[tuple[int, int]]:
    """Right answers and lines of both pairs of kinds: each line is in one kind of either."""
    each = [[found.get(kind, [0, 0]) for kind in pair] for pair in (KINDS[:3], KINDS[3:])]
    return [(sum(right for right, _ in pair), sum(asked for _, asked in pair)) for pair in each]


@pytest.mark.parametrize(
    "more, told",
    [
        (["--models", "{old}", "{old}"], "give each model another name than 'old'"),
        (["--models", "copy={old}"], "give each model another name than 'copy'"),
        (["--models", "/no/such/model"], "there is no model folder /no/such/model"),
        (["--limit", "0"], "--context, --limit, --lines and --threads take a number from 1 up"),
    ],
)
def test_what_is_wrong_is_one_line(models, workspace, tmp_path, capsys, more, told):
    given = [word.replace("{old}", str(models[0])) for word in more]
    assert cli.main(words(workspace, tmp_path / "out", *given)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("hirope-ls: ") and all(part in line for part in told.split(", "))


def test_a_model_may_be_named(models, workspace, tmp_path, capsys):
    given = [f"a={models[0]}", f"b={models[0]}"]
    assert cli.main(words(workspace, tmp_path / "out", "--limit", "1", "--models", *given)) == 0
    a, b = (json.loads(line) for line in (tmp_path / "out" / LOG).read_text().splitlines()[1:])
    assert {**a, "key": 0, "rival": 0, "cold": 0, "warm": 0} == {**b, "key": 0, "rival": 0, "cold": 0, "warm": 0}


def test_rivals_are_asked_as_an_editor_asks(tiny: Loaded, tokenizer, texts):
    model = Model("tiny", "digest", tiny, tokenizer)
    for stretch in stretches(texts, 400, 2, 1, 0):
        model.times(stretch)
        for gaps in stretch.gaps.values():
            for gap in gaps:
                fresh = Served(tiny, tokenizer).answer(stretch.name, stretch.before(gap), stretch.after(gap)).text
                assert model.answer(stretch, gap) == fresh.lstrip("\n").split("\n")[0], "warm or cold"
                there = copied(stretch.before(gap), stretch.after(gap)).decode(errors="replace")
                assert Copied().answer(stretch, gap) == there


def test_bits_do_not_depend_on_the_vocabulary(tmp_path, tokenizer, texts):
    """A model that finds all tokens alike needs log2 of their number for each, whatever text they hold."""
    loaded = load(read_card(save_model(tmp_path / "flat")), "cpu", "float32")
    loaded.hirope.model.lm_head.weight.data.zero_()
    model = Model("flat", "digest", loaded, tokenizer)
    (stretch,) = stretches(texts, 600, 1, 2, 0)
    start, end = stretch.scored
    source = text_source("p.py", stretch.text[:end].decode(), tokenizer, TRAINED)
    first = source.token_at(start)
    bits = (len(source) - first) * 8.3219 / len(source.text(first, len(source)).decode())
    assert model.bits(stretch) == pytest.approx(bits, rel=1e-3)


FILES = [f"f{n}" for n in range(6)]


def case(rival: str, file: str, exact: float, **more: float) -> Case:
    return Case(rival, file, 4, exact, exact, exact, exact, **more)


def test_verdicts_are_of_pairs():
    hard = [0.0, 0.25, 0.5, 0.75, 1.0, 0.5]
    both = [case("copy", file, value) for file, value in zip(FILES, hard, strict=True)]
    better = [value + 0.1 + at * 0.001 for at, value in enumerate(hard)]
    both += [case("new", file, value, bits=1.0) for file, value in zip(FILES, better, strict=True)]
    mean, error = comparison.difference(both, "rest_exact_match", "new", "copy")
    assert mean == pytest.approx(0.1025) and error < 0.003
    assert comparison.verdict((mean, error), "rest_exact_match") == "better"
    assert comparison.verdict((mean, error), "bits") == "worse"
    assert comparison.verdict((0.1, 0.2), "bits") == "level" and comparison.verdict((0.1, None), "bits") == ""
    text = comparison.tables(both)
    assert "+0.102 ± 0.002 better" in text or "+0.103 ± 0.002 better" in text
    assert comparison.figure(both, "copy", "bits") is None


def test_times_are_held_against_the_first_model_file_by_file():
    each = [case("old", file, 0, cold=0.2 * n, warm=0.02) for n, file in enumerate(FILES, 1)]
    each += [case("new", file, 0, cold=0.3 * n, warm=0.01) for n, file in enumerate(FILES, 1)]
    (line,) = (line for line in comparison.tables(each).splitlines() if line.startswith("| new") and "ms" in line)
    assert [cell.strip() for cell in line.split("|")[2:6]] == ["1050 ms", "1.50", "10 ms", "0.50"]


def test_it_has_its_section_on_the_page(models, workspace, tmp_path):
    assert page("{{models}}", PLAN, {}) == "*not measured yet*"
    study = Study(models[1], (workspace,), {"code": "1"}, tmp_path / "work", tmp_path / "results", 2, 1)
    small = ("--context", "400", "--lines", "1")
    cases.measure(compared, study, small)
    found = cases.read(compared, study.out)
    assert found is not None and comparison.rivals(found.cases) == ["copy", "bundled"]
    with_former = replace(study, former=models[0])
    shutil.rmtree(study.out)
    cases.measure(compared, with_former, small)
    assert len((tmp_path / "work" / "models" / compared.LOG).read_text().splitlines()) == 6, "what is known is kept"
    found = cases.read(compared, study.out)
    assert found is not None and comparison.rivals(found.cases) == ["copy", "first", "bundled"]
    text = page("{{models}}", PLAN, {}, {"models": compared.told(found)})
    weights = [found.about["models"][name]["weights"] for name in ("first", "bundled")]
    assert all(f"`{one}`" in text for one in weights) and weights[0] != weights[1]
    assert "- against `copy`: rest of a line: exact match" in text and "- against `first`: " in text
    assert "(results/models/plot.png)" in text and (study.out / "models" / "plot.png").is_file()
    assert "6 measurements in 2 files, of 500 planned" in text and "Lines asked for, each once in each way: 2." in text
    assert TEMPLATE.read_text("utf-8").count("{{models}}") == 1
