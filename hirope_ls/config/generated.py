"""What is generated from the table: the README's part, a JSON schema, and the parts of the editors' manifests.

`python -m hirope_ls.config` in a clone writes all files of `FILES` again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from hirope_ls.config.table import SETTINGS, Setting

README_BEGIN: Final = "<!-- settings:begin -->"
README_END: Final = "<!-- settings:end -->"
SECTION: Final = "hirope-ls"
COMMAND: Final = "python -m hirope_ls.config"
_PATHS: Final = ("model", "logFile")  # never by what a workspace brings
_OWN: Final = (f"{SECTION}.path",)  # of the extension for VS Code, which writes it into its manifest itself


def settings_table() -> str:
    """The settings as a Markdown table: what stands between the two marker lines of the README."""
    rows = ["| setting | accepts | default | what it does |", "|---|---|---|---|"]
    for setting in SETTINGS:
        shown = setting.unset if setting.default is None else f"`{json.dumps(setting.default).strip(chr(34))}`"
        rows.append(f"| `{setting.name}` | {setting.accepts} | {shown} | {setting.doc} |")
    return "\n".join(rows)


def with_table(readme: str) -> str:
    """`readme` with a fresh table between the markers; unchanged where it has none."""
    pattern = re.compile(re.escape(README_BEGIN) + r"\n.*?" + re.escape(README_END), re.DOTALL)
    return pattern.sub(lambda _: f"{README_BEGIN}\n{settings_table()}\n{README_END}", readme)


def json_schema() -> dict[str, Any]:
    """Of the user's file, of `initializationOptions` and of the section that clients are asked for."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Settings of hirope-ls",
        "type": "object",
        "additionalProperties": False,
        "properties": {setting.name: _schema(setting) for setting in SETTINGS},
    }


def vscode_configuration() -> dict[str, Any]:
    """`contributes.configuration` of an extension's package.json.

    The default is null everywhere: VS Code gives an extension its manifest's defaults as if the user had chosen them,
    and they would hide what the user's own file says.
    """
    return {
        "title": "HiRoPE",
        "properties": {
            f"{SECTION}.{setting.name}": {
                "anyOf": [dict(setting.kind.schema), {"type": "null"}],
                "default": None,
                **({"scope": "machine"} if setting.name in _PATHS else {}),
                "markdownDescription": f"{setting.doc} Default: {_default(setting)}.",
            }
            for setting in SETTINGS
        },
    }


def with_configuration(manifest: str) -> str:
    """An extension's package.json with fresh settings; the extension's own ones stay."""
    package = json.loads(manifest or "{}")
    contributes = package.setdefault("contributes", {})
    former = contributes.get("configuration", {}).get("properties", {})
    fresh = vscode_configuration()
    own = {name: former[name] for name in _OWN if name in former}
    contributes["configuration"] = {**fresh, "properties": own | fresh["properties"]}
    return json.dumps(package, indent=2, ensure_ascii=False) + "\n"


def lua_settings() -> str:
    """A Lua table for Neovim's `settings`, every setting a comment, with its default where it has one."""
    lines = [f'["{SECTION}"] = {{']
    for setting in SETTINGS:
        value = "nil" if setting.default is None else _lua(setting.default)
        lines += [f"  -- {setting.doc}", f"  -- {setting.name} = {value}, -- {setting.accepts}"]
    return "\n".join([*lines, "},"]) + "\n"


def _schema(setting: Setting) -> dict[str, Any]:
    default = {} if setting.default is None else {"default": setting.default}
    return {**setting.kind.schema, "description": setting.doc.replace("`", ""), **default}


def _default(setting: Setting) -> str:
    return setting.unset if setting.default is None else f"`{json.dumps(setting.default)}`"


def _lua(value: object) -> str:
    return "{}" if value == () else json.dumps(value)


FILES: Final[Mapping[str, Callable[[str], str]]] = {
    "README.md": with_table,
    "editors/vscode/package.json": with_configuration,
    "editors/settings.schema.json": lambda _: json.dumps(json_schema(), indent=2) + "\n",
}
"""Files of a clone, and what each becomes from what it says."""


def renew(clone: Path) -> list[str]:
    """Write what differs; the names of those files."""
    written = []
    for name, made in FILES.items():
        path = clone / name
        former = path.read_text(encoding="utf-8") if path.exists() else ""
        if (now := made(former)) != former:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(now, encoding="utf-8")
            written.append(name)
    return written
