"""What a use of a name means across files: one small workspace for each kind of evidence, and for having none."""

import pytest
from names.workspaces import meant

SHAPES = """
    class Shape:
        def area(self) -> float: pass

        @property
        def owner(self) -> "Owner": pass

    class Owner:
        def notify(self): pass

    def make() -> Shape: pass

    LAST: Shape = make()
"""


def one(main, files=None, **others):
    """What `$0` in main.py means, if it is one thing: "path:dotted", and the evidence."""
    named = {f"{name}.py": text for name, text in others.items()}
    found, evidence = meant({**named, **(files or {}), "main.py": main})
    assert len(found) <= 1
    return (":".join(found[0]) if found else None), evidence


def test_the_scopes_around_come_first_and_members_of_a_class_are_not_among_them():
    text = """
        def run(): pass
        class A:
            def run(self): $0run()
    """
    assert one(text) == ("main.py:run", "scope")
    text = "def f():\n    def g(): $0h()\n    def h(): pass\ndef h(): pass"
    assert one(text) == ("main.py:f.h", "scope")


def test_a_function_that_calls_itself():
    assert one("def f():\n    def g():\n        $0g()") == ("main.py:f.g", "scope")


@pytest.mark.parametrize(
    "main",
    [
        "from shapes import make\n$0make()",
        "from shapes import make as m\n$0m()",
        "from shapes import *\n$0make()",
        "import shapes\nshapes.$0make()",
        "import shapes as s\ndef f(): s.$0make()",
        "def f():\n    from shapes import make\n    $0make()",
    ],
)
def test_imports(main):
    assert one(main, shapes=SHAPES) == ("shapes.py:make", "import")


def test_names_that_a_package_passes_on():
    found = one(
        "from pkg import make\n$0make()", {"pkg/__init__.py": "from .inner import make", "pkg/inner.py": SHAPES}
    )
    assert found == ("pkg/inner.py:make", "import")
    found = one("import pkg.inner\npkg.inner.$0make()", {"pkg/__init__.py": "", "pkg/inner.py": SHAPES})
    assert found == ("pkg/inner.py:make", "import")
    found = one("from pkg import inner\ninner.$0make()", {"pkg/__init__.py": "", "pkg/inner.py": SHAPES})
    assert found == ("pkg/inner.py:make", "import")


def test_a_function_called_as_its_module():
    """`from .same import same` in a package: the name is the function, not the module."""
    files = {"pkg/__init__.py": "from .same import same", "pkg/same.py": "def same(): pass"}
    found = one("from pkg import same\n$0same()", files)
    assert found == ("pkg/same.py:same", "import")


def test_imports_in_a_ring_end():
    files = {"a": "from b import x", "b": "from c import *", "c": "from a import *"}
    assert one("from a import x\n$0x()", **files) == (None, None)


def test_what_is_imported_from_elsewhere_is_nothing_of_ours():
    assert one("from numpy import make\n$0make()", shapes=SHAPES) == (None, None)
    assert one("import numpy as np\nnp.$0make()", shapes=SHAPES) == (None, None)


@pytest.mark.parametrize(
    "use",
    [
        "def f(s: Shape): s.$0area()",
        "def f(s: 'Shape | None'): s.$0area()",
        "def f(s: Optional[Shape] = None): s.$0area()",
        "s: Shape = g()\ns.$0area()",
        "def f():\n    s = Shape()\n    s.$0area()",
        "def f():\n    s = make()\n    s.$0area()",
        "def f():\n    with Shape() as s: s.$0area()",
        "make().$0area()",
        "shapes.LAST.$0area()",
        "class A:\n    def __init__(self, s: Shape): self.s = s\n    def f(self): self.s.$0area()",
        "class A:\n    s: Shape\nclass B(A):\n    def f(self): self.s.$0area()",
    ],
)
def test_the_class_that_a_receiver_evidently_is(use):
    main = f"import shapes\nfrom shapes import Shape, make\n{use}"
    assert one(main, shapes=SHAPES) == ("shapes.py:Shape.area", "type")


def test_a_property_is_its_value():
    main = "from shapes import Shape\ndef f(s: Shape): s.owner.$0notify()"
    assert one(main, shapes=SHAPES) == ("shapes.py:Owner.notify", "type")


@pytest.mark.parametrize("use", ["self.$0area()", "super().$0area()"])
def test_the_own_object_with_what_its_class_inherits(use):
    main = f"from shapes import Shape\nclass Mine(Shape):\n    def f(self): {use}"
    assert one(main, shapes=SHAPES) == ("shapes.py:Shape.area", "object")


def test_a_member_that_a_base_elsewhere_may_have_is_not_guessed():
    main = "from elsewhere import Base\nclass Mine(Base):\n    def f(self): self.$0area()"
    assert one(main, shapes=SHAPES) == (None, None)


def test_a_method_of_a_receiver_that_tells_nothing_is_the_only_one_of_its_name_or_one_of_several():
    main = "def f(s): s.$0area()"
    assert one(main, shapes=SHAPES) == ("shapes.py:Shape.area", "unique")
    found = meant({"main.py": main, "a/shapes.py": SHAPES, "shapes.py": SHAPES})
    assert found == ([("a/shapes.py", "Shape.area"), ("shapes.py", "Shape.area")], "ambiguous")


@pytest.mark.parametrize("use", ["s.$0get()", "$0print()", "def f(make): $0make()", "for make in s: $0make()"])
def test_names_of_builtins_and_local_variables_are_not_guessed(use):
    others = "class A:\n    def get(self): pass\ndef print(): pass\ndef make(): pass"
    assert one(use, others=others) == (None, None)


def test_another_language_is_not_looked_at():
    assert meant({"main.py": "def f(s): s.$0area()", "other.unknown": SHAPES})[0] == []


def test_bases_in_a_ring_end():
    assert one("class A(B):\n    def f(self): self.$0g()\nclass B(A): pass") == (None, None)
