"""What every randomised test shares: a seed that is printed, a size from the environment, real files, saved failures.

`HIROPE_SEED` fixes the seed (default: a fresh one a run), `HIROPE_FUZZ` multiplies the number of rounds (default 1).
"""

from __future__ import annotations

import functools
import hashlib
import os
import random
import sysconfig
from pathlib import Path

FAILURES = Path(__file__).parent / "data" / "failures"


def rng(name: str) -> random.Random:
    """A generator for the test `name`; its seed is printed, so that pytest shows it with a failure."""
    seed = os.environ.get("HIROPE_SEED") or str(random.SystemRandom().randrange(2**32))
    print(f"{name}: HIROPE_SEED={seed}")
    return random.Random(f"{name}:{seed}")


def rounds(n: int) -> int:
    """`n` times HIROPE_FUZZ, at least one."""
    return max(1, round(n * float(os.environ.get("HIROPE_FUZZ", "1"))))


def save_failure(name: str, payload: str) -> Path:
    """Keep `payload` as a text fixture for ever after; returns its path. Equal payloads are kept once."""
    FAILURES.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(payload.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    path = FAILURES / f"{name}-{digest}.txt"
    path.write_bytes(payload.encode("utf-8", "surrogatepass"))
    return path


@functools.cache
def _library() -> tuple[Path, ...]:
    root = Path(sysconfig.get_paths()["stdlib"])
    files = (path for path in root.rglob("*.py") if "site-packages" not in path.parts)
    readable = [path for path in files if _is_utf8(path)]
    # By the hash of the name: a mixture of packages and sizes, in the same order everywhere.
    return tuple(sorted(readable, key=lambda path: hashlib.sha256(str(path.relative_to(root)).encode()).digest()))


def _is_utf8(path: Path) -> bool:
    try:
        path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return False
    return True


def python_files(limit: int, smallest: int = 200, largest: int = 1_000_000) -> list[Path]:
    """`limit` real files of the standard library, `smallest`..`largest` bytes long, in an order that never changes."""
    return [path for path in _library() if smallest <= path.stat().st_size <= largest][:limit]
