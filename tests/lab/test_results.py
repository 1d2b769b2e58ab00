"""`hirope-ls lab results`: its plan, the words that it makes of figures, and the whole of it on a tiny model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
from fuzz import python_files

from hirope_ls import cli
from hirope_ls.lab.eval.commands import COMMANDS
from hirope_ls.lab.eval.figures import Measured
from hirope_ls.lab.eval.lengths import parse_lengths
from hirope_ls.lab.methods import METHODS, methods
from hirope_ls.lab.reproduce import claims, command, forest, packages, parts
from hirope_ls.lab.reproduce.found import Figure, Found, read, verdict, write
from hirope_ls.lab.reproduce.measuring import Study
from hirope_ls.lab.reproduce.page import TEMPLATE, page
from hirope_ls.lab.reproduce.plan import PACKAGES, PLAN, RIVALS, Section, chosen
from hirope_ls.model.loader import Loaded
from hirope_ls.problems import InputError

VERSIONS = {"hirope-ls": "1", "torch": "2", "transformers": "5", "python": "3", "weights": "abc", "dtype": "float32"}
MODEL = {"name": "toy", "architecture": "Llama", "parameters": 4_500_000, "trained_length": 64, "vocabulary": 320}
NAMED = {section.name: section for section in PLAN}


# --- the plan --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("section", PLAN, ids=lambda section: section.name)
def test_the_plan_is_what_the_evaluation_takes(section: Section):
    found = methods(",".join(section.methods), 512)
    assert len({(repr(one.scheme), repr(one.units)) for one in found}) == len(found)  # no two are the same
    assert section.task in COMMANDS and parse_lengths(section.lengths, 512)[-1] <= 32 * 512
    assert "hirope" in section.methods


def test_the_plan_compares_every_method_on_every_task():
    whole = [section for section in PLAN if section.picture == "curves"]
    assert [section.task for section in whole] == list(COMMANDS)
    assert all(set(section.methods) == set(METHODS) and section.limit >= 30 for section in whole)
    assert set(RIVALS) == set(METHODS) - {"hirope", "hirope-paper"}


def test_sections_are_chosen_by_name_or_part():
    assert [one.name for one in chosen(["choices", "symbols"])] == ["symbols", "choices-perplexity", "choices-distant"]
    assert chosen([]) == list(PLAN)
    with pytest.raises(InputError, match="there is no section 'symbol': choose from beyond, beyond-distant"):
        chosen(["symbol"])


def test_the_extra_installs_what_the_plan_names():
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert all(f'"{name}=={version}"' in text for name, version in PACKAGES.items())


# --- packages --------------------------------------------------------------------------------------------------------


def test_packages_are_found_without_importing_them_and_versions_told():
    (folder,) = packages.folders(["pygls"])
    assert folder.name == "pygls" and (folder / "__init__.py").is_file()
    found = version("pygls")
    assert packages.versions({"pygls": found}) == {"pygls": found}
    assert packages.versions({"pygls": "0.0"}) == {"pygls": f"{found} (planned: 0.0)"}


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys):
    monkeypatch.setattr(command, "PACKAGES", {"pygls": "2", "no_such_one": "1", "no_such_two": "1"})
    assert cli.main(["lab", "results", "--out", str(tmp_path), "--work", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    told = "hirope-ls: not installed, but to be measured on: no_such_one, no_such_two; in a clone, run pip install"
    assert out == "" and err.startswith(told) and err.count("\n") == 1


@pytest.mark.parametrize(
    "words, told",
    [
        (["--out", "/no/such/folder"], "there is no folder /no/such/folder: run this in a clone"),
        (["--only", "symbol"], "there is no section 'symbol'"),
        (["--limit", "0"], "--limit and --threads take a number from 1 up"),
    ],
)
def test_wrong_options_are_one_line(words: list[str], told: str, tmp_path: Path, capsys):
    assert cli.main(["lab", "results", "--out", str(tmp_path), *words]) == 2
    assert capsys.readouterr().err.startswith(f"hirope-ls: {told}")


# --- words -----------------------------------------------------------------------------------------------------------

Courses = Mapping[str, Mapping[int, Sequence[float]]]
"""method -> length -> a value for each file"""


def published(folder: Path, courses: Courses, metric: str = "nll", task: str = "perplexity", asked: int = 0) -> Found:
    """A section's folder with these values, as if it had been measured."""
    measured = [
        Measured(method, "", length, f"file_{index}", {metric: value})
        for method, own in courses.items()
        for length, values in own.items()
        for index, value in enumerate(values)
    ]
    folder.mkdir(parents=True)
    files = len({one.file for one in measured})
    about = {"measured": len(measured), "asked": asked or len(measured), "files": files, "date": "2026-01-02"}
    about |= {"machine": "M", "packages": {"flask": "3"}, "model": MODEL, "hirope": {}}
    (folder / "results.json").write_text(json.dumps({"versions": VERSIONS | {"device": "cpu"}, "seed": 0, "rows": []}))
    write(folder, measured, 64, about)
    found = read(folder)
    assert found is not None
    return found


