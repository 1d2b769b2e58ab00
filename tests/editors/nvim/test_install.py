"""How people install the plugin, and what they are told where the server is missing; in real Neovims."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from editors.home import ROOT, environment, fenced, furnish
from editors.nvim.conftest import PLUGIN, Session, command
from editors.nvim.install import lazy
from editors.nvim.test_nvim import suggest

PYTHON: Final = """#!/bin/sh
mkdir -p "$3/bin"
cat > "$3/bin/pip" <<'END'
#!/bin/sh
test -e "$2/pyproject.toml" && cp ~/hirope-ls.sh ~/.hirope-ls/bin/hirope-ls
END
chmod +x "$3/bin/pip"
"""
"""Makes an environment whose pip knows one package."""

MESSAGES: Final = "return vim.api.nvim_exec2('messages', { output = true }).output"


def start(version: str, home: Path, init: str, *words: str, path: str = "/usr/bin:/bin") -> str:
    """What a Neovim without a screen prints that reads `init` and ends."""
    file = home / "init.lua"
    file.write_text(init)
    done = subprocess.run(
        [*command(version), "--headless", "-u", str(file), *words, "+qall!"],
        env=environment(home) | {"PATH": path},
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
    assert (
        told.count("hirope-ls is not found") == 1
        and f"python3 -m venv ~/.hirope-ls && ~/.hirope-ls/bin/pip install '{ROOT}'" in told
    )
    assert 'there is no option "colour"' in told


@pytest.mark.parametrize("version", ["0.10", "0.12"])
def test_found_in_the_active_environment_then_on_the_path_then_where_it_installs(version: str, tmp_path: Path) -> None:
    for folder in ("env/bin", "path", ".hirope-ls/bin"):
        program = tmp_path / folder / "hirope-ls"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    init = f"""
      vim.opt.runtimepath:prepend('{PLUGIN}')
      local find = require('hirope.find')
      local found = {{ find.program()[1], find.command('~/env/bin/hirope-ls')[2], tostring(find.program('nowhere')) }}
      vim.env.VIRTUAL_ENV = '{tmp_path}/env'
      found[4] = find.program()[1]
      vim.env.VIRTUAL_ENV, vim.env.PATH = nil, '/usr/bin:/bin'
      found[5] = find.program()[1]
      print(table.concat(found, ' '))"""
    told = start(version, tmp_path, init, path=f"{tmp_path}/path:/usr/bin:/bin")
    places = [f"{tmp_path}/{folder}/hirope-ls" for folder in ("path", "env/bin", ".hirope-ls/bin")]
    assert told.split() == [places[0], "--stdio", "nil", *places[1:]]


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


@pytest.mark.parametrize("version", ["0.10", "0.12"])
def test_it_installs_the_server_where_there_is_none(version: str, tmp_path: Path) -> None:
    """Up to pip itself, in whose place a program puts the server of this tree."""
    words = command(version)
    from editors.nvim.neovim import Neovim

    furnish(tmp_path)
    (tmp_path / "bin" / "hirope-ls").rename(tmp_path / "hirope-ls.sh")
    python = tmp_path / "bin" / "python3"
    python.write_text(PYTHON)
    python.chmod(0o755)
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "init.lua").write_text(f"vim.opt.runtimepath:prepend('{PLUGIN}') require('hirope').setup()")
    with Neovim([*words, "-u", str(tmp_path / "init.lua")], environment(tmp_path), tmp_path, (100, 30)) as nvim:
        nvim.command("edit a.py")
        nvim.wait(lambda: "Hirope install" in nvim.lua(MESSAGES), "what to do")
        nvim.keys(":Hirope install<CR>")
        nvim.wait(lambda: "Run `python3" in nvim.screen.text(), "a question")
        nvim.keys("y")
        nvim.wait(lambda: nvim.lua("return require('hirope.session').state") == "ready", "the server")
        assert nvim.lua("return require('hirope.find').program()[1]") == f"{tmp_path}/.hirope-ls/bin/hirope-ls"


def by_hand() -> str:
    return fenced(ROOT / "README.md", "lua")[1]


def by_lazy() -> str:
    """In the Lua that lazy.nvim's own page tells to write."""
    try:
        folder = lazy()
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"lazy.nvim cannot be fetched: {error}")
    spec = fenced(ROOT / "README.md", "lua")[0]
    return f"vim.opt.rtp:prepend('{folder}') require('lazy').setup({{ spec = {{ {spec} }} }})"


def by_pack() -> str:
    """The plugin lies in a folder of the repository, which Neovim clones whole, if the user agrees."""
    init = (PLUGIN / "doc" / "hirope.txt").read_text().split(">lua\n")[3].split("\n<")[0]
    return init.replace("file:///home/me/hirope-ls", f"file://{ROOT}")


WAYS: Final = (("0.10", by_hand), ("0.12", by_hand), ("0.10", by_lazy), ("0.12", by_lazy), ("0.12", by_pack))


@pytest.mark.parametrize(("version", "way"), WAYS, ids=[f"{version}-{way.__name__}" for version, way in WAYS])
def test_installed_as_documented_it_suggests(version: str, way: Callable[[], str], tmp_path: Path) -> None:
    """With the words of the documentation, the clone in ~/hirope-ls and the server on the PATH."""
    words = command(version)
    from editors.nvim.neovim import Neovim

    trail = furnish(tmp_path)
    folder = tmp_path / "config" / "nvim"
    folder.mkdir(parents=True)
    (folder / "init.lua").write_text(way())
    with Neovim(words, environment(tmp_path), tmp_path, (100, 30)) as nvim:
        session = Session(nvim, tmp_path, trail, version, "own" if version == "0.10" else "builtin")
        if way is by_pack:
            nvim.wait(lambda: "Proceed?" in nvim.screen.text(), "a question")
            nvim.keys("y")
        nvim.wait(lambda: nvim.lua("return vim.fn.exists(':Hirope')") == 2, "the plugin")
        shown = suggest(session)
        before = nvim.text
        nvim.keys("<Tab>")
        nvim.wait(lambda: nvim.text == before + shown, "the text")
