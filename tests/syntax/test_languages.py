"""Every row of the table of languages, over a sample of each and over real code: trees, units, names, edits."""

from __future__ import annotations

import functools
import re
import sysconfig
import time
from pathlib import Path

import pytest
from edits import Typist, keep, kept
from fuzz import rng, rounds
from syntax.afresh import covers, difference, replay
from tree_sitter import Query, QueryCursor

from hirope_ls.syntax import LANGUAGES, Language, Parse, language_for, parse, reparse, statement_starts
from hirope_ls.syntax.languages import grammar_of
from hirope_ls.syntax.languages.table import BEGIN, languages_table, with_languages
from hirope_ls.text import Buffer, Edit

DATA = Path(__file__).parent.parent / "data" / "languages"
SAMPLES = {
    language.name: path
    for path in sorted(DATA.iterdir())
    if path.suffix != ".txt" and (language := language_for(None, path.name))
}
EACH = pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)
# What begins and ends things in one language or another, and what scanners look for.
SNIPPETS = [
    *("/*", "*/", "//", "/**\n * x\n */\n", "#", "--", "--[[", "]]", "[==[", "=begin\n", "=end\n", "{-", "<!--"),
    *(
        "`",
        "${",
        "`${`",
        '"""',
        "'''",
        '@"',
        'r#"',
        '"#',
        'R"x(',
        ')x"',
        "<<EOF\n",
        "<<~A + <<-'B'\n",
        "EOF\n",
        "/['\"`]/",
    ),
    *("{\n", "}\n", "}", "});\n", "end\n", "fi\n", "\nend", " do\n", "then\n", "?>", "<?php\n", "#if 0\n", "#endif\n"),
    *("function f(a) {\n  return a;\n}\n", "func g() int {\n\treturn 1\n}\n", "fn h() {}\n", "def m\n  1\nend\n"),
    *(
        "class K {\n  int x;\n}\n",
        "public class L extends M {\n",
        "struct s {\n",
        "static int\n",
        "int main(void)\n{\n}\n",
    ),
    *(
        "template <typename T>\n",
        "namespace n {\n",
        "export default ",
        "export const k = (x) => x\n",
        "const z = function () {\n",
    ),
    *("#[derive(A)]\n", "@Override\n", "[Pure]\n", "public:\n", "impl A for B {\n", "extension A {\n", "object O\n"),
    *("import x from 'y';\n", 'import "fmt"\n', "use a::b;\n", "#include <a>\n", "local x = function()\n", "log() {\n"),
]


def units(text: bytes, parsed: Parse) -> list[str]:
    return [
        f"{unit.kind} {unit.name}: {text[unit.start : unit.end].decode().strip().partition(chr(10))[0].strip()}".strip()
        for unit in parsed.units
    ]


def captured(language: Language, text: bytes, parsed: Parse, query: str) -> list[str]:
    """One line a match, each capture as `capture=text`, in the order of the text."""
    found = []
    for piece, start in zip(parsed.pieces, parsed.starts.tolist(), strict=True):
        assert piece.tree is not None
        for _, match in QueryCursor(Query(grammar_of(language), query)).matches(piece.tree.root_node):
            shown = {name: nodes[0] for name, nodes in match.items() if not name.startswith("_")}
            at = min(node.start_byte for node in shown.values())
            found.append((start + at, " ".join(f"{name}={node.text.decode()}" for name, node in sorted(shown.items()))))
    return [line for _, line in sorted(found)]


def golden(language: Language) -> str:
    text = SAMPLES[language.name].read_bytes()
    parsed = parse(language, Buffer.of(text))
    references = captured(language, text, parsed, language.references)
    lines = [
        *("units", *units(text, parsed), "", "definitions", " ".join(name for _, name in parsed.definitions), ""),
        *("references", " ".join(line.removeprefix("name=") for line in references), ""),
        *("imports", *captured(language, text, parsed, language.imports), ""),
    ]
    return "\n".join(lines)


@EACH
def test_what_the_row_finds_in_its_sample(language: Language) -> None:
    """A change is meant or not: `python -c "import test_languages as t; t.write()"` in this folder writes them anew."""
    path = SAMPLES[language.name].with_suffix(SAMPLES[language.name].suffix + ".txt")
    assert golden(language) == path.read_text("utf-8")


def write() -> None:
    for language in LANGUAGES:
        path = SAMPLES[language.name]
        path.with_suffix(path.suffix + ".txt").write_text(golden(language), "utf-8")


