"""Python, the packages, the grammars, and whether there is more than one hirope-ls."""

from __future__ import annotations

import importlib
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

from hirope_ls.commands.doctor.finding import Finding, Section
from hirope_ls.commands.doctor.private import shortened
from hirope_ls.syntax.languages import LANGUAGES, Language, grammar_of

_IN: Final = Section("Installation")
_SHOWN: Final = ("torch", "transformers", "tokenizers", "safetensors", "numpy", "pygls", "lsprotocol", "tree-sitter")
_NEEDED: Final = {"torch", "transformers", "tokenizers", "safetensors", "numpy", "pygls", "lsprotocol", "tree-sitter"}
_SECONDS: Final = 20.0


def checks() -> Iterator[Finding]:
    """All of them; quick, but for other programs of the same name."""
    yield _python()
    yield packages(metadata.requires("hirope-ls") or [] if version("hirope-ls") else [])
    yield _grammars()
    yield from _copies()
    yield from on_path(_candidates())


def version(name: str) -> str | None:
    """The installed version of a package."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _python() -> Finding:
    return _IN.ok("Python", platform.python_version(), shortened(sys.prefix), version=platform.python_version())


def packages(requirements: list[str]) -> Finding:
    """Whether what hirope-ls requires is there, in a version that it works with."""
    wanted = [found for text in requirements if not (found := Requirement(text)).marker]
    wrong = [each for each in wanted if not _satisfied(each)]
    versions = {name: version(name) for name in _SHOWN}
    if not wrong:
        told = ", ".join(f"{name} {found}" for name, found in versions.items() if found)
        return _IN.ok("packages", told, versions=versions)
    told = ", ".join(f"{each.name} is {version(each.name) or 'missing'}" for each in wrong)
    command = f"{_pip()} install {shlex.join(str(each) for each in wrong)}"
    say = _IN.problem if any(each.name in _NEEDED for each in wrong) else _IN.warning
    return say("packages", told, command, versions=versions)


def _satisfied(wanted: Requirement) -> bool:
    found = version(wanted.name)
    return found is not None and wanted.specifier.contains(found.split("+")[0], prereleases=True)


def _pip() -> str:
    """pip of this Python, as one types it."""
    return f"{shlex.quote(sys.executable)} -m pip" if sys.prefix != sys.base_prefix else "pip"


def _grammars() -> Finding:
    missing, broken = list[str](), list[str]()
    for language in LANGUAGES:
        package = _package(language)
        try:
            grammar_of(language)
        except ImportError:
            missing.append(package)
        except (AttributeError, ValueError, OSError):  # another version of the binding's format
            broken.append(package)
    if not missing and not broken:
        return _IN.ok("grammars", f"all {len(LANGUAGES)} languages", languages=len(LANGUAGES))
    told = [f"{', '.join(names)} {what}" for names, what in ((missing, "missing"), (broken, "of no use")) if names]
    command = f"{_pip()} install --upgrade tree-sitter {' '.join(sorted({*missing, *broken}))}"
    return _IN.warning("grammars", "; ".join(told), command, missing=missing, broken=broken)


def _package(language: Language) -> str:
    """The package that brings a grammar: `tree_sitter_c_sharp:language` -> tree-sitter-c-sharp."""
    return language.grammar.partition(":")[0].replace("_", "-")


def _copies() -> Iterator[Finding]:
    """More than one distribution of this name that Python sees: the older one may win."""
    importlib.invalidate_caches()
    found = {str(each.locate_file("")): each.version for each in metadata.distributions(name="hirope-ls")}
    if len(found) > 1:
        told = f"{len(found)} installed side by side: {', '.join(sorted(found.values()))}"
        yield _IN.warning("hirope-ls", told, f"{_pip()} uninstall hirope-ls", " ".join(map(shortened, found)))
    elif found:
        (where, told), *_ = found.items()
        yield _IN.ok("hirope-ls", told, shortened(where), version=told)
    else:
        yield _IN.warning("hirope-ls", "runs from its source", f"{_pip()} install .", shortened(Path.cwd()))


def _candidates() -> list[Path]:
    """Every `hirope-ls` on the PATH, in order, each once."""
    places = [Path(folder) / "hirope-ls" for folder in os.get_exec_path() if folder]
    found = [place for place in places if place.is_file() and os.access(place, os.X_OK)]
    return list({place.resolve(): place for place in reversed(found)}.values())[::-1]


def on_path(found: list[Path]) -> Iterator[Finding]:
    """An editor starts the first `hirope-ls` of the PATH, which should be this one."""
    own = Path(sys.executable).with_name("hirope-ls")
    if not found:
        remedy = f'export PATH="{shortened(own.parent)}:$PATH"' if own.exists() else f"{_pip()} install hirope-ls"
        told = "no `hirope-ls` is on the PATH: editors do not find it"
        yield _IN.warning("on the PATH", told, remedy)
        return
    first = _told_version(found[0])
    if first is None:
        yield _IN.problem("on the PATH", "`hirope-ls` does not start", f"{_pip()} install --force-reinstall hirope-ls")
    elif own.exists() and found[0].resolve() != own.resolve():
        told = f"editors start another hirope-ls than this one: {first}"
        remedy = f'export PATH="{shortened(own.parent)}:$PATH"'
        yield _IN.warning("on the PATH", told, remedy, shortened(found[0]), others=len(found))
    else:
        more = f"; {len(found) - 1} more behind it" if len(found) > 1 else ""
        yield _IN.ok("on the PATH", f"{first}{more}", shortened(found[0]), others=len(found))


def _told_version(program: Path) -> str | None:
    """What it says for --version; None where it does not start."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=_SECONDS)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout.strip().removeprefix("hirope-ls ")[:60] if done.returncode == 0 else None
