"""What a word means and the facts about that: small workspaces written as texts, and the samples of the languages."""

from __future__ import annotations

import ast
import inspect
import random
import warnings
from pathlib import Path

import pytest
from explained import one, told, view_of
from fuzz import rng, rounds

from hirope_ls.engine.explain import Bounds, Facts, View, facts_about, target
from hirope_ls.syntax import language_for, parse
from hirope_ls.syntax.declared import declared
from hirope_ls.syntax.extracting import symbols_of
from hirope_ls.text import Buffer

SAMPLES = Path(__file__).parents[1] / "data" / "languages"
EVERY = [path for path in sorted(SAMPLES.iterdir()) if path.suffix != ".txt"]


def sample(name: str, where: str) -> list[Facts]:
    """The facts about the word after which `$0` stands in a line of a sample."""
    text = (SAMPLES / name).read_text(encoding="utf-8")
    assert text.count(where.replace("$0", "")) == 1, where
    return told(text.replace(where.replace("$0", ""), where), name)


# --- what a word means ------------------------------------------------------------------------------------------------

SHAPES = '''
    """Shapes."""

    class Shape:
        """A shape.

        It has an area.
        """

        sides = 3

        def __init__(self, name): self.name = name

        @property
        def area(self) -> float:
            """How large."""
            return self.scale(2)

        @area.setter
        def area(self, value): pass

        @classmethod
        def make(cls, *names: str) -> "Shape":
            return cls(names[0])

        def scale(self, by: int = 1): return by * self.area


    def helper(
        value: int,
        *rest: str,
    ) -> int:
        """Help."""
        return helper(value - 1) if rest else 0
'''


def test_a_function_of_another_file():
    found = one("from shapes import helper\n\ndef run():\n    return $0helper(1)\n", shapes=SHAPES)
    assert found.name == "helper" and found.kind == "function" and found.evidence == "import"
    assert found.signature == "def helper(\n    value: int,\n    *rest: str,\n) -> int"
    assert (found.spot.path, found.spot.line, found.spot.column) == ("shapes.py", 27, 4)
    assert found.documentation == "Help." and found.out_of_sight and found.lines_away is None
    assert [call.text for call in found.calls] == ["helper"] and found.calls[0].line == 27
    uses = [(use.path, use.line, use.within) for use in found.callers.found]
    assert uses == [("shapes.py", 32, "helper"), ("main.py", 3, "run")] and found.callers.complete


@pytest.mark.parametrize(
    "text",
    [
        "from shapes import $0helper\n",
        "from shapes import $0helper as other\n",
        "from shapes import helper as $0other\n",
        "from shapes import helper as other\n\n$0other(1)\n",
        "import shapes\n\nshapes.$0helper(1)\n",
        "import shapes as s\n\nprint(s.$0helper)\n",
        "from shapes import helper\n\nrun(call=$0helper)\n",
        "from shapes import helper\n\nx = [$0helper]\n",
        "from again import $0helper\n",
        "from again import other\n\n$0other(1)\n",
        "from shapes import *\n\n$0helper(1)\n",
        "from shapes import (\n    Shape,\n    help$0er,\n)\n",
    ],
)
def test_imports_aliases_and_re_exports(text):
    again = "from shapes import helper\nfrom shapes import helper as other\n"
    assert one(text, shapes=SHAPES, again=again).name == "helper"


@pytest.mark.parametrize(
    "text",
    [
        "def f(helper):\n    $0helper(1)\n",  # a parameter
        "def f():\n    helper = 1\n    return $0helper\n",
        "from shapes import helper\n\n# $0helper\n",
        "from shapes import helper\n\nx = '$0helper'\n",
        "from shapes import helper\n\nrun($0helper=1)\n",
        "from elsewhere import helper\n\n$0helper(1)\n",
        "import elsewhere\n\nelsewhere.$0helper(1)\n",
        "$0print(1)\n",
        "$0nothing(1)\n",
    ],
)
def test_what_is_no_definition_of_the_workspace(text):
    assert told(text, shapes=SHAPES) == []


