"""Sizes for people."""

from __future__ import annotations


def size(count: float) -> str:
    """A number of bytes, in decimal units as disks and downloads are sold: `3.1 GB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"
