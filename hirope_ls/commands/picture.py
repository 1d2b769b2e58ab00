"""The page that `hirope-ls positions --html` writes: one file, no network, light and dark.

Left the file as coloured units; beside it two rulers that run down with the file: the plain token position, red where
it leaves the range the model was trained for, and the hierarchical one (unit index; token index inside the unit),
which stays inside. The page gets the object that `positions --json` prints, and the lines' shapes.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

_SHOWN_CHARACTERS = 120
_SHOWN_LINES = 5000  # of larger files only the shapes are drawn
_TAB = 4


def page(report: Mapping[str, Any], lines: list[str], line_tokens: list[int]) -> str:
    """The HTML page. `report` is what --json prints, `line_tokens` the number of tokens before each of `lines`."""
    texts = [line.expandtabs(_TAB).rstrip() for line in lines]
    shapes = [[len(text) - len(text.lstrip()), len(text)] for text in texts]
    shown = [text[:_SHOWN_CHARACTERS] for text in texts] if len(texts) <= _SHOWN_LINES else []
    data = {**report, "shapes": shapes, "texts": shown, "lineTokens": line_tokens}
    parts = {
        "@TITLE@": html.escape(str(report["file"])),
        "@STYLE@": _read("style.css"),
        "@SCRIPT@": _read("script.js"),
        # "</" would end the script element that holds the data. The data come last: they may hold any text.
        "@DATA@": json.dumps(data, separators=(",", ":")).replace("</", "<\\/"),
    }
    result = _read("page.html")
    for mark, text in parts.items():
        result = result.replace(mark, text, 1)
    return result


def _read(name: str) -> str:
    return resources.files("hirope_ls.commands").joinpath("html", name).read_text(encoding="utf-8")
