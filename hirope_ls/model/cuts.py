"""Places where a text may be cut so that tokenising the pieces equals tokenising the whole.

A *cut* is a place p of a text t with t[p] a space and t[p-1] an ASCII byte of a class C. A tokenizer is *local*
when for every text and cut T(t) = T(t[:p]) + T(t[p:]). Then an edit needs no more than the text between the last
cut before it and the first cut after it to be tokenised again, and the result is exactly that of the whole.

Why it holds. A pre-tokeniser is a row of stages, each splitting every piece of the stage before by itself; BPE then
works within a piece. It is enough that (a) every stage splits t as it splits t[:p] and t[p:], but perhaps for a
border at p itself, and (b) one stage always has a border at p.
A regex stage is a scanner: leftmost match, first alternative that matches, go on behind it. None of the patterns
below looks behind, so from p on it does the same in t and in t[p:]. For a match that starts at s < p each
alternative below matches t and t[:p] alike and never over p: the only places where it can take a space are its
first character and a run of white space; the first character is before p, a run of white space cannot contain the
non-space t[p-1], so it ends, and its look-ahead reads, before p; and what stops a run of other characters at
t[p] = space stops it at the end of t[:p] too. So (a) holds, and no match contains both t[p-1] and t[p]: with an
alternative that always matches a character of C there is no unmatched gap either, which is (b).
Digits and Metaspace stages put borders by looking at two neighbouring characters: (a) holds everywhere.
ByteLevel and Metaspace stages rewrite the text, so nothing is claimed of the stages after them: these only see
pieces, which is enough where a border at p exists by then. A normalizer may rewrite too: then nothing is claimed.
Anything not listed here is taken for not local. Knows bytes and tokenizer.json, nothing of vocabularies.
"""

from __future__ import annotations

import re
from typing import Any

# Alternatives of known pre-tokenisers, with the classes of ASCII characters that each always matches.
_LETTERS, _DIGITS, _SIGNS = "A-Za-z", "0-9", "!-/:-@\\[-`{-~"
_ALTERNATIVES: dict[str, str] = {
    r"'s": "",
    r"'t": "",
    r"'re": "",
    r"'ve": "",
    r"'m": "",
    r"'ll": "",
    r"'d": "",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)": "",
    r"(?i:[sdmt]|ll|ve|re)": "",
    r" ?\p{L}+": _LETTERS,
    r"\s?\p{L}+": _LETTERS,
    r"\p{L}+": _LETTERS,
    r"[^\r\n\p{L}\p{N}]?\p{L}+": _LETTERS,
    r"[^\r\n\p{L}\p{N}]?+\p{L}+": _LETTERS,
    r"[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+": _LETTERS,
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+": "",
    r" ?\p{N}+": _DIGITS,
    r"\p{N}+": _DIGITS,
    r"\p{N}": _DIGITS,
    r"\p{N}{1,3}": _DIGITS,
    r" ?[^\s\p{L}\p{N}]+": _SIGNS,
    r" ?[^\s\p{L}\p{N}]++": _SIGNS,
    r" ?[^\s\p{L}\p{N}]+[\r\n]*": _SIGNS,
    r" ?[^\s\p{L}\p{N}]++[\r\n]*": _SIGNS,
    r" ?[\p{P}\p{S}]+[\r\n]*": _SIGNS,
    r"\s?\p{P}+": "",
    r"[\r\n]": "",
    r"\s*[\r\n]+": "",
    r"\s*[\r\n]": "",
    r"\s+(?!\S)": "",
    r"\s+": "",
    r"[一-龥ࠀ-一가-퟿]+": "",
    r"[一-龥぀-ゟ゠-ヿ]+": "",
}
_BYTE_LEVEL = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_REACH = 512


class Cuts:
    """Finds the cuts of a text for one class C (ASCII, in the syntax of a regex character class)."""

    def __init__(self, before: str) -> None:
        self._cut = re.compile(rb"(?<=[" + before.encode() + rb"]) ")

    def before(self, data: bytes, limit: int) -> int:
        """The last cut p of `data` with p < limit; 0 (always a cut) if there is none."""
        high = limit
        reach = _REACH
        while high > 0:
            low = max(high - reach, 0)
            found = [match.start() for match in self._cut.finditer(data, max(low, 1), high)]
            if found:
                return found[-1]
            high, reach = low, 2 * reach
        return 0

    def after(self, data: bytes, limit: int) -> int:
        """The first cut p of `data` with p > limit; its end (always a cut) if there is none."""
        match = self._cut.search(data, limit + 1)
        return match.start() if match else len(data)


def cuts_for(pre_tokenizer: dict[str, Any] | None) -> Cuts | None:
    """The cuts of a tokenizer by its "pre_tokenizer" entry in tokenizer.json; None if it is not known to be local."""
    if pre_tokenizer is None:
        return None
    stages = pre_tokenizer["pretokenizers"] if pre_tokenizer["type"] == "Sequence" else [pre_tokenizer]
    widest = ""
    for stage in stages:
        classes = _stage(stage)
        if classes is None:
            return None
        widest = max(widest, classes, key=len)
        if stage["type"] in ("ByteLevel", "Metaspace"):
            break  # what comes later sees other characters; where there is a border by now, it cannot matter
    return Cuts(widest) if widest else None


def _stage(stage: dict[str, Any]) -> str | None:
    """The class of characters behind which `stage` has a border at every cut ("" for none); None if unknown."""
    match stage["type"]:
        case "ByteLevel":
            return _regex(_BYTE_LEVEL) if stage.get("use_regex", True) else ""
        case "Digits":
            return ""
        case "Metaspace":
            return "!-~" if stage.get("split", True) else None
        case "Split":
            # "Removed" with "invert" keeps the matches: the same, since what is always matched leaves no gaps.
            kept = (stage["behavior"], stage.get("invert", False)) == ("Isolated", False)
            return _regex(stage["pattern"].get("Regex", "")) if kept else None
        case _:
            return None


def _regex(pattern: str) -> str | None:
    classes = ""
    for alternative in _alternatives(pattern):
        if alternative not in _ALTERNATIVES:
            return None
        if _ALTERNATIVES[alternative] not in classes:
            classes += _ALTERNATIVES[alternative]
    return classes


def _alternatives(pattern: str) -> list[str]:
    """The alternatives of a regex: split at each | that is in no group and no character class."""
    found, depth, in_class, start, at = [], 0, False, 0, 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 1
        elif in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
        elif char in "()":
            depth += 1 if char == "(" else -1
        elif char == "|" and depth == 0:
            found.append(pattern[start:at])
            start = at + 1
        at += 1
    return [*found, pattern[start:]]
