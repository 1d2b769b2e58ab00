"""Sections of the page that compare no methods: single cases, kept as `results/NAME/cases.json` with what they rest on.

Knows how cases are published and read again; what they are and mean is the section's.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from hirope_ls.lab.reproduce.machine import machine
from hirope_ls.lab.reproduce.measuring import Study, slim
from hirope_ls.model.loader import Loaded
from hirope_ls.problems import InputError

_CASES, PICTURE = "cases.json", "plot.png"


class Evaluation(Protocol):
    """An evaluation with a log that it goes on from. `model`: the digest of its folder."""

    @property
    def loaded(self) -> Loaded: ...
    @property
    def model(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def asked(self) -> Sequence[Any]: ...
    @property
    def facts(self) -> dict[str, Any]: ...
    def run(self) -> Sequence[Any]: ...
    def known(self) -> Sequence[Any]: ...


@dataclass(frozen=True)
class Cases:
    """What was measured; `about`: how many cases were asked for, and what on."""

    cases: Sequence[Any]
    about: dict[str, Any]


class Kind(Protocol):
    """A section: its name, the name of its log, what a case is made of, how it is measured in a folder, and told."""

    NAME: str
    LOG: str

    def case(self, facts: dict[str, Any]) -> Any: ...
    def evaluation(self, study: Study, out: Path, words: Sequence[str]) -> Evaluation: ...
    def told(self, found: Cases) -> str: ...


def measure(kind: Kind, study: Study, words: Sequence[str] = ()) -> None:
    """Measure what is not measured yet, and publish it; `words`: more options. Raises HiropeError."""
    evaluation = kind.evaluation(study, study.work / kind.NAME, words)
    evaluation.run()
    _publish(kind, study, evaluation)


def collect(kind: Kind, study: Study, words: Sequence[str] = ()) -> None:
    """Publish what is measured so far, if anything; from a copy of the log, which may be being written to."""
    log = study.work / kind.NAME / kind.LOG
    if log.is_file():
        with TemporaryDirectory() as folder:
            shutil.copy(log, folder)
            _publish(kind, study, kind.evaluation(study, Path(folder), words))


def read(kind: Kind, results: Path) -> Cases | None:
    """What was published in `results`; None where there is nothing, or something else."""
    try:
        found = json.loads((results / kind.NAME / _CASES).read_text(encoding="utf-8"))
        cases = [kind.case(case) for case in found["cases"]]
        return Cases(cases, dict(found["about"])) if cases else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def state(found: Cases, what: str, planned: int) -> str:
    """How many cases in how many files, when and where measured; `what`: of what there are so many."""
    about, files = found.about, len({case.file for case in found.cases})
    few = "" if files >= planned else f", of {planned} planned"
    where = f"{len(found.cases):,} {what} in {files} files{few}, measured by {about['date']} on {about['machine']}"
    if about["measured"] < about["asked"]:
        return f"**Incomplete**: {about['measured']:,} of {about['asked']:,} measurements; {where}."
    return f"{where[0].upper()}{where[1:]}."


def _publish(kind: Kind, study: Study, evaluation: Evaluation) -> None:
    cases, folder, log = evaluation.known(), study.out / kind.NAME, study.work / kind.NAME / kind.LOG
    if not cases:
        return
    about = {
        "measured": len(cases),
        "asked": len(evaluation.asked),
        "seed": evaluation.seed,
        "weights": evaluation.model[:12],
        "date": datetime.fromtimestamp(log.stat().st_mtime, UTC).date().isoformat(),
        "machine": machine(evaluation.loaded.device),
        "packages": study.packages,
        **evaluation.facts,
    }
    lines = ",\n  ".join(json.dumps(asdict(case)) for case in cases)
    text = f'{{"about": {json.dumps(about)},\n "cases": [\n  {lines}\n ]\n}}\n'
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _CASES).write_text(text, encoding="utf-8")
        if draw := getattr(kind, "draw", None):  # a section may have a picture
            draw(cases, folder / PICTURE)
            slim(folder / PICTURE)
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror}") from None


def options(study: Study, out: Path, files: int, words: Sequence[str]) -> list[str]:
    """What evaluations of this kind have in common, for at most so many files."""
    return ["--model", str(study.model), *shared(study, out, files, words)]


def shared(study: Study, out: Path, files: int, words: Sequence[str]) -> list[str]:
    """The same, whatever models are asked."""
    limit = files if study.limit is None else min(files, study.limit)
    told = ["--workspace", *map(str, study.workspaces), "--out", str(out)]
    told += ["--limit", str(limit), "--device", "cpu", *words]
    return told if study.threads is None else [*told, "--threads", str(study.threads)]
