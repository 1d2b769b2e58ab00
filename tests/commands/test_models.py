"""`hirope-ls models`: what is here, what fits, what is in use; and the README's table of the same models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from model.tiny_models import save_model

from hirope_ls.cli import main
from hirope_ls.commands import fitting, wished
from hirope_ls.commands.fitting import CARDS, GIB, Plan, card_for, plan
from hirope_ls.commands.machine import Device
from hirope_ls.commands.models import readme, rows
from hirope_ls.commands.models.page import fits
from hirope_ls.commands.models.readme import BEGIN, COMMAND, END, with_models
from hirope_ls.engine.options import Options
from hirope_ls.model.catalogue import CATALOGUE, find
from hirope_ls.model.memory import WORKING, Need, Shape

README = Path(__file__).parents[2] / "README.md"
GPU = Device("A card", True, 8.0, 7.5)
COMMIT = "0" * 39 + "1"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache with one whole model, and no settings."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr("hirope_ls.commands.models.device", lambda: GPU)
    storage = tmp_path / "hf" / "hub" / "models--someone--tiny"
    (storage / "blobs").mkdir(parents=True)
    (storage / "snapshots").mkdir()
    save_model(storage / "snapshots" / COMMIT)
    wished.wished.cache_clear()
    yield storage
    wished.wished.cache_clear()


def wish(tmp_path: Path, line: str) -> None:
    path = tmp_path / "config" / "hirope-ls" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(line)


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["models", "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_what_is_here_and_what_is_in_use(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys)
    bundled, tiny = found["models"]
    assert found["machine"] == {"device": "A card", "gpu": True, "total_gib": 8.0, "free_gib": 7.5}
    assert (bundled["model"], bundled["in_use"], bundled["fits"], bundled["licence"]) == ("bundled", True, True, "MIT")
    assert (tiny["model"], tiny["in_use"], tiny["refused"]) == (f"someone/tiny@{COMMIT}", False, None)
    assert tiny["fits"] and tiny["fits_now"] and tiny["fim_order"] == "psm" and tiny["parameters"] > 0
    assert [one["model"] for one in found["choices"]] == [entry.pinned for entry in CATALOGUE]


@pytest.mark.parametrize("model", ["someone/tiny", f"someone/tiny@{COMMIT}"])
def test_the_one_that_the_settings_name(
    cache: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, model: str
) -> None:
    wish(tmp_path, f'model = "{model}"\n')
    assert [row["in_use"] for row in told(capsys)["models"]] == [False, True]


def test_a_folder_that_the_settings_name(cache: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = save_model(tmp_path / "mine", fim=False)
    wish(tmp_path, f'model = "{folder}"\n')
    *_, mine = told(capsys)["models"]
    assert mine["in_use"] and mine["folder"] == str(folder) and mine["fim_order"] is None


def test_one_that_is_not_whole_is_not_taken_for_a_model(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (cache / "snapshots" / COMMIT / "model.safetensors").unlink()
    _, tiny = told(capsys)["models"]
    assert tiny["refused"] and not tiny["fits"]
    assert main(["complete", f"{__file__}:1:1", "--model", "someone/tiny"]) == 2
    assert "not complete on this machine: hirope-ls fetch someone/tiny" in capsys.readouterr().err


def test_for_people(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    assert "A card, 7.5 of 8.0 GiB" in out and "bundled  in use" in out and "someone/tiny@000000000000" in out
    assert "Qwen/Qwen2.5-Coder-1.5B" in out and "Qwen/Qwen2.5-Coder-32B" not in out
    assert "qwen-research" in out and "more need more memory" in out


def test_fetched_ones_are_not_offered_again(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "Qwen/Qwen2.5-Coder-0.5B"
    cache.rename(cache.with_name(f"models--{name.replace('/', '--')}"))
    found = told(capsys)
    assert found["models"][1]["model"] == f"{name}@{COMMIT}" and found["models"][1]["licence"] == "apache-2.0"
    assert len(found["choices"]) == len(CATALOGUE) - 1


# --- what fits --------------------------------------------------------------------------------------------------------


def test_a_machine_with_more_or_less_room() -> None:
    entry = find("Qwen/Qwen2.5-Coder-1.5B")
    assert entry is not None
    need = entry.need(2)
    free = rows.fitting(need, entry.trained_length, GPU)
    assert free.fits and free.fits_now and free.settings == "kvBudgetMiB = 2048"
    busy = rows.fitting(need, entry.trained_length, Device("A card", True, 8.0, 1.0))
    assert busy.fits and not busy.fits_now and fits(busy).startswith("not now")
    small = rows.fitting(need, entry.trained_length, Device("A card", True, 2.0, 2.0))
    assert not small.fits and fits(small).startswith("no: 4.2 GiB")
    assert rows.fitting(None, 4096, GPU) == rows.Fit() and fits(rows.Fit()) == "-"


@pytest.mark.parametrize("entry", CATALOGUE, ids=[entry.name for entry in CATALOGUE])
def test_a_plan_holds_what_it_promises(entry: Any) -> None:
    need, trained = entry.need(2), entry.trained_length
    for size in CARDS:
        fit = plan(need, trained, size * GIB)
        if fit is None:
            assert need.bytes(fitting.LEAST) > (size - 2) * GIB
            continue
        budget = (fit.kv_budget_mib or fitting.DEFAULT_BUDGET_MIB) << 20
        assert need.weights + budget + WORKING <= size * GIB
        tokens = Options(max_prompt_tokens=fit.prompt_tokens).most_tokens(trained)
        assert need.shape.row_bytes(2) * tokens <= budget, "the longest prompt fits into the budget"


def test_a_plan_never_shows_more_than_was_asked_for() -> None:
    need = Need(GIB, Shape(40, 40, 128), 2)
    whole = plan(need, 16_384, 80 * GIB)
    assert isinstance(whole, Plan) and whole.prompt_tokens is None
    asked = plan(need, 16_384, 24 * GIB, asked=12_000)
    assert asked is not None and (asked.prompt_tokens or 12_000) <= 12_000
    tight = plan(need, 16_384, 6 * GIB, asked=2000)
    assert tight is not None and tight.prompt_tokens is None, "what was asked for is short already"
    assert plan(need, 512, 80 * GIB, asked=None) == Plan(None, need.budget_mib(Options().most_tokens(512)))
    assert plan(need, 16_384, 2 * GIB) is None and card_for(need, 16_384) is not None


# --- the README's table ----------------------------------------------------------------------------------------------


def test_the_table_is_fresh() -> None:
    text = README.read_text("utf-8")
    assert BEGIN in text and END in text
    assert with_models(text) == text, f"run {COMMAND} in a clone"


def test_every_model_has_its_row_and_its_two_lines() -> None:
    table, lines = readme.table(), readme.lines()
    for entry in CATALOGUE:
        assert f"`{entry.name}`" in table
        assert f"hirope-ls fetch {entry.pinned}\n" in lines and f"--model {entry.name}" in lines
        assert entry.terms in table
    for size in ("none", *(f"{card} GB" for card in (4, 8, 12, 16, 24, 48))):
        assert f"| {size} |" in table, "a line for each size of card"


def test_it_is_written_into_a_clone(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(f"# x\n{BEGIN}\nold\n{END}\nrest\n")
    assert readme.renew(tmp_path) and not readme.renew(tmp_path)
    written = (tmp_path / "README.md").read_text("utf-8")
    assert "old" not in written and written.endswith(f"{END}\nrest\n") and "Qwen2.5-Coder-1.5B" in written
