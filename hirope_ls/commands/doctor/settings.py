"""The user's settings file, the environment, and what is needed of the network, which is nothing."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from hirope_ls.commands.doctor.finding import Finding, Section
from hirope_ls.commands.doctor.private import shortened
from hirope_ls.commands.doctor.wishes import UserFile, Wishes, known_settings
from hirope_ls.model import ASKED_OFFLINE

_IN: Final = Section("Settings")
_MATTER: Final = ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "PYTORCH_CUDA_ALLOC_CONF", "PYTHONPATH", "HF_ENDPOINT")


def checks(wishes: Wishes) -> Iterator[Finding]:
    """All of them; quick."""
    yield _file(wishes.file)
    yield from _off(wishes)
    yield from _environment()
    offline = "HF_HUB_OFFLINE is set, which `hirope-ls fetch` heeds; " if ASKED_OFFLINE else ""
    yield _IN.ok("network", f"{offline}nothing goes online but `hirope-ls fetch`", offline=bool(ASKED_OFFLINE))


def _file(file: UserFile) -> Finding:
    place = shortened(file.path)
    if not file.there:
        return _IN.ok("settings file", "none: defaults, and what the editor says", place)
    given = known_settings(file.given or {})
    if not file.problems:
        names = ", ".join(given) or "nothing"
        return _IN.ok("settings file", f"sets {names}", place, given=given)
    told = "; ".join(file.problems)
    found = _IN.warning("settings file", told, f"${{EDITOR:-vi}} {_quoted(place)}", place, given=given)
    return replace(found, public="; ".join(map(public, file.problems)))


def public(told: str) -> str:
    """What is wrong with settings, without the values and names that were typed."""
    return re.sub(r", not .*", "", re.sub(r"`.*` is not a setting", "an unknown setting", told))


def _quoted(place: str) -> str:
    return place if re.fullmatch(r"[\w~/.-]+", place) else shlex.quote(place)


def _off(wishes: Wishes) -> Iterator[Finding]:
    """A switch that was turned off and forgotten."""
    if not wishes.settings.enable:
        yield _IN.problem("switch", "`enable = false`: there are no suggestions at all", "enable = true")


def _environment() -> Iterator[Finding]:
    found = {name: os.environ[name] for name in _MATTER if os.environ.get(name)}
    if found:
        shown = [name if name in ("PYTHONPATH", "HF_ENDPOINT") else f"{name}={found[name]}" for name in found]
        yield _IN.note("environment", " ".join(shown), variables=sorted(found))