def test_where_an_import_leads_out_of_the_workspace():
    view, offset = view_of({"main.py": "from elsewhere.x import helper\n\n$0helper(1)\n"}, "main.py")
    found = target(view, offset)
    assert found is not None and found.outside == "elsewhere.x" and not found.sure and not found.candidates


def test_there_may_be_no_word():
    for text in ("$0", "x = 1 $0+ 2", "1$02", "f($0)"):
        view, offset = view_of({"main.py": text}, "main.py")
        assert target(view, offset) is None


def test_methods_properties_and_class_methods():
    use = "from shapes import Shape\n\ndef run(shape: Shape):\n    shape.{}\n"
    found = one(use.format("$0scale(2)"), shapes=SHAPES)
    assert (found.name, found.kind, found.evidence) == ("Shape.scale", "method", "type")
    assert [(use.path, use.within) for use in found.callers.found] == [("shapes.py", "Shape.area"), ("main.py", "run")]
    found = one(use.format("$0area"), shapes=SHAPES)
    assert (found.name, found.kind, found.decorators) == ("Shape.area", "property", ("@property",))
    assert found.signature == "def area(self) -> float" and found.documentation == "How large."
    assert [other.signature for other in found.also] == ["def area(self, value)"]
    found = one("from shapes import Shape\n\nShape.$0make('a')\n", shapes=SHAPES)
    assert (found.kind, found.decorators) == ("class method", ("@classmethod",))


def test_a_class():
    derived = "from shapes import Shape\n\nclass Square(Shape, Other):\n    pass\n\n$0Square('a')\n"
    found = one(derived, shapes=SHAPES)
    assert found.kind == "class" and found.signature == "class Square(Shape, Other)" and not found.out_of_sight
    assert [(base.name, base.spot and base.spot.line) for base in found.bases] == [("Shape", 2), ("Other", None)]
    found = one(derived.replace("(Shape,", "($0Shape,").replace("$0Square", "Square"), shapes=SHAPES)
    assert found.documentation == "A shape.\n\nIt has an area."
    names = ["sides", "__init__", "area", "area", "make", "scale", "name"]
    assert [member.name for member in found.members] == names and found.num_members == 7


def test_nested_functions_and_recursion():
    text = """
        def outer():
            def inner(n):
                return inner(n - 1)
            return $0inner(3)
    """
    found = one(text)
    assert (found.name, found.kind) == ("outer.inner", "nested function")
    assert [use.within for use in found.callers.found] == ["outer.inner", "outer"]


def test_a_name_in_its_own_definition():
    found = one("def hel$0per(helper): return 1\n\nhelper(2)\n")
    assert found.name == "helper" and found.callers.sure == 1
    assert told("def helper(hel$0per): return 1\n") == []


def test_several_of_a_name_are_all_told():
    text = "def run(x):\n    x.$0close_it()\n"
    several = told(text, a="class A:\n    def close_it(self): pass\n", b="class B:\n    def close_it(self): pass\n")
    assert [(one.name, one.evidence) for one in several] == [("A.close_it", "ambiguous"), ("B.close_it", "ambiguous")]
    assert one(text, a="class A:\n    def close_it(self): pass\n").evidence == "unique"


def test_python_overloads():
    text = """
        from typing import overload
        @overload
        def f(a: int) -> int: ...
        @overload
        def f(a: str) -> str: ...
        def f(a): return a
        $0f(1)
    """
    found = one(text)
    assert found.signature == "def f(a)"
    assert [other.signature for other in found.also] == ["def f(a: int) -> int", "def f(a: str) -> str"]


def test_far_in_the_same_file_is_out_of_sight():
    found = one("def far(): pass\n" + "x = 1\n" * 60 + "$0far()\n")
    assert found.out_of_sight and found.lines_away == -61
    assert not one("def far(): pass\n" + "x = 1\n" * 30 + "$0far()\n").out_of_sight


def test_a_file_that_says_something_else_by_now():
    view, offset = view_of({"main.py": "from a import f\n$0f()\n", "a.py": "def f(): pass\n"}, "main.py")
    found = target(view, offset)
    assert found is not None
    view, offset = view_of({"main.py": "from a import f\n$0f()\n", "a.py": "import x\n\ndef f(new): pass\n"}, "main.py")
    facts = facts_about(view, found.candidates[0], offset)
    assert facts is not None and facts.signature == "def f(new)" and facts.spot.line == 2
    gone, _ = view_of({"main.py": "$0", "a.py": ""}, "main.py")
    gone.texts = {}.get
    assert facts_about(gone, found.candidates[0], offset) is None


