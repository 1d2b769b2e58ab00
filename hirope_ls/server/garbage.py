"""Python's collector of cyclic garbage beside large libraries: a full look at all that torch keeps stops every thread
for a tenth of a second and more, and finds next to nothing. Knows nothing of what is loaded.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Nothing is collected meanwhile, and what there is at the end is there for good: it is not looked at again."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
