"""The page's section on the approximate splice: a case is an edit, answered both ways."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hirope_ls.lab.eval import splice
from hirope_ls.lab.eval.splicing import Case
from hirope_ls.lab.reproduce import cases
from hirope_ls.lab.reproduce.measuring import Study

NAME, LOG, FILES = "splice", splice.LOG, 30


def case(facts: dict[str, Any]) -> Case:
    """As it was published."""
    return Case(**facts)


def evaluation(study: Study, out: Path, words: Sequence[str]) -> splice.Evaluation:
    """What is to be measured."""
    parser = argparse.ArgumentParser()
    splice.add_arguments(parser)
    return splice.evaluation(parser.parse_args(cases.options(study, out, FILES, words)))


def told(found: cases.Cases) -> str:
    """State, what the figures say, and the table."""
    return "\n\n".join([cases.state(found, "edits", FILES), _verdict(found), splice.table(found.cases).strip()])


def _verdict(found: cases.Cases) -> str:
    (agree, error), (kl, more) = (splice.mean(found.cases, metric) for metric in ("agreement", "kl"))
    worst = max(found.cases, key=lambda case: float(case.worst))
    return (
        f"The likeliest next token is the same in {agree:.1%}{_reach(error, 1, 100)} of the places, at a KL of "
        f"{kl:.4f}{_reach(more, 4)} nats (means over files ± 95 %); the worst single place differs by "
        f"{worst.worst:.2f} nats ({worst.kind}, {worst.distance:,} tokens above). "
        "The setting `approximateSplice` is off by default."
    )


def _reach(error: float | None, digits: int, factor: int = 1) -> str:
    return "" if error is None else f" ± {error * factor:.{digits}f}"
