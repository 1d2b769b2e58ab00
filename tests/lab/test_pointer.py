"""The pointer's numbers: fitted by the lab as they are served, and written into a model's folder."""

from __future__ import annotations

import json
import math
import random
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from model.prompts import NEVER, told
from model.tiny_models import TRAINED, save_model

from hirope_ls.cli import main
from hirope_ls.lab import pointer as fitting
from hirope_ls.lab.eval.copying import BASELINES, Pointing, lexicon, reader
from hirope_ls.lab.eval.prompts import Prompt
from hirope_ls.lab.eval.sources import text_source
from hirope_ls.lab.methods import methods
from hirope_ls.model.decode import LocalModel
from hirope_ls.model.folder import read_card
from hirope_ls.model.generator import Limits
from hirope_ls.model.loader import Loaded, load
from hirope_ls.model.pointer import Pointer
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import InputError

STRONG = Pointer(1.5, 0.6, -2.0, 2.0)


@pytest.fixture(scope="module")
def pointing(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    loaded = load(read_card(save_model(tmp_path_factory.mktemp("pointing"))), "cpu")
    return replace(loaded, card=replace(loaded.card, pointer=STRONG))


def test_fitting_finds_how_much_a_text_says_again(
    pointing: Loaded, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    card = pointing.card
    tokenizer = TextTokenizer.load(card.folder)
    source = random.Random(3)
    lines = ["".join(source.choices("abcdefgh ", k=12)) + "\n" for _ in range(12)]
    repeated = "".join(source.choice(lines) for _ in range(80))
    fresh = "".join(source.choices("abcdefgh \n", k=1000))
    (method,) = methods("hirope", card.trained_length)
    reader_ = reader(replace(pointing, card=replace(card, pointer=None)), method)
    found = {}
    for name, text in (("repeated", repeated), ("fresh", fresh)):
        seen = fitting.gather(
            reader_, [text_source(f"{n}.py", text, tokenizer, TRAINED) for n in range(2)], 300, 200, 2, 0
        )
        pointer = fitting.fit(seen)
        found[name] = pointer
        ids = text_source("0.py", text, tokenizer, TRAINED).tokens.ids
        first = random.Random("0 0.py").randrange(len(ids) - 299)
        for nth in (0, 50, 199):  # the formula of the fit is what is served
            end = first + 100 + nth
            shares = pointer.shares(ids[first:end], lexicon(tokenizer))
            own = math.exp(-seen[0].nats[nth])
            told_ = dict(zip(shares.ids.tolist(), shares.shares.tolist(), strict=True)) if shares else {}
            expected = (1 - sum(told_.values())) * own + told_.get(int(ids[end]), 0.0)
            assert fitting.nats(pointer, seen[:1])[nth] == pytest.approx(-math.log(expected), rel=1e-3)
    assert found["repeated"].belief(8) > 0.5

    for name in ("one.py", "two.py", "three.py"):
        (tmp_path / name).write_text(repeated)
    folder = save_model(tmp_path / "model")
    options = ["--model", str(folder), "--length", "300", "--scored", "100", "--write"]
    assert main(["lab", "pointer", "--workspace", str(tmp_path), *options]) == 0
    out = capsys.readouterr().out
    alone, with_it = (float(words.split()[0]) for words in out.partition("files: ")[2].split(", ")[:2])
    assert with_it < alone - 1
    assert asdict(read_card(folder).pointer or STRONG) == json.loads(out.splitlines()[1])
    asked = ["lab", "pointer", "--workspace", str(tmp_path), "--model", str(folder)]
    for wrong in (["--length", "9999"], ["--length", "200", "--scored", "200"], ["--scored", "0"], ["--limit", "1"]):
        assert main([*asked, *wrong]) == 2
        assert "please report" not in capsys.readouterr().err
    before = (folder / "config.json").read_text()
    for name in ("one.py", "two.py", "three.py"):
        (tmp_path / name).write_text("".join(f"a{chr(n)}" for n in range(33, 127) if chr(n) != "a"))  # each another
    monkeypatch.setattr(fitting, "fit", lambda seen: Pointer(1, 1, 3, 0))
    assert main([*asked, "--length", "150", "--scored", "100", "--write"]) == 2
    assert "nothing is written: the model is no better" in capsys.readouterr().err
    assert (folder / "config.json").read_text() == before


@pytest.mark.parametrize("own", [None, "x", []])
def test_numbers_are_written_whatever_stood_there(tmp_path: Path, own: object) -> None:
    folder = save_model(tmp_path)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"hirope": own}))
    fitting.write(STRONG, folder)
    assert read_card(folder).pointer == STRONG


def test_the_lab_writes_what_is_served(pointing: Loaded) -> None:
    tokenizer = TextTokenizer.load(pointing.card.folder)
    text = "".join(f"def area_{n % 3}(side):\n    return side * {n % 3}\n" for n in range(12))
    source = text_source("a.py", text, tokenizer, TRAINED)
    (method,) = methods("served", TRAINED, BASELINES)
    served = reader(pointing, method)
    assert isinstance(served, Pointing)
    prompt = Prompt.of(source, 0, 60)
    ids, positions = source.tokens.ids[:60], prompt.positions(method.units).astype(np.int32)
    model = LocalModel(pointing, 64 << 20)
    said = served.generate(prompt, 10, lambda _: False)
    limits, mentions = Limits(10, stop_ids=tokenizer.special.all), served._where(prompt, 59, 10).mentions
    answer = told(model.generate("x", ids, positions, limits, NEVER, mentions))
    assert said == b"".join(map(tokenizer.token_bytes, answer.ids))
    with pytest.raises(InputError, match="no pointer"):
        reader(replace(pointing, card=replace(pointing.card, pointer=None)), method)
