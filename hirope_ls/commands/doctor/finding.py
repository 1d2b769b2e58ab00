"""What the doctor says of one thing that it looked at. Knows nothing of how things are looked at or shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["ok", "note", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """`told` is what is so, in one line, and `remedy` the one command or setting that mends it.

    note: nothing is wrong, and something could be had. warning: completions work, but worse or slower than they could.
    problem: they do not work. `place` is where that is on this machine, for the terminal alone; `facts` are the same
    as numbers and words, for --json alone, and name nothing that is the user's. `public` is what --json tells in
    place of `told`, where that has words of the user.
    """

    section: str
    name: str
    state: State
    told: str
    remedy: str = ""
    place: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    public: str | None = None


@dataclass(frozen=True)
class Section:
    """Makes the findings of one section."""

    title: str

    def ok(self, name: str, told: str, place: str = "", /, **facts: Any) -> Finding:
        """All is well with this."""
        return Finding(self.title, name, "ok", told, place=place, facts=facts)

    def note(self, name: str, told: str, remedy: str = "", /, **facts: Any) -> Finding:
        """Nothing is wrong with this."""
        return Finding(self.title, name, "note", told, remedy, facts=facts)

    def warning(self, name: str, told: str, remedy: str, place: str = "", /, **facts: Any) -> Finding:
        """Completions would be better without this."""
        return Finding(self.title, name, "warning", told, remedy, place, facts)

    def problem(self, name: str, told: str, remedy: str, place: str = "", /, **facts: Any) -> Finding:
        """There are no completions with this."""
        return Finding(self.title, name, "problem", told, remedy, place, facts)
