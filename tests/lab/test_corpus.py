"""The corpus: what may be read, what is left out, and that the evaluation's projects are never in it."""

import json
from pathlib import Path

import pytest

from hirope_ls.lab.train import corpus, installed, licences, written
from hirope_ls.lab.train.corpus import SourceFile
from hirope_ls.lab.train.written import EVALUATION_ONLY

CODE = '''"""Queues of jobs."""


class Queue:
    """Jobs in the order they came."""

    def __init__(self) -> None:
        self.jobs = []

    def push(self, job):
        self.jobs.append(job)
        return len(self.jobs)
'''


def other_code(number: int) -> str:
    return "".join(f"def function_{number}_{i}(value):\n    return value + offset_{number}_{i}\n\n" for i in range(8))


def test_nothing_of_the_evaluation_is_ever_read() -> None:
    found = list(installed.installed_sources())
    read = [(path, location) for _, paths in found for path, location in paths]
    assert len(read) > 1000
    for path, location in read:
        names = {part.lower() for part in Path(path).with_suffix("").parts}
        assert not names & EVALUATION_ONLY, path
        place = location.resolve().parts
        inside = place[place.index("site-packages") :] if "site-packages" in place else ()
        assert not {part.lower() for part in inside} & EVALUATION_ONLY, location
    used = {source.name for source, paths in found if paths}
    assert "torch" in used
    assert installed.STDLIB in used
    assert not used & EVALUATION_ONLY


def test_only_permissive_distributions_are_read() -> None:
    sources = {source.name: (source, paths) for source, paths in installed.installed_sources()}
    source, paths = sources["hypothesis"]
    assert (source.licence, source.used, paths) == ("MPL-2.0", False, [])
    for source, paths in sources.values():
        assert source.used or not paths
        assert licences.permissive(source.licence) or not paths, source


@pytest.mark.parametrize(
    ("stated", "spdx"),
    [
        ("MIT", "MIT"),
        ("MIT License", "MIT"),
        ("BSD-3-Clause AND MIT", "BSD-3-Clause AND MIT"),
        ("Apache-2.0 OR BSD-2-Clause", "Apache-2.0"),
        ("GPL-3.0-only OR MIT", "MIT"),
        ("(MIT OR Apache-2.0) AND Zlib", "MIT AND Zlib"),
        ("ISC License (ISCL)", "ISC"),
        ("MPL-2.0 AND MIT", None),
        ("Mozilla Public License 2.0 (MPL 2.0)", None),
        ("GPL-3.0-or-later", None),
        ("UNKNOWN", None),
        ("", None),
    ],
)
def test_permissive(stated: str, spdx: str | None) -> None:
    assert licences.permissive(stated) == spdx


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("torch/nn/modules/linear.py", True),
        ("typer/rich_utils.py", True),
        ("pip/_vendor/rich/console.py", False),
        ("pip/_vendor/packaging/tags.py", False),
        ("somewhere/requests/api.py", False),
        ("somewhere/requests.py", False),
        ("Somewhere/Django/apps.py", False),
        ("click/core.py", False),
    ],
)
def test_is_allowed(path: str, allowed: bool) -> None:
    assert written.is_allowed(path) is allowed


@pytest.mark.parametrize(
    ("text", "by_people"),
    [
        (CODE, True),
        ("x = 1\n", False),
        (CODE + "x = '" + "a" * 400 + "'\n", False),
        ("TABLE = [\n" + '    ("name", "value"),\n' * 50 + "]\n", False),
        ("DATA = (\n" + "    0x12, 0x34, 0x56,\n" * 50 + ")\n", False),
    ],
    ids=["code", "tiny", "long line", "strings", "numbers"],
)
def test_looks_written(text: str, by_people: bool) -> None:
    assert written.looks_written(text) is by_people


