"""Which files are taken: code that people wrote, in the languages that are learnt, and nothing of the evaluation.

Judges paths and texts; knows no packages.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

FIRST_LANGUAGE = "python"

LANGUAGES = {
    ".py": FIRST_LANGUAGE,
    ".c": "c",
    ".h": "c",
    ".cc": "c",
    ".cpp": "c",
    ".cuh": "c",
    ".hpp": "c",
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".ts": "javascript",
}
"""Language families by suffix: C++ headers end in `.h`, and TypeScript is JavaScript with types."""

EVALUATION_ONLY = frozenset(
    {"click", "django", "flask", "httpx", "httpx2", "networkx", "requests", "rich", "sqlalchemy", "textual", "tornado"}
)
"""Projects the evaluation uses. Never trained on, nor any path with a component of one of these names."""

# Vendored code has its own licence, which the distribution's metadata does not state.
_VENDORED = frozenset({"_vendor", "_vendored", "vendor", "vendored", "third_party", "externals", "extern"})
_COPYLEFT = re.compile(r"GNU (?:Lesser |Library |Affero )?General Public|Mozilla Public License|\bL?GPL", re.IGNORECASE)
_LEGAL = re.compile(r"copyright|licen[sc]e", re.IGNORECASE)
_LEADING = re.compile(
    r"(?:[ \t]*(?:(?:#(?!include|if|define|pragma)|//)[^\n]*|/\*.*?\*/[^\n]*)?(?:\r?\n|\Z))+", re.DOTALL
)
_DATA_LINE = re.compile(r"""\s*(?:[bru]{0,2}["'(\[{]|[-+]?\d|0x)""")

_MAX_LINE = 300
_MAX_MEAN_LINE = 100
_MIN_LETTER_SHARE = 0.45
_MAX_DATA_SHARE = 0.45


def language(path: str) -> str | None:
    """The language family of a path, or None for one that is not learnt."""
    return LANGUAGES.get(PurePosixPath(path).suffix.lower())


def is_allowed(path: str) -> bool:
    """Whether a path may be trained on: no evaluation project and nothing vendored anywhere in it."""
    parts = [part.lower() for part in PurePosixPath(path).with_suffix("").parts]
    return not any(part in EVALUATION_ONLY or part in _VENDORED for part in parts)


def looks_written(text: str) -> bool:
    """Whether a text looks like code that people wrote, and not like a table or a generator's output."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 5:
        return False
    lengths = [len(line) for line in lines]
    visible = [char for char in text if not char.isspace()]
    letters = sum(char.isalpha() for char in visible)
    data = sum(_DATA_LINE.match(line) is not None for line in lines)
    return (
        max(lengths) <= _MAX_LINE
        and sum(lengths) <= _MAX_MEAN_LINE * len(lines)
        and letters >= _MIN_LETTER_SHARE * len(visible)
        and data <= _MAX_DATA_SHARE * len(lines)
    )


def without_licence_header(text: str) -> str:
    """The text without a leading comment that is about copyright: thousands of files share a few of them."""
    comment = _LEADING.match(text)
    return text[comment.end() :] if comment and _LEGAL.search(comment[0]) else text


def is_copyleft(text: str) -> bool:
    """Whether the head of a text speaks of a licence that is not permissive."""
    return _COPYLEFT.search(text[:4000]) is not None
