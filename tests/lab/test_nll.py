"""Likelihood under growing context: the right tokens, the same at every length, on a real (tiny) model folder."""

import argparse
import json

import numpy as np
import pytest
import torch
from fuzz import python_files
from model.tiny_models import TRAINED, save_model

from hirope_ls.lab import nll
from hirope_ls.problems import InputError

LENGTHS = (512, 1024)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    torch.set_num_threads(1)
    folder = save_model(tmp_path_factory.mktemp("model"))
    workspace = tmp_path_factory.mktemp("files")
    for index, path in enumerate(python_files(3, smallest=8_000, largest=20_000)):
        (workspace / f"file_{index}.py").write_bytes(path.read_bytes())
    (workspace / "short.py").write_text("x = 1\n")
    report = workspace / "report.json"
    parser = argparse.ArgumentParser()
    nll.add_arguments(parser)
    words = [
        "--model",
        str(folder),
        "--workspace",
        str(workspace),
        "--lengths",
        "8x,1024",
        "--json",
        str(report),
        "--plot",
        str(workspace / "curve.png"),
    ]
    args = parser.parse_args([*words, "--methods", "rope,hirope,hirope-all,undamped,running,paper", "--limit", "2"])
    assert nll.run(args) == 0
    assert (workspace / "curve.png").read_bytes().startswith(b"\x89PNG")
    return folder, workspace, json.loads(report.read_text())


def test_report_has_every_method_length_and_file(measured):
    _, _, report = measured
    assert report["trained_length"] == TRAINED and len(report["files"]) == 2
    assert [(r["method"], r["length"]) for r in report["results"]] == [(m, n) for m in nll.METHODS for n in LENGTHS]
    assert all(len(r["nll"]) == 2 and r["mean"] == pytest.approx(np.mean(r["nll"])) for r in report["results"])
    values = {(r["method"], r["length"]): r["nll"] for r in report["results"]}
    assert len({tuple(value) for value in values.values()}) == len(values)  # past the trained length all differ


def test_scores_are_the_models_own(measured):
    """Ordinary positions, scored in chunks over a cache, equal one pass of the unpatched model."""
    from hirope_ls.model.folder import read_card
    from hirope_ls.model.loader import load
    from hirope_ls.model.tokens import TextTokenizer

    folder, workspace, report = measured
    found = nll.windows([workspace], TextTokenizer.load(folder), TRAINED, max(LENGTHS), 2)
    assert [window.path.name for window in found] == report["files"]
    loaded = load(read_card(folder), "cpu", "float32")
    loaded.hirope.unpatch()
    ids = torch.from_numpy(found[1].last(512).ids.astype(np.int64))[None]
    with torch.no_grad():
        likely = loaded.hirope.model(ids).logits.log_softmax(-1)[0, :-1].gather(1, ids[0, 1:, None])
    plain = next(r for r in report["results"] if (r["method"], r["length"]) == ("rope", 512))
    assert plain["nll"][1] == pytest.approx(-float(likely[-nll.SCORED :].mean()), abs=1e-4)


def test_long_files_give_several_windows_and_every_file_one_first(measured):
    from hirope_ls.model.tokens import TextTokenizer

    folder, workspace, _ = measured
    found = nll.windows([workspace], TextTokenizer.load(folder), TRAINED, 512, 100)
    names = [window.path.name for window in found]
    files = sorted(set(names), key=names.index)
    assert len(files) == 3 < len(found) and names[:3] == files
    again = [window for window in found if window.path.name == names[0]]
    assert not np.array_equal(again[0].ids, again[1].ids)
    assert all(window.ids.shape == (512,) and window.positions[0, 0] == 0 for window in found)


def test_windows_end_at_the_same_token():
    ids, positions = np.arange(40, dtype=np.int32), np.stack([np.arange(40) // 7, np.arange(40) % 7]).astype(np.int32)
    window = nll.Window(None, ids, positions)
    short = window.last(10)
    assert short.ids.tolist() == list(range(30, 40))
    assert short.positions[0].tolist() == [0] * 5 + [1] * 5 and short.positions[1].tolist() == [
        2,
        3,
        4,
        5,
        6,
        0,
        1,
        2,
        3,
        4,
    ]
    assert window.positions[0, 30] == 4  # the longer one is left as it was


def test_differences_are_taken_file_by_file():
    one, other = nll.Result("hirope", 512, (3.0, 2.0), 1.0), nll.Result("hirope", 2048, (2.5, 1.9), 1.0)
    assert other.difference(one) == (pytest.approx(-0.3), pytest.approx(0.2))
    assert one.mean == 2.5


def test_lengths():
    assert nll.parse_lengths("1x, 4x,700", 512) == [512, 2048, 700]
    for wrong in ("4y", "", "1x,256", "-3"):
        with pytest.raises(InputError):
            nll.parse_lengths(wrong, 512)


def test_what_cannot_be_measured_is_said_in_one_line(measured):
    folder, workspace, _ = measured
    parser = argparse.ArgumentParser()
    nll.add_arguments(parser)
    words = ["--model", str(folder), "--workspace", str(workspace)]
    with pytest.raises(InputError, match="no method 'yarn'"):
        nll.run(parser.parse_args([*words, "--methods", "yarn"]))
    with pytest.raises(InputError, match="no Python file of 64000 tokens"):
        nll.run(parser.parse_args([*words, "--lengths", "1000x"]))
