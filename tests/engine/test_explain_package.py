"""Ten calls into distant functions of an installed package: each fact beside what Python itself says of it."""

from __future__ import annotations

import pytest
from installed import CALLS, Call, read_package

from hirope_ls.engine.explain import facts_about, target


@pytest.mark.parametrize("call", CALLS["rich"], ids=lambda call: call.dotted)
def test_the_facts_are_what_python_says(call: Call) -> None:
    package = read_package("rich")
    view, offset = package.view(call)
    found = target(view, offset)
    assert found is not None and found.sure, found
    facts = facts_about(view, found.candidates[0], offset)
    assert facts is not None
    package.compare(call, view, offset, facts)
