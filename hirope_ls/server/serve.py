"""Serve one editor over stdin and stdout, and say with which exit code the process should end."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Mapping

from hirope_ls.server.app import App
from hirope_ls.server.backend import LoadModel, load_local
from hirope_ls.server.logs import start_logging
from hirope_ls.server.stdio import take_stdio


def serve(overrides: Mapping[str, object] | None = None, load_model: LoadModel = load_local) -> int:
    """Serve until the client goes. Returns 0 after shutdown, 1 without.

    `overrides` are settings from the command line, by the names users see (`maxNewTokens`). Takes the process over:
    stdin, stdout, logging. Where torch was loaded it ends the process itself and does not return: the interpreter
    would take seconds to clear up, and a thread that is still inside torch must not be there when it does.
    """
    start_logging()
    source, sink = take_stdio()
    code = asyncio.run(App(overrides, load_model).run(source, sink))
    if "torch" in sys.modules:
        logging.shutdown()
        os._exit(code)
    return code
