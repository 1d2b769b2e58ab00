"""The extension's manifest and sources against the server's tables: needs neither node nor a network."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from editors.vscode.install import OLDEST

from hirope_ls.config import SETTINGS
from hirope_ls.config.generated import COMMAND, vscode_configuration
from hirope_ls.syntax.languages import LANGUAGES

EXTENSION = Path(__file__).parents[3] / "editors" / "vscode"
INSTALL = json.loads((EXTENSION.parent / "install.json").read_text(encoding="utf-8"))
MANIFEST = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
PROPERTIES = MANIFEST["contributes"]["configuration"]["properties"]


def test_its_settings_are_the_servers() -> None:
    own = PROPERTIES.pop("hirope-ls.path")
    assert json.loads(json.dumps(vscode_configuration()["properties"])) == PROPERTIES, f"run: {COMMAND}"
    assert len(PROPERTIES) == len(SETTINGS)
    assert own["scope"] == "machine"


def test_what_names_a_path_never_comes_from_a_workspace() -> None:
    restricted = MANIFEST["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"]
    scoped = [name for name, each in PROPERTIES.items() if each.get("scope") == "machine"]
    assert set(scoped) | {"hirope-ls.path"} == set(restricted)


def test_every_command_of_the_manifest_is_registered() -> None:
    source = (EXTENSION / "src" / "extension.ts").read_text(encoding="utf-8")
    table = source[source.index("...commands({") : source.index("    }),")]
    registered = set(re.findall(r"^      (\w+)(?:[:,])", table, re.MULTILINE))
    assert registered == {each["command"].removeprefix("hirope-ls.") for each in MANIFEST["contributes"]["commands"]}


def test_its_languages_are_the_servers() -> None:
    source = (EXTENSION / "src" / "languages.ts").read_text(encoding="utf-8")
    listed = re.findall(r'^  "([\w-]+)",$', source, re.MULTILINE)
    known = {name: language for language in LANGUAGES for name in language.language_ids}
    assert set(listed) <= set(known)
    missing = {language.name for language in LANGUAGES} - {known[name].name for name in listed}
    assert not missing


def test_every_picture_that_is_named_is_there() -> None:
    text = (EXTENSION / "README.md").read_text(encoding="utf-8") + json.dumps(MANIFEST)
    named = set(re.findall(r"images/[\w-]+\.png", text))
    assert named
    assert [name for name in named if not (EXTENSION / name).is_file()] == []


def test_the_oldest_vscode_is_the_one_that_is_tested() -> None:
    assert MANIFEST["engines"]["vscode"] == f"^{OLDEST.vscode}"
    text = (EXTENSION / "README.md").read_text(encoding="utf-8")
    assert f"VS Code {OLDEST.vscode.rpartition('.')[0]} " in text


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "editors/vscode/README.md",
        "editors/vscode/walkthrough/install.md",
        "editors/nvim/doc/hirope.txt",
    ],
)
def test_one_command_installs_the_server_wherever_it_is_named(name: str) -> None:
    text = (EXTENSION.parents[1] / name).read_text(encoding="utf-8")
    assert INSTALL["command"] in text
    assert "pip install hirope-ls" not in text, "it is on no index yet"


def test_neovim_makes_the_same_command_for_the_clone_it_lies_in() -> None:
    text = (EXTENSION.parent / "nvim" / "lua" / "hirope" / "find.lua").read_text(encoding="utf-8")
    clone, environment = f"~/{INSTALL['clone']}", f"~/{INSTALL['environment']}"
    assert f"'{INSTALL['command'].replace(environment, '%s').replace(clone, '%s')}'" in text
    assert f"'{clone}'" in text
    assert f"'{environment}'" in text


def test_the_command_that_installs_uses_the_folders_it_names() -> None:
    clone, environment = INSTALL["clone"], INSTALL["environment"]
    made = f"python3 -m venv ~/{environment} && ~/{environment}/bin/pip install ~/{clone}"
    assert INSTALL["command"] == made
