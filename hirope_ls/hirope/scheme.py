"""The frozen choices that make one variant of hierarchical rotary positions.

Follows HiRoPE (Zhang et al., ACL 2024, arXiv 2403.19115): fast rotary pairs see the token level, slow pairs the unit
level, and pairs of tokens nearer than a window keep their ordinary positions. The choices reach far enough for other
methods to be values of them too (`rivals`). Knows numbers only: no tensors of a model, no files, no languages.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from hirope_ls.hirope.frequencies import Stretch

Far = Literal["clamped", "running", "restart", "grouped", "cached"]
_FAR = ("clamped", "running", "restart", "grouped", "cached")
EVERY_PAIR = 1 << 30  # a split that leaves no pair to the units


@dataclass(frozen=True)
class Scheme:
    """How distances are made. Lengths, windows and indices are in tokens.

    trained_length  L: the context the model was trained for.
    window          W: pairs of tokens with i - j < W keep ordinary RoPE; 2 <= W < L.
    split           s: rotary pairs j < s are fast. None: the natural split of each rotary module (`natural_split`).
                    EVERY_PAIR: all are, and how many units lie between two tokens is not seen.
    far             what fast pairs see of a far key: "clamped" the constant W, "running" the running index i - j,
                    "restart" the difference of the token indices inside the units, "grouped" the running index in
                    groups i // G - j // G + W - W // G, "cached" min(i, W + sinks - 1) - j, as if what lies between
                    the sinks and the window were not there.
    offset          slow pairs see W + (u_i - u_j) instead of u_i - u_j, so that far text begins where the window ends.
    log_scaling     scores of the query row i > L are multiplied by ln(i) / ln(L).
    far_damping     c: where a row has more far keys than the L - W that a trained prompt could hold, its far scores are
                    lowered by c ln(m / (L - W)), m their number. 1: far text as a whole weighs what it did in training,
                    however much of it there is; 0: more of it weighs more: likelihood against copying.
    mention_gain    g: the scores of row i with the far keys of a unit that one of the last W tokens up to i mentions
                    (`mentions`) are not damped, and grow by g. 0: mentions are not looked at.
    hierarchical    False: ordinary RoPE everywhere, whatever the length.
    row_switch      True: rows i < L keep ordinary RoPE against all their keys, also in a long prompt, so a growing
                    prompt recomputes nothing. False: every row is hierarchical once the prompt is longer than L.
    group           G of "grouped" and of it alone. None: the smallest that keeps the prompt's distances below L.
    sinks           only this many keys, the prompt's first, are seen as far ones, the others not at all; at most
                    L - W. None: all are seen.
    stretch         ordinary distances by changed frequencies in all rows of a prompt longer than L, in the layers that
                    have no sliding window; with hierarchical=False alone.
    """

    trained_length: int
    window: int
    split: int | None = None
    far: Far = "clamped"
    offset: bool = True
    log_scaling: bool = True
    far_damping: float = 0.0
    mention_gain: float = 0.0
    hierarchical: bool = True
    row_switch: bool = True
    group: int | None = None
    sinks: int | None = None
    stretch: Stretch | None = None

    def __post_init__(self) -> None:
        if self.trained_length < 4:
            raise ValueError(f"trained_length must be at least 4, not {self.trained_length}")
        if not 2 <= self.window < self.trained_length:
            raise ValueError(f"window must be from 2 to trained_length - 1, not {self.window}")
        if self.split is not None and self.split < 0:
            raise ValueError(f"split must not be negative, but is {self.split}")
        if not 0 <= self.far_damping < math.inf:
            raise ValueError(f"far_damping must not be negative, but is {self.far_damping}")
        if not 0 <= self.mention_gain < math.inf:
            raise ValueError(f"mention_gain must not be negative, but is {self.mention_gain}")
        if self.far not in _FAR:
            raise ValueError(f"far must be one of {', '.join(_FAR)}, not {self.far!r}")
        self._check_companions()

    def _check_companions(self) -> None:
        """Choices that mean something beside others only."""
        if self.group is not None and (self.far != "grouped" or self.group < 1):
            raise ValueError(f'a group is at least 1 and belongs to far="grouped", not {self.group} to {self.far!r}')
        if self.sinks is not None and not 0 <= self.sinks <= self.trained_length - self.window:
            raise ValueError(f"sinks must be from 0 to trained_length - window, not {self.sinks}")
        if self.sinks is not None and self.mention_gain:
            raise ValueError("mention_gain needs the keys that sinks leave out")
        if self.far == "cached" and self.sinks is None:
            raise ValueError('far="cached" needs sinks')
        if self.stretch is not None and self.hierarchical:
            raise ValueError("stretched frequencies go with hierarchical=False")

    @classmethod
    def default(cls, trained_length: int) -> Scheme:
        """What is served: all far text at the distance of the window, L // 2, log scaling; far text damped by half,
        which costs least likelihood, and those units of it raised that the near text mentions.

        Units matter by being mentioned: their order, on the slow pairs (split=None), was worth nothing in likelihood
        and hurt copying. Split, damping and gain were chosen on sqlalchemy and tornado; lab/RESULTS.md tells what each
        choice is worth on other packages.
        """
        return cls(trained_length, trained_length // 2, split=EVERY_PAIR, far_damping=0.5, mention_gain=1.0)

    @classmethod
    def paper(cls, trained_length: int, window: int | None = None) -> Scheme:
        """The paper read literally: restarting token index, no offset, no scaling, all rows of a long prompt."""
        return cls(
            trained_length=trained_length,
            window=trained_length // 2 if window is None else window,
            far="restart",
            offset=False,
            log_scaling=False,
            row_switch=False,
        )

    @classmethod
    def plain(cls, trained_length: int) -> Scheme:
        """Ordinary RoPE at every length: the stock model."""
        return cls(trained_length=trained_length, window=trained_length // 2, log_scaling=False, hierarchical=False)

    @property
    def far_keys_alike(self) -> bool:
        """Whether all far keys are turned alike, by index 0, whatever their positions are."""
        return self.split == EVERY_PAIR and self.far == "clamped"

    def first_hierarchical_row(self, prompt_length: int) -> int:
        """Index of the first row with hierarchical distances in a prompt of that many tokens; prompt_length if none."""
        if not self.hierarchical or prompt_length <= self.trained_length:
            return prompt_length
        return self.trained_length if self.row_switch else 0

    def at(self, prompt_length: int) -> Scheme:
        """The scheme that serves a prompt of so many tokens: this one, with its group known where it has one."""
        if self.far != "grouped" or self.group is not None:
            return self
        return replace(self, group=self._smallest_group(prompt_length))

    def _smallest_group(self, prompt_length: int) -> int:
        group, last = 1, prompt_length - 1
        while last // group + self.window - self.window // group >= self.trained_length:
            group += 1
        return group

    def score_scale(self, row: int) -> float:
        """Factor on the scores of query row `row` (0-based): 1 up to L, then ln(row) / ln(L)."""
        if not self.log_scaling or row <= self.trained_length:
            return 1.0
        return math.log(row) / math.log(self.trained_length)

    def far_bias(self, row: int) -> float:
        """What is added to the scaled scores of query row `row` (0-based) with its far keys: 0 or less."""
        far_keys, trained = row - self.window + 1, self.trained_length - self.window
        if self.sinks is not None:
            far_keys = min(far_keys, self.sinks)
        return -self.far_damping * math.log(far_keys / trained) if far_keys > trained else 0.0


def natural_split(inv_freq: Sequence[float], trained_length: int) -> int:
    """How many rotary pairs completed a whole turn in training: #{j : 2 pi / inv_freq[j] <= trained_length}."""
    return sum(1 for freq in inv_freq if freq > 0 and 2 * math.pi / freq <= trained_length)


def pair_levels(num_pairs: int, split: int, num_levels: int) -> list[int]:
    """The level that each rotary pair sees, fastest pair first.

    Levels run from 0, the coarsest, to num_levels - 1, the token level. Pairs before `split` see the token level. The
    slow ones are cut into num_levels - 1 runs, the slowest run for level 0; where they do not divide evenly the finer
    levels get the larger runs. So with two levels every slow pair sees level 0, and with three the slower half does.
    """
    if num_levels < 2:
        raise ValueError("positions need at least two levels: (unit index, token index)")
    coarse = num_levels - 1
    slow = max(num_pairs - split, 0)
    levels = [coarse] * min(split, num_pairs)
    for level in range(coarse - 1, -1, -1):
        levels += [level] * ((slow + level) // coarse)
    return levels
