"""Which texts are too long or too odd to be parsed. Knows no languages and no trees."""

from __future__ import annotations

from hirope_ls.text.shape import Shape

LARGEST_PARSED = 1_000_000  # bytes
LARGEST_SERVED = 5_000_000  # bytes


def is_flat(shape: Shape, size: int) -> bool:
    """Whether a text of this shape, and of so many bytes, should not be parsed."""
    return size > LARGEST_PARSED or shape.odd
