"""Which file an import means, by paths alone."""

import pytest

from hirope_ls.names.modules import Modules
from hirope_ls.syntax.symbols import Import


def find(files, importer, module, level=0, config=None):
    modules = Modules()
    for path in files.split():
        modules.add(path)
    for path, text in (config or {}).items():
        modules.configure(path, text)
    return modules.find(importer, Import(module, "x", "", level, 0))


@pytest.mark.parametrize(
    ("files", "importer", "module", "expected"),
    [
        ("pkg/__init__.py pkg/a.py", "pkg/b.py", "pkg.a", "pkg/a.py"),
        ("src/pkg/__init__.py src/pkg/a.py", "tests/test_a.py", "pkg.a", "src/pkg/a.py"),
        ("libs/one/src/pkg/__init__.py", "libs/two/src/other/b.py", "pkg", "libs/one/src/pkg/__init__.py"),
        ("space/pkg/a.py", "main.py", "space.pkg.a", "space/pkg/a.py"),
        ("src/space/a.pyi", "main.py", "space.a", "src/space/a.pyi"),
        ("scripts/helper.py", "scripts/run.py", "helper", "scripts/helper.py"),
        ("scripts/helper.py", "app/run.py", "helper", None),
        ("pkg/__init__.py pkg/logging.py", "pkg/a.py", "logging", None),
        ("a/util/__init__.py b/util/__init__.py", "b/main.py", "util", "b/util/__init__.py"),
        ("pkg/__init__.py", "main.py", "pkg.missing", None),
        ("pkg/a.py pkg/a/__init__.py pkg/__init__.py", "main.py", "pkg.a", "pkg/a/__init__.py"),
        ("/home/me/src/pkg/__init__.py", "/home/me/tests/t.py", "pkg", "/home/me/src/pkg/__init__.py"),
    ],
)
def test_dotted_names(files, importer, module, expected):
    assert find(files, importer, module) == expected


@pytest.mark.parametrize(
    ("module", "level", "expected"),
    [("", 1, "pkg/sub/__init__.py"), ("a", 1, "pkg/sub/a.py"), ("b", 2, "pkg/b.py"), ("", 3, ""), ("c", 1, None)],
)
def test_relative_names(module, level, expected):
    files = "pkg/__init__.py pkg/b.py pkg/sub/__init__.py pkg/sub/a.py pkg/sub/me.py"
    assert find(files, "pkg/sub/me.py", module, level) == expected


@pytest.mark.parametrize(
    ("files", "module", "expected"),
    [
        ("app/util.ts", "./util", "app/util.ts"),
        ("app/util.ts", "./util.js", "app/util.ts"),
        ("app/util.tsx app/util.js", "./util", "app/util.tsx"),
        ("util/index.ts", "../util", "util/index.ts"),
        ("app/style.css.ts", "./style.css", "app/style.css.ts"),
        ("app/util.ts", "util", None),
        ("node_modules/util/index.js", "util", None),
    ],
)
def test_paths(files, module, expected):
    assert find(files, "app/main.ts", module) == expected


def test_paths_of_a_tsconfig():
    text = """{
        // comments and trailing commas are common here
        "compilerOptions": { "baseUrl": ".", "paths": { "@/*": ["src/*"], "env": ["src/env/index.ts"], } },
    }"""
    files = "web/src/a/b.ts web/src/env/index.ts web/other.ts"
    config = {"web/tsconfig.json": text}
    assert find(files, "web/src/main.ts", "@/a/b", config=config) == "web/src/a/b.ts"
    assert find(files, "web/src/main.ts", "env", config=config) == "web/src/env/index.ts"
    assert find(files, "web/src/main.ts", "other", config=config) == "web/other.ts"
    assert find(files, "elsewhere/main.ts", "@/a/b", config=config) is None
    for broken in ("", "{", "[]", '{"compilerOptions": 3}', '{"compilerOptions": {"paths": {"@/*": 3}}}'):
        assert find(files, "web/src/main.ts", "@/a/b", config={"web/tsconfig.json": broken}) is None