HARD = [0.0, 1.0, 2.0, 3.0]  # files differ far more than methods do
COURSES = {
    "rope": {64: HARD, 128: [4 + x for x in HARD], 1024: [5 + x for x in HARD]},
    "yarn": {64: HARD, 128: [0.1, 0.9, 2.1, 2.9], 1024: [1.2, 2.1, 3.2, 4.1]},
    "rerope": {64: HARD, 128: [x - 0.2 for x in HARD], 1024: [0.1, 0.9, 2.1, 2.9]},
    "hirope": {64: HARD, 128: [x + 0.01 for x in HARD], 1024: [x - 0.1 for x in HARD]},
}


@pytest.fixture
def found(tmp_path: Path) -> Found:
    return published(tmp_path / "results" / "perplexity", COURSES)


def test_what_is_written_is_read(found: Found, tmp_path: Path):
    assert found.lengths == [64, 128, 1024] and found.methods == list(COURSES) and found.origin == 64
    assert found.values[("yarn", 128, "nll")] == {f"file_{i}": v for i, v in enumerate([0.1, 0.9, 2.1, 2.9])}
    assert read(tmp_path) is None
    (tmp_path / "results" / "perplexity" / "files.json").write_text('{"files": []}')
    assert read(tmp_path / "results" / "perplexity") is None


@pytest.mark.parametrize(
    "mean, error, metric, word",
    [
        (-0.1, 0.05, "nll", "better"),
        (-0.1, 0.05, "recall", "worse"),
        (0.1, 0.05, "copy_nll", "worse"),
        (0.1, 0.05, "exact_match", "better"),
        (0.1, 0.1, "nll", "level"),
        (0.0, 0.0, "nll", "level"),
        (0.1, None, "nll", ""),
    ],
)
def test_a_verdict_follows_from_the_interval(mean: float, error: float | None, metric: str, word: str):
    assert verdict(Figure(mean, error, 3), metric) == word


def test_what_is_judged_is_what_is_shown():
    figure = Figure.of([0.0004, 0.00041, 0.00039])
    assert figure.signed == "+0.000 ± 0.000" and verdict(figure, "nll") == "level"


def test_hirope_against_each_rival_and_itself(found: Found):
    assert claims.by_length(found, "nll") == [
        "1x: equal to rope, yarn, rerope",
        "2x: better than rope; level with yarn (+0.010 ± 0.184); worse than rerope (+0.210 ± 0.000)",
        "16x: better than rope, yarn; level with rerope (-0.100 ± 0.184)",
    ]
    assert claims.own_course(found, "nll") == "2x worse (+0.010 ± 0.000), 16x better (-0.100 ± 0.000)"
    assert claims.no_worse_than_before(found, "nll") == "yes: better (-0.100 ± 0.000)"
    assert claims.no_worse_than_before(found, "nll", 2) == "no: worse (+0.010 ± 0.000)"
    assert claims.no_worse_than_before(found, "nll", 4) == claims.UNKNOWN
    assert claims.no_worse_than_rivals(found, "nll") == "no: worse than rerope at 2x (+0.210 ± 0.000)"
    assert claims.over_lengths(found, "nll") == (
        "rope: level at 1x, better at 2x and 16x; yarn: level at 1x and 2x, better at 16x; "
        "rerope: level at 1x and 16x, worse at 2x"
    )
    assert claims.short_prompts(found) == "yes: 1.500 and 1.500 at 64 tokens"


def test_more_is_better_for_shares(tmp_path: Path):
    courses = {"rope": {128: [0.1, 0.2, 0.1]}, "pi": {128: [0.9, 1.0, 0.9]}, "hirope": {128: [0.5, 0.6, 0.5]}}
    found = published(tmp_path / "one", courses, "recall")
    assert claims.by_length(found, "recall") == ["2x: better than rope; worse than pi (-0.400 ± 0.000)"]
    assert claims.no_worse_than_rivals(found, "recall") == "no: worse than pi at 2x (-0.400 ± 0.000)"
    courses["pi"] = courses["rope"]
    assert claims.no_worse_than_rivals(published(tmp_path / "two", courses, "recall"), "recall") == "yes (2x)"


