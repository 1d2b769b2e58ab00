"""The page's section on other files in the prompt: a case is a line that calls something of another file."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hirope_ls.lab.eval import crossfile
from hirope_ls.lab.eval.crossing import Case
from hirope_ls.lab.reproduce import cases
from hirope_ls.lab.reproduce.measuring import Study

NAME, LOG, FILES = crossfile.NAME, crossfile.LOG, 80
_BUDGETS = "0,512,2048"


def case(facts: dict[str, Any]) -> Case:
    """As it was published."""
    return Case(**facts)


def evaluation(study: Study, out: Path, words: Sequence[str]) -> crossfile.Evaluation:
    """What is to be measured."""
    parser = argparse.ArgumentParser()
    crossfile.add_arguments(parser)
    told = ["--budgets", _BUDGETS, "--lines", "1", *words]  # files are what is drawn
    return crossfile.evaluation(parser.parse_args(cases.options(study, out, FILES, told)))


def told(found: cases.Cases) -> str:
    """State, what the figures say, and the table."""
    state = cases.state(found, "measurements", FILES)
    return "\n\n".join([state, _verdict(found.cases), crossfile.table(found.cases).strip()])


def _verdict(found: Sequence[Case]) -> str:
    budget = max(case.budget for case in found)
    gains = {metric: crossfile.gain(found, budget, metric) for metric in crossfile.METRICS}
    words = ", ".join(f"`{metric}` {crossfile.told(gain)} ({_word(metric, gain)})" for metric, gain in gains.items())
    return f"With {budget:,} tokens of other files at most, against none: {words}."


def _word(metric: str, gain: tuple[float, float | None]) -> str:
    mean, error = gain
    if error is None or abs(mean) <= error:
        return "level"
    return "better" if (mean < 0) == (metric == "nll") else "worse"
