"""Calls into distant functions of installed packages, and what Python itself says of these functions."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hirope_ls.engine.explain import Facts, View
from hirope_ls.names import Names
from hirope_ls.syntax import PYTHON, parse
from hirope_ls.syntax.extracting import symbols_in
from hirope_ls.text import Buffer


@dataclass(frozen=True)
class Call:
    """The file with the call, without its suffix; the call as written; the module and name of what it means."""

    file: str
    text: str
    dotted: str


_RICH = [
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
_NETWORKX = [
    ("readwrite/gexf", "self.decode_attr_elements(", "networkx.readwrite.gexf:GEXFReader.decode_attr_elements"),
    ("readwrite/gexf", "self.add_viz(", "networkx.readwrite.gexf:GEXFWriter.add_viz"),
    (
        "readwrite/graphml",
        "self.decode_data_elements(",
        "networkx.readwrite.graphml:GraphMLReader.decode_data_elements",
    ),
    ("readwrite/graphml", "self.find_graphml_keys(", "networkx.readwrite.graphml:GraphMLReader.find_graphml_keys"),
    ("readwrite/text", "_find_sources(", "networkx.readwrite.text:_find_sources"),
    ("drawing/layout", "_process_params(", "networkx.drawing.layout:_process_params"),
    ("relabel", "_relabel_copy(", "networkx.relabel:_relabel_copy"),
    ("convert_matrix", "_generate_weighted_edges(", "networkx.convert_matrix:_generate_weighted_edges"),
    ("algorithms/flow/maxflow", "build_flow_dict(", "networkx.algorithms.flow.utils:build_flow_dict"),
    ("algorithms/flow/preflowpush", "detect_unboundedness(", "networkx.algorithms.flow.utils:detect_unboundedness"),
]
CALLS = {"rich": [Call(*row) for row in _RICH], "networkx": [Call(*row) for row in _NETWORKX]}
_MORE = {"rich": "*.py", "networkx": "algorithms/flow/*.py"}  # files whose names are known beside those of the calls


@dataclass(frozen=True, eq=False)
class Package:
    """An installed package: its folder, and the names in its files."""

    root: Path
    names: Names

    def view(self, call: Call) -> tuple[View, int]:
        """The file of the call, and the byte offset of the last name in it."""
        path = self.root / f"{call.file}.py"
        buffer = Buffer.of(path.read_bytes())
        view = View(str(path), buffer, parse(PYTHON, buffer), self.names, lambda other: Path(other).read_bytes())
        return view, _use_of(buffer.text, call.text)

    def compare(self, call: Call, view: View, offset: int, facts: Facts) -> None:
        """Each fact beside what Python says."""
        function: Callable[..., Any] = inspect.unwrap(_meant(call.dotted))
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
        assert plain == _calls_in(tree) or facts.num_calls > len(facts.calls)
        here = view.buffer.line_of(offset)
        sure = [use for use in facts.callers.found if (use.path, use.line) == (view.path, here)]
        assert sure or facts.callers.sure > len(facts.callers.found)
        for use in facts.callers.found:
            line = Path(use.path).read_text(encoding="utf-8").splitlines()[use.line]
            assert line[use.column :].startswith((tree.name, *_aliases(use.path, tree.name)))


@functools.cache
def read_package(name: str) -> Package:
    """The package, if it is installed; the test is skipped if it is not."""
    root = Path(pytest.importorskip(name).__file__).parent
    names, files = Names(), {root / f"{call.file}.py" for call in CALLS[name]}
    for path in sorted(files | set(root.glob(_MORE[name]))):
        names.put(str(path), symbols_in(PYTHON, path.read_bytes()))
    return Package(root, names)


def _use_of(data: str, call: str) -> int:
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


def _meant(dotted: str) -> Any:
    module, _, inner = dotted.partition(":")
    found: Any = importlib.import_module(module)
    for name in inner.split("."):
        found = inspect.getattr_static(found, name)
    return found.__func__ if isinstance(found, staticmethod | classmethod) else found


def _calls_in(function: ast.AST) -> set[str]:
    """The dotted names that the bodies of a function call."""
    body = ast.Module(list(getattr(function, "body", [])), [])
    each = (node.func for node in ast.walk(body) if isinstance(node, ast.Call))
    return {
        ast.unparse(one)
        for one in each
        if all(isinstance(part, ast.Name | ast.Attribute | ast.expr_context) for part in ast.walk(one))
    }


def _aliases(path: str, name: str) -> list[str]:
    each = ast.walk(ast.parse(Path(path).read_text(encoding="utf-8")))
    brought = (one for node in each if isinstance(node, ast.ImportFrom) for one in node.names if one.name == name)
    return [one.asname for one in brought if one.asname]
