"""Which texts are too long or too odd to be parsed. Knows no languages and no trees."""

from __future__ import annotations

from hirope_ls.text import Buffer
from hirope_ls.text.shape import Shape

LARGEST_PARSED = 1_000_000  # bytes
LARGEST_SERVED = 5_000_000  # bytes


def is_flat(shape: Shape, buffer: Buffer) -> bool:
    """Whether `buffer`, the text of this shape, should not be parsed."""
    return len(buffer.data) > LARGEST_PARSED or shape.odd