def test_overloads_of_a_language_without_more_than_names_are_all_told():
    text = "int f(int a) { return 1; }\nint f(char* a) { return 2; }\nint g() { return $0f(1); }\n"
    assert [one.signature for one in told(text, "a.cpp")] == ["int f(int a)", "int f(char* a)"]


def test_a_getter_comes_before_its_setter():
    text = """
        class A:
            @property
            def size(self): return 1
            @size.setter
            def size(self, value): pass
            def run(self): return self.$0size
    """
    assert one(text).kind == "property" and one(text).signature == "def size(self)"


# --- other languages --------------------------------------------------------------------------------------------------


def test_python_sample():
    (found,) = sample("sample.py", "def helper(value: $0Shape, *rest)")
    assert found.decorators == ("@cache",) and found.signature == "class Shape(Base, metaclass=Meta)"
    assert [member.name for member in found.members] == ["sides", "__init__", "area", "Inner", "name"]
    (found,) = sample("sample.py", "return $0inner(OrderedDict(rest))")
    assert found.kind == "nested function" and found.signature == "def inner()"


def test_typescript_sample():
    (found,) = sample("sample.ts", "export default $0Store;")
    assert found.kind == "class" and found.decorators == ("@Injectable({ scope: 'root' })",)
    assert found.signature.startswith("export abstract class Store<K extends string, V = unknown> extends Base<V>")
    assert found.documentation == "Keeps what was asked."
    (found,) = sample("sample.ts", "let x = $0external(config.name)")
    assert found.signature == "declare function external(name: string): void"
    (found,) = sample("sample.ts", "export const $0parse = <T,>")
    assert found.signature == "export const parse = <T,>(text: string): Result<T> =>"
    (found,) = sample("sample.ts", "protected async $0load<T>")
    assert found.name == "Store.load" and found.decorators == ("@Memo()",)
    assert found.signature == "protected async load<T>(url: string): Promise<Result<T>>"
    (found,) = sample("sample.ts", "function $0overloaded(a: any): any")
    assert len(found.also) == 2


def test_go_sample():
    (found,) = sample("sample.go", "fmt.Println($0Map([]int{1}, func")
    assert found.signature == "func Map[T, U any](items []T, f func(T) U) []U" and found.evidence == "unique"
    assert {call.text for call in found.calls} == {"make", "len", "append", "f"}
    (found,) = sample("sample.go", "func (s *Square) $0Area() float64")
    assert found.documentation == "Area is what it covers." and found.signature == "func (s *Square) Area() float64"


def test_java_sample():
    (found,) = sample("Sample.java", "public V $0get(K key, int... indexes)")
    assert found.kind == "method" and found.documentation == "Looks one up." and found.decorators == ("@Override",)
    assert found.signature == "public V get(K key, int... indexes) throws NotFoundException"
    assert "helper" in {call.text for call in found.calls}
    several = sample("Sample.java", "return entry.getValue().$0get(helper(indexes))")
    assert {one.name for one in several} == {"Sample.get", "Store.get"}
    assert {one.evidence for one in several} == {"ambiguous"}