@EACH
def test_a_row_names_what_its_grammar_has(language: Language) -> None:
    grammar = grammar_of(language)
    kinds = {grammar.node_kind_for_id(number) for number in range(grammar.node_kind_count)}
    fields = {grammar.field_name_for_id(number) for number in range(1, grammar.field_count + 1)}
    named = language.functions | language.classes | language.containers | language.punctuation | language.comments
    named |= (
        language.calls | language.attached | language.strings | language.names | language.name_kinds | language.nameless
    )
    assert named | set(language.wrappers) | set(language.parameters) <= kinds
    told = {*language.name_fields, *language.wrappers.values(), *language.parameters.values()}
    assert told | {language.parameters_field, language.body_field} <= fields | {""}
    for query in (language.definitions, language.references, language.imports):
        assert Query(grammar, query).capture_count


@EACH
def test_a_sample_is_understood(language: Language) -> None:
    """Few pieces with errors: sections of C's preprocessor, and namespaces whose members begin their lines."""
    text = SAMPLES[language.name].read_bytes()
    parsed = parse(language, Buffer.of(text))
    broken = [piece for piece in parsed.pieces if piece.tree is None or piece.tree.root_node.has_error]
    assert len(broken) <= (6 if language.name in ("c", "c++") else 0)
    assert covers(parsed, len(text))


@EACH
def test_comments_and_strings_are_told(language: Language) -> None:
    """In the samples some names of functions stand in comments alone, some in strings alone."""
    text = SAMPLES[language.name].read_bytes()
    parsed = parse(language, Buffer.of(text))
    for kinds, names in (
        (language.comments, rb"[Cc]ommented|words here|[Ll]icen|reading"),
        (language.strings, rb"not_?one|NotOne"),
    ):
        spans = [(start, end) for kind, start, end, _ in parsed.nodes() if kind in kinds]
        assert spans
        for found in re.finditer(names, text):
            assert any(start <= found.start() < end for start, end in spans), found


@pytest.mark.parametrize(
    "name, text, lines",
    [
        (
            "javascript",
            "describe('a', () => {\n  it(\n    'b',\n    () => {\n      x();\n    }\n  );\n  y(\n  1);\n});\nz();\n",
            "it( x(); y( z();",
        ),
        (
            "java",
            "int f(\n  int a\n) {\n  g(\n    a\n  );\n  if (a) {\n    h();\n  }\n  else {\n    i();\n  }\n}\n",
            "g( if (a) { h(); else { i();",
        ),
        ("ruby", "describe A do\n  it 'b' do\n    x(\n      1\n    )\n    y\n  end\nend\nz\n", "it 'b' do x( y z"),
        ("lua", "f(\n  1,\n  function()\n    x()\n    y()\n  end\n)\nz()\n", "x() y() z()"),
        (
            "go",
            "func f() {\n\tt.Run(\n\t1,\n\tfunc() {\n\t\tx()\n\t},\n\t)\n\tswitch a {\n\tcase 1:\n\t\ty()\n\t}\n}\n",
            "t.Run( x() switch a { case 1: y()",
        ),
        ("kotlin", "fun f() {\n  xs.map {\n    x(it)\n    y()\n  }\n  z()\n}\n", "xs.map { x(it) y() z()"),
        ("swift", "func f() {\n  xs.map { x in\n    y(x)\n  }\n  z()\n}\n", "xs.map { x in y(x) z()"),
        (
            "c",
            "int f(void)\n{\n  int x = g(\n    1);\n  while (x) {\n    x--;\n  }\n  return x;\n}\n",
            "int x = g( while (x) { x--; return x;",
        ),
        ("bash", "f() {\n  x\n  if y; then\n    z\n  else\n    w\n  fi\n}\n", "x if y; then z else w"),
    ],
)
def test_where_long_units_may_be_cut(name: str, text: str, lines: str) -> None:
    language = next(row for row in LANGUAGES if row.name == name)
    starts = statement_starts(language, text.encode())
    assert " ".join(text[at:].partition("\n")[0].strip() for at in starts) == lines


def test_no_two_rows_claim_the_same() -> None:
    for each in ("name", "language_ids", "suffixes", "file_names", "interpreters"):
        claimed = [value for row in LANGUAGES for value in ([row.name] if each == "name" else getattr(row, each))]
        assert len(claimed) == len(set(claimed)), each
    assert set(SAMPLES) == {language.name for language in LANGUAGES}


def test_the_readme_lists_the_languages() -> None:
    readme = DATA.parent.parent.parent / "README.md"
    text = readme.read_text("utf-8")
    assert BEGIN in text and languages_table() in with_languages(text)
    assert with_languages(text) == text, "run: python -m hirope_ls.syntax.languages.table README.md"


