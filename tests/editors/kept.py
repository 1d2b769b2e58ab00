"""Where the editors that tests run are kept, and the file that tests open in them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import platformdirs

SHAPES: Final = '''"""Shapes with an area."""

import math


class Circle:
    """A circle."""

    def __init__(self, radius):
        self.radius = radius

    def area(self):
        return math.pi * self.radius ** 2

    def perimeter(self):
        return 2 * math.pi * self.radius


class Square:
    """A square."""

    def __init__(self, side):
        self.side = side

'''


def cache() -> Path:
    """HIROPE_EDITORS_CACHE, or a folder among the user's caches."""
    given = os.environ.get("HIROPE_EDITORS_CACHE")
    return Path(given) if given else Path(platformdirs.user_cache_dir("hirope-ls")) / "editors"
