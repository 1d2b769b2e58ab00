"""What names mean in TypeScript and JavaScript files: imports, exports, receivers."""

from __future__ import annotations

import pytest
from names.workspaces import meant

STORE = """
    export interface Base { flush(): void }

    export default class Store {
      size: number = 3
      constructor(private readonly clock: Clock) {}
      load(key: string): string { return this.size + key }
    }

    export class Clock { tick(): number { return 1 } }

    export const open = async (path: string): Promise<Store> => new Store(new Clock())

    function hidden() {}
    export { hidden as shown }
"""


def one(main: str, path: str = "app/main.ts", **more: str) -> tuple[str | None, str | None]:
    """What `$0` means, if it is one thing, and the evidence."""
    files = {
        "app/store.ts": STORE,
        "app/index.ts": "export * from './store'\nexport { Clock as Watch } from './store'\n",
    }
    found, evidence = meant({**files, **more, path: main}, path)
    assert len(found) <= 1
    return (":".join(found[0]) if found else None), evidence


@pytest.mark.parametrize(
    ("main", "name"),
    [
        ("import { open } from './store'\n$0open('')", "open"),
        ("import { open as o } from './store.js'\n$0o('')", "open"),
        ("import { open } from '.'\n$0open('')", "open"),
        ("import { Watch } from './index'\nnew $0Watch()", "Clock"),
        ("import * as store from './store'\nstore.$0open('')", "open"),
        ("import Anything from './store'\nnew $0Anything()", "Store"),
        ("import { shown } from './store'\n$0shown()", "hidden"),
        ("import Store from './store'\nclass Mine extends $0Store {}", "Store"),
    ],
)
def test_imports_and_exports(main: str, name: str) -> None:
    assert one(main) == (f"app/store.ts:{name}", "import")


@pytest.mark.parametrize(
    ("main", "name"),
    [
        ("function f(s: Store) { s.$0load('') }", "Store.load"),
        ("function f(s?: Store | undefined) { s.$0load('') }", "Store.load"),
        ("const f = (s: Store) => s.$0load('')", "Store.load"),
        ("function f() { const s = new Store(); s.$0load('') }", "Store.load"),
        ("async function f() { const s = await open(''); s.$0load('') }", "Store.load"),
        ("class A { constructor(private s: Store) {}\n  f() { this.s.$0load('') } }", "Store.load"),
        ("class A {\n  s = new Store()\n  f() { this.s.$0load('') } }", "Store.load"),
    ],
)
def test_the_class_that_a_receiver_evidently_is(main: str, name: str) -> None:
    assert one(f"import Store, {{ open }} from './store'\n{main}") == (f"app/store.ts:{name}", "type")


@pytest.mark.parametrize("bound", ["const run = () => 1", "var run = function () { return 1 }", "function run() {}"])
def test_functions_inside_functions(bound: str) -> None:
    main = f"function run() {{}}\nfunction f() {{\n  {bound}\n  if (x) {{ $0run() }}\n}}\n"
    assert one(main) == ("app/main.ts:f.run", "scope")
    for other in ("const run = make()", "let run", "const { run } = x"):
        assert one(main.replace(bound, other)) == (None, None), "a variable: who knows what it holds?"


@pytest.mark.parametrize("use", ["this.$0load('')", "super.$0load('')"])
def test_the_own_object(use: str) -> None:
    main = f"import Store from './store'\nclass A extends Store {{\n  f() {{ {use} }}\n}}"
    assert one(main) == ("app/store.ts:Store.load", "object")


def test_what_is_imported_from_a_package_is_nothing_of_ours() -> None:
    assert one("import { open } from 'fs'\n$0open('')") == (None, None)


def test_common_script_modules() -> None:
    files = {"app/util.js": "function help() {}\nmodule.exports = { help }\n"}
    found = one("const util = require('./util')\nutil.$0help()", "app/main.js", **files)
    assert found == ("app/util.js:help", "import")
