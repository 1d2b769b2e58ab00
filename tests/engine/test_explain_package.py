"""Ten calls into distant functions of an installed package: each fact beside what Python itself says of it."""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hirope_ls.engine.explain import View, facts_about, target
from hirope_ls.names import Names
from hirope_ls.syntax import PYTHON, parse
from hirope_ls.syntax.extracting import symbols_in
from hirope_ls.text import Buffer

rich = pytest.importorskip("rich")
ROOT = Path(rich.__file__).parent

CALLS = [  # module with the call, the call, the module and name of what it means
    ("console", "get_style(", "rich.console:Console.get_style"),
    ("console", "render_lines(", "rich.console:Console.render_lines"),
    ("table", "self._get_cells(", "rich.table:Table._get_cells"),
    ("table", "ratio_reduce(", "rich._ratio:ratio_reduce"),
    ("progress", "Table.grid(", "rich.table:Table.grid"),
    ("text", "cell_len(", "rich.cells:cell_len"),
    ("panel", "Padding.unpack(", "rich.padding:Padding.unpack"),
    ("pretty", "_get_attr_fields(", "rich.pretty:_get_attr_fields"),
    ("markup", "_parse(", "rich.markup:_parse"),
    ("traceback", "cls.extract(", "rich.traceback:Traceback.extract"),
]


@pytest.fixture(scope="module")
def names() -> Names:
    found = Names()
    for path in sorted(ROOT.glob("*.py")):
        found.put(str(path), symbols_in(PYTHON, path.read_bytes()))
    return found


def use_of(data: str, call: str) -> int:
    """The byte offset of the last name in the first such call that is no definition."""
    at = -1
    while True:
        at = data.index(call, at + 1)
        if not data[:at].endswith("def ") and (
            call.startswith("_") or not (data[at - 1].isalnum() or data[at - 1] == "_")
        ):
            line = data[data.rfind("\n", 0, at) + 1 : at]
            if "#" not in line and ">>>" not in line:
                break
    return len(data[: at + call.rindex("(") - 1].encode())


def meant(dotted: str) -> Any:
    module, _, inner = dotted.partition(":")
    found: Any = importlib.import_module(module)
    for name in inner.split("."):
        found = inspect.getattr_static(found, name)
    return found.__func__ if isinstance(found, staticmethod | classmethod) else found


def calls_in(function: ast.AST) -> set[str]:
    """The dotted names that the bodies of a function call."""
    body = ast.Module(list(getattr(function, "body", [])), [])
    each = (node.func for node in ast.walk(body) if isinstance(node, ast.Call))
    return {ast.unparse(one) for one in each if all(isinstance(part, ast.Name | ast.Attribute | ast.expr_context)
                                                   for part in ast.walk(one))}  # fmt: skip


@pytest.mark.parametrize(("module", "call", "dotted"), CALLS)
def test_the_facts_are_what_python_says(names: Names, module: str, call: str, dotted: str) -> None:
    path = ROOT / f"{module}.py"
    buffer = Buffer.of(path.read_bytes())
    view = View(str(path), buffer, parse(PYTHON, buffer), names, lambda other: Path(other).read_bytes())
    offset = use_of(buffer.text, call)
    found = target(view, offset)
    assert found is not None and found.sure, found
    facts = facts_about(view, found.candidates[0], offset)
    assert facts is not None
    function: Callable[..., Any] = inspect.unwrap(meant(dotted))
    lines, first = inspect.getsourcelines(function)
    tree = ast.parse(textwrap.dedent("".join(lines))).body[0]
    assert isinstance(tree, ast.FunctionDef)

    assert f"{facts.spot.path}:{facts.name}" == f"{inspect.getsourcefile(function)}:{function.__qualname__}"
    assert facts.spot.line + 1 == first + tree.lineno - 1 and facts.end + 1 == first + (tree.end_lineno or 0) - 1
    assert inspect.cleandoc(facts.documentation).rstrip() == (inspect.getdoc(function) or "").rstrip()
    assert [ast.unparse(ast.parse(one[1:])) for one in facts.decorators] == [
        ast.unparse(one) for one in tree.decorator_list
    ]
    written = ast.parse(f"{facts.signature}: ...").body[0]
    assert isinstance(written, ast.FunctionDef)
    assert ast.dump(written.args) == ast.dump(tree.args)
    assert ast.unparse(written.returns or ast.Constant(None)) == ast.unparse(tree.returns or ast.Constant(None))
    plain = {one.text for one in facts.calls if "?" not in one.text and "()" not in one.text}
    assert plain == calls_in(tree) or facts.num_calls > len(facts.calls)
    here = buffer.line_of(offset)
    sure = [use for use in facts.callers.found if (use.path, use.line) == (str(path), here)]
    assert sure or facts.callers.sure > len(facts.callers.found)
    for use in facts.callers.found:
        line = Path(use.path).read_text(encoding="utf-8").splitlines()[use.line]
        assert line[use.column :].startswith((tree.name, *_aliases(use.path, tree.name)))


def _aliases(path: str, name: str) -> list[str]:
    each = ast.walk(ast.parse(Path(path).read_text(encoding="utf-8")))
    brought = (one for node in each if isinstance(node, ast.ImportFrom) for one in node.names if one.name == name)
    return [one.asname for one in brought if one.asname]
