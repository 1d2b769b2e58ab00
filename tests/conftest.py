"""The machine code of `hirope_ls.compiled` is made once, before the first test that could meet it half made."""

import pytest

from hirope_ls.compiled import build


@pytest.fixture(autouse=True, scope="session")
def compiled():
    for kind in build.KINDS:
        build.make(kind)
