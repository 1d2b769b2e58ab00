"""Every shape of SUPPORTED.md is tried, and the file says what was found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import transformers
from hirope.refusals import REFUSED, refusal
from hirope.supported import CACHED, COMMAND, NEAR, SHAPES, TELLING, document
from hirope.trials import check

import hirope_ls.hirope

TABLE = Path(hirope_ls.hirope.__file__).parent / "SUPPORTED.md"


@pytest.fixture(autouse=True)
def _quiet():
    """transformers has something to say about many published configurations."""
    before = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    yield
    transformers.logging.set_verbosity(before)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_shape(shape):
    found = check(shape)
    if found is None:
        pytest.skip(f"transformers {transformers.__version__} has no {shape.classes[1]} like this")
    assert found.trained == shape.trained
    assert found.stock <= NEAR and found.oracle < NEAR and found.cached < CACHED
    if found.layers[0]:
        assert found.changed > TELLING, "the oracle could not tell hierarchical positions from plain ones"
    else:
        assert found.changed < NEAR, "there is nothing to change in this model"


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.published)
def test_refused(row):
    line = refusal(row)
    if line is None:
        pytest.skip(f"transformers {transformers.__version__} has no {row.family}Config")
    assert line and "\n" not in line


def test_the_table_is_what_was_found():
    text = TABLE.read_text(encoding="utf-8")
    version = re.search(r"Made with transformers ([\w.]+) by", text)
    assert version is not None
    if version[1] != transformers.__version__:
        pytest.skip(f"the table was made with transformers {version[1]}, not {transformers.__version__}")
    assert document() == text, f"run: {COMMAND}"
