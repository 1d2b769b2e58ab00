"""`hirope-ls bench server`: what it measures of a server, here one with a scripted model; and what it generates."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path

import pytest
from editor import ROOT
from server.fakes import SCRIPT

from hirope_ls.cli import main
from hirope_ls.lab.bench.server import Sizes, generate, measure
from hirope_ls.syntax.records import read, record


def test_the_bench_runs_over_a_server(tmp_path: Path, fake_folder: Path) -> None:
    env = {
        **os.environ,
        "HIROPE_FAKE": json.dumps({"folder": str(fake_folder)}),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    rows = list(measure(tmp_path.resolve(), Sizes(files=60, keys=3), SCRIPT, env))
    told = {row.case.partition(": ")[2]: row for row in rows}
    assert len(rows) == 12 and all(row.ours is not None for row in rows)
    index = told["index ready, from the start of the process"]
    assert index.note.startswith("progress: ") and "3 keys" in index.note
    again = told["index ready"]
    assert again.theirs == index.ours and again.ratio is not None and again.goal is not None
    assert told["a key to its completion while it is read"].ratio is not None
    assert (told["largest memory of the children"].ours or 0) > 1, "files are read in a process of its own"


def test_what_is_generated_is_real_code_and_no_two_files_are_alike(tmp_path: Path) -> None:
    size = generate(tmp_path, 120)
    paths = sorted(tmp_path.rglob("*.py"))
    texts = {path.read_bytes() for path in paths}
    assert len(paths) == len(texts) == 120 and sum(map(len, texts)) == size
    for path in paths[:20]:
        found = read(record(path.name, path.read_bytes())).symbols
        assert found is not None and found.imports and ast.parse(path.read_bytes())


def test_nonsense_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "server", "--keys", "-1"]) == 2
    assert "at least 1" in capsys.readouterr().err
