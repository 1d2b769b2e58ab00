"""The names that a text defines: against Python's own parser on real files. After edits: test_reparse."""

import ast

from fuzz import python_files, rng

from hirope_ls.syntax import language_for, parse
from hirope_ls.text import Buffer

PYTHON = language_for("python", None)


def names(text):
    found = parse(PYTHON, Buffer.of(text.encode())).definitions
    assert all(text.encode()[at:].startswith(name.encode()) for at, name in found)
    return [name for _, name in found]


def test_functions_classes_and_what_is_assigned_outside_of_functions():
    text = """
LIMIT = 3
size: int = 4
a.b = c[0] = x, y = 5
if LIMIT:
    hidden = 1

@decorated
def f(given=1):
    inner = 2
    def g(): pass

class A(B):
    field = 1
    other: str
    async def m(self):
        self.attribute = 1
"""
    assert names(text) == ["LIMIT", "size", "f", "g", "A", "field", "other", "m"]
    assert names("") == [] and parse(None, Buffer.of(b"def f(): pass")).definitions == ()


def test_definitions_in_some_bytes_are_those_that_begin_there():
    random = rng("definitions")
    for path in python_files(6, smallest=2_000, largest=20_000):
        parsed = parse(PYTHON, Buffer.of(path.read_bytes()))
        places = [0, parsed.size, *(at for at, _ in parsed.definitions), *parsed.starts.tolist()]
        for _ in range(40):
            start, end = sorted(random.choice([*places, random.randrange(parsed.size)]) for _ in range(2))
            wanted = [(at, name) for at, name in parsed.definitions if start <= at < end]
            assert parsed.definitions_in(start, end) == wanted
    flat = parse(None, Buffer.of(b"def f(): pass"))
    assert flat.definitions_in(0, flat.size) == parse(PYTHON, Buffer.of(b"")).definitions_in(0, 0) == []


def test_functions_and_classes_are_those_of_pythons_parser():
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    compared = 0
    for path in python_files(40, smallest=2_000, largest=60_000):
        text = path.read_bytes().decode("utf-8", "ignore")
        tree = ast.parse(text)
        defined = {node.name for node in ast.walk(tree) if isinstance(node, kinds)}
        for body in [tree.body, *(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]:
            for node in body:
                targets = node.targets if isinstance(node, ast.Assign) else []
                targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
                defined |= {target.id for target in targets[-1:] if isinstance(target, ast.Name)}
        found = set(names(text))
        assert found >= {node.name for node in ast.walk(tree) if isinstance(node, kinds)}, path
        assert len(found ^ defined) <= 0.05 * len(defined) + 3, (path, found ^ defined)  # chained assignments
        compared += len(defined)
    assert compared > 500
