"""The command line as a user meets it: what it prints, how it fails, and with which exit code."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bundled import card, folder

from hirope_ls.cli import main
from hirope_ls.commands.place import offset_at, parse_place, read_source
from hirope_ls.commands.wished import wished
from hirope_ls.problems import InputError

MODEL = ["--model", str(folder())]
SOURCE = '''"""Points."""

import math


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def norm(self):
        return math.hypot(self.x, self.y)


def add(a, b):
    return Point(a.x + b.x, a.y + b.y)
'''


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "points.py"
    path.write_text(SOURCE, encoding="utf-8")
    return path


def failing(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """The one line on stderr of a command that ends with exit code 2."""
    try:
        code = main(argv)
    except SystemExit as left:
        code = left.code
    out, err = capsys.readouterr()
    assert code == 2, (argv, out, err)
    assert out == ""
    assert err.startswith("hirope-ls: ") and err.endswith("\n") and err.count("\n") == 1, err
    return err


# --- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["nonsense"], "there is no command 'nonsense'; there are --stdio, complete"),
        (["lab"], "lab needs one of: lab train"),
        (["bench", "nonsense"], "bench needs one of: bench all"),
        (["complete"], "FILE:LINE:COLUMN"),
        (["complete", "a.py"], "give the place as FILE:LINE:COLUMN"),
        (["complete", "a.py:1"], "give the place as FILE:LINE:COLUMN"),
        (["complete", "a.py:x:y"], "give the place as FILE:LINE:COLUMN"),
        (["complete", ":1:1"], "give the place as FILE:LINE:COLUMN"),
        (["complete", "a.py:0:1"], "counted from 1"),
        (["complete", "a.py:1:1", "--max-new-tokens", "0"], "at least 1"),
        (["complete", "a.py:1:1", "--nonsense"], "unrecognized arguments"),
        (["complete", "/no/such/file.py:1:1"], "there is no file /no/such/file.py"),
        (["positions", "/no/such/file.py"], "there is no file /no/such/file.py"),
        (["positions", "/no\nsuch"], "there is no file /no\\nsuch"),
        (["positions", "/dev/null"], "not a regular file"),
    ],
)
def test_errors_are_one_line(capsys: pytest.CaptureFixture[str], argv: list[str], says: str) -> None:
    assert says in failing(capsys, *argv)


@pytest.mark.parametrize(
    ("content", "place", "says"),
    [
        (b"\x7fELF\0\0\0", "1:1", "is a binary file: there is a NUL at byte 4"),
        (b"x = 1\ny = '\xff'\n", "1:1", "is not UTF-8 (byte 0xff in line 2)"),
        ("x = 1\n".encode("utf-16"), "1:1", "binary"),
        (b"x = 1\n", "3:1", "has no line 3: its last line is 2"),
        (b"x = 1\n", "1:7", "has 5 characters: its last column is 6"),
        (b"", "2:1", "has no line 2: its last line is 1"),
        (b"", "1:2", "has 0 characters: its last column is 1"),
        (b"x" * 5_000_001, "1:1", "has 5,000,001 bytes"),
    ],
)
def test_files_and_places_that_cannot_be_completed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes, place: str, says: str
) -> None:
    path = tmp_path / "strange.py"
    path.write_bytes(content)
    line = failing(capsys, "complete", f"{path}:{place}", *MODEL)
    assert says in line and "strange.py" in line


def test_a_folder_is_not_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "is a folder" in failing(capsys, "complete", f"{tmp_path}:1:1")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(capsys: pytest.CaptureFixture[str], source: Path) -> None:
    source.chmod(0)
    assert "cannot be read: Permission denied" in failing(capsys, "positions", str(source))


def test_models_that_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, source: Path) -> None:
    place = f"{source}:1:1"
    assert "there is no model folder" in failing(capsys, "complete", place, "--model", "/no/such/model")
    assert "config.json" in failing(capsys, "complete", place, "--model", str(tmp_path))
    (tmp_path / "config.json").write_bytes((folder() / "config.json").read_bytes())
    (tmp_path / "tokenizer.json").write_bytes((folder() / "tokenizer.json").read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    assert "safetensors" in failing(capsys, "positions", str(source), "--model", str(tmp_path))


def test_an_unknown_device(capsys: pytest.CaptureFixture[str], source: Path) -> None:
    assert "device" in failing(capsys, "complete", f"{source}:1:1", *MODEL, "--device", "abacus")


def test_the_picture_goes_where_it_can(capsys: pytest.CaptureFixture[str], source: Path) -> None:
    assert "cannot be written" in failing(capsys, "positions", str(source), *MODEL, "--html", "/no/such/folder/x.html")


def test_a_fault_of_ours_is_one_line_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, source: Path
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.delenv("HIROPE_STRICT", raising=False)
    monkeypatch.setattr("hirope_ls.commands.positions.read_parts", fails)
    assert "please report it: RuntimeError: two lines" in failing(capsys, "positions", str(source))
    monkeypatch.setenv("HIROPE_STRICT", "1")
    with pytest.raises(RuntimeError):
        main(["positions", str(source)])


# --- places ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place", "offset"),
    [
        ("ab\ncd\n", "1:1", 0),
        ("ab\ncd\n", "1:3", 2),
        ("ab\ncd\n", "2:3", 5),
        ("ab\ncd\n", "3:1", 6),
        ("ab\r\ncd\r\n", "2:1", 4),
        ("ab\r\ncd\r\n", "1:3", 2),
        ("\tx\n", "1:2", 1),
        ("🦊é\n", "1:2", 4),
        ("🦊é\n", "1:3", 6),
        ("", "1:1", 0),
    ],
)
def test_columns_count_characters(tmp_path: Path, text: str, place: str, offset: int) -> None:
    path = tmp_path / "a:b.py"
    path.write_bytes(text.encode())
    assert offset_at(read_source(path), parse_place(f"{path}:{place}")) == offset


def test_a_carriage_return_is_no_column(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"ab\r\ncd\r\n")
    with pytest.raises(InputError, match="its last column is 3"):
        offset_at(read_source(path), parse_place(f"{path}:1:4"))


# --- what the commands print -----------------------------------------------------------------------------------------


def test_complete_prints_json(capsys: pytest.CaptureFixture[str], source: Path) -> None:
    assert main(["complete", f"{source}:16:18", *MODEL, "--json", "--max-new-tokens", "8"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert err == "" and out.count("\n") == 1
    assert (report["file"], report["line"], report["column"]) == (str(source), 16, 18)
    assert report["range"] == {"start": {"line": 16, "column": 18}, "end": {"line": 16, "column": 18}}
    assert re.fullmatch(r"shown|(empty|filtered):[a-z-]+", report["outcome"])
    assert bool(report["text"]) == (report["outcome"] == "shown")
    assert {"prompt", "prefill", "decode", "total"} <= set(report["timings"])
    assert report["tokens"]["prompt"] == report["tokens"]["reused"] + report["tokens"]["prefilled"] > 50
    assert 0 < report["tokens"]["generated"] <= 8
    assert report["units"] > 1 and report["mentions"] == 0  # a short prompt
    assert report["model"]["trained_length"] == card().trained_length


def test_complete_prints_for_people(
    capsys: pytest.CaptureFixture[str], source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # the folder of a test may have a long name
    assert main(["complete", f"{source}:16:18", *MODEL, "--max-new-tokens", "8"]) == 0
    out, err = capsys.readouterr()
    assert err == "" and "\x1b" not in out, "no colours where there is no terminal"
    assert out.startswith(f"{source}:16\n")
    assert "16 │     return Point(" in out and "12 │         return math.hypot(self.x, self.y)" in out
    assert re.search(rf"{card().trained_length} tokens · \d+ tokens of context.* · \d+ units? · prompt ", out)


def test_complete_without_the_rest_of_the_line(capsys: pytest.CaptureFixture[str], source: Path) -> None:
    line, column = 8, len("        self.x") + 1
    assert main(["complete", f"{source}:{line}:{column}", "--cut", "--json", *MODEL]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["cut"] == " = x"
    unfinished = source.with_name("unfinished.py")
    unfinished.write_text(SOURCE.replace("self.x = x", "self.x"), encoding="utf-8")
    assert main(["complete", f"{unfinished}:{line}:{column}", "--json", *MODEL]) == 0
    asked = json.loads(capsys.readouterr().out)
    assert "cut" not in asked
    assert (found["text"], found["tokens"]) == (asked["text"], asked["tokens"])
    assert main(["complete", f"{source}:{line}:{column}", "--cut", *MODEL]) == 0
    assert "what the file has there: = x" in capsys.readouterr().out
    assert source.read_text(encoding="utf-8") == SOURCE


def test_complete_with_other_files_explains_what_it_shows(
    capsys: pytest.CaptureFixture[str], source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hirope_ls.commands.folder.default_folder", lambda: tmp_path / "cache")
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "shapes.py").write_text("def area(width, height):\n    return width * height\n", encoding="utf-8")
    (folder / "main.py").write_text("from shapes import area\n\nprint(area(1, 2))\n", encoding="utf-8")
    asked = ["complete", f"{folder / 'main.py'}:3:15", *MODEL, "--max-new-tokens", "4"]
    assert main([*asked, "--workspace", str(folder), "--explain", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    first, *_ = told["prompt"]
    assert (first["what"], first["name"], first["why"]) == ("shapes.py", "area", "area: used near by")
    assert sum(row["tokens"] for row in told["prompt"]) == told["tokens"]["prompt"]
    assert main([*asked, "--workspace", str(folder), "--explain"]) == 0
    assert re.search(r"shapes\.py +area +area: used near by +\d+\n", capsys.readouterr().out)
    assert main([*asked, "--explain", "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert alone["prompt"] == told["prompt"][1:]
    assert main([*asked, "--workspace", str(folder / "absent")]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_positions_prints_json(capsys: pytest.CaptureFixture[str], source: Path) -> None:
    assert main(["positions", str(source), *MODEL, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    units = report["units"]
    assert [unit["index"] for unit in units] == list(range(len(units)))
    assert {"Point.__init__", "Point.norm", "add"} <= {unit["name"] for unit in units}
    assert sum(unit["tokens"] for unit in units) == report["tokens"] > 0
    assert units[0]["start_byte"] == 0 and units[-1]["end_byte"] == len(SOURCE.encode())
    for one, two in itertools.pairwise(units):
        assert one["end_byte"] == two["start_byte"]
        assert one["first_token"] + one["tokens"] == two["first_token"]
    norm = next(unit for unit in units if unit["name"] == "Point.norm")
    assert SOURCE.encode()[norm["start_byte"] : norm["end_byte"]].strip().startswith(b"def norm(self)")
    assert norm["kind"] == "function" and norm["start_line"] in (10, 11) and norm["end_line"] in (12, 13, 14)


def test_positions_prints_a_table(capsys: pytest.CaptureFixture[str], source: Path) -> None:
    assert main(["positions", str(source), *MODEL]) == 0
    out = capsys.readouterr().out
    assert "Point.__init__" in out and "function" in out and f"trained for {card().trained_length} tokens" in out


def test_positions_draws_a_page(capsys: pytest.CaptureFixture[str], tmp_path: Path, source: Path) -> None:
    source.write_text(SOURCE + "# </script><b>not markup</b> @SCRIPT@ @DATA@\n", encoding="utf-8")
    out = tmp_path / "points.html"
    assert main(["positions", str(source), *MODEL, "--html", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    page = out.read_text("utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    assert data["texts"][-2].startswith("# </script>") and len(data["lineTokens"]) == data["lines"]
    assert "http" not in page.replace("http://www.w3.org/2000/svg", ""), "it fetches nothing"
    assert page.count("<script") == 2


@pytest.mark.parametrize(
    "content",
    ["", "\n", "x = " + "[" * 100_000 + "\n", "\tx = 1\r\n\ty = '🦊'\r\n", "x = 1"],
    ids=["empty", "newline", "brackets", "crlf-tabs-emoji", "no-newline"],
)
def test_strange_files_are_served(capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str) -> None:
    path = tmp_path / "strange.py"
    path.write_bytes(content.encode())
    assert main(["positions", str(path), *MODEL, "--html", str(tmp_path / "out.html")]) == 0
    assert main(["positions", str(path), *MODEL]) == 0
    column = 5000 if len(content) > 5000 else 1
    capsys.readouterr()
    assert main(["complete", f"{path}:1:{column}", *MODEL, "--max-new-tokens", "3"]) == 0
    out, err = capsys.readouterr()
    assert err == "" and max(map(len, out.splitlines())) < 1000


# --- the process -----------------------------------------------------------------------------------------------------


def run(*argv: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-m", "hirope_ls", *argv], capture_output=True, text=True, timeout=120, **options
    )


def test_help_and_version() -> None:
    done = run("--help")
    assert done.returncode == 0 and "complete" in done.stdout and "doctor" in done.stdout
    assert run("--version").stdout.startswith("hirope-ls ")
    assert "FILE:LINE:COLUMN" in run("complete", "--help").stdout


def test_a_reader_that_goes_away(source: Path) -> None:
    command = f"{sys.executable} -m hirope_ls positions {source} {' '.join(MODEL)} | true"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, timeout=60)
    assert done.stderr == "" and done.returncode in (0, 141)


def _catches(pid: int, number: signal.Signals) -> bool:
    """Whether the process has a handler for the signal: Python's own comes a little after its start."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    (caught,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
    return bool(int(caught, 16) >> (number - 1) & 1)


