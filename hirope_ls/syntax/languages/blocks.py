"""How a block of lines is told by its text alone, where a model writes it: by indentation, by braces, or by words.

One row for each way; languages that do alike share one. Knows lines, no trees.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Blocks:
    """`opens`: found in a line (without blanks around), a block stands below it. `closes`: matched at the start of a
    line's text, it ends the block above and is its last line; None where the indentation alone ends it; `words`: those
    that do. `begins`: matched at the start of a line's text, it begins a definition or what stands above one.
    """

    opens: re.Pattern[str]
    closes: re.Pattern[str] | None
    begins: re.Pattern[str]
    words: tuple[str, ...] = ()


_BRACE = r"[{(\[] \s* (?: // .* | /\* [^*]* \*/ )?$"
_CASE = r"^ (?: case\b .* | default \s* ) : $"
_CLOSES = r"[})\]]+ [;,]?"
_KEYWORDS = (
    *("function", "func", "fun", "fn", "def", "class", "interface", "struct", "enum", "trait", "impl", "object"),
    *("protocol", "extension", "namespace", "record", "mod", "type", "module"),
)
_MODIFIERS = (
    *("public", "protected", "private", "internal", "fileprivate", "open", "abstract", "final", "static", "sealed"),
    *("export", "default", "async", "override", "virtual", "inline", "const", "unsafe", "extern", "data", "suspend"),
    *("mutating", "partial", "readonly", "implicit", "case", "local", "constexpr", "pub", r"pub\(\w+\)", "declare"),
)
_NO_NAMES = (
    *("if", "for", "foreach", "while", "switch", "catch", "else", "return", "synchronized", "using", "lock", "do"),
    *("try", "new", "throw", "await", "yield", "guard", "match", "when", "with", "loop"),
)
# By its keyword, or as a method without one: name, parameters, and a brace at the end of the line.
_BEGINS = rf"""
    @ | \#\[ | \[\w | template\s*< | /\*\* | ///
    | (?: (?:{"|".join(_MODIFIERS)})\s+ )* (?:{"|".join(_KEYWORDS)})\s+[\w*&(<"'{{]
    | (?! \}}? \s* (?:{"|".join(_NO_NAMES)})\b )
      (?: [\w<>\[\],.?*&:~]+ \s+ )* [*&]* [\w~$]+ \s* \( [^;]* \{{ \s* (?: // .* )? $
"""


def _blocks(opens: str, closes: str | None, begins: str, words: tuple[str, ...] = ()) -> Blocks:
    opening, beginning = re.compile(opens, re.VERBOSE), re.compile(begins, re.VERBOSE)
    return Blocks(opening, None if closes is None else re.compile(closes, re.VERBOSE), beginning, words)


INDENTED = _blocks(r":$", None, r"(?: async\s+def | def | class )\s | @")
BRACES = _blocks(f"{_BRACE} | {_CASE}", _CLOSES, _BEGINS)
# With closures that name their parameters behind the brace, and bodies without one.
CLOSURES = _blocks(rf"{_BRACE} | \{{ [^{{}}]* (?: -> | \bin ) $ | (?: -> | => | = ) $ | {_CASE}", _CLOSES, _BEGINS)
RUBY = _blocks(
    r"""
    ^ (?: def|class|module|if|unless|while|until|for|case|when|begin|else|elsif|rescue|ensure )\b
      (?! .* (?: \bend\b | ; ) ) (?! \s+ [\w.?!]+ (?: \([^()]*\) )? \s* = [^=] )
    | (?: \bdo | \{ ) \s* (?: \| [^|]* \| )? $ | = \s* (?: if|case|begin )\b [^;]* $ | [(\[] $
    """,
    r"end\b [)\]}]* | [})\]]+",
    r"(?: (?:private|protected|public) \s+ )? (?: def|class|module )\b",
    ("end",),
)
LUA = _blocks(
    r"(?: \b(?:then|do|else|repeat) | \bfunction \s* [\w.:]* \s* \( [^()]* \) | [{(] ) \s* (?: -- .* )?$",
    r"end\b [)}\]]* [;,]? | [})]+ [;,]? | until\b",
    r"(?: local \s+ )? function\b | [\w.]+ \s* = \s* function\b",
    ("end", "until"),
)
SHELL = _blocks(
    r"(?: \b(?:then|do|else) | [{(] | \bin ) \s* (?: \# .* )?$",
    r"(?: fi|done|esac )\b | [})]+ | ;;",
    r"function\s | [\w:.-]+ \s* \( \s* \)",
    ("fi", "done", "esac"),
)
# Nothing is known of the language: what opens blocks in most.
ANY = _blocks(rf":$ | {_BRACE}", _CLOSES, _BEGINS)
