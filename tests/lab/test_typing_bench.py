"""The typing bench on a real file with a tiny model: it counts what was reused, and says where it cannot type."""

import argparse
import json
import sysconfig
from pathlib import Path

import pytest
from model.tiny_models import save_model

from hirope_ls.lab.bench import typing as bench
from hirope_ls.problems import InputError


def bench_run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    return bench.run(parser.parse_args([*words, "--device", "cpu"]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"))


def test_typing_reuses_the_prompt(folder, tmp_path, capsys):
    out = tmp_path / "rows.json"
    file = Path(sysconfig.get_path("stdlib")) / "bisect.py"
    assert bench_run(str(file), "--model", str(folder), "--json", str(out)) == 0
    cold, *warm = json.loads(out.read_text())["rows"]
    assert cold["reused"] == 0 < cold["prefilled"] == cold["prompt"]
    assert len(warm) >= 12
    assert all(row["reused"] + row["prefilled"] == row["prompt"] for row in warm)
    assert sum(row["prefilled"] for row in warm) < len(warm) * cold["prefilled"] / 2
    assert "times faster than cold" in capsys.readouterr().out


def test_a_place_without_a_line_to_type_is_refused(folder, tmp_path):
    (tmp_path / "short.py").write_text("x = 1\n")
    for words in ([], ["--line", "1"], ["--line", "9"]):
        with pytest.raises(InputError, match="12 characters"):
            bench_run(str(tmp_path / "short.py"), "--model", str(folder), *words)
