"""What prompts show of other files: how it is chosen, that it keeps its order, and where it stands in a prompt."""

from __future__ import annotations

import bundled
import numpy as np
import pytest
from fixture import block, cursor
from fuzz import rng, rounds

from hirope_ls.engine.choosing import Place, Surroundings, choose
from hirope_ls.engine.context import Context, Part, Shown, ordered
from hirope_ls.engine.options import Options
from hirope_ls.engine.prompt import Prompt, build_context, build_prompt
from hirope_ls.engine.question import Question
from hirope_ls.model.generator import Limits, Prefilled
from hirope_ls.names import Names
from hirope_ls.syntax import language_for
from hirope_ls.syntax.extracting import symbols_in

STORE = """
    class Base:
        def flush(self): pass

    class Store(Base):
        size: int = 3

        def __init__(self, path: str):
            self.path = path

        def get(self, key: str) -> bytes:
            return self.path

        def put(self, key: str, value: bytes) -> None:
            print(key)

    def open_store(path: str) -> Store:
        return Store(path)

    LIMIT = 3
"""


class Folder:
    """A workspace of written files; the marked one is being edited."""

    def __init__(self, files: dict[str, str], path: str = "main.py", options: Options | None = None) -> None:
        self.path, self.files = path, {name: block(text) for name, text in files.items()}
        self.files[path], self.offset = cursor(self.files[path])
        self.names = Names()
        for name in self.files:
            self.index(name)
        self.recipe = bundled.recipe(options or Options(context_tokens=2048))
        self.places: tuple[Place, ...] = ()

    def index(self, name: str) -> None:
        self.names.put(name, symbols_in(language_for(None, name), self.files[name].encode()))

    def text(self, path: str) -> bytes | None:
        return self.files[path].encode() if path in self.files else None

    def snapshot(self):
        return bundled.open_text(self.files[self.path], f"file:///{self.path}")

    def choose(self, before: Context | None = None) -> Context | None:
        around = Surroundings(self.names, self.text, self.places)
        return choose(self.snapshot(), self.path, self.offset, around, self.recipe, before)

    def why(self) -> dict[str, str]:
        context = self.choose()
        return {part.shown.name: part.shown.why for part in context.parts} if context else {}

    def prompt(self, context: Context | None) -> Prompt:
        return build_prompt(Question(self.snapshot(), self.offset, self.recipe, context))


def folder(main: str, **options: int) -> Folder:
    return Folder({"main.py": main, "store.py": STORE}, options=Options(**options) if options else None)


@pytest.mark.parametrize(
    ("main", "name", "why"),
    [
        ("from store import open_store\ndef f():\n    open_store()\n    $0", "open_store", "used in the function here"),
        ("from store import Store\nclass A(Store):\n    def f(self):\n        $0", "Store", "base of the class here"),
        ("from store import Store\ndef f(s: Store):\n    $0pass", "Store", "type in the function here"),
        ("import store\ndef f():\n    s = store.Store()\n    s.other()\n    $0", "Store", "used in the function here"),
        (
            "from store import open_store\ndef f():\n    s = open_store('')\n    s.get('')\n    $0",
            "Store",
            "used in the",
        ),
        ("from store import open_store\n$0", "open_store", "imported"),
        ("def f(s):\n    s.put(1, 2)\n    $0", "Store", "the only one of its name"),
        ("$0x = 1", "", "in the same folder"),
    ],
)
def test_what_the_surroundings_of_the_cursor_use(main: str, name: str, why: str) -> None:
    assert why in folder(main).why()[name]


def test_a_class_is_shown_by_its_members_and_what_is_used_of_it_with_its_body() -> None:
    context = folder("from store import Store\ndef f(s: Store):\n    s.get('')\n    $0").choose()
    assert context is not None
    shown = next(part.shown for part in context.parts if part.shown.name == "Store")
    assert shown.text == block("""
        # store.py
        class Store(Base):
            size: int = 3
            def __init__(self, path: str): ...
            def get(self, key: str) -> bytes:
                return self.path
            def put(self, key: str, value: bytes) -> None: ...
    """)
    assert shown.defines == ()


def test_what_the_file_itself_has_is_not_shown_again() -> None:
    mine = block(STORE) + "\nfrom store import open_store\nopen_store()\n$0"
    assert "open_store" not in Folder({"main.py": mine, "store.py": STORE}).why()


def test_places_of_work_in_other_files() -> None:
    here = folder("$0x = 1")
    here.places = (Place("store.py", block(STORE).index("def get"), "edited"), Place("main.py", 0, "visited"))
    assert here.why()["Store"] == "edited lately"


def test_without_a_workspace_or_a_budget_there_is_none() -> None:
    assert Folder({"main.py": "$0x = 1"}).choose() is None
    assert folder("from store import open_store\n$0", context_tokens=0).choose() is None


def test_models_trained_for_little_context_get_none_unless_asked_for() -> None:
    assert Options().context_budget(512) == 0 and Options(context_tokens=100).context_budget(512) == 100
    assert Options().context_budget(32_768) == 8_192


def test_the_budget_holds() -> None:
    files = {f"m{i}.py": f"def f{i}(a, b): return {i}" for i in range(60)}
    main = "".join(f"from m{i} import f{i}\n" for i in range(60)) + "$0"
    for budget in (1, 50, 200, 400):
        here = Folder({**files, "main.py": main}, options=Options(context_tokens=budget))
        context = here.choose()
        assert (context.cost if context else 0) <= budget
        if budget > 100:
            assert context is not None and context.cost > budget / 2


