"""What an evaluation has measured so far, kept in a file of JSON lines, so that it can be interrupted at any time.

Knows keys and values; what they mean is the caller's.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any

from hirope_ls.problems import InputError


class Log:
    """Lines by their key; a line is in the file before `add` returns. A last line that was cut off is dropped."""

    def __init__(self, path: Path) -> None:
        """Read what there is, and be ready to go on. Raises InputError where the file cannot be written."""
        self._lines: dict[str, dict[str, Any]] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab+")
            self._file.seek(0)
            whole = self._file.read().rpartition(b"\n")
            self._file.truncate(len(whole[0] + whole[1]))
        except OSError as error:
            raise InputError(f"cannot write to {path.parent}: {error.strerror}") from None
        for line in whole[0].splitlines():
            self._take(line)

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __contains__(self, key: str) -> bool:
        return key in self._lines

    def __getitem__(self, key: str) -> dict[str, Any]:
        return self._lines[key]

    def add(self, key: str, facts: dict[str, Any]) -> None:
        """Keep `facts` under `key`."""
        self._file.write(json.dumps({"key": key, **facts}).encode() + b"\n")
        self._file.flush()
        self._lines[key] = facts

    def _take(self, line: bytes) -> None:
        try:
            facts = json.loads(line)
            self._lines[facts.pop("key")] = facts
        except (ValueError, KeyError, AttributeError, TypeError):
            return  # not ours, or damaged: it will be measured again
