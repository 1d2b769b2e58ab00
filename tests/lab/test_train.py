"""A run in miniature: it learns, stops on time, survives crashes and signals, and leaves a folder that others load."""

from __future__ import annotations

import argparse
import json
import os
import signal
import zipfile
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from hirope_ls.lab.train import attention, command, corpus, installed, loop, measure, pack, packages, variants
from hirope_ls.lab.train.optimise import lr_factor
from hirope_ls.lab.train.state import Folder
from hirope_ls.lab.train.tokenizer import END, SPECIALS
from hirope_ls.model.folder import read_card
from hirope_ls.problems import InputError

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("code")
    for number in range(150):  # enough that some file is held out
        functions = (
            f"def area_{i}(radius):\n    if radius < {number}:\n        return 3 * radius ** {i}\n    return radius\n\n"
            for i in range(number, number + 4)
        )
        (folder / f"module{number}.py").write_text("".join(functions))
    return folder


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few evaluation rows, and no reading of an installed project."""
    monkeypatch.setattr(measure, "ROWS", 2)
    monkeypatch.setattr(command, "UNSEEN", "no-such-distribution")


def lab_train(work: Path, source: Path, *options: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    fixed = ["--work-dir", str(work), "--corpus-dir", str(source), "--layers", "1", "--batch", "1", "--compile", "off"]
    return command.run(parser.parse_args([*fixed, *options]))


def weights(work: Path) -> dict[str, torch.Tensor]:
    content: dict[str, dict[str, torch.Tensor]] = torch.load(work / "checkpoint.pt", weights_only=True)
    return content["model"]


def losses(work: Path) -> list[float]:
    content = torch.load(work / "checkpoint.pt", weights_only=True)
    return [entry["loss"] for entry in content["state"]["history"] if "loss" in entry]


def failing_after(steps: int, fail: object) -> loop.Loss:
    left = iter(range(steps))

    def loss(model: LlamaForCausalLM, rows: torch.Tensor) -> torch.Tensor:
        if next(left, None) is None:
            assert callable(fail)
            fail()
        return _row_loss(model, rows)

    return loss


_row_loss = loop.row_loss


def test_a_run_learns_and_its_folder_is_loaded_by_others(tmp_path: Path, source: Path) -> None:
    out = tmp_path / "exported"
    assert lab_train(tmp_path / "run", source, "--steps", "12", "--out", str(out)) == 0
    values = losses(tmp_path / "run")
    assert len(values) == 12
    assert values[-1] < values[0] - 1

    config = AutoConfig.from_pretrained(out)
    assert config.hirope == {"fim_order": "context-spm", "trained_length": 512}
    assert config.rope_parameters["rope_theta"] == 10000
    assert (config.max_position_embeddings, config.tie_word_embeddings) == (512, True)

    tokenizer = AutoTokenizer.from_pretrained(out)
    text = "def area_1(radius):\r\n\treturn 'é😀'\n"
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    assert tokenizer.decode(ids[0]) == text
    assert tokenizer.convert_tokens_to_ids(list(SPECIALS)) == [0, 1, 2, 3, 4]
    assert tokenizer.eos_token == tokenizer.pad_token == END

    model = AutoModelForCausalLM.from_pretrained(out)
    assert model.dtype == torch.bfloat16
    assert config.vocab_size == len(tokenizer) == model.get_output_embeddings().weight.shape[0]
    trained = weights(tmp_path / "run")["model.embed_tokens.weight"].bfloat16()
    assert torch.equal(model.get_input_embeddings().weight, trained)
    generated = torch.as_tensor(model.generate(ids, max_new_tokens=4))
    assert ids.shape[1] < generated.shape[1] <= ids.shape[1] + 4

    card = (out / "README.md").read_text()
    assert source.name in card
    assert "| held-out files of the corpus |" in card
    assert "{" not in card
    assert (out / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "loss.png").stat().st_size < 100_000
    history = json.loads((out / "training.json").read_text())
    assert (history["steps"], history["tokens"]) == (12, 12 * 512)
    assert history["evaluations"][-1]["held_out_middle_loss"] > 0
    assert (history["about"]["seed"], history["about"]["batch"]) == (0, 1)


def test_a_crashed_run_goes_on_as_if_nothing_had_been(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lab_train(tmp_path / "whole", source, "--steps", "4") == 0

    def crash() -> None:
        raise MemoryError

    monkeypatch.setattr(loop, "row_loss", failing_after(2, crash))
    with pytest.raises(MemoryError):
        lab_train(tmp_path / "crashed", source, "--steps", "4", "--save-every", "0")
    assert len(losses(tmp_path / "crashed")) == 2
    monkeypatch.setattr(loop, "row_loss", _row_loss)
    assert lab_train(tmp_path / "crashed", source, "--steps", "4") == 0

    assert losses(tmp_path / "crashed") == losses(tmp_path / "whole")
    whole, crashed = weights(tmp_path / "whole"), weights(tmp_path / "crashed")
    assert whole.keys() == crashed.keys()
    assert all(torch.equal(whole[name], crashed[name]) for name in whole)


def test_a_signal_saves_and_the_checkpoint_can_be_exported(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "row_loss", failing_after(1, lambda: os.kill(os.getpid(), signal.SIGTERM)))
    before = signal.getsignal(signal.SIGTERM)
    assert lab_train(tmp_path, source, "--minutes", "100") == 130
    assert signal.getsignal(signal.SIGTERM) == before
    assert len(losses(tmp_path)) == 2
    assert not (tmp_path / "model").exists()

    saved = weights(tmp_path)
    assert lab_train(tmp_path, source, "--export-only") == 0
    assert json.loads((tmp_path / "model" / "training.json").read_text())["steps"] == 2
    assert all(torch.equal(tensor, weights(tmp_path)[name]) for name, tensor in saved.items())


def test_a_run_by_the_clock_ends_on_time_with_its_decay_done(tmp_path: Path, source: Path) -> None:
    assert lab_train(tmp_path, source, "--minutes", "0.03") == 0
    content = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    steps = [entry for entry in content["state"]["history"] if "loss" in entry]
    assert len(steps) > 1
    assert steps[-1]["seconds"] >= 1.8 > steps[-2]["seconds"]
    for optimiser in content["optimisers"]:
        for group in optimiser["param_groups"]:
            assert 0 <= group["lr"] < group["peak_lr"] * 0.9


def test_the_learning_rate_warms_up_stays_and_decays_to_nothing() -> None:
    factors = [lr_factor(done / 100) for done in range(101)]
    assert 0 < factors[0] < factors[1] < 1
    assert factors[5:60] == [1.0] * 55
    assert all(one > two for one, two in pairwise(factors[60:]))
    assert factors[100] == 0


def test_nothing_to_train_on_or_to_export_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert lab_train(tmp_path / "run", empty, "--steps", "1") == 2
    assert "No file" in capsys.readouterr().err


def test_exporting_needs_a_checkpoint(tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lab_train(tmp_path, source, "--export-only") == 2
    assert "No checkpoint" in capsys.readouterr().err


def test_blocks_of_attention_are_what_torch_computes() -> None:
    length = attention.BLOCK + 40
    for kv_heads in (1, 2, 4):
        shapes = ((2, 4, length, 16), (2, kv_heads, length, 16), (2, kv_heads, length, 16))
        query, key, value = (torch.randn(shape, dtype=torch.float64) for shape in shapes)
        found, _ = attention.causal_blocks(torch.nn.Identity(), query, key, value, None, scaling=0.25)
        wanted = torch.nn.functional.scaled_dot_product_attention(
            query, key, value, is_causal=True, scale=0.25, enable_gqa=True
        )
        torch.testing.assert_close(found, wanted.transpose(1, 2), rtol=1e-5, atol=1e-6)  # scores pass through float32


def test_a_loss_in_blocks_is_the_stock_model_s() -> None:
    config = LlamaConfig(vocab_size=50, hidden_size=64, intermediate_size=64, num_hidden_layers=2, head_dim=32,
                         num_attention_heads=2, num_key_value_heads=1)  # fmt: skip
    model = LlamaForCausalLM(config)
    rows = torch.randint(0, 50, (2, attention.BLOCK + 20))
    stock = loop.row_loss(model, rows)
    model.set_attn_implementation(attention.NAME)
    torch.testing.assert_close(loop.row_loss(model, rows), stock, rtol=1e-5, atol=1e-6)


def test_a_packed_run_begins_elsewhere_with_the_same_rows(tmp_path: Path, source: Path) -> None:
    file = tmp_path / "run.tar.xz"
    assert lab_train(tmp_path / "here", source, "--pack", str(file)) == 0
    assert not (tmp_path / "here" / "checkpoint.pt").exists()
    assert lab_train(tmp_path / "here", source, "--steps", "2") == 0
    nowhere = tmp_path / "nothing"
    assert lab_train(tmp_path / "there", nowhere, "--packed", str(file), "--steps", "2") == 0
    assert losses(tmp_path / "there") == losses(tmp_path / "here")


def test_of_a_large_corpus_a_part_travels(tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = installed.folder_corpus(source)
    most = sum(len(file.text) for file in whole.train) // 2
    monkeypatch.setattr(pack, "_MOST_CHARS", most)
    file = tmp_path / "run.tar.xz"
    assert lab_train(tmp_path / "here", source, "--pack", str(file)) == 0
    pack.unpack(file, Folder(tmp_path / "there"))
    part = corpus.load(tmp_path / "there" / "corpus")
    assert part is not None and part.held_out == whole.held_out
    size = sum(len(file.text) for file in part.train)
    assert most * 0.9 < size <= most and part.part
    assert [(each.num_files, each.num_chars) for each in part.sources] == [(len(part.train), size)]
    assert [file for file in whole.train if file in part.train] == list(part.train)


def test_a_run_may_be_prolonged(tmp_path: Path, source: Path) -> None:
    assert lab_train(tmp_path, source, "--steps", "2") == 0
    assert lab_train(tmp_path, source, "--steps", "4") == 0
    assert len(losses(tmp_path)) == 4


def test_variants_are_trained_alike_and_compared_in_one_table(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = ("--layers", "1", "--batch", "1", "--compile", "off")
    monkeypatch.setattr(variants, "VARIANTS", {"small": tiny, "small, 300 tokens": (*tiny, "--vocab", "300")})
    corpus.save(installed.folder_corpus(source), tmp_path / "small" / "corpus")
    parser = argparse.ArgumentParser()
    variants.add_arguments(parser)
    assert variants.run(parser.parse_args(["--out", str(tmp_path), "--minutes", "0.01"])) == 0
    table = (tmp_path / "table.md").read_text()
    assert capsys.readouterr().out.endswith(table)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    assert [row[0] for row in rows] == ["variant", "---", "small", "small, 300 tokens"]
    assert all(float(row[2].split(",")[0]) > 0 for row in rows[2:])
    vocabularies = [len(json.loads((tmp_path / name / "tokenizer" / "tokenizer.json").read_text())["model"]["vocab"])
                    for name in ("small", "small-300_tokens")]  # fmt: skip
    assert vocabularies[1] == 300 < vocabularies[0]


def test_no_copy_of_what_is_followed_is_trained_on(tmp_path: Path, source: Path) -> None:
    followed = tmp_path / "followed"
    followed.mkdir()
    (followed / "one.py").write_text((source / "module7.py").read_text())
    assert lab_train(tmp_path / "run", source, "--steps", "1", "--follow", str(followed)) == 0
    trained = corpus.load(tmp_path / "run" / "corpus")
    assert trained is not None
    names = {file.path for file in (*trained.train, *trained.held_out)}
    assert "module7.py" not in names and len(names) > 50
    with pytest.raises(InputError, match="folders of different names, not code and code"):
        lab_train(tmp_path / "run", source, "--follow", str(tmp_path / "a" / "code"), str(tmp_path / "b" / "code"))


def test_a_run_keeps_the_vocabulary_of_a_tokenizer_that_came_with_it(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = tmp_path / "packed.tar.xz"
    assert lab_train(tmp_path / "first", source, "--vocab", "300", "--pack", str(packed)) == 0
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    begun = ["--work-dir", str(tmp_path / "run"), "--packed", str(packed), "--layers", "1", "--batch", "1"]
    with pytest.raises(InputError, match="the run has --vocab 300, and keeps it"):
        command.run(parser.parse_args([*begun, "--vocab", "4096"]))
    assert command.run(parser.parse_args([*begun, "--steps", "1", "--compile", "off"])) == 0
    assert " --vocab 300" in (tmp_path / "run" / "model" / "README.md").read_text()


def test_a_run_goes_on_at_another_rate(tmp_path: Path, source: Path) -> None:
    for name in ("one", "other"):
        assert lab_train(tmp_path / name, source, "--steps", "1") == 0
    assert lab_train(tmp_path / "one", source, "--steps", "3") == 0
    assert lab_train(tmp_path / "other", source, "--steps", "3", "--lr", "5e-4") == 0
    one, other = (losses(tmp_path / name) for name in ("one", "other"))
    assert one[:2] == other[:2] and one[2] != other[2]  # the second loss is of weights that the first step made


def test_a_run_goes_on_from_the_folder_that_another_left(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = ("--seed", "7", "--vocab", "300", "--hidden", "128", "--inner", "192", "--kv-heads", "1")
    assert lab_train(tmp_path / "first", source, "--steps", "21", *rows) == 0
    model = tmp_path / "first" / "model"
    begun: list[torch.Tensor] = []

    def noted(own: LlamaForCausalLM, ids: torch.Tensor) -> torch.Tensor:
        begun.append(own.get_input_embeddings().weight.detach().clone())
        return _row_loss(own, ids)

    monkeypatch.setattr(loop, "row_loss", noted)
    assert lab_train(tmp_path / "next", source, "--steps", "23", "--begin", str(model)) == 0
    assert len(begun) == 2
    assert torch.equal(begun[0].bfloat16(), AutoModelForCausalLM.from_pretrained(model).get_input_embeddings().weight)
    histories = [json.loads((tmp_path / name / "training.json").read_text()) for name in ("first", "next")]
    assert (histories[1]["steps"], histories[1]["tokens"]) == (23, 23 * 512)
    assert histories[1]["losses"][:2] == histories[0]["losses"] and len(histories[1]["losses"]) == 3
    assert histories[1]["evaluations"][:1] == histories[0]["evaluations"] and len(histories[1]["evaluations"]) == 2
    card = (tmp_path / "next" / "model" / "README.md").read_text()
    assert "--seed 7 " in card and "--vocab 300" in card
    assert card.endswith("another way up to minute 0 with `--steps 21`, from where on the optimisers began anew.\n")
    assert lab_train(tmp_path / "next", source, "--steps", "24", "--begin", str(model)) == 0  # has a checkpoint by now
    assert len(begun) == 3 and not torch.equal(begun[2], begun[0])
    again = tmp_path / "again"
    assert lab_train(again, source, "--export-only", "--begin", str(model)) == 0
    weight, exported = (AutoModelForCausalLM.from_pretrained(each).lm_head.weight for each in (model, again / "model"))
    assert torch.equal(weight, exported)
    with pytest.raises(InputError, match="is no model folder that lab train left: it has no tokenizer"):
        lab_train(tmp_path / "other", source, "--begin", str(source))


def test_a_run_goes_on_in_its_own_shape(tmp_path: Path, source: Path) -> None:
    assert lab_train(tmp_path, source, "--steps", "1", "--hidden", "128", "--inner", "192", "--kv-heads", "1") == 0
    assert lab_train(tmp_path, source, "--steps", "2") == 0
    config = AutoConfig.from_pretrained(tmp_path / "model")
    assert (config.hidden_size, config.intermediate_size, config.num_key_value_heads) == (128, 192, 1)
    card = (tmp_path / "model" / "README.md").read_text()
    assert card.endswith("made in another way up to minute 0 with `--steps 1`.\n")  # its decay was done by then
    assert "lab train --steps 2 --seed 0 " in card and "--hidden 128 --inner 192 --layers 1 --kv-heads 1" in card
    with pytest.raises(InputError, match="the run has --hidden 128, and keeps it"):
        lab_train(tmp_path, source, "--steps", "3", "--hidden", "256")


def test_a_run_goes_on_with_the_rows_it_had(tmp_path: Path, source: Path) -> None:
    rows = ("--spm", "0.2", "--psm", "0.3", "--renamed", "0.1", "--seed", "7", "--vocab", "300", "--lr", "1e-3")
    assert lab_train(tmp_path / "whole", source, "--steps", "3", *rows) == 0
    assert lab_train(tmp_path / "parts", source, "--steps", "1", *rows) == 0
    (tmp_path / "parts" / "training.json").unlink()  # as where the process died before it was written
    assert lab_train(tmp_path / "parts", source, "--steps", "3") == 0
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    cards = [(tmp_path / name / "model" / "README.md").read_text() for name in ("parts", "whole")]
    assert lab_train(tmp_path / "parts", source, "--steps", "4", "--spm", "0.5") == 0
    changed = (tmp_path / "parts" / "model" / "README.md").read_text()
    told = "\nIt was made in another way up to minute 0 with `--steps 1`"
    assert changed.endswith(f"{told}; up to minute 0 with `--spm 0.2 --steps 3`.\n") and "--spm 0.5 " in changed
    assert cards[0] == f"{cards[1]}{told}.\n" and "20% are\nsuch examples and 30% are in the common order" in cards[0]


@pytest.mark.parametrize("shares", [("--spm", "0.8", "--psm", "0.5"), ("--spm", "-0.1"), ("--renamed", "1.5")])
def test_shares_that_are_none(tmp_path: Path, source: Path, shares: tuple[str, str]) -> None:
    with pytest.raises(InputError, match="from 0 to 1"):
        lab_train(tmp_path, source, "--steps", "1", *shares)
    assert not list(tmp_path.iterdir())


def test_packages_of_a_registry_are_read_and_what_is_kept_back_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    functions = [
        f"def area_{i}(side):\n    if side < {i}:\n        return side * {i}\n    return side\n" for i in range(9)
    ]
    index = tmp_path / "index"
    _wheel(index, "free", "MIT", {"free/one.py": "\n".join(functions)})
    _wheel(index, "bound", "GPL-3.0-only", {"bound/one.py": "\n".join(functions).replace("side", "edge")})
    _wheel(index, "copied", "MIT", {"copied/one.py": "\n".join(functions).replace("side", "radius")})
    wanted = tmp_path / "wanted.txt"
    wanted.write_text("free==1.0\nbound==1.0\ncopied==1.0\nmissing==1.0\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    with pytest.raises(InputError, match="pip could not fetch"):
        packages.fetch(wanted, tmp_path / "run" / "site")
    assert "missing" in capfd.readouterr().err
    with pytest.raises(InputError, match="there is no file"):
        packages.fetch(tmp_path / "none.txt", tmp_path / "run" / "site")

    wanted.write_text("free==1.0\nbound==1.0\ncopied==1.0\n")
    site = packages.fetch(wanted, tmp_path / "run" / "site")
    assert (site / "free" / "one.py").is_file() and packages.fetch(wanted, tmp_path / "run" / "site") == site
    nothing = tmp_path / "nothing.txt"
    nothing.write_text("# none yet\n")
    other = packages.fetch(nothing, tmp_path / "run" / "site")
    assert other != site and list(other.iterdir()) == []
    kept_back = corpus.SourceFile("evaluated", "one.py", "\n".join(functions).replace("side", "radius"))
    monkeypatch.setattr(installed, "ROOTS", ())
    monkeypatch.setattr(installed, "installed_sources", lambda: iter(()))
    monkeypatch.setattr(installed, "evaluation_files", lambda name, _: (kept_back,) * (name == "flask"))
    followed = corpus.SourceFile("followed", "one.py", "\n".join(functions))
    assert not installed.installed_corpus(site=site, followed=[followed]).train
    found = installed.installed_corpus(site=site)
    assert {file.source for file in (*found.train, *found.held_out)} == {"free"}
    assert {source.name: source.used for source in found.sources} == {"bound": False, "copied": True, "free": True}


def _wheel(index: Path, name: str, licence: str, files: dict[str, str]) -> None:
    index.mkdir(exist_ok=True)
    info = f"{name}-1.0.dist-info"
    about = {
        f"{info}/METADATA": f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\nLicense-Expression: {licence}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{name}/data.bin": "nothing to be read",
    }
    listed = "".join(f"{path},,\n" for path in (*files, *about, f"{info}/RECORD"))
    with zipfile.ZipFile(index / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for path, text in (files | about | {f"{info}/RECORD": listed}).items():
            archive.writestr(path, text)


def test_a_pointer_is_fitted_to_code_that_is_followed(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    followed = tmp_path / "followed"
    followed.mkdir()
    modules = sorted(source.iterdir())
    for number in range(2):
        text = "".join(each.read_text() for each in modules[number::2])
        (followed / f"all{number}.py").write_text(text.replace("radius", "side"))  # so that no line is trained on
    assert lab_train(tmp_path / "run", source, "--steps", "1", "--follow", str(followed)) == 0
    pointer = read_card(tmp_path / "run" / "model").pointer
    assert pointer is not None and pointer.belief(16) > 0.5
    out, card = capsys.readouterr().out, (tmp_path / "run" / "model" / "README.md").read_text()
    assert (
        "2 files: " in out
        and "fitted on followed, of which 2 files: " in card
        and card.rstrip().endswith("--follow followed")
    )
    assert "lab train --steps 1 --seed 0 --batch 1 --lr 0.002 --renamed 0.15 --spm 0.9 --psm 0.0 --hidden 256" in card
    assert f" --corpus-dir {source} --follow followed" in card and f"The code in `{source}`: " in card
    assert "Nobody has looked at licences" in card and "Never read" not in card and "Installed" not in card
    assert lab_train(tmp_path / "run", source, "--export-only") == 0
    assert read_card(tmp_path / "run" / "model").pointer is None
    assert "has no pointer into the text: fitted to code by --follow" in capsys.readouterr().out
    (followed / "all1.py").write_text(text)  # as it was trained on
    assert lab_train(tmp_path / "run", source, "--export-only", "--follow", str(followed)) == 0
    told = capsys.readouterr().out
    assert "1 of the files followed stand in the corpus" in told and "too few files to fit it to" in told
    for file in followed.iterdir():
        file.write_text(file.read_text()[:200])
    assert lab_train(tmp_path / "run", source, "--export-only", "--follow", str(followed)) == 0
    assert "too few files to fit it to" in capsys.readouterr().out
