"""Hierarchical rotary positions (HiRoPE) for causal language models of transformers, without training.

    model = AutoModelForCausalLM.from_pretrained(folder)
    hirope = patch(model)
    positions = [[0, 0, 0, 1, 1], [0, 1, 2, 0, 1]]  # (unit index, token index inside the unit) of five tokens
    logits = hirope.forward(input_ids, positions)  # [1, 5, vocab]
    with hirope.using(continued(positions, 20)): model.generate(input_ids, max_new_tokens=20)

Torch and transformers only: this package gets integers and knows no files, languages or parsers.
"""

from hirope_ls.hirope import rivals
from hirope_ls.hirope.frequencies import Stretch
from hirope_ls.hirope.patch import HiRoPE, patch
from hirope_ls.hirope.positions import as_positions, continued, one_unit
from hirope_ls.hirope.scheme import Scheme, natural_split
from hirope_ls.hirope.support import Support, Unsupported, support, trained_length

__all__ = [
    "HiRoPE",
    "Scheme",
    "Stretch",
    "Support",
    "Unsupported",
    "as_positions",
    "continued",
    "natural_split",
    "one_unit",
    "patch",
    "rivals",
    "support",
    "trained_length",
]
