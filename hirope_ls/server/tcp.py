"""One editor over a local TCP connection, in place of stdin and stdout: from this machine only.

Listens on a loopback address until one client came, then on nothing any more. Knows bytes of neither side.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import sys
from dataclasses import dataclass

from hirope_ls.problems import SettingsError


@dataclass(frozen=True)
class Address:
    """Of this machine alone; port 0 is any that is free."""

    host: str
    port: int


def parse_address(text: str) -> Address:
    """`127.0.0.1:7000`, `localhost:0` or `[::1]:7000`. Raises SettingsError for what others could reach, too."""
    found = re.fullmatch(r"(localhost|[\d.]+|\[[\d:a-f]+\]):(\d{1,5})", text)
    host, port = found.groups() if found is not None else ("", "0")
    host = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local or int(port) > 65535:
        raise SettingsError(f"--tcp takes an address of this machine alone, such as 127.0.0.1:7000, not {text[:100]!r}")
    return Address(host, int(port))


def take_tcp(address: Address) -> tuple[int, int]:
    """Wait for a client; file descriptors to read from and to write to. Raises SettingsError if nothing can listen."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        with socket.create_server((address.host, address.port), family=family, backlog=1) as listening:
            host, port = listening.getsockname()[:2]
            print(f"hirope-ls: waiting for an editor at {host}:{port}", file=sys.stderr, flush=True)
            connection, _ = listening.accept()
    except OSError as error:
        raise SettingsError(f"nothing can listen at {address.host}:{address.port}: {error.strerror}") from None
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
    connection.setblocking(True)
    source = connection.detach()
    return source, os.dup(source)