def test_control_c_is_quiet(source: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "hirope_ls", "doctor", *MODEL],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job's children ignore it
    )
    while process.poll() is None and not _catches(process.pid, signal.SIGINT):
        time.sleep(0.05)
    time.sleep(1.0)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    # CPython ends by the signal itself, 130 to a shell, where it once came inside `exec` of a text, as dataclasses do.
    assert process.returncode in (130, -signal.SIGINT), (out, err)


@pytest.fixture
def user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "hirope-ls").mkdir()
    wished.cache_clear()
    yield tmp_path / "hirope-ls" / "config.toml"
    wished.cache_clear()


def test_commands_do_as_the_users_file_says(capsys: pytest.CaptureFixture[str], source: Path, user_file: Path) -> None:
    user_file.write_text("maxNewTokens = 1\n")
    assert main(["complete", f"{source}:16:18", "--json", *MODEL]) == 0
    assert json.loads(capsys.readouterr().out)["tokens"]["generated"] <= 1


def test_commands_take_the_model_of_the_users_file(
    capsys: pytest.CaptureFixture[str], source: Path, user_file: Path
) -> None:
    user_file.write_text("model = 'owner/none'\n")
    assert "hirope-ls fetch owner/none" in failing(capsys, "positions", str(source))
    assert main(["positions", str(source), "--model", "bundled"]) == 0


def test_a_broken_users_file_is_told_and_stops_no_command(
    capsys: pytest.CaptureFixture[str], source: Path, user_file: Path
) -> None:
    user_file.write_text("enable = tru\n")
    assert main(["positions", str(source)]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert "line 1" in line
    assert str(user_file) in line
