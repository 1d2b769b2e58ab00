"""Kinds of values: how one is read, what it accepts in words, and the same as a JSON schema.

Command lines give strings where files give lists and booleans; both are read. `read` raises ValueError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

_MOST: Final = 500  # entries of a list
_LONGEST: Final = 4096  # characters of a text


@dataclass(frozen=True)
class Kind:
    """`accepts` is for people; backquotes mark what is typed."""

    accepts: str
    read: Callable[[object], Any]
    schema: Mapping[str, Any]


def integer(low: int, high: int) -> Kind:
    """A whole number in these bounds, both included."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError
        return value

    return Kind(f"whole number, {low} to {high}", read, {"type": "integer", "minimum": low, "maximum": high})


def number(low: int, high: int) -> Kind:
    """A number in these bounds, both included."""

    def read(value: object) -> float:
        found = float(value) if isinstance(value, str) else value
        if isinstance(found, bool) or not isinstance(found, int | float) or not low <= found <= high:
            raise ValueError
        return float(found)

    return Kind(f"number, {low} to {high}", read, {"type": "number", "minimum": low, "maximum": high})


def choice(*words: str) -> Kind:
    """One of these words."""

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError
        return value

    return Kind(", ".join(f"`{word}`" for word in words), read, {"type": "string", "enum": list(words)})


def pattern(expression: str, accepts: str) -> Kind:
    """A text that the whole expression matches."""

    def read(value: object) -> str:
        if not isinstance(value, str) or re.fullmatch(expression, value) is None:
            raise ValueError
        return value

    return Kind(accepts, read, {"type": "string", "pattern": f"^(?:{expression})$"})


def boolean() -> Kind:
    """True or false."""

    def read(value: object) -> bool:
        if isinstance(value, bool):
            return value
        if value in ("true", "false"):
            return value == "true"
        raise ValueError

    return Kind("`true` or `false`", read, {"type": "boolean"})


def text(accepts: str) -> Kind:
    """A text that is not empty, on one line."""

    def read(value: object) -> str:
        if not isinstance(value, str) or not value.strip() or re.search(r"[\0\r\n]", value) or len(value) > _LONGEST:
            raise ValueError
        return value

    return Kind(accepts, read, {"type": "string", "minLength": 1})


def words(accepts: str) -> Kind:
    """A list of texts; on a command line they stand between commas."""
    entry = text("")

    def read(value: object) -> tuple[str, ...]:
        found = [part for part in value.split(",") if part] if isinstance(value, str) else value
        if not isinstance(found, list | tuple) or len(found) > _MOST:
            raise ValueError
        return tuple(entry.read(each) for each in found)

    return Kind(accepts, read, {"type": "array", "items": {"type": "string", "minLength": 1}})


def either(word: str, other: Kind) -> Kind:
    """This word, or a value of another kind."""

    def read(value: object) -> Any:
        return word if value == word else other.read(value)

    schema = {"anyOf": [{"const": word, "type": "string"}, dict(other.schema)]}
    return Kind(f"`{word}`, or a {other.accepts}", read, schema)
