"""Evaluations that compare no methods: each case is measured once and kept in a log, which a stopped run goes on from.

What a case is, and how it is measured, is the evaluation's own. How every evaluation begins stands here, too.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from hirope_ls.lab.eval.log import Log
from hirope_ls.lab.eval.progress import Shown
from hirope_ls.model.loader import Loaded, choose_threads
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import InputError

Asked = TypeVar("Asked")
Case = TypeVar("Case", bound=Any)  # a dataclass


@dataclass(frozen=True)
class Series(ABC, Generic[Asked, Case]):
    """What is to be measured, and where the log is. `model`: the digest of its folder."""

    name: ClassVar[str]
    asked: Sequence[Asked]
    loaded: Loaded
    tokenizer: TextTokenizer
    model: str
    seed: int
    out: Path

    @abstractmethod
    def bench(self) -> Callable[[Asked], Case]:
        """What measures one."""

    @abstractmethod
    def case(self, facts: dict[str, Any]) -> Case:
        """As the log has it."""

    @abstractmethod
    def length(self, one: Asked) -> int:
        """How much there is to it, in tokens or what grows with them."""

    @abstractmethod
    def key(self, one: Asked) -> str:
        """Another one for whatever would be measured otherwise."""

    @property
    def facts(self) -> dict[str, Any]:
        """What is worth publishing with the cases."""
        return {}

    def run(self) -> list[Case]:
        """Measure what is not measured yet; all of it. Raises InputError."""
        with Log(self._log) as log:
            left = [one for one in self.asked if self.key(one) not in log]
            if known := len(self.asked) - len(left):
                print(f"{known} of {len(self.asked)} measurements are known from before", file=sys.stderr)
            measure = self.bench()
            with Shown(self.name, map(self.length, left), self.loaded.card.trained_length) as shown:
                for one in left:
                    log.add(self.key(one), asdict(measure(one)))
                    shown.step(self.length(one))
            return self._found(log)

    def known(self) -> list[Case]:
        """What is measured already. Raises InputError."""
        with Log(self._log) as log:
            return self._found(log)

    @property
    def _log(self) -> Path:
        return self.out / log_name(self.name)

    def _found(self, log: Log) -> list[Case]:
        return [self.case(log[key]) for one in self.asked if (key := self.key(one)) in log]


def log_name(name: str) -> str:
    """The file with the cases of the evaluation of that name."""
    return f"{name}.jsonl"


def begin(log: Path, threads: int | None, **numbers: int) -> None:
    """Tell at once what would stop it later, and set torch's threads. numbers: options that take 1 or more.

    Raises InputError.
    """
    if min(*numbers.values(), threads if threads is not None else 1) < 1:
        raise InputError(f"{', '.join(f'--{name}' for name in numbers)} and --threads take a number from 1 up")
    with Log(log):
        pass  # can be written
    choose_threads(threads)
