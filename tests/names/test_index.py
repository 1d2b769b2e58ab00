"""The index of names: after any taking in and removing it is what one made from nothing would be."""

from fuzz import rng, rounds

from hirope_ls.names import Names
from hirope_ls.syntax import language_for
from hirope_ls.syntax.extracting import symbols_in

PYTHON = language_for("python", None)


def state(names):
    """All that an index answers."""
    return {path: names.symbols(path) for path in names}, names._named, vars(names.modules)


def test_replacing_and_removing_leave_what_taking_in_afresh_gives():
    random = rng("names")
    paths = [f"{folder}{name}.py" for folder in ("", "a/", "a/b/", "c/") for name in ("__init__", "x", "y")]
    for _ in range(rounds(20)):
        names, files = Names(), {}
        for _ in range(40):
            path = random.choice(paths)
            if random.random() < 0.3:
                names.remove(path)
                files.pop(path, None)
            else:
                text = "".join(f"def {random.choice('fgh')}(): pass\n" for _ in range(random.randrange(4)))
                files[path] = symbols_in(PYTHON, text.encode())
                names.put(path, files[path])
        fresh = Names()
        for path, symbols in files.items():
            fresh.put(path, symbols)
        assert state(names) == state(fresh)


def test_references_are_not_kept():
    names = Names()
    names.put("a.py", symbols_in(PYTHON, b"def f(): g()"))
    assert names.symbols("a.py").references == () and names.defining("f") == {"a.py"}
    assert names.defining("g") == frozenset() and "b.py" not in names and len(names) == 1
