"""`--tcp`: one editor, from this machine; an address that others could reach is refused."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
from server.conftest import Start

from hirope_ls.cli import main
from hirope_ls.problems import SettingsError
from hirope_ls.server.tcp import Address, parse_address

REFUSED = ("", "7000", ":7000", "*:7000", "0.0.0.0:7000", "192.168.1.5:7000", "example.org:7000", "[::]:7000")


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:7000", "127.0.0.1", 7000),
        ("localhost:0", "127.0.0.1", 0),
        ("127.1.2.3:65535", "127.1.2.3", 65535),
        ("[::1]:7000", "::1", 7000),
    ],
)
def test_addresses_of_this_machine(text: str, host: str, port: int) -> None:
    assert parse_address(text) == Address(host, port)


@pytest.mark.parametrize("text", [*REFUSED, "127.0.0.1", "127.0.0.1:x", "127.0.0.1:-1", "127.0.0.1:65536", "::1:7000"])
def test_other_addresses_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="this machine alone"):
        parse_address(text)


@pytest.mark.parametrize("words", [["--tcp", "0.0.0.0:7000"], ["--tcp=:7000"]])
def test_a_refusal_is_one_line(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert capfd.readouterr().err.count("\n") == 1


def test_an_address_that_is_taken_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["--tcp", f"127.0.0.1:{taken.getsockname()[1]}"]) == 2
    assert capfd.readouterr().err.count("\n") == 1


def listening(pid: int) -> list[str]:
    connections = psutil.Process(pid).net_connections()
    return [it.laddr.ip for it in connections if it.status == psutil.CONN_LISTEN]


@pytest.mark.parametrize("leaves", ["exit", "gone"])
def test_a_session(fake: Start, leaves: str) -> None:
    server = fake(serve={"tcp": "127.0.0.1:0"})
    patience = time.monotonic() + 60
    while not server.stderr.endswith(b"\n") and time.monotonic() < patience:
        time.sleep(0.02)
    assert listening(server.process.pid) == ["127.0.0.1"]
    port = int(server.stderr.rpartition(b":")[2])
    with socket.create_connection(("127.0.0.1", port), 30) as connection, connection.makefile("rwb") as stream:

        def ask(method: str, params: Any) -> Any:
            tell({"id": method, "method": method, "params": params})
            while True:
                length = int(stream.readline().split()[1])
                stream.readline()
                message = json.loads(stream.read(length))
                if message.get("id") == method:
                    return message["result"]

        def tell(message: dict[str, Any]) -> None:
            body = json.dumps({"jsonrpc": "2.0", **message}).encode()
            stream.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            stream.flush()

        assert ask("initialize", {"capabilities": {}})["serverInfo"]["name"] == "hirope-ls"
        assert listening(server.process.pid) == []
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", port), 5)
        assert ask("hirope/status", None)["documents"] == 0
        if leaves == "exit":
            assert ask("shutdown", None) is None
            tell({"method": "exit"})
    server.gone(0 if leaves == "exit" else 1)
