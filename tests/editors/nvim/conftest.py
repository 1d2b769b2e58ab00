"""Neovim 0.10 and 0.12 with the plugin and the real server, which has the bundled model.

`HIROPE_EDITORS=1` runs all of it, and fetches the Neovims where they are not there yet. Without it the normal run
checks that each shows ghost text, if they are there. `HIROPE_SHOTS` names a folder for pictures of the screens: those
of README.md are `nvim-0.12-builtin-ghost-*.png` and `nvim-0.12-builtin-explain-dark.png` among them.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from editors.home import ASKED, ROOT, environment, furnish
from editors.nvim.install import install, program
from editors.tap import Trail

PLUGIN: Final = ROOT / "editors" / "nvim"
VARIANTS: Final = (("0.10", "own"), ("0.12", "builtin"), ("0.12", "own"))
SUGGEST: Final = "textDocument/inlineCompletion"
SHORT: Final = ("test_ghost_text_is_shown[0.10-own]", "test_ghost_text_is_shown[0.12-builtin]")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and not ASKED and item.name not in SHORT:
            item.add_marker(pytest.mark.skip(reason="runs with HIROPE_EDITORS=1"))


def command(version: str) -> list[str]:
    """What starts this version; skips the test where it cannot be had."""
    if importlib.util.find_spec("msgpack") is None:
        pytest.skip("needs msgpack: pip install '.[editors]'")
    if not program(version).exists():
        if not ASKED:
            pytest.skip(f"Neovim {version} is not there: PYTHONPATH=tests python -m editors.nvim.install")
        try:
            install(version)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"Neovim {version} cannot be fetched: {error}")
    return [str(program(version))]


class Session:
    """A Neovim with the plugin, in a project of its own."""

    def __init__(self, nvim: Any, project: Path, trail: Trail, version: str, ghost: str) -> None:
        self.nvim, self.project, self.trail, self.version, self.ghost = nvim, project, trail, version, ghost
        self.lua: Callable[..., Any] = nvim.lua
        self._files = 0

    def open(self, text: str, ending: str = "\n", name: str = "") -> None:
        """Edit a new file of this text, and wait until it is served."""
        self._files += 1
        path = self.project / (name or f"file{self._files}.py")
        path.write_bytes(text.replace("\n", ending).encode())
        self.nvim.keys("<C-\\><C-n>")
        self.nvim.command(f"edit {path}")
        self.nvim.wait(self.ready, "the server")

    def ready(self) -> bool:
        """Whether this buffer is served, by a model that is loaded."""
        return (
            bool(self.lua("return require('hirope.session').serving(0) ~= nil")) and self.status()["state"] == "ready"
        )

    def ask(self, method: str, params: Any = None) -> Any:
        """The server's reply."""
        code = """
          local method, params = ...
          local client = require('hirope.session').client()
          _G.reply = nil
          if not client then return false end
          require('hirope.lsp').request(client, method, params, function(err, result)
            _G.reply = { err and err.message or false, result == nil and vim.NIL or result }
          end, 0)
          return true"""
        if not self.lua(code, method, params if params is not None else {"_": 1}):
            return None
        gone = "require('hirope.session').client() == nil"
        reply = self.nvim.wait(lambda: self.lua(f"return _G.reply or ({gone} and {{ 'gone' }} or nil)"), method)
        assert not reply[0] or reply[0] == "gone", reply
        return None if reply[0] else reply[1]

    def status(self) -> dict[str, Any]:
        """hirope/status."""
        return self.ask("hirope/status") or {"state": "gone"}

    def requests(self) -> int:
        """How many suggestions the server was asked for so far."""
        return len(self.trail.sent(SUGGEST))

    def messages(self) -> str:
        """What Neovim told the user so far."""
        return str(self.lua("return vim.api.nvim_exec2('messages', { output = true }).output"))

    def shown(self) -> str:
        """The ghost text on the screen, all lines; "" for none."""
        code = """
          local name = ({ own = 'hirope.ghost', builtin = 'nvim.lsp.inline_completion' })[...]
          local space = vim.api.nvim_create_namespace(name)
          local marks = vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true })
          if #marks == 0 then return '' end
          local lines = { marks[1][4].virt_text[1][1] }
          for _, line in ipairs(marks[1][4].virt_lines or {}) do lines[#lines + 1] = line[1][1] end
          return table.concat(lines, '\\n')"""
        return str(self.lua(code, self.ghost))

    def wait_shown(self) -> str:
        """The ghost text, as soon as there is some that is drawn."""
        text = str(self.nvim.wait(self.shown, "ghost text"))
        first = text.split("\n")[0]
        self.nvim.wait(lambda: first.rstrip() in self.nvim.screen.text(), f"{first!r} on the screen")
        return text

    def picture(self, name: str) -> None:
        """One of the screen on a dark and one on a light background, if they are wanted."""
        if folder := os.environ.get("HIROPE_SHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            for ground in ("light", "dark"):
                was = self.nvim.screen.background
                self.nvim.command(f"set background={ground}")
                self.nvim.wait(lambda was=was: self.nvim.screen.background != was, f"a {ground} background")  # type: ignore[misc]
                self.nvim.command("redraw!")
                self.nvim.screen.picture(Path(folder) / f"nvim-{self.version}-{self.ghost}-{name}-{ground}.png")

    def end_insert(self) -> None:
        """Back to normal mode."""
        self.nvim.keys("<Esc>")
        self.nvim.wait(lambda: self.nvim.request("nvim_get_mode")["mode"] == "n", "normal mode")


INIT: Final = """
vim.opt.runtimepath:prepend('{plugin}')
vim.o.swapfile = false
vim.o.number = true
vim.o.laststatus = 2
vim.o.statusline = ' %t %= %{{v:lua.require("hirope").statusline()}} '
require('hirope').setup{{
  ghost = '{ghost}',
  restarts = 1,
  settings = {{ deadlineMs = 60000, maxNewTokens = 32 }},
  keys = {{ accept = '<Tab>', accept_word = '<C-l>', accept_line = '<C-j>', dismiss = '<C-]>', trigger = '<C-Space>',
           next = '<M-]>', previous = '<M-[>' }},
}}
"""


@contextmanager
def running(words: list[str], home: Path, version: str, ghost: str) -> Iterator[Session]:
    """A Neovim whose home this is, in a project there."""
    from editors.nvim.neovim import Neovim

    trail, project = furnish(home), home / "project"
    (project / ".git").mkdir(parents=True)
    init = home / "init.lua"
    init.write_text(INIT.format(plugin=PLUGIN, ghost=ghost))
    with Neovim([*words, "-u", str(init), "-n"], environment(home), project, (100, 30)) as nvim:
        yield Session(nvim, project, trail, version, ghost)


@pytest.fixture(scope="module", params=VARIANTS, ids=["-".join(each) for each in VARIANTS])
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    version, ghost = request.param
    with running(command(version), tmp_path_factory.mktemp("home"), version, ghost) as session:
        yield session
