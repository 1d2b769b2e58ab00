"""What can go wrong, as a tree of exceptions, and the one reporter for what cannot.

HiropeError            one line that tells the user what to do
 ├─ ModelRefused       a model folder that is missing, unsafe or unsupported
 ├─ InputError         a file or a place in it that cannot be served
 └─ SettingsError      a setting that cannot be honoured
ImpossibleState        a broken invariant: raised in tests, recorded in production
"""

from __future__ import annotations

import logging
import os

_log = logging.getLogger("hirope_ls")


class HiropeError(Exception):
    """An error that a user can cause and mend; `str()` of it is one clear line."""


class ModelRefused(HiropeError):
    """A model folder that is missing, unsafe to load, or of an unsupported kind."""


class InputError(HiropeError):
    """A file, or a position in it, that cannot be served."""


class SettingsError(HiropeError):
    """A setting whose value cannot be honoured."""


class ImpossibleState(AssertionError):
    """A broken invariant. Reaches nobody but tests."""


def never(message: str, **facts: object) -> None:
    """Report a state that must not occur: raises where HIROPE_STRICT=1, else logs it once and goes on.

    `facts` must not hold file text.
    """
    told = ", ".join(f"{key}={value!r}" for key, value in facts.items())
    line = f"impossible state: {message}" + (f" ({told})" if told else "")
    if os.environ.get("HIROPE_STRICT") == "1":
        raise ImpossibleState(line)
    if line not in _reported:
        _reported.add(line)
        _log.error("%s; please report it", line)


_reported: set[str] = set()
