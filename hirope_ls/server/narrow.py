"""Edits without what they replace by itself: an editor that sends whole texts has changed a few bytes of them.

Knows bytes of UTF-8, and no documents.
"""

from __future__ import annotations

from hirope_ls.text.edit import Edit


def narrowed(edit: Edit, data: bytes) -> Edit:
    """The same edit of `data` without what it replaces by itself at either end: whole texts become small edits."""
    old, new = data[edit.start : edit.old_end], edit.new
    if not old or not new:
        return edit
    head = _common(old, new)
    while head and ((head < len(old) and _inside(old[head])) or (head < len(new) and _inside(new[head]))):
        head -= 1  # not in the middle of a character
    tail = _common(old[head:][::-1], new[head:][::-1])
    while tail and _inside(new[len(new) - tail]):
        tail -= 1
    return Edit(edit.start + head, edit.old_end - tail, new[head : len(new) - tail])


def _common(left: bytes, right: bytes) -> int:
    """Length of the common prefix, by bisection: comparing slices is fast, comparing bytes is not."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _inside(byte: int) -> bool:
    """Whether this byte of UTF-8 continues a character."""
    return byte & 0xC0 == 0x80
