"""Where a language's definitions are documented and decorated, by the name of the language.

decorators   kinds of what is set before a definition and is no part of its signature: decorators, annotations
properties   decorators that make a method something else than a method -> what it is then
stubs        decorators of definitions that another one of that name stands behind
inside       whether a function or class is documented by a string that is the first of its body
line, block  what begins a line of a comment, and whether comments of the form /* */ count, where the text stands above

Knows no trees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Documents:
    """One row; the module's docstring says what its fields are."""

    decorators: frozenset[str] = frozenset()
    properties: Mapping[str, str] = field(default_factory=dict)
    inside: bool = False
    stubs: frozenset[str] = frozenset()
    line: str = "//"
    block: bool = True


def _with(*decorators: str) -> Documents:
    return Documents(frozenset(decorators))


_PROPERTIES = {
    "property": "property",
    "cached_property": "property",
    "functools.cached_property": "property",
    "abc.abstractproperty": "property",
    "staticmethod": "static method",
    "classmethod": "class method",
}
_STUBS = frozenset({"overload", "typing.overload", "t.overload", "typing_extensions.overload"})
_SHELL = Documents(line="#", block=False)

DOCUMENTS: dict[str, Documents] = {
    "python": Documents(frozenset({"decorator"}), _PROPERTIES, True, _STUBS, "#", False),
    "javascript": _with("decorator"),
    "typescript": _with("decorator"),
    "tsx": _with("decorator"),
    "java": _with("annotation", "marker_annotation"),
    "c#": _with("attribute_list"),
    "rust": _with("attribute_item"),
    "kotlin": _with("annotation"),
    "scala": _with("annotation"),
    "swift": _with("attribute"),
    "php": _with("attribute_list"),
    "c++": _with("attribute_declaration"),
    "ruby": _SHELL,
    "bash": _SHELL,
    "lua": Documents(line="--", block=False),
}
"""A language that is not here has comments as C has, and no decorators."""
