"""Records what an editor and a server say to each other: a command that stands between the two.

    python tests/recording.py OUT.jsonl [--hide TEXT=NAME]... -- SERVER...

runs SERVER, hands all bytes on as they are, and writes each message as a line, `{"from": "editor", "message": ...}`,
in the order they came by. Process numbers and log lines are left out; each TEXT, such as the folder of the project, is
written as NAME. `tests/server/test_recorded.py` replays such files. A second start with the same OUT writes OUT-2, and
so on.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from hirope_ls.server.framing import Fault, Framer  # noqa: E402


class Recorder:
    """Writes messages, each as soon as it is whole."""

    def __init__(self, path: Path, hidden: dict[str, str]) -> None:
        self._out = path.open("w", encoding="utf-8")
        self._hidden = hidden
        self._lock = threading.Lock()

    def note(self, sender: str, body: bytes | Fault) -> None:
        assert isinstance(body, bytes), body.reason
        message = json.loads(body)
        if message.get("method") == "initialize":
            message["params"]["processId"] = None
        if message.get("method") == "window/logMessage":
            return
        line = json.dumps({"from": sender, "message": message}, separators=(",", ":"), ensure_ascii=False)
        for text, name in self._hidden.items():
            line = line.replace(text, name)
        with self._lock:
            self._out.write(line + "\n")
            self._out.flush()

    def pass_on(self, sender: str, source: IO[bytes], sink: IO[bytes]) -> None:
        """Hand all bytes of `source` to `sink`; a message is noted before its last bytes are handed on."""
        framer = Framer()
        while data := os.read(source.fileno(), 1 << 16):
            for body in framer.feed(data):
                self.note(sender, body)
            sink.write(data)
            sink.flush()
        sink.close()


def free(path: Path) -> Path:
    """`path`, or the first of its kind that is not there yet."""
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_stem(f"{path.stem}-{number}")
    return found


def record(path: Path, hidden: dict[str, str], command: Sequence[str]) -> int:
    """Run the server between our stdin and stdout; its exit code."""
    recorder = Recorder(free(path), hidden)
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None and server.stdout is not None
    ways: list[tuple[Any, ...]] = [
        ("editor", sys.stdin.buffer, server.stdin),
        ("server", server.stdout, sys.stdout.buffer),
    ]
    threads = [threading.Thread(target=recorder.pass_on, args=way, daemon=True) for way in ways]
    for thread in threads:
        thread.start()
    threads[1].join()
    return server.wait()


def main(words: list[str]) -> int:
    split = words.index("--")
    path, *options = words[:split]
    hidden = dict(option.split("=", 1) for option in options if option != "--hide")
    return record(Path(path), hidden, words[split + 1 :])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
