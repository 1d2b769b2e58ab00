"""Whether a model fits into a memory, and with which settings: for the table of models, `models` and the doctor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hirope_ls.config import Settings
from hirope_ls.engine.options import Options
from hirope_ls.model.memory import WORKING, Need

GIB: Final = 1 << 30
CARDS: Final = (4, 8, 12, 16, 24, 48, 80)
"""Sizes of graphics cards, in GiB."""
LEAST: Final = 8192
"""Tokens of a prompt below which a model is not called fitting."""
DEFAULT_BUDGET_MIB: Final = Settings().kv_budget_mib
_SHORTER: Final = (16_384, 8192)


@dataclass(frozen=True)
class Plan:
    """Settings with which it fits; None for those that may stay as they are."""

    prompt_tokens: int | None
    kv_budget_mib: int | None

    @property
    def flags(self) -> str:
        """As they are given to `hirope-ls --stdio`."""
        budget = f" --kv-budget-mib {self.kv_budget_mib}" if self.kv_budget_mib else ""
        return budget + (f" --prompt-tokens {self.prompt_tokens}" if self.prompt_tokens else "")

    @property
    def settings(self) -> str:
        """As they stand in a settings file; empty where there is nothing to set."""
        told = (("kvBudgetMiB", self.kv_budget_mib), ("promptTokens", self.prompt_tokens))
        return ", ".join(f"{name} = {value}" for name, value in told if value)


def plan(need: Need, trained_length: int, memory: int, asked: int | None = None) -> Plan | None:
    """How to work with so many bytes of memory; None where not even short prompts fit.

    `asked`: the setting `promptTokens`, where there is one.
    """
    longest = Options(max_prompt_tokens=asked).prompt_cap(trained_length)
    for cap in (longest, *(shorter for shorter in _SHORTER if shorter < longest)):
        tokens = Options(max_prompt_tokens=cap).most_tokens(trained_length)
        budget = max(need.budget_mib(tokens), DEFAULT_BUDGET_MIB)
        if need.weights + (budget << 20) + WORKING <= memory:
            return Plan(cap if cap < longest else None, budget if budget > DEFAULT_BUDGET_MIB else None)
    cap = min(longest, LEAST)
    if need.bytes(Options(max_prompt_tokens=cap).most_tokens(trained_length)) > memory:
        return None
    room = (memory - need.weights - WORKING) >> 20  # for such a prompt, and none to spare
    return Plan(cap if cap < longest else None, int(room))


def card_for(need: Need, trained_length: int) -> int | None:
    """The smallest graphics card that it fits into, in GiB."""
    return next((size for size in CARDS if plan(need, trained_length, size * GIB)), None)
