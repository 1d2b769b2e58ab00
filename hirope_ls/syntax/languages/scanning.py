r"""Scanners for languages whose definitions begin in the first column: all but Python.

Only lines in the first column can be borders, so a class is one piece with its members: parsed without its class, a
member would be something else. What hides code (strings, comments) is told by a regex, which some texts deceive:
templates inside templates, regular expressions with quotes in them. Then a piece is cut at another place than would be
best, or not at all. It is the same place after any edits, which is all that must hold. To be deceived for one line at
most, strings end with their line, but for those that are written to be longer.
Knows text, no trees.
"""

from __future__ import annotations

import re
from itertools import count

LINE_COMMENT = rb"//[^\n]*+"
HASH_COMMENT = rb"\#[^\n]*+"
BLOCK_COMMENT = rb"/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z)"
NESTED_COMMENT = rb"/\*(?:[^*/]++|\*(?!/)|/(?!\*)|/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z))*+(?:\*/|\Z)"
DOUBLE = rb'"(?:[^"\\\n]++|\\.)*+"?'
SINGLE = rb"'(?:[^'\\\n]++|\\.)*+'?"
CHARACTER = rb"'(?:\\[^\n'][^\n']*+|[^\\'\n]++)'|'\\''"  # else it is something else: a lifetime, a symbol
TRIPLE = rb'"""(?:[^"\\]++|\\.|"(?!""))*+(?:"""|\\?\Z)'
RAW_TRIPLE = rb'"""(?:[^"]++|"(?!""))*+(?:"""|\Z)'
RAW_BACKTICKS = rb"`[^`]*+(?:`|\Z)"
_INNER = rb"`(?:[^`\\]++|\\.)*+(?:`|\\?\Z)"
_BRACES = rb"\{(?:[^`{}]++|%b)*+\}?+" % _INNER
# With templates in what is filled in, one deep. Nothing here can fail for what comes much later.
TEMPLATE = rb"`(?:[^`\\$]++|\\.|\$\{(?:[^`{}]++|%b|%b)*+\}?+|\$)*+(?:`|\\?\Z)" % (_INNER, _BRACES)
_NAMED = re.compile(rb"(\(\?P[<=]|\(\?\()(\w+)")


def scanner(
    *, comments: tuple[bytes, ...], strings: tuple[bytes, ...], anchor: bytes, glue: bytes = b"(?!)"
) -> re.Pattern[bytes]:
    """A scanner (see row.py) with definitions in the first column, which `anchor` matches; all regexes are verbose.

    What they match must be decided by what they consume and the rest of its last line: whether there is a border must
    not depend on what stands below it. So no string may be given up because its end is missing. Groups that they refer
    back to are named.
    """
    number = count()

    def any_of(parts: tuple[bytes, ...]) -> bytes:  # a name may stand in a regex once
        return b"|".join(_NAMED.sub(rb"\1\2_%d" % next(number), part) for part in parts)

    comment, skip = any_of(comments), any_of((*comments, *strings))
    return re.compile(
        rb"^(?P<comment> [ \t]*+ (?>%b) [ \t\r]*+ (?:\n|\Z))"
        rb"| ^(?P<indent>) (?: (?P<glue> %b) | (?P<anchor> %b) | (?P<other> (?= [^\s)\]}/\#\-\"'`] ) ) )"
        rb"| (?P<skip> %b )" % (comment, glue, anchor, skip),
        re.MULTILINE | re.DOTALL | re.VERBOSE,
    )
