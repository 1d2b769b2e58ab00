"""The page: a template in Markdown whose slots are filled from what was measured.

A slot is `{{SECTION}}` (all of a section), `{{SECTION verdict}}`, `{{SECTION figure METHOD LENGTH METRIC}}`,
`{{SECTION difference METHOD LENGTH METHOD LENGTH METRIC}}` (lengths as `16x`), `{{splice}}`, `{{crossfile}}`,
`{{models}}`, `{{about}}` or `{{claims}}`.
Comments in the template are left out. Knows figures and words; measures nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from hirope_ls.lab.eval.lengths import parse_lengths
from hirope_ls.lab.reproduce import claims, compared, crossed, parts, spliced
from hirope_ls.lab.reproduce.about import about
from hirope_ls.lab.reproduce.cases import Kind
from hirope_ls.lab.reproduce.found import Figure, Found
from hirope_ls.lab.reproduce.plan import Section
from hirope_ls.problems import InputError

CASES: Mapping[str, Kind] = {compared.NAME: compared, crossed.NAME: crossed, spliced.NAME: spliced}
TEMPLATE = Path(__file__).with_name("page.md")
_COMMENT, _SLOT = re.compile(r"<!--.*?-->\n?", re.DOTALL), re.compile(r"\{\{(.+?)\}\}")
_BLANKS = re.compile(r"\n{3,}")
_MISSING = f"*{claims.UNKNOWN}*"


def page(
    template: str, plan: Sequence[Section], found: Mapping[str, Found], told: Mapping[str, str] = MappingProxyType({})
) -> str:
    """The filled template; `told`: sections that compare no methods. Raises InputError for a slot that there is not."""
    sections = {section.name: section for section in plan}

    def fill(match: re.Match[str]) -> str:
        name, *words = match[1].split()
        if match[1] in _WHOLE:
            return _WHOLE[match[1]](plan, found)
        if match[1] in CASES:
            return told.get(match[1], _MISSING)
        if name not in sections:
            raise InputError(f"the page's template asks for {match[0]}, which there is not")
        return _slot(sections[name], found.get(name), words, match[0])

    return _BLANKS.sub("\n\n", _SLOT.sub(fill, _COMMENT.sub("", template)))


def _slot(section: Section, found: Found | None, words: Sequence[str], slot: str) -> str:
    match words:
        case []:
            return _block(section, found) if found else _MISSING
        case ["verdict"]:
            return _verdict(section, found) if found else _MISSING
        case ["figure", method, length, metric]:
            return _figure(found.figure(method, _tokens(length, found), metric) if found else None)
        case ["difference", method, length, other, before, metric]:
            if not found:
                return _MISSING
            one, two = (method, _tokens(length, found)), (other, _tokens(before, found))
            return _figure(found.difference(metric, one, two), signed=True)
    raise InputError(f"the page's template asks for {slot}, which there is not")


def _tokens(length: str, found: Found) -> int:
    return parse_lengths(length, found.trained_length)[0]


def _figure(figure: Figure | None, signed: bool = False) -> str:
    if figure is None:
        return _MISSING
    return figure.signed if signed else str(figure)


def _block(section: Section, found: Found) -> str:
    """State, verdict, picture, and tables."""
    picture = f"![{section.name}: {', '.join(found.metrics)} by method](results/{section.name}/plot.png)"
    tables = [parts.means(found, metric) for metric in found.metrics]
    tables += [parts.against_base(found, metric) for metric in found.metrics]
    own = [parts.against_itself(found, metric) for metric in found.metrics] if len(found.lengths) > 1 else []
    folded = f"<details><summary>Against itself at {found.multiple(found.origin)}</summary>\n\n"
    told = [_state(section, found), _verdict(section, found), picture, *tables]
    told += [folded + "\n".join(own) + "\n</details>"] if own and section.picture == "curves" else []
    return "\n\n".join(one.strip() for one in told)


def _state(section: Section, found: Found) -> str:
    measured, asked = found.about["measured"], found.about["asked"]
    files = ", ".join(f"{found.multiple(length)}: {n}" for length, n in found.num_files.items())
    few = "" if found.about["files"] >= section.limit else f", of {section.limit} planned"
    if measured < asked:
        return f"**Incomplete**: {measured:,} of {asked:,} measurements; files under every method, by length: {files}."
    return f"{min(found.num_files.values())} files a length{few}, measured by {found.about['date']}."


def _verdict(section: Section, found: Found) -> str:
    lines = [f"What the intervals say ({claims.direction(found.metrics)}):"]
    for metric in found.metrics:
        if section.picture == "differences":
            lines += [f"- {metric}, {line}" for line in claims.changes(found, metric)]
            continue
        lines.append(f"- {metric}, HiRoPE against its own {found.multiple(found.origin)}: ")
        lines[-1] += claims.own_course(found, metric)
        lines += [f"- {metric}, HiRoPE at {line}" for line in claims.by_length(found, metric)]
    return lines[0] + "\n\n" + "\n".join(lines[1:])


def _claims(plan: Sequence[Section], found: Mapping[str, Found]) -> str:
    """The aims of HiRoPE's default, each with what was measured; over the sections that compare methods."""
    there = [
        (section, found[section.name]) for section in plan if section.picture == "curves" and section.name in found
    ]
    each = [(section, one, metric) for section, one in there for metric in one.metrics]
    lines = ["| claim | task and metric | measured |", "|---|---|---|"]

    def add(claim: str, tasks: Sequence[tuple[Section, Found, str]], told: Callable[[Found, str], str]) -> None:
        lines.extend(f"| {claim} | {one.name}, {metric} | {told(at, metric)}{_part(at)} |" for one, at, metric in tasks)

    add("at 16x no worse than at 1x", each, claims.no_worse_than_before)
    add("no worse than any rival past 1x", each, claims.no_worse_than_rivals)
    add("clearly better in `distant`", [one for one in each if one[0].task == "distant"], claims.over_lengths)
    short = [one for one in each if one[0].task == "perplexity"]
    add("short prompts equal to plain RoPE's to the last digit shown", short, claims.short_prompts)
    return "\n".join(lines) if each else _MISSING


def _part(found: Found) -> str:
    return " *(incomplete)*" if found.about["measured"] < found.about["asked"] else ""


_WHOLE = {"about": about, "claims": _claims}
