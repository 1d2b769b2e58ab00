"""Explanations that were written in this session, by what the definition says and by the model; the latest ones.

In memory alone. What another text says around the definition does not make it another one. Belongs to one thread.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container
from typing import NamedTuple

from hirope_ls.engine.explain.subject import Subject
from hirope_ls.engine.explain.writing import Explanation

_MOST = 128


class _Kept(NamedTuple):
    path: str
    explanation: Explanation


class Known:
    """See above; of a definition the one that was written last."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()

    def get(self, subject: Subject, model: str) -> Explanation | None:
        """What the model at the folder `model` wrote about it."""
        key = (subject.content, model)
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key].explanation

    def put(self, subject: Subject, model: str, explanation: Explanation) -> None:
        """Keep one that nobody broke off."""
        if not explanation.whole:
            return
        self._kept[subject.content, model] = _Kept(subject.path, explanation)
        self._kept.move_to_end((subject.content, model))
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def forget(self, paths: Container[str]) -> None:
        """These files are private now: nothing stays that was written from them."""
        self._kept = OrderedDict((key, one) for key, one in self._kept.items() if one.path not in paths)
