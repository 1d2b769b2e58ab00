"""Distance in the tree of scopes: how far a unit is from the one being written, by where the two are defined.

An experiment beyond the paper: siblings and the enclosing class are near, whatever stands between, and other folders
are far. Knows prompts and parses; knows no models.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hirope_ls.lab.eval.prompts import Part, Prompt

Path = tuple[str, ...]


def tree_levels(prompt: Prompt, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """`positions` int64[2, n] with tree distances on the unit level, as the prompt's last unit sees them.

    A token's unit level is the largest distance less its own unit's, so the last unit has the largest number. Steps up
    and down count alike: a sibling is two away, the enclosing class or the module one, a file of the same folder four.
    """
    paths = [path for part in prompt.parts for path in _paths(part)]
    firsts = np.flatnonzero(np.diff(positions[0], prepend=-1))
    here = paths[firsts[-1]]
    steps = np.array([tree_distance(here, paths[first]) for first in firsts])
    seen = positions.copy()
    seen[0] = np.repeat(steps.max() - steps, np.diff(firsts, append=positions.shape[1]))
    return seen


def tree_distance(one: Path, other: Path) -> int:
    """Steps from one scope up to what encloses both, and down to the other."""
    common = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return len(one) + len(other) - 2 * common


def _paths(part: Part) -> list[Path]:
    """Folders, file, classes and function of the unit of each token."""
    source = part.source
    starts = np.concatenate(([0], source.tokens.ends[:-1]))[part.first : part.last]
    units = np.searchsorted(source.parse.unit_starts, starts, side="right") - 1
    file = tuple(source.name.split("/"))
    names = [(*file, *(part for part in unit.name.split(".") if part)) for unit in source.parse.units]
    return [names[unit] for unit in units.tolist()]