def test_a_file_that_changed_since_it_was_indexed_is_not_shown_wrongly() -> None:
    here = folder("from store import open_store, LIMIT\nopen_store()\n$0")
    here.files["store.py"] = "x = 1\n"
    assert "open_store" not in here.why()


def test_the_same_again_is_the_same_value_and_what_is_new_comes_last() -> None:
    here = folder("from store import open_store\nopen_store()\n$0", context_tokens=2000)
    first = here.choose()
    assert first is not None and here.choose(first) is first
    here.files["a_new.py"] = "def fresh(): return 1\n"
    here.index("a_new.py")
    here.files["main.py"] = "from a_new import fresh\n" + here.files["main.py"] + "fresh()\n"
    second = here.choose(first)
    assert second is not None and second.parts[: len(first.parts)] == first.parts
    assert [part.shown.name for part in second.parts[len(first.parts) :]] == ["fresh"]


def test_what_says_something_else_now_is_replaced() -> None:
    here = folder("from store import open_store\nopen_store()\n$0")
    first = here.choose()
    here.files["store.py"] = here.files["store.py"].replace("return Store(path)", "return Store(path + '/')")
    here.index("store.py")
    second = here.choose(first)
    assert second is not None
    texts = [part.shown.text for part in second.parts if part.shown.name == "open_store"]
    assert len(texts) == 1 and "path + '/'" in texts[0]


def part(text: str, *defines: str) -> Part:
    return Part(Shown("a.py", 0, 1, text, "", text, defines), bundled.tokenizer().encode(text.encode()).ids)


def test_what_nobody_says_any_more_is_not_kept() -> None:
    """Not even where nothing else is wanted: the definition got another name."""
    here = Folder({"store.py": STORE, "main.py": "from store import open_store\n\ndef run():\n    open_store($0\n"})
    before = here.choose()
    assert before and "open_store" in {part.shown.name for part in before.parts}
    here.files["store.py"] = here.files["store.py"].replace("def open_store(", "def reopen(")
    here.index("store.py")
    after = here.choose(before)
    assert not after or "open_store" not in {part.shown.name for part in after.parts}


def test_order_is_kept() -> None:
    a, b, c = part("a = 1\n"), part("b = 1\n"), part("c = 1\n")
    assert ordered([c, b, a], [a, b]) == [a, b, c] and ordered([c, a], [a, b]) == [a, c]


@pytest.mark.parametrize("room", [None, 1, 2, 7])
def test_units_of_a_context(room: int | None) -> None:
    parts = tuple(part(f"name_{i} = {i}\n", f"name_{i}") for i in range(5))
    context = Context(parts, room)
    assert context.units.size == context.ids.size == context.cost
    count = min(room or 5, 5)
    assert sorted(set(context.units.tolist())) == list(range(count)) and (np.diff(context.units) >= 0).all()
    assert [name for name, _ in context.defined] == [f"name_{i}" for i in range(5)]
    assert Context().ids.size == 0 and Context().units.size == 0 and Context().defined == []


def test_a_prompt_without_context_is_what_it_was_and_with_one_it_is_that_behind_the_context() -> None:
    """Ids to the bit but for what is shown; units and mentions moved by as many units as the context has."""
    random = rng("context prompts")
    for _ in range(rounds(8)):
        lines = [f"def f{i}(a):\n    return open_store(a) + f{max(i - 1, 0)}(a)\n" for i in range(random.randrange(40))]
        here = folder("from store import open_store\n" + "".join(lines) + "x = 1\n$0\ny = f1(2)\n")
        context = here.choose()
        assert context is not None
        bare, with_it = here.prompt(None), here.prompt(context)
        assert bare.others == 0 and with_it.others == context.cost
        empty = here.prompt(Context())
        assert np.array_equal(empty.ids, bare.ids) and np.array_equal(empty.positions, bare.positions)
        more, units = context.cost, int(context.units[-1]) + 1
        assert np.array_equal(with_it.ids, np.concatenate([context.ids, bare.ids]))
        assert np.array_equal(with_it.positions[0, more:], bare.positions[0] + units)
        assert np.array_equal(with_it.positions[1, more:], bare.positions[1])
        begins = build_context(here.snapshot(), here.recipe, context=context)
        shared = more + bare.far
        assert np.array_equal(begins.ids[:shared], with_it.ids[:shared])
        assert np.array_equal(begins.positions[:, :shared], with_it.positions[:, :shared])


def test_what_is_shown_can_be_mentioned() -> None:
    lines = "".join(f"def f{i}(a):\n    return {i} + a * {i}\n" for i in range(60))
    here = folder(f"from store import open_store\n{lines}store = open_store($0)\n")
    context = here.choose()
    assert context is not None
    unit = dict(context.defined)["open_store"]
    prompt = here.prompt(context)
    assert prompt.mentions is not None and unit in prompt.mentions.pairs[1].tolist()
    bare = here.prompt(None)
    assert bare.mentions is not None and prompt.num_mentions > bare.num_mentions


def test_typing_leaves_the_context_in_the_cache() -> None:
    here = folder("from store import open_store\nvalue = 1\n$0\nother = 2\n")
    context, model = here.choose(), bundled.local_model()

    def reused(prompt: Prompt) -> int:
        class Never:
            def is_set(self) -> bool:
                return False

        events = model.generate("file", prompt.ids, prompt.positions, Limits(1), Never(), prompt.mentions)
        return next(event.reused for event in events if isinstance(event, Prefilled))

    assert context is not None
    reused(here.prompt(context))
    here.files["main.py"] = here.files["main.py"].replace("value = 1\n", "value = 1\nstore")
    here.offset += len("store")
    assert reused(here.prompt(context)) >= context.cost