@EACH
def test_random_edits(language: Language) -> None:
    """Two thousand a language with HIROPE_FUZZ=10."""
    random_ = rng(f"languages {language.name}")
    texts = [SAMPLES[language.name].read_bytes(), *(path.read_bytes() for path in real(language))]
    for _ in range(rounds(5)):
        text = random_.choice(texts)
        start = text.find(b"\n", random_.randrange(max(1, len(text) - 2_000))) + 1
        text = text[start : text.find(b"\n", start + 2_500) + 1 or len(text)]
        typist, buffer, made = Typist(random_, SNIPPETS), Buffer.of(text), []
        parsed = parse(language, buffer)
        for _ in range(40):
            made.append(typist.edit(buffer.data))
            changed = buffer.apply(made[-1])
            parsed, buffer = reparse(parsed, buffer, made[-1], changed), changed
            wrong = difference(parsed, parse(language, buffer))
            if wrong or not covers(parsed, len(buffer.data)):
                pytest.fail(f"{wrong}; kept as {keep(f'languages-{language.name}', text, made)}")


@pytest.mark.parametrize(
    ("language", "text", "edits"), [(row, *one) for row in LANGUAGES for one in kept(f"languages-{row.name}")]
)
def test_what_once_failed(language: Language, text: bytes, edits: list[Edit]) -> None:
    assert replay(language, text, edits) is None


@EACH
def test_typing_without_errors_and_undoing(language: Language) -> None:
    """The path on which tree-sitter goes on from the old tree, which random edits seldom take."""
    random_ = rng(f"typing {language.name}")
    text = SAMPLES[language.name].read_bytes()
    places = [index for index in range(1, len(text)) if text[index - 1 : index + 1].isalpha()]
    for place in random_.sample(places, rounds(4)):
        there = [Edit(place, place, b"q"), Edit(place + 1, place + 1, b"_9"), Edit(place + 1, place + 3, b"")]
        assert replay(language, text, [*there, Edit(place, place + 1, b"")]) is None


HOSTILE = {
    "brackets": "([{" * 33_334,
    "open brackets": "{(\n" * 10_000,
    "open strings": "\"'`\n" * 10_000,
    "open comments": "x /*\n" * 10_000,
    "comments": "<?php\n$x\n" + "// c\n" * 20_000,
    "templates": "`${" * 20_000,
    "operators": "a<-!b\n" * 10_000,
    "definitions": "class A extends B {\nfunction f(a\n" * 2_000,
    "here documents": "cat <<A <<B\n" * 5_000,
}


def test_deep_and_hostile_texts_are_read_in_seconds() -> None:
    """Promise H, for a few languages and texts a run; with words, or the lack of letters would save it."""
    random_ = rng("hostile")
    for _ in range(rounds(5)):
        language, name = random_.choice(LANGUAGES), random_.choice(sorted(HOSTILE))
        text = HOSTILE[name]
        lines = "\n".join(text[at : at + 200] for at in range(0, len(text), 200)) + "\nword after word" * (
            len(text) // 25
        )
        buffer, began = Buffer.of(lines), time.monotonic()
        parsed = parse(language, buffer)
        assert covers(parsed, len(buffer.data)) and not parsed.flat
        assert time.monotonic() - began < 20, (language.name, name)


@functools.cache
def real(language: Language) -> tuple[Path, ...]:
    """Some files of this language that installed packages and the system have; none for many languages."""
    site = Path(sysconfig.get_paths()["purelib"])
    known = ("torch/include/ATen", "torch/include/c10", "mypyc/lib-rt", "matplotlib/backends/web_backend")
    folders = [*(site / name for name in known), Path("/usr/include/linux"), Path(sysconfig.get_paths()["include"])]
    found = (path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*")))
    sized = (path for path in found if path.suffix in language.suffixes and 2_000 < path.stat().st_size < 40_000)
    return tuple(sized)[:60]


@pytest.mark.parametrize("language", [row for row in LANGUAGES if real(row)], ids=lambda row: row.name)
def test_real_code(language: Language) -> None:
    for path in rng(f"real {language.name}").sample(real(language), min(rounds(8), len(real(language)))):
        buffer = Buffer.of(path.read_bytes().decode("utf-8", "replace"))
        parsed = parse(language, buffer)
        assert covers(parsed, len(buffer.data)), path
        assert all(buffer.data[at:].startswith(name.encode()) for at, name in parsed.definitions), path
