"""What was made while a model loaded is not looked at again; what is made later is collected as ever."""

from __future__ import annotations

import gc
import weakref

from hirope_ls.server.garbage import collector_at_rest


class Ring:
    """Garbage that only the collector finds, once it is let go."""

    def __init__(self) -> None:
        self.itself = self


def test_what_is_loaded_is_there_for_good() -> None:
    before = gc.get_freeze_count()
    try:
        with collector_at_rest():
            assert not gc.isenabled()
            loaded = Ring()
        assert gc.isenabled() and gc.get_freeze_count() > before
        assert not any(each is loaded for each in gc.get_objects())
        later = Ring()
        gone = weakref.ref(later)
        del later
        gc.collect()
        assert gone() is None
    finally:
        gc.unfreeze()


def test_a_failure_leaves_the_collector_at_work() -> None:
    try:
        with collector_at_rest():
            raise ValueError
    except ValueError:
        assert gc.isenabled()
    finally:
        gc.unfreeze()
