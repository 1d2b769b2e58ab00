"""How long a position unit may be, and how many there may be: what keeps both levels inside the trained range.

The HiRoPE paper (arXiv 2403.19115) leaves both open. Knows numbers only.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """`longest`: tokens in a block at most; `count`: blocks in a text, where joining small ones can bring it to that.

    Raises ValueError where one of them is no positive number.
    """

    longest: int
    count: int

    def __post_init__(self) -> None:
        if min(self.longest, self.count) < 1:
            raise ValueError(f"units need room: not at most {self.longest} tokens long and {self.count} in number")

    @classmethod
    def of(cls, trained_length: int) -> Limits:
        """Half the trained length for a block, and what the window, the other half, leaves for their number."""
        return cls(longest=trained_length // 2, count=trained_length - trained_length // 2)