def test_cpp_sample():
    (found,) = sample("sample.cpp", "return outer::$0make({argv[0]})->area()")
    assert found.signature == "inline std::unique_ptr<inner::Shape<int>>\nmake(const Names& names, char c = '}')"
    assert found.evidence == "unique"
    (found,) = sample("sample.cpp", "virtual double $0area() const")
    assert found.documentation == "about area" and found.callers.perhaps == 1
    assert found.signature == "virtual double area() const noexcept override"


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.name)
def test_every_word_of_every_sample_has_an_answer(path):
    data = path.read_bytes()
    buffer = Buffer.of(data)
    view = View(path.name, buffer, parse(language_for(None, path.name), buffer))
    for offset in range(rng(path.name).randrange(17), len(data), 17):
        found = target(view, offset)
        for each in found.candidates if found else ():
            facts = facts_about(view, each, offset)
            assert facts is not None and facts.signature and facts.name.endswith(each.definition.name)


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.name)
def test_a_name_that_is_asked_for_changes_nothing_else(path):
    buffer = Buffer.of(path.read_bytes())
    parsed = parse(language_for(None, path.name), buffer)
    plain, random_of = symbols_of(parsed), rng(f"asked {path.name}")
    for _ in range(rounds(8)):
        at = random_of.randrange(len(buffer.data))
        asked = symbols_of(parsed, at)
        assert (asked.definitions, asked.imports) == (plain.definitions, plain.imports)
        added = [one for one in asked.references if one not in plain.references]
        assert all((one.start, one.kind) == (at, "name") for one in added) and len(added) < 2
        assert [one for one in asked.references if one not in added] == list(plain.references)


# --- docstrings -------------------------------------------------------------------------------------------------------

PARTS = [
    "'a'",
    '"b"',
    "'''c\n    d\n\n      e'''",
    'r"\\d"',
    "u'\\u00e4'",
    "'\\x41\\101\\N{DASH}\\\n'",
    '"\\d \\\' \\t|"',
    "\\\n",
]


def test_docstrings_are_those_of_the_language():
    random_of = rng("docstrings")
    for _ in range(rounds(60)):
        _docstring_is_right(random_of)


def _docstring_is_right(random_of: random.Random) -> None:
    literal = " ".join(random_of.choices(PARTS, k=random_of.randint(1, 3)))
    literal = literal.replace("DASH", "EM DASH")
    before = random_of.choice(["", "# about\n    ", "b'' + ", "f", "\n    "])
    text = f"@x\ndef f(a):\n    {before}{literal}\n    return 1\n"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of unknown escapes
        try:
            tree = ast.parse(text)
        except SyntaxError:
            return
    expected = ast.get_docstring(tree.body[0])  # type: ignore[arg-type]
    buffer = Buffer.of(text)
    parsed = parse(language_for("python", None), buffer)
    said = declared(parsed, buffer.data, symbols_of(parsed).definitions[0])
    assert inspect.cleandoc(said.documentation) == (expected or ""), text


# --- bounds -----------------------------------------------------------------------------------------------------------


def test_a_long_file_is_looked_through_within_bounds():
    lines = [
        "def far(n):\n    return n\n",
        *(f"def f{i}(x):\n    y = far({i})\n    return x.odd_one()\n" for i in range(6_500)),
    ]
    text = "\n".join(lines) + "\nclass A:\n    def odd_one(self): pass\n\n$0far(1)\n"
    assert text.count("\n") > 20_000
    looked = 0
    view, offset = view_of({"main.py": text}, "main.py", Bounds(lookups=500, shown=10))
    parse_of = view.parsed

    def counted(*given):
        nonlocal looked
        looked += 1
        return parse_of(*given)

    view.parsed = counted  # type: ignore[method-assign]
    found = target(view, offset)
    assert found is not None and found.sure
    facts = facts_about(view, found.candidates[0], offset)
    assert facts is not None and facts.out_of_sight
    assert len(facts.callers.found) == 10 and facts.callers.sure == 500 and not facts.callers.complete
    assert looked == 0  # the file itself is parsed already


def test_no_more_files_are_read_than_allowed():
    others = {f"m{i}": "from a import f\nf()\n" for i in range(10)}
    files = {f"{name}.py": text for name, text in others.items()} | {
        "a.py": "def f(): pass\n",
        "main.py": "import a\na.$0f()\n",
    }
    for bounds, sure in ((Bounds(), 11), (Bounds(files=3), 4), (Bounds(read=25), 3)):
        view, offset = view_of(files, "main.py", bounds)
        found = target(view, offset)
        assert found is not None
        facts = facts_about(view, found.candidates[0], offset)
        assert facts is not None
        assert (facts.callers.sure, facts.callers.complete) == (sure, bounds == Bounds()), bounds
    view, offset = view_of(files, "main.py")
    view.stopped = lambda: True
    facts = facts_about(view, target(view, offset).candidates[0], offset)  # type: ignore[union-attr]
    assert facts is not None and not facts.callers.complete
