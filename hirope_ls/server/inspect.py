"""`hirope/inspect`: how the engine sees an open document: units, positions, tokens, cache, and the context it shows.

Knows no requests: it makes a JSON value from a snapshot.
"""

from __future__ import annotations

from typing import Any

from hirope_ls.engine.context import Context
from hirope_ls.engine.snapshots import Snapshot
from hirope_ls.server.convert import lsp_range
from hirope_ls.text.encoding import Encoding


def inspection(
    snapshot: Snapshot,
    trained_length: int,
    cached: tuple[int, int],
    context: Context | None,
    encoding: Encoding,
) -> dict[str, Any]:
    """The reply, but for the LSP types in it; `cached` is (tokens, bytes)."""
    return {
        "version": snapshot.version,
        "tokens": len(snapshot.tokens),
        "trainedLength": trained_length,
        "units": _units(snapshot, encoding),
        "cache": {"tokens": cached[0], "bytes": cached[1]},
        "digest": snapshot.digest(),
        "context": [
            {"path": part.shown.path, "name": part.shown.name, "why": part.shown.why, "tokens": part.cost}
            for part in (context.parts if context is not None else ())
        ],
    }


def _units(snapshot: Snapshot, encoding: Encoding) -> list[dict[str, Any]]:
    """The position units: `unitIndex` is what their tokens have on the first level of the positions."""
    return [
        {
            "range": lsp_range(snapshot.buffer, block.start, block.end, encoding),
            "kind": block.kind,
            "name": block.name,
            "unitIndex": index,
            "tokens": block.last - block.first,
        }
        for index, block in enumerate(snapshot.blocks)
    ]
