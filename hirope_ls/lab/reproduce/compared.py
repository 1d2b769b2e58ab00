"""The page's section on the bundled model, an earlier one, and the copied line: a case is one file by one of them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hirope_ls.lab.eval import comparison
from hirope_ls.lab.eval.compare import LOG, NAME, Evaluation, add_arguments
from hirope_ls.lab.eval.compare import evaluation as asked_for
from hirope_ls.lab.eval.comparison import METRICS, draw
from hirope_ls.lab.eval.rivals import COPY, Case
from hirope_ls.lab.eval.tables import markdown
from hirope_ls.lab.reproduce import cases
from hirope_ls.lab.reproduce.measuring import Study

__all__ = ["LOG", "NAME", "case", "draw", "evaluation", "told"]

FILES = 500
_LINES = "6"
_OURS, _FORMER = "bundled", "first"


def case(facts: dict[str, Any]) -> Case:
    """As it was published."""
    return Case(**facts)


def evaluation(study: Study, out: Path, words: Sequence[str]) -> Evaluation:
    """What is to be measured."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    former = [] if study.former is None else [f"{_FORMER}={study.former}"]
    models = ["--models", *former, f"{_OURS}={study.model}", "--lines", _LINES]
    return asked_for(parser.parse_args(cases.shared(study, out, FILES, [*models, *words])))


def told(found: cases.Cases) -> str:
    """State, the models, what the figures say, the tables and the picture."""
    state = cases.state(found, "measurements", FILES)
    lines = sum(case.lines for case in found.cases if case.rival == COPY)
    counted = f"{state} Lines asked for, each once in each way: {lines:,}."
    picture = f"![{', '.join(METRICS.values())} by model](results/{NAME}/{cases.PICTURE})"
    parts = counted, _models(found.about["models"]), _verdicts(found.cases), picture, comparison.tables(found.cases)
    return "\n\n".join(part.strip() for part in parts)


def _models(models: Mapping[str, Mapping[str, Any]]) -> str:
    heads = ["model", "weights", "parameters", "vocabulary", "trained length"]
    counts = ("vocabulary", "trained_length")
    rows = [
        [name, f"`{model['weights']}`", f"{model['parameters'] / 1e6:.2f} M", *(f"{model[one]:,}" for one in counts)]
        for name, model in models.items()
    ]
    return markdown(heads, rows)


def _verdicts(found: Sequence[Case]) -> str:
    """A line for each that the bundled model is held against."""
    lines = ["What the intervals say of the bundled model:", ""]
    for other in (name for name in comparison.rivals(found) if name != _OURS):
        each = ((metric, comparison.difference(found, metric, _OURS, other)) for metric in METRICS)
        words = [
            f"{METRICS[metric]} {comparison.told(one, '+')} ({comparison.verdict(one, metric) or 'open'})"
            for metric, one in each
            if one
        ]
        lines.append(f"- against `{other}`: {'; '.join(words)}")
    return "\n".join(lines)
