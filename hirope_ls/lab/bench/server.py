"""The server process over a large repository, as an editor has it: how soon it answers while it reads the files.

The repository is generated of real code: modules of the standard library and of installed packages, each copy with
names of its own, so that no two files are alike. The server runs with `context` on, so it indexes them. It is started
three times: on a new repository, on the same again (what was kept serves), and without any folder, to see what the
workspace weighs. Times are from outside: from the start of the process, or from a key to the reply.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any, Final

from hirope_ls.lab.bench.rows import Row, row
from hirope_ls.lab.bench.session import SERVER, Session
from hirope_ls.lab.bench.workspace import told
from hirope_ls.problems import InputError
from hirope_ls.text.shape import Shape
from hirope_ls.workspace import default_folder
from hirope_ls.workspace.content import refused_content
from hirope_ls.workspace.database import place_of

_PART: Final = 50  # files of a folder
_SMALLEST, _LARGEST = 1_500, 30_000  # bytes of a file that is copied
_SOURCES: Final = 600  # different files that are copied
_PAUSE_S: Final = 0.12  # between two keys
_LONGEST: Final = 3_600.0  # seconds for the index
_SETTLED_S: Final = 1.0  # without news, the index is ready
_SETTINGS: Final = {"context": "on"}
_STALL: Final = re.compile(r"the event loop was kept waiting for (\d+) ms")
_DEFINED: Final = re.compile(rb"^(?:def|class)[ \t]+(\w+)", re.MULTILINE)
_LINE: Final = re.compile(r"^    \w[ -~]{20,70}$", re.MULTILINE)  # worth typing


@dataclass(frozen=True)
class Sizes:
    """Files of the repository, and keys that are typed while it is read, and again afterwards."""

    files: int = 10_000
    keys: int = 150


QUICK = Sizes(300, 20)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    add = parser.add_argument
    add("--files", type=int, metavar="N", help=f"files of the repository ({Sizes().files})")
    add("--keys", type=int, metavar="N", help=f"keys typed while it is read, and afterwards ({Sizes().keys})")
    add("--quick", action="store_true", help="small sizes: does it run? The figures mean little")
    add("--json", type=Path, metavar="FILE", help="write the rows here as well")


def run(args: argparse.Namespace) -> int:
    """Measure, print, write; exit code 0. Raises InputError."""
    sizes = QUICK if args.quick else Sizes()
    sizes = replace(sizes, files=args.files or sizes.files, keys=args.keys or sizes.keys)
    if min(sizes.files, sizes.keys) < 1:
        raise InputError("--files and --keys must be at least 1")
    with tempfile.TemporaryDirectory(prefix="hirope-bench-") as folder:
        found = list(measure(Path(folder).resolve(), sizes))
    told("server", found, args.json)
    return 0


def measure(
    folder: Path, sizes: Sizes, argv: Sequence[str] = SERVER, env: Mapping[str, str] | None = None
) -> Iterator[Row]:
    """Rows for the first start, the second, and the memory."""
    root = folder / "repository"
    weight = generate(root, sizes.files)
    time.sleep(2.1)  # files as fresh as their reading would be read again
    try:
        first = _Visit(argv, env, [root], sizes)
        yield from first.rows(f"{sizes.files:,} files, {weight / 2**20:.0f} MiB", sizes)
        second = _Visit(argv, env, [root], sizes)
        again = f"{sizes.files:,} files, a second start"
        yield row("server", f"{again}: index ready", second.indexed, "s", "the first", first.indexed, "server again")
        yield row("server", f"{again}: first completion, from the start of the process", second.shown, "s")
        yield row("server", f"{again}: largest memory of the server", second.peaks["server"], "MiB")
        plain = _Visit(argv, env, [], sizes)
        case = f"{sizes.files:,} files: what the workspace adds to the server's largest memory"
        added = max(first.peaks["server"], second.peaks["server"]) - plain.peaks["server"]
        note = f"{plain.peaks['server']:.0f} MiB without a workspace"
        yield row("server", case, added, "MiB", goal="server memory", note=note)
    finally:
        for kept in default_folder().glob(f"*/{place_of(Path(), str(root)).name}*"):
            kept.unlink(missing_ok=True)


class _Visit:
    """One start: what was seen of it until the index was ready and the same keys had been typed once more."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str] | None, roots: Sequence[Path], sizes: Sizes) -> None:
        with Session(argv, env) as session:
            self.initialized = session.initialize(roots, _SETTINGS)
            typist = _Typist(session, (roots[0] if roots else Path("/elsewhere")) / "part0/module0.py")
            self.ready = session.wait("hirope/ready")
            self.shown = typist.until_shown()
            self.during = typist.type(sizes.keys) if roots else []
            typed = session.now
            self.indexed = _indexed(session, sizes.files) if roots else 0.0
            self.overlap = self.indexed > typed
            self.after = typist.type(sizes.keys)
            self.end = session.weigh()
            self.peaks = session.peaks
            self.loading = max(look.took for look in session.looks if look.at <= self.ready)
            self.slowest = max(look.took for look in session.looks if look.at > self.ready)
            logs = [str(one.message["params"]["message"]) for one in session.told("window/logMessage")]
            self.stalls = [int(found[1]) for line in logs if (found := _STALL.search(line))]
            bars = [one.message["params"] for one in session.told("$/progress")]
            self.bars = [bar["value"]["kind"] for bar in bars if bar["token"] == "hirope/index"]

    def rows(self, case: str, sizes: Sizes) -> Iterator[Row]:
        yield row("server", f"{case}: initialize is answered", self.initialized, "s", goal="server initialize")
        since = self.shown - self.ready
        yield row("server", f"{case}: first completion, after the model is ready", since, "s", goal="server first")
        note = f"the model was ready after {self.ready:.2f} s"
        yield row("server", f"{case}: first completion, from the start of the process", self.shown, "s", note=note)
        during, after = statistics.median(self.during), statistics.median(self.after)
        note = f"p95 {_p95(self.during):.0f} ms against {_p95(self.after):.0f} ms"
        note += "" if self.overlap else "; the index was ready before the last key"
        key = f"{case}: a key to its completion while it is read"
        yield row("server", key, during, "ms", "afterwards", after, "server typing", note)
        told = f"progress: {self.bars.count('begin')} begin, {self.bars.count('report')} report, "
        told += f"{self.bars.count('end')} end; {len(self.during)} keys were typed meanwhile"
        yield row("server", f"{case}: index ready, from the start of the process", self.indexed, "s", note=told)
        note = f"{self.loading * 1000:.0f} ms while the model is loaded; "
        note += f"logged over 50 ms: {', '.join(map(str, self.stalls)) or 'none'}"
        wait = f"{case}: longest wait for the event loop, once the model is ready"
        yield row("server", wait, self.slowest * 1000, "ms", note=note)
        for name in ("server", "children"):
            end = f"{self.end.get(name, 0.0):.0f} MiB at the end"
            yield row("server", f"{case}: largest memory of the {name}", self.peaks[name], "MiB", note=end)


