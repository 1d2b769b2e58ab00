"""The page's section on the approximate splice: measured, kept beside the others, and put into words.

It compares no methods, so it is none of the plan's sections: a case is an edit, answered both ways. Its results are
`results/splice/cases.json`, with the facts that the others have as well.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hirope_ls.lab.eval import splice
from hirope_ls.lab.eval.splice import LOG, over_files
from hirope_ls.lab.eval.splicing import Case
from hirope_ls.lab.reproduce.machine import machine
from hirope_ls.lab.reproduce.measuring import Study
from hirope_ls.problems import InputError

NAME = "splice"
FILES = 30
_CASES = "cases.json"


@dataclass(frozen=True)
class Spliced:
    """What was measured; `about`: how many cases were asked for, and what on."""

    cases: Sequence[Case]
    about: dict[str, Any]


def measure(study: Study, words: Sequence[str] = ()) -> None:
    """Measure what is not measured yet, and publish it; `words`: more options of `eval splice`. Raises HiropeError."""
    evaluation = _evaluation(study, study.work / NAME, words)
    evaluation.run()
    _publish(study, evaluation, study.work / NAME / LOG)


def collect(study: Study, words: Sequence[str] = ()) -> None:
    """Publish what is measured so far, if anything; from a copy of the log, which may be being written to."""
    log = study.work / NAME / LOG
    if log.is_file():
        with TemporaryDirectory() as folder:
            shutil.copy(log, folder)
            _publish(study, _evaluation(study, Path(folder), words), log)


def read(folder: Path) -> Spliced | None:
    """What was published in `folder`; None where there is nothing, or something else."""
    try:
        found = json.loads((folder / _CASES).read_text(encoding="utf-8"))
        cases = [Case(**case) for case in found["cases"]]
        return Spliced(cases, dict(found["about"])) if cases else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def told(found: Spliced) -> str:
    """State, what the figures say, and the table."""
    return "\n\n".join([_state(found), _verdict(found), splice.table(found.cases).strip()])


def _evaluation(study: Study, out: Path, words: Sequence[str]) -> splice.Evaluation:
    limit = FILES if study.limit is None else min(FILES, study.limit)
    options = ["--model", str(study.model), "--workspace", *map(str, study.workspaces), "--out", str(out)]
    options += ["--limit", str(limit), "--device", "cpu", *words]
    options += [] if study.threads is None else ["--threads", str(study.threads)]
    parser = argparse.ArgumentParser()
    splice.add_arguments(parser)
    return splice.evaluation(parser.parse_args(options))


def _publish(study: Study, evaluation: splice.Evaluation, log: Path) -> None:
    cases, folder = evaluation.known(), study.out / NAME
    if not cases:
        return
    about = {
        "measured": len(cases),
        "asked": len(evaluation.changes),
        "seed": evaluation.seed,
        "weights": evaluation.model[:12],
        "date": datetime.fromtimestamp(log.stat().st_mtime, UTC).date().isoformat(),
        "machine": machine(evaluation.loaded),
        "packages": study.packages,
    }
    lines = ",\n  ".join(json.dumps(asdict(case)) for case in cases)
    text = f'{{"about": {json.dumps(about)},\n "cases": [\n  {lines}\n ]\n}}\n'
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _CASES).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror}") from None


def _state(found: Spliced) -> str:
    about, files = found.about, len({case.file for case in found.cases})
    few = "" if files >= FILES else f", of {FILES} planned"
    where = f"{len(found.cases):,} edits in {files} files{few}, measured by {about['date']} on {about['machine']}"
    if about["measured"] < about["asked"]:
        return f"**Incomplete**: {about['measured']:,} of {about['asked']:,} measurements; {where}."
    return f"{where[0].upper()}{where[1:]}."


def _verdict(found: Spliced) -> str:
    (agree, error), (kl, more) = (over_files(found.cases, metric) for metric in ("agreement", "kl"))
    worst = max(found.cases, key=lambda case: case.worst)
    return (
        f"The likeliest next token is the same in {agree:.1%}{_reach(error, 1, 100)} of the places, at a KL of "
        f"{kl:.4f}{_reach(more, 4)} nats (means over files ± 95 %); the worst single place differs by "
        f"{worst.worst:.2f} nats ({worst.kind}, {worst.distance:,} tokens above). "
        "The setting `approximateSplice` is off by default."
    )


def _reach(error: float | None, digits: int, times: float = 1.0) -> str:
    return "" if error is None else f" ± {times * error:.{digits}f}"
