"""What is missing of a line, by how hard it is to say."""

from __future__ import annotations

import pytest

from hirope_ls.lab.eval.kinds import KINDS, hits, kinds


@pytest.mark.parametrize(
    ("before", "missing", "told"),
    [
        ("area = side\nside = ar", "ea", (KINDS[0], KINDS[3])),
        ("area = side\nside = ar", "ray", (KINDS[0], KINDS[4])),
        ("are = side\nside = are", "a + side", (KINDS[0], KINDS[4])),
        ("area = 1\n", "area = area", (KINDS[1], KINDS[3])),
        ("area = 1\n", "area = 20 * 30 + 17 - area", (KINDS[2], KINDS[3])),
        ("", "+ 1", (KINDS[0], KINDS[3])),
        ("side = 1\nreturn", " side    ", (KINDS[0], KINDS[3])),
        ("side = 1\nreturn ", "0xFF + 1e5 * side", (KINDS[1], KINDS[3])),
        ("grüße = 1\n", "grüße", (KINDS[0], KINDS[3])),
    ],
)
def test_each_line_has_two_kinds(before: str, missing: str, told: tuple[str, str]) -> None:
    assert kinds(missing, before) == told


def test_hits_are_counted_by_kind() -> None:
    found = hits([("ea", "area = ar", True), ("ea", "area = ar", False), ("new", "area = ", False)])
    assert found == {KINDS[0]: (1, 3), KINDS[3]: (1, 2), KINDS[4]: (0, 1)}
