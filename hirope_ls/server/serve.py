"""Serve one editor, over stdin and stdout or a local connection; tells with which exit code the process should end."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from hirope_ls.server.app import App
from hirope_ls.server.backend import LoadModel, load_local
from hirope_ls.server.logs import start_logging
from hirope_ls.server.stdio import take_stdio
from hirope_ls.server.tcp import parse_address, take_tcp


def serve(
    overrides: Mapping[str, object] | None = None,
    load_model: LoadModel = load_local,
    *,
    log_file: Path | None = None,
    tcp: str | None = None,
) -> int:
    """Serve until the client goes. Returns 0 after shutdown, 1 without.

    `overrides` are settings from the command line, by the names users see (`maxNewTokens`); `tcp` an address to wait
    at (SettingsError if others could reach it). Takes the process over: stdin, stdout, logging. Where torch was loaded
    it ends the process itself and does not return: the interpreter would take seconds to clear up, and a thread that
    is still inside torch must not be there when it does.
    """
    address = None if tcp is None else parse_address(tcp)
    start_logging(log_file)
    source, sink = take_stdio() if address is None else take_tcp(address)
    code = asyncio.run(App(overrides, load_model).run(source, sink))
    if "torch" in sys.modules:
        logging.shutdown()
        os._exit(code)
    return code
