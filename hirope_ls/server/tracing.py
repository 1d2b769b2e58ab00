"""`$/logTrace`: what became of each message, told to a client that wants it (`trace` in initialize, `$/setTrace`).

Methods, ids, times and sizes: nothing of what the messages hold. Knows neither when nor how they are handled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

_LEVELS = {level.value: level for level in types.TraceValue}


class Tracing:
    """`send` hands a notification to the client."""

    def __init__(self, send: Callable[[types.LogTraceParams], None]) -> None:
        self._send = send
        self._level = types.TraceValue.Off

    @property
    def on(self) -> bool:
        return self._level != types.TraceValue.Off

    def set(self, params: Any, name: str = "value") -> None:
        """Take the level in `params`, those of `$/setTrace` or of initialize. Raises JsonRpcInvalidParams."""
        value = params.get(name) if isinstance(params, Mapping) else None
        if not isinstance(value, str) or value not in _LEVELS:
            raise JsonRpcInvalidParams(f"{name} must be one of: {', '.join(_LEVELS)}")
        self._level = _LEVELS[value]

    def answered(self, method: str, msg_id: int | str, seconds: float, code: int, size: int) -> None:
        """A request has its reply: `size` bytes; code 0 for a result, else that of the error."""
        how = f"with error {code} " if code else ""
        self._tell(f"{method} ({msg_id}) was answered {how}after {seconds * 1000:.0f} ms", f"{size} bytes")

    def taken(self, method: str, seconds: float) -> None:
        """A notification was handled."""
        self._tell(f"{method} was handled", f"in {seconds * 1000:.1f} ms")

    def _tell(self, message: str, more: str) -> None:
        if self.on:
            self._send(types.LogTraceParams(message, more if self._level == types.TraceValue.Verbose else None))
