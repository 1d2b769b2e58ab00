"""How people install the plugin, and what they are told where the server is missing; in real Neovims."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from editors.nvim.conftest import PLUGIN, ROOT, command, environment


def start(version: str, home: Path, init: str, *words: str, path: str = "/usr/bin:/bin") -> str:
    """What a Neovim without a screen prints that reads `init` and ends."""
    file = home / "init.lua"
    file.write_text(init)
    kept = {name: value for name, value in environment(home).items() if name not in ("VIRTUAL_ENV", "CONDA_PREFIX")}
    done = subprocess.run(
        [*command(version), "--headless", "-u", str(file), *words, "+qall!"],
        env=kept | {"PATH": path},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr + done.stdout


@pytest.mark.parametrize("version", ["0.10", "0.12"])
def test_a_missing_server_is_named_once_with_the_command(version: str, tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("x = 1\n")
    init = f"vim.opt.runtimepath:prepend('{PLUGIN}') require('hirope').setup({{ colour = 1 }})"
    told = start(version, tmp_path, init, "a.py", "+edit b.py")
    assert told.count("hirope-ls is not found") == 1 and "~/.hirope-ls/bin/pip install ~/hirope-ls" in told
    assert 'there is no option "colour"' in told


@pytest.mark.parametrize("version", ["0.10", "0.12"])
def test_found_in_the_active_environment_then_on_the_path(version: str, tmp_path: Path) -> None:
    for folder in ("env/bin", "path"):
        program = tmp_path / folder / "hirope-ls"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    init = f"""
      vim.opt.runtimepath:prepend('{PLUGIN}')
      local find = require('hirope.find')
      print(find.program()[1], find.command('~/env/bin/hirope-ls')[2], (find.program('nowhere')))
      vim.env.VIRTUAL_ENV = '{tmp_path}/env'
      print(find.program()[1])"""
    told = start(version, tmp_path, init, path=f"{tmp_path}/path:/usr/bin:/bin")
    assert told.split() == [f"{tmp_path}/path/hirope-ls", "--stdio", "nil", f"{tmp_path}/env/bin/hirope-ls"]


@pytest.mark.parametrize("version", ["0.10", "0.12"])
def test_no_key_is_mapped_that_was_not_asked_for(version: str, tmp_path: Path) -> None:
    init = f"""
      vim.opt.runtimepath:prepend('{PLUGIN}')
      local before = #vim.api.nvim_get_keymap('i')
      require('hirope').setup{{ cmd = 'true' }}
      local added = {{}}
      for _, map in ipairs(vim.api.nvim_get_keymap('i')) do
        if not map.lhs:find('^<Plug>') then added[#added + 1] = map.lhs end
      end
      print(#added - before)"""
    assert start(version, tmp_path, init).strip() == "0"


def test_by_vim_pack(tmp_path: Path) -> None:
    """The plugin lies in a folder of the repository, which the manager clones whole."""
    init = f"""
      vim.pack.add({{ {{ src = 'file://{ROOT}', name = 'hirope-ls' }} }}, {{ confirm = false, load = function(plugin)
        vim.opt.runtimepath:prepend(plugin.path .. '/editors/nvim')
      end }})
      require('hirope').setup{{ cmd = 'true' }}
      print(vim.fn.exists(':Hirope'), vim.fn.mapcheck('<Plug>(hirope-accept)', 'i') ~= '')"""
    assert "2 true" in start("0.12", tmp_path, init)
