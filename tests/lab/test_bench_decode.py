"""The decode bench runs, times both sides, and writes what it prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from model.tiny_models import TRAINED, save_model

from hirope_ls.cli import main


def test_bench_decode(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = torch.get_num_threads()
    model, figures = save_model(tmp_path / "model"), tmp_path / "figures.json"
    contexts = [TRAINED // 2, 2 * TRAINED]
    options = ["--tokens", "3", "--threads", "1", "--json", str(figures), "--contexts", *map(str, contexts)]
    try:
        assert main(["bench", "decode", "--model", str(model), *options]) == 0
    finally:
        torch.set_num_threads(before)
    told = json.loads(figures.read_text())
    assert [row["context"] for row in told["rows"]] == contexts
    for row in told["rows"]:
        ours, plain = row["ours"], row["plain"]
        assert all(side[name] > 0 for side in (ours, plain) for name in ("cpu_ms", "ms", "prefill_s"))
        assert row["ratio"] == plain["cpu_ms"] / ours["cpu_ms"]
    printed = capsys.readouterr().out
    assert "ratio" in printed and f"{told['rows'][1]['ratio']:.2f}x" in printed


def test_bench_decode_refuses_nonsense(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "decode", "--model", str(tmp_path), "--contexts", "0"]) == 2
    assert "at least 1" in capsys.readouterr().err