def test_licence_headers_go_and_other_comments_stay() -> None:
    header = "# Copyright 2020 Somebody\n# Licensed under something\n\n"
    assert written.without_licence_header(header + CODE) == CODE
    for header in ("/* Copyright 2020 Somebody\n * MIT licence */\n\n", "// Copyright\n//\n// more\n"):
        assert written.without_licence_header(f"{header}#include <a.h>\n") == "#include <a.h>\n"
    assert written.without_licence_header("# What this is about\n" + CODE) == "# What this is about\n" + CODE


def test_repetition_is_dropped_and_order_kept() -> None:
    changed = CODE.replace("Jobs in the order they came.", "Tasks, oldest first.")
    texts = [CODE, other_code(1), CODE, changed, other_code(2)]
    files = [SourceFile("s", f"{number}.py", text) for number, text in enumerate(texts)]
    assert [file.path for file in corpus.without_repetition(files)] == ["0.py", "1.py", "4.py"]


def test_common_lines_alone_are_no_repetition() -> None:
    one = "".join(f"def f{i}(a):\n    return None\n" for i in range(20))
    two = "".join(f"def g{i}(b):\n    return None\n" for i in range(20))
    assert len(list(corpus.without_repetition([SourceFile("s", "1", one), SourceFile("s", "2", two)]))) == 2


def test_folder_corpus(tmp_path: Path) -> None:
    source = tmp_path / "code"
    for number in range(300):
        file = source / f"package{number % 7}" / f"module{number}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(other_code(number).replace("\n", "\r\n").encode())
    (source / "gpl.py").write_text("# GNU General Public License\n" + CODE)
    (source / "latin.py").write_bytes(CODE.encode() + b"# \xe9\n")
    (source / "flask").mkdir()
    (source / "flask" / "app.py").write_text(CODE)

    found = installed.folder_corpus(source)
    names = [file.path for file in found.train]
    assert len(names) + len(found.held_out) == 300
    assert 0 < len(found.held_out) < 15
    assert names == sorted(names)
    assert not {file.text for file in found.train} & {file.text for file in found.held_out}
    assert found.train[0].text.count("\r\n") == found.train[0].text.count("\n") > 0
    assert found.sources[0].num_files == len(names)
    assert found.sources[0].num_chars == sum(len(file.text) for file in found.train)
    assert installed.folder_corpus(source) == found

    assert corpus.load(tmp_path / "saved") is None
    corpus.save(found, tmp_path / "saved")
    again = corpus.load(tmp_path / "saved")
    assert again == found
    assert again is not None
    assert again.digest == found.digest


def test_the_unseen_project_is_read_for_evaluation_only() -> None:
    pytest.importorskip("networkx")
    files = installed.evaluation_files("networkx", limit=5)
    assert len(files) == 5
    assert all(file.path.startswith("networkx/") for file in files)
    assert installed.evaluation_files("no-such-distribution") == ()


def test_npm_packages_are_read_where_their_licence_is_permissive(tmp_path: Path) -> None:
    script = "".join(f"export function area{i}(radius) {{\n  return radius * {i};\n}}\n\n" for i in range(9))
    for name, licence in (("free", "MIT"), ("@scope/own", "Apache-2.0"), ("other", "GPL-3.0"), ("none", None)):
        folder = tmp_path / name
        (folder / "node_modules" / "inner").mkdir(parents=True)
        stated = {"license": licence} if licence else {}
        (folder / "package.json").write_text(json.dumps({"name": name, "version": "1.0.0", **stated}))
        (folder / "index.ts").write_text(script.replace("radius", name.strip("@").replace("/", "_")))
        (folder / "node_modules" / "inner" / "index.js").write_text(script)
        (folder / "data.json").write_text("{}")
    found = {source.name: (source, [path for path, _ in paths]) for source, paths in installed.npm_sources(tmp_path)}
    assert {name for name, (source, _) in found.items() if source.used} == {"npm:free", "npm:@scope/own"}
    assert found["npm:free"][1] == found["npm:@scope/own"][1] == ["index.ts"]
    assert found["npm:other"][1] == found["npm:none"][1] == []