class _Typist:
    """Types in one file: lines of it again, at its end, and asks for a completion after each key."""

    def __init__(self, session: Session, path: Path) -> None:
        self._session = session
        self._uri = path.as_uri()
        text = path.read_text("utf-8") if path.exists() else "def f(items, limit):\n    return sorted(items)\n" * 40
        self._lines = cycle(_LINE.findall(text) or ["    return sorted(items)"])
        text += "\ndef typed(items):\n"
        self._line, self._at, self._version = text.count("\n"), 0, 1
        document = {"uri": self._uri, "languageId": "python", "version": 1, "text": text}
        session.notify("textDocument/didOpen", {"textDocument": document})

    def until_shown(self) -> float:
        """Type until something is shown; when that was."""
        until = self._session.now + 60
        while self._session.now < until:
            for _ in self._keys(1_000):
                if self._ask():
                    return self._session.now
        raise InputError("no completion was shown in a minute; is the model well? (hirope-ls doctor)")

    def type(self, keys: int) -> list[float]:
        """Milliseconds from each key to the reply."""
        found = []
        for sent in self._keys(keys):
            self._ask()
            found.append((self._session.now - sent) * 1000)
            time.sleep(max(0.0, _PAUSE_S - (self._session.now - sent)))
        return found

    def _keys(self, number: int) -> Iterator[float]:
        """Type so many keys; when each was sent."""
        typed = 0
        while typed < number:
            for key in f"{next(self._lines)}\n":
                sent = self._session.now
                self._insert(key)
                typed += 1
                if key != "\n":
                    yield sent
                if typed >= number:
                    return

    def _insert(self, key: str) -> None:
        place = {"line": self._line, "character": self._at}
        self._version += 1
        document = {"uri": self._uri, "version": self._version}
        change = {"range": {"start": place, "end": place}, "text": key}
        params = {"textDocument": document, "contentChanges": [change]}
        self._session.notify("textDocument/didChange", params)
        self._line, self._at = (self._line + 1, 0) if key == "\n" else (self._line, self._at + 1)

    def _ask(self) -> bool:
        """Whether there is a suggestion here."""
        place = {"line": self._line, "character": self._at}
        params = {"textDocument": {"uri": self._uri}, "position": place, "context": {"triggerKind": 2}}
        found: Any = self._session.ask("textDocument/inlineCompletion", params)
        return bool(found and found["items"])


