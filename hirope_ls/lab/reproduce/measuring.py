"""A section measured, by the same driver as `hirope-ls eval`, and its results put where the page finds them.

The log of single measurements stays in a work folder, from which an interrupted run goes on. Knows no words.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from hirope_ls.lab.eval.commands import COMMANDS
from hirope_ls.lab.eval.figures import Measured
from hirope_ls.lab.eval.run import LOG, Evaluation
from hirope_ls.lab.reproduce.forest import draw
from hirope_ls.lab.reproduce.found import read, write
from hirope_ls.lab.reproduce.machine import machine
from hirope_ls.lab.reproduce.plan import BASE, Section
from hirope_ls.model.folder import Card
from hirope_ls.problems import InputError


@dataclass(frozen=True)
class Study:
    """Where it is measured and written. `packages`: name to version; `out`: a folder a section is made in it; `former`:
    an earlier model, to be compared with."""

    model: Path
    workspaces: tuple[Path, ...]
    packages: dict[str, str]
    work: Path
    out: Path
    limit: int | None = None
    threads: int | None = None
    former: Path | None = None

    def measure(self, section: Section) -> None:
        """Measure what is not measured yet, and publish it. Raises HiropeError."""
        evaluation = self._evaluation(section, self.work / section.name)
        evaluation.run()
        self._publish(section, evaluation, evaluation.known(), evaluation.out / LOG)

    def collect(self, section: Section) -> None:
        """Publish what is measured so far, if anything; from a copy of the log, which may be being written to."""
        log = self.work / section.name / LOG
        if not log.is_file():
            return
        with TemporaryDirectory() as folder:
            shutil.copy(log, folder)
            evaluation = self._evaluation(section, Path(folder))
            known = evaluation.known()
            if known:
                evaluation.report(known)
                self._publish(section, evaluation, known, log)

    def _evaluation(self, section: Section, out: Path) -> Evaluation:
        words = ["--model", str(self.model), "--workspace", *map(str, self.workspaces), "--out", str(out)]
        words += ["--methods", ",".join(section.methods), "--lengths", section.lengths, *section.options]
        words += ["--limit", str(self._limit(section)), "--device", "cpu"]
        words += [] if self.threads is None else ["--threads", str(self.threads)]
        command = COMMANDS[section.task]
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        return command.evaluation(parser.parse_args(words))

    def _limit(self, section: Section) -> int:
        return section.limit if self.limit is None else min(section.limit, self.limit)

    def _publish(self, section: Section, evaluation: Evaluation, known: Sequence[Measured], log: Path) -> None:
        folder = self.out / section.name
        about = {
            "measured": len(known),
            "asked": evaluation.num_steps(),
            "files": len({item.file for item in evaluation.items}),
            "date": datetime.fromtimestamp(log.stat().st_mtime, UTC).date().isoformat(),
            "machine": machine(evaluation.loaded.device),
            "packages": self.packages,
            "model": _model(evaluation.loaded.card),
            "hirope": {method.name: str(method.scheme) for method in evaluation.methods if BASE in method.name},
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, to in (("results.json",) * 2, ("plot.png",) * 2, _differences(section)):
                shutil.copy(evaluation.out / name, folder / to)
            write(folder, known, evaluation.loaded.hirope.trained_length, about)
            found = read(folder)
            if section.picture == "differences" and found:
                draw(found, BASE, folder / "plot.png")
            slim(folder / "plot.png")
        except OSError as error:
            raise InputError(f"cannot write to {folder}: {error.strerror}") from None


def slim(picture: Path) -> None:
    """Write it again with few colours: a third of the size, and nothing lost that the eye sees."""
    with Image.open(picture) as image:
        few = image.convert("RGB").quantize(256)
    few.save(picture, optimize=True)


def _differences(section: Section) -> tuple[str, str]:
    return f"differences-{section.task}.md", "differences.md"


def _model(card: Card) -> dict[str, Any]:
    """What is worth knowing of a model; how long it was trained, where its folder says so."""
    facts = {"name": card.name, "architecture": card.architecture, "parameters": card.parameters}
    try:
        trained = {"trained_tokens": json.loads((card.folder / "training.json").read_text(encoding="utf-8"))["tokens"]}
    except (OSError, ValueError, KeyError, TypeError):
        trained = {}
    return {**facts, "trained_length": card.trained_length, "vocabulary": card.vocab_size, **trained}
