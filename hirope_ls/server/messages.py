"""One message: its bytes as JSON, its id, and whether its method is a notification. Knows no session."""

from __future__ import annotations

import json
from typing import Any, TypeGuard

from lsprotocol import types
from pygls.exceptions import JsonRpcParseError

MsgId = int | str


def parse(body: bytes) -> Any:
    """The JSON value of a body. Raises JsonRpcParseError."""
    try:
        return json.loads(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise JsonRpcParseError("not UTF-8") from None
    except ValueError:
        raise JsonRpcParseError("not JSON") from None
    except RecursionError:
        raise JsonRpcParseError("JSON nested too deeply") from None


def encoded(message: Any) -> bytes:
    """Its body. Raises TypeError, ValueError or RecursionError for what JSON cannot say."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode()


def is_notification(method: str) -> bool:
    """Whether `method` is sent without an id. Those of our own are called did..., as most of LSP's are."""
    known = types.METHOD_TO_TYPES.get(method)
    return method.rpartition("/")[2].startswith("did") if known is None else known[1] is None


def is_id(value: Any) -> TypeGuard[MsgId]:
    """Whether a request may have this id; null and fractions are discouraged by JSON-RPC and ruled out by LSP."""
    return isinstance(value, int | str) and not isinstance(value, bool)