def test_far_lengths_count_when_they_are_measured(tmp_path: Path):
    courses = {"rope": {128: [2.0, 3.0], 256: [2.0, 3.0]}, "pi": {128: [2.0, 3.0]}, "hirope": {128: [1.0, 2.0]}}
    found = published(tmp_path / "x", courses)
    assert claims.no_worse_than_rivals(found, "nll") == "yes (2x)"
    assert claims.over_lengths(found, "nll") == f"rope, pi: better at 2x, {claims.UNKNOWN} at 4x"
    courses["hirope"][256] = [1.0, 2.0]
    found = published(tmp_path / "z", courses)
    assert claims.no_worse_than_rivals(found, "nll") == "yes (2x; 4x of the rivals measured there)"
    del courses["rope"][256], courses["hirope"][256]
    told = claims.over_lengths(published(tmp_path / "y", courses), "nll")
    assert told == "clearly better than rope, pi at every distance"


def test_short_prompts_that_differ(tmp_path: Path):
    courses = {"rope": {32: [1.0, 2.0]}, "hirope": {32: [1.002, 2.0]}}
    assert claims.short_prompts(published(tmp_path / "x", courses)) == "no: 1.501 and 1.500 at 32 tokens"


def test_bold_is_what_is_level_with_the_best_file_by_file(found: Found):
    rows = {line.split("|")[1].strip(): line.count("**") // 2 for line in parts.means(found, "nll").splitlines()[4:]}
    assert rows == {"rope": 1, "yarn": 1, "rerope": 3, "hirope": 2}
    told = parts.against_base(found, "nll").splitlines()
    (rope,) = [line for line in told if line.startswith("| rope")]
    assert "+3.990 ± 0.000 worse" in rope and rope.count("worse") == 2
    (rerope,) = [line for line in told if line.startswith("| rerope")]
    assert "-0.210 ± 0.000 better" in rerope
    (own,) = [line for line in parts.against_itself(found, "nll").splitlines() if line.startswith("| hirope")]
    assert "+0.010 ± 0.000 worse" in own and "-0.100 ± 0.000 better" in own


def test_changes_of_hirope(tmp_path: Path):
    courses = {"hirope": {256: HARD}, "hirope:gain=0": {256: [x + 1 for x in HARD]}, "rerope": {256: HARD}}
    courses["hirope:log=no"] = {256: [x - 1 for x in HARD]}
    assert claims.changes(published(tmp_path / "x", courses), "nll") == [
        "clearly better than hirope: `hirope:log=no` (4x -1.000 ± 0.000)",
        "clearly worse: `hirope:gain=0` (4x +1.000 ± 0.000)",
        "level throughout: `rerope`",
    ]


def test_a_difference_far_beyond_the_others_does_not_squeeze_them(tmp_path: Path):
    near = [Figure(-0.01, 0.02, 9), Figure(0.02, 0.01, 9), Figure(0.03, None, 9)]
    low, high = forest.span([*near, Figure(2.5, 0.3, 9)])
    assert -0.05 < low < -0.03 and 0.03 < high < 0.05
    assert forest.span([Figure(2.5, 0.3, 9)])[1] > 2.8 and forest.span([]) == (-0.1, 0.1)
    courses = {"hirope": {128: HARD}, "rerope": {128: [x + 0.1 for x in HARD]}, "yarn": {128: [x + 9 for x in HARD]}}
    courses["pi"], courses["ntk"] = courses["rerope"], {256: HARD}
    forest.draw(published(tmp_path / "x", courses), "hirope", tmp_path / "picture.svg")
    assert "+9.00 ▶" in (tmp_path / "picture.svg").read_text("utf-8")


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_of_nothing_has_every_section_and_no_slot():
    text = page(TEMPLATE.read_text("utf-8"), PLAN, {})
    assert "{{" not in text and "<!--" not in text and claims.UNKNOWN in text
    assert all(f"{{{{{section.name}}}}}" in TEMPLATE.read_text("utf-8") for section in PLAN)


def test_the_page_says_what_the_figures_do(found: Found):
    text = page(TEMPLATE.read_text("utf-8"), PLAN, {"perplexity": found})
    assert "| at 16x no worse than at 1x | perplexity, nll | yes: better (-0.100 ± 0.000) |" in text
    assert "| perplexity, nll | no: worse than rerope at 2x (+0.210 ± 0.000) |" in text
    assert "- nll, HiRoPE at 2x: better than rope; level with yarn" in text
    assert (
        "](results/perplexity/plot.png)" in text and "4 files a length, of 30 planned, measured by 2026-01-02" in text
    )
    assert "toy: Llama, 4.50 M parameters" in text and "| packages, none of them trained on | flask 3 |" in text
    assert "nll** (nats a token, lower is better" in text and "**Incomplete**" not in text


def test_what_is_not_measured_to_its_end_is_said_to_be(tmp_path: Path):
    courses = {"rope": {64: HARD, 128: HARD[:2]}, "hirope": {64: HARD, 128: HARD[:1]}}
    found = published(tmp_path / "x", courses, asked=16)
    text = page("{{perplexity}}\n{{claims}}", PLAN, {"perplexity": found})
    assert "**Incomplete**: 11 of 16 measurements; files under every method, by length: 1x: 4, 2x: 1." in text
    assert "(n 2)" in text and "*(incomplete)* |" in text


def test_slots(found: Found):
    def filled(slot: str) -> str:
        return page(f"{{{{{slot}}}}}", PLAN, {"perplexity": found})

    assert filled("perplexity figure hirope 1x nll").startswith("1.500 ± 2.05")
    assert filled("perplexity difference hirope 16x hirope 1x nll") == "-0.100 ± 0.000"
    assert filled("perplexity figure hirope 8x nll") == filled("symbols verdict") == f"*{claims.UNKNOWN}*"
    for wrong in ("perplexty", "perplexity verdicts", "perplexity figure hirope"):
        with pytest.raises(InputError, match="template asks for"):
            filled(wrong)


def test_facts_that_differ_from_section_to_section_are_told_of_each(found: Found):
    other = replace(found, about=found.about | {"machine": "N"})
    text = page("{{about}}", PLAN, {"perplexity": found, "distant": other})
    assert "| machine | M (perplexity); N (distant) |" in text and "| seed | 0 |" in text


# --- all of it -------------------------------------------------------------------------------------------------------


@pytest.fixture
def study(tiny: Loaded, tmp_path: Path) -> Study:
    folder = tmp_path / "workspace"
    folder.mkdir()
    for index, path in enumerate(python_files(4, smallest=8_000, largest=30_000)):
        (folder / f"file_{index}.py").write_bytes(path.read_bytes())
    (tmp_path / "lab").mkdir()
    return Study(tiny.card.folder, (folder,), {"workspace": "1"}, tmp_path / "work", tmp_path / "lab" / "results", 2, 1)


def test_a_plan_on_a_tiny_model(study: Study, capsys):
    small = [
        replace(NAMED["perplexity"], lengths="0.5x,4x", methods=("hirope", "rerope", "rope")),
        replace(NAMED["choices-perplexity"], lengths="4x", methods=("hirope", "hirope:log=no", "rerope")),
    ]
    # What the evaluation's own command has measured is not measured again, in whatever order it was asked for.
    words = ["--model", str(study.model), "--workspace", str(study.workspaces[0]), "--limit", "2", "--threads", "1"]
    words += ["--methods", "rope,rerope,hirope", "--lengths", "32,256", "--device", "cpu"]
    assert cli.main(["eval", "perplexity", *words, "--out", str(study.work / "perplexity")]) == 0
    capsys.readouterr()
    command.measured(small, study)
    assert "12 of 12 measurements are known" in capsys.readouterr().err
    rows = json.loads((study.out / "perplexity" / "results.json").read_text("utf-8"))["rows"]
    assert {row["length"] for row in rows} == {32, 256}
    text = (study.out.parent / "RESULTS.md").read_text("utf-8")
    assert text.count("2 files a length, of ") == 2 and "short prompts equal" in text and "| yes: " in text
    for section in small:
        folder = study.out / section.name
        names = {path.name for path in folder.iterdir()}
        assert names == {"results.json", "files.json", "differences.md", "plot.png"}
        assert (folder / "plot.png").read_bytes().startswith(b"\x89PNG")
        assert (folder / "plot.png").stat().st_size < 150_000
        assert set(json.loads((folder / "results.json").read_text())) == {"versions", "seed", "rows"}
    # A page of what is known so far leaves the log alone: it may be being written to.
    log = study.work / "perplexity" / "items.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:-1]) + lines[-1][:20])
    before = log.read_bytes()
    command.measured([*small[:1], NAMED["symbols"]], study, known_only=True)
    assert log.read_bytes() == before
    command.write_page(study.out.parent)
    assert "**Incomplete**: 11 of 12 measurements" in (study.out.parent / "RESULTS.md").read_text("utf-8")
