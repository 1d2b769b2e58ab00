"""What stands at the head of the page: the model, the packages, the machine, and the versions. Knows facts only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hirope_ls.hirope.scheme import EVERY_PAIR
from hirope_ls.lab.methods import METHODS
from hirope_ls.lab.reproduce.found import Found
from hirope_ls.lab.reproduce.plan import Section


def about(plan: Sequence[Section], found: Mapping[str, Found]) -> str:
    """A table of facts, and the methods; a fact that is not the same for all sections is told for each."""
    facts: dict[str, dict[str, list[str]]] = {}
    for section in plan:
        for name, told in _facts(found[section.name]).items() if section.name in found else ():
            facts.setdefault(name, {}).setdefault(told, []).append(section.name)
    lines = [f"| {name} | {_cell(told)} |" for name, told in facts.items()]
    methods = [f"| `{name}` | {told} |" for name, told in METHODS.items()]
    return "\n".join(["| | |", "|---|---|", *lines, "", "| method | |", "|---|---|", *methods])


def _cell(told: Mapping[str, Sequence[str]]) -> str:
    if len(told) == 1:
        return next(iter(told))
    return "; ".join(f"{text} ({', '.join(names)})" for text, names in told.items())


def _facts(found: Found) -> dict[str, str]:
    told, versions = found.about, found.head["versions"]
    schemes = {name: _scheme(text) for name, text in told["hirope"].items() if ":" not in name}
    packages = ", ".join(f"{name} {version}" for name, version in told["packages"].items())
    software = ", ".join(f"{name} {versions[name]}" for name in ("hirope-ls", "torch", "transformers", "python"))
    return {
        "model": _model(told["model"]),
        "weights, number type": f"`{versions['weights']}`, {versions['dtype']} on {versions['device']}",
        "packages, none of them trained on": packages,
        "software": software,
        "machine": told["machine"],
        "seed": str(found.head["seed"]),
        **{f"`{name}`": text for name, text in schemes.items()},
    }


def _model(facts: Mapping[str, Any]) -> str:
    trained = f", trained on {facts['trained_tokens'] / 1e6:.1f} M tokens" if "trained_tokens" in facts else ""
    size = f"{facts['parameters'] / 1e6:.2f} M parameters"
    length = f"trained length {facts['trained_length']:,} tokens"
    return f"{facts['name']}: {facts['architecture']}, {size}, vocabulary {facts['vocabulary']:,}, {length}{trained}"


def _scheme(text: str) -> str:
    """The choices in a scheme's own words: `window=256, split=None, ...`."""
    inside = text.partition("(trained_length=")[2].partition(", ")[2].rpartition(")")[0]
    unsaid = ("hierarchical=True", "group=None", "sinks=None", "stretch=None")
    said = {"split=None": "split=natural", f"split={EVERY_PAIR}": "split=all"}  # as the option has it
    return ", ".join(said.get(word, word) for word in inside.split(", ") if word not in unsaid)
