"""What calls mean, beside jedi where that is installed, and what is said where it is not."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest

from hirope_ls.lab.eval import calls
from hirope_ls.lab.eval.compiler import Told
from hirope_ls.lab.eval.scripts import Scripts
from hirope_ls.lab.eval.truths import Call, table
from hirope_ls.names import resolve
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
    (candidate,) = resolve(found.names, "package/main.py", symbols, one)
    assert found._spot(candidate) == ("package/shapes.py", 5)


def test_the_table() -> None:
    told = table([Call("import", True, True, "inside"), Call("none", False, False, "inside")])
    line = next(line for line in told.splitlines() if line.startswith("| import"))
    assert [cell.strip() for cell in line.split("|")[2:7]] == ["1", "1", "1.000", "1.000", "0.500"]


def test_what_cannot_be_measured(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jedi", None)
    with pytest.raises(InputError, match="jedi"):
        measure("--workspace", str(package))


SHAPES = "export class Shape {\n  constructor(private é = '𝒳') {}\n  area() { return 1 }\n}\n"
USES = "import { Shape } from './shapes'\nexport function f() { const s = new Shape(); return s.area() }\n"


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "shapes.ts").write_text(SHAPES)
    (folder / "uses.ts").write_text(USES)
    return folder


def test_what_the_compiler_says_is_compared_by_place(scripts: Path) -> None:
    found, path = Scripts(scripts), str(scripts / "uses.ts")
    means = {}
    for one in found.symbols(path).references:
        if one.kind == "call":
            (means[one.name],) = resolve(found.names, path, found.symbols(path), one)
    shapes = str(scripts / "shapes.ts")
    units = SHAPES.encode("utf-16-le")
    area = units.index("area".encode("utf-16-le")) // 2
    constructor = units.index("constructor".encode("utf-16-le")) // 2
    assert found._means(means["area"], [Told(shapes, area, "method")])
    assert not found._means(means["area"], [Told(shapes, constructor, "constructor"), Told(path, area, "method")])
    assert found._means(means["Shape"], [Told(shapes, constructor, "constructor")])
    assert found._truth([Told(shapes, area, "method")]) == "inside" and found._truth([]) == "unknown"


def test_without_the_compiler(scripts: Path) -> None:
    with pytest.raises(InputError, match="npm install typescript"):
        measure("--workspace", str(scripts), "--typescript", str(scripts))
