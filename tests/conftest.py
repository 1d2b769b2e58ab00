"""The machine code of `hirope_ls.compiled` is made once, before the first test that could meet it half made."""

import os
from collections.abc import Iterator

import pytest

from hirope_ls.compiled import build


@pytest.fixture(autouse=True, scope="session")
def compiled():
    for kind in build.KINDS:
        build.make(kind)


@pytest.fixture(autouse=True, scope="session")
def no_user_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whoever runs the tests may have settings of their own: these do not count here."""
    former = os.environ.get("XDG_CONFIG_HOME")
    os.environ["XDG_CONFIG_HOME"] = str(tmp_path_factory.mktemp("config"))
    yield
    if former is None:
        del os.environ["XDG_CONFIG_HOME"]
    else:
        os.environ["XDG_CONFIG_HOME"] = former
