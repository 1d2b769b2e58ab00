"""Sees to the end: watches the process that started us, and ends ours by force. A model without an editor only holds
memory.

On threads of their own, so that both work while the event loop or the model are busy.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Final

import psutil  # type: ignore[import-untyped]

_ORDERLY_END: Final = 1.5  # seconds it may take


def end_by_force(code: int) -> None:
    """End the process with this code if it has not ended by itself soon; whoever calls it has begun to."""
    timer = threading.Timer(_ORDERLY_END, os._exit, (code,))
    timer.daemon = True
    timer.start()


def watch_process(pid: int, gone: Callable[[], None], interval: float = 1.0) -> None:
    """Call `gone`, once, on a thread of its own, when the process `pid` has ended. Seconds between two looks."""
    try:
        process = psutil.Process(pid)
    except (psutil.Error, ValueError, OverflowError):
        process = None
    threading.Thread(target=_watch, args=(process, gone, interval), name="hirope-parent", daemon=True).start()


def _watch(process: psutil.Process | None, gone: Callable[[], None], interval: float) -> None:
    while process is not None and _alive(process):
        time.sleep(interval)
    gone()


def _alive(process: psutil.Process) -> bool:
    try:
        # is_running() also knows that the number was given to another process.
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
