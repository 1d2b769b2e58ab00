"""What the tests in real VS Codes share: they run when they are asked for, with a package that is built once."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

import pytest
from editors.home import ASKED

from editors.vscode import browser, install

PATIENCE_S: Final = 2400
SHORT: Final = "test_manifest.py"  # needs neither node nor a network


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and item.path.name != SHORT:
            item.add_marker(pytest.mark.timeout(PATIENCE_S))
            if not ASKED:
                item.add_marker(pytest.mark.skip(reason="runs with HIROPE_EDITORS=1"))


@pytest.fixture(scope="session")
def editors(pytestconfig: pytest.Config) -> None:
    """VS Codes and a browser are there; the fetching is shown whatever pytest captures."""
    if lacking := install.missing():
        pytest.skip(f"{lacking} is not on this machine")
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    try:
        with capture.global_and_fixture_disabled():
            browser.install(install.tell)
            for release in install.RELEASES:
                install.install(release)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"VS Code cannot be fetched: {error}")


@pytest.fixture(scope="session")
def package(editors: None) -> Path:
    """The extension as users install it."""
    return install.package()
