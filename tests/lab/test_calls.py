"""What calls mean, beside jedi where that is installed, and what is said where it is not."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest

from hirope_ls.lab.eval import calls
from hirope_ls.problems import InputError


def measure(*words: str) -> int:
    parser = argparse.ArgumentParser()
    calls.add_arguments(parser)
    return calls.run(parser.parse_args(words))


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "shapes.py").write_text("import os\n\n\n@print\ndef area(a):\n    return os.getcwd(a)\n")
    (folder / "main.py").write_text("from package.shapes import area\n\n\ndef f(g):\n    return area(g(1))\n")
    return folder


def test_beside_jedi(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("jedi")
    assert measure("--workspace", str(package)) == 0
    rows = {cells[1]: cells[2:] for line in capsys.readouterr().out.splitlines() if (cells := line.split())[0] == "|"}
    assert "import" in rows


def test_where_a_definition_is(package: Path) -> None:
    found = calls.Package(package)
    symbols = found.symbols("package/main.py")
    one = next(one for one in symbols.references if one.name == "area")
    (candidate,) = calls.resolve(found.names, "package/main.py", symbols, one)
    assert found._spot(candidate) == ("package/shapes.py", 5)


def test_the_table() -> None:
    told = calls.table([calls.Call("import", True, True, "inside"), calls.Call("none", False, False, "inside")])
    line = next(line for line in told.splitlines() if line.startswith("| import"))
    assert [cell.strip() for cell in line.split("|")[2:7]] == ["1", "1", "1.000", "1.000", "0.500"]


def test_what_cannot_be_measured(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jedi", None)
    with pytest.raises(InputError, match="jedi"):
        measure("--workspace", str(package))
