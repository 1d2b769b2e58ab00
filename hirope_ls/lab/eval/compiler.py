"""What TypeScript's own compiler says that names mean: the truth for `eval calls` on TypeScript and JavaScript.

The compiler is an npm package (`npm install typescript`), asked through `node`, once for all names. Knows offsets in
UTF-16, as the compiler counts; knows nothing of our names.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from hirope_ls.problems import InputError

_LONGEST: Final = 600.0  # seconds
_SCRIPT: Final = """
const fs = require('fs');
const { compiler, texts, asked } = JSON.parse(fs.readFileSync(0, 'utf8'));
const ts = require(compiler);
const options = {
  allowJs: true, target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext, jsx: ts.JsxEmit.Preserve,
  moduleResolution: ts.ModuleResolutionKind.Bundler, types: [],
};
const host = {
  getScriptFileNames: () => Object.keys(texts),
  getScriptVersion: () => '0',
  getScriptSnapshot: (path) => {
    const text = texts[path] ?? (fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : undefined);
    return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
  },
  getCurrentDirectory: () => '/',
  getCompilationSettings: () => options,
  getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
  fileExists: (path) => path in texts || fs.existsSync(path),
  readFile: (path) => texts[path] ?? fs.readFileSync(path, 'utf8'),
};
const service = ts.createLanguageService(host);
const found = asked.map(([path, at]) =>
  (service.getDefinitionAtPosition(path, at) ?? []).map((one) => [one.fileName, one.textSpan.start, one.kind]));
process.stdout.write(JSON.stringify(found));
"""


class Told(NamedTuple):
    """One definition: its file, where its name (or `constructor`) begins, and the compiler's word for its kind."""

    path: str
    start: int
    kind: str


def definitions(folder: Path, texts: Mapping[str, str], asked: Sequence[tuple[str, int]]) -> list[list[Told]]:
    """What the names at these places mean, by absolute paths, in UTF-16 units. folder: has `node_modules/typescript`.

    Raises InputError.
    """
    compiler = (folder / "node_modules" / "typescript").resolve()
    if shutil.which("node") is None or not compiler.is_dir():
        raise InputError(f"TypeScript's compiler is needed, and node: (cd {folder} && npm install typescript)")
    question = json.dumps({"compiler": str(compiler), "texts": dict(texts), "asked": list(asked)})
    command = ["node", "-e", _SCRIPT]
    done = subprocess.run(command, input=question, capture_output=True, text=True, timeout=_LONGEST)
    if done.returncode:
        told = done.stderr.strip().splitlines()
        raise InputError(f"node could not ask TypeScript's compiler: {told[-1] if told else 'it says nothing'}")
    return [[Told(*one) for one in each] for each in json.loads(done.stdout)]