def generate(root: Path, files: int) -> int:
    """The repository; how many bytes it has. Raises InputError."""
    sources = _sources()
    total = 0
    for number in range(files):
        path = root / f"part{number // _PART}" / f"module{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        total += path.write_bytes(_copied(sources[number % len(sources)], number))
    return total


def _sources() -> list[bytes]:
    """Real modules that an index takes in. Raises InputError."""
    places = sysconfig.get_paths()
    found: list[bytes] = []
    for folder in dict.fromkeys((places["stdlib"], places["purelib"])):
        for path in sorted(Path(folder).rglob("*.py"), key=lambda path: path.name[::-1]):
            if len(found) >= _SOURCES:
                break
            if "site-packages" in path.parts and folder == places["stdlib"]:
                continue
            if _SMALLEST <= path.stat().st_size <= _LARGEST and _fits(data := path.read_bytes()):
                found.append(data)
    if not found:
        raise InputError("there are no Python modules here to make a repository of")
    return found


def _fits(data: bytes) -> bool:
    return refused_content(data) is None and not Shape.of(data).odd and b"generated" not in data[:2_048].lower()


def _copied(data: bytes, number: int) -> bytes:
    """A module with names of its own, which uses something of the one before."""
    names = {name: b"%s_%d" % (name, number) for name in _DEFINED.findall(data)}
    if names:
        any_name = re.compile(rb"\b(?:%s)\b" % b"|".join(map(re.escape, names)))
        data = any_name.sub(lambda found: names[found[0]], data)
    before = max(number - 1, 0)
    return data + b"\n\nfrom part%d import module%d  # noqa\n" % (before // _PART, before)


def _indexed(session: Session, files: int) -> float:
    """Wait until all is read, and its names are known; when that was. Raises InputError."""
    while session.now < _LONGEST:
        looks = list(session.looks)
        last = max((look.at for look in looks if not _ready(look.workspace, files)), default=0.0)
        ready = [look.at for look in looks if look.at > last]
        if ready and ready[-1] - ready[0] > _SETTLED_S:
            return ready[0]
        time.sleep(0.5)
    raise InputError("the index was not ready in an hour")


def _ready(workspace: Mapping[str, Any], files: int) -> bool:
    known = int(workspace.get("files", 0))
    return known >= files and not workspace.get("indexing") and not workspace.get("waiting")


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(0.95 * len(values)))]
