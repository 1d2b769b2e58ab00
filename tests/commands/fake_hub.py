"""A small hub on this machine: the three answers of a hub that fetching needs, as the real one gives them.

`/api/models/OWNER/NAME/revision/REVISION?blobs=true`, `/OWNER/NAME/resolve/COMMIT/FILE`, and for large files a redirect
to another host, which knows ranges. It can be told to misbehave.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = ".safetensors"


def git_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclass
class FakeHub:
    """One model, and how it is served. `seen`: (method, path, range, authorization) of each request."""

    name: str
    files: dict[str, bytes]
    licence: str | None = "apache-2.0"
    revisions: dict[str, str] = field(default_factory=lambda: {"main": COMMIT, COMMIT: COMMIT})
    cuts: list[int] = field(default_factory=list)  # bytes after which a large file's connection breaks
    ranges: bool = True
    spoilt: bool = False  # large files come with a wrong byte
    shut: threading.Event | None = None  # once set, large files go on
    licence_name: str | None = None  # of a licence that the hub has no name for, and where it is
    licence_link: str | None = None
    error: tuple[int, str] | None = None  # status and X-Error-Code of every answer
    gate: tuple[int, str] | None = None  # the same, of files alone
    page: bytes | None = None  # what a captive portal says
    seen: list[tuple[str, str, str | None, str | None]] = field(default_factory=list)
    port: int = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def asked(self, part: str) -> list[str | None]:
        """The ranges of all requests whose path has this part."""
        return [wanted for _, path, wanted, _ in self.seen if part in path]

    def info(self, commit: str) -> dict[str, Any]:
        siblings = []
        for name, data in self.files.items():
            entry: dict[str, Any] = {"rfilename": name, "size": len(data), "blobId": git_id(data)}
            if name.endswith(LARGE):
                entry["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
                entry["blobId"] = git_id(b"the pointer to " + data[:100])
            siblings.append(entry)
        told = {"id": self.name, "sha": commit, "siblings": siblings, "tags": [f"license:{self.licence}"]}
        card = {"license": self.licence, "license_name": self.licence_name, "license_link": self.licence_link}
        told_of = {key: value for key, value in card.items() if value is not None}
        return told | ({"cardData": told_of} if self.licence else {"tags": []})

    @contextmanager
    def serving(self) -> Iterator[FakeHub]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"hub": self}))
        server.daemon_threads = True
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            if self.shut is not None:
                self.shut.set()
            server.shutdown()
            server.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        hub.seen.append(("GET", path, self.headers.get("range"), self.headers.get("authorization")))
        if hub.error is not None:
            self._refuse(*hub.error)
        elif hub.page is not None:
            self._send(200, hub.page)
        elif path.startswith("/api/models/"):
            self._info(path.removeprefix("/api/models/"))
        elif hub.gate is not None:
            self._refuse(*hub.gate)
        elif path.startswith("/cdn/"):
            self._large(path.removeprefix("/cdn/"))
        else:
            self._file(path)

    def _info(self, wanted: str) -> None:
        name, _, revision = wanted.partition("/revision/")
        commit = self.hub.revisions.get(revision or "main")
        if name != self.hub.name:
            self._refuse(401, "")  # so does the hub for a model that is not there
        elif commit is None:
            self._refuse(404, "RevisionNotFound")
        else:
            self._send(200, json.dumps(self.hub.info(commit)).encode())

    def _file(self, path: str) -> None:
        found = re.fullmatch(r"/(.+)/resolve/([^/]+)/(.+)", path)
        if found is None or found[1] != self.hub.name or found[3] not in self.hub.files:
            self._refuse(404, "EntryNotFound")
        elif found[3].endswith(LARGE):
            place = f"http://localhost:{self.hub.port}/cdn/{found[3]}"
            self._send(302, b"", {"Location": place, "X-Repo-Commit": found[2]})
        else:
            self._send(200, self.hub.files[found[3]], {"X-Repo-Commit": found[2]})

    def _large(self, name: str) -> None:
        hub, data = self.hub, self.hub.files[name]
        if hub.spoilt:
            data = data[:-1] + bytes([data[-1] ^ 1])
        start = 0
        told = {"Accept-Ranges": "bytes"}
        if hub.ranges and (wanted := self.headers.get("range")):
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])  # type: ignore[index]
            told["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self.send_response(206 if hub.ranges and start else 200)
        for key, value in told.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        cut = hub.cuts.pop(0) if hub.cuts else None
        self.wfile.write(data[start : start + cut] if cut is not None else data[start:])
        self.wfile.flush()
        if cut is not None:
            if hub.shut is not None:
                hub.shut.wait(60)
            self.close_connection = True

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, b'{"error": "no"}', {"X-Error-Code": code} if code else {})

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
