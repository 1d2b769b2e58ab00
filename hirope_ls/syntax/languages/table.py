"""The README's table of languages, made from the rows."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

from hirope_ls.syntax.languages import LANGUAGES, Language

BEGIN: Final = "<!-- languages:begin -->"
END: Final = "<!-- languages:end -->"


def languages_table() -> str:
    """A row a language: its name, the files, what editors call it, and the grammar's package."""
    rows = ["| language | files | language ids | grammar |", "|---|---|---|---|", *map(_row, LANGUAGES)]
    return "\n".join(rows)


def with_languages(readme: str) -> str:
    """`readme` with a fresh table between the markers; unchanged where it has none."""
    pattern = re.compile(re.escape(BEGIN) + r"\n.*?" + re.escape(END), re.DOTALL)
    return pattern.sub(lambda _: f"{BEGIN}\n{languages_table()}\n{END}", readme)


def _row(language: Language) -> str:
    package = language.grammar.partition(":")[0].replace("_", "-")
    files = sorted(language.suffixes) + sorted(language.file_names)
    return f"| {language.name} | {_codes(files)} | {_codes(sorted(language.language_ids))} | {package} |"


def _codes(names: list[str]) -> str:
    return " ".join(f"`{name}`" for name in names)


if __name__ == "__main__":  # python -m hirope_ls.syntax.languages.table README.md
    for path in map(Path, sys.argv[1:]):
        path.write_text(with_languages(path.read_text("utf-8")), "utf-8")
