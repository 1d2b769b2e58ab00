"""One replacement of bytes by bytes. Knows no lines, no encodings, no documents."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """The bytes `start..old_end` of the old data are replaced by `new` (valid UTF-8); offsets are in bytes."""

    start: int
    old_end: int
    new: bytes

    @property
    def new_end(self) -> int:
        """Where the inserted bytes end in the new data."""
        return self.start + len(self.new)

    @property
    def delta(self) -> int:
        """What is added to the offset of everything after the edit."""
        return self.new_end - self.old_end

    def apply(self, data: bytes) -> bytes:
        """The new data."""
        view = memoryview(data)  # so that a long text is copied once, not twice
        return b"".join((view[: self.start], self.new, view[self.old_end :]))
