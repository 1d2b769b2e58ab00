"""Names and options of methods: what each stands for, and one line for what is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hirope_ls.engine.limits import Limits
from hirope_ls.hirope import Scheme
from hirope_ls.lab.methods import METHODS, Method, Units, methods
from hirope_ls.problems import InputError

DEFAULT = Scheme.default(512)


def one(text: str) -> Method:
    (method,) = methods(text, 512)
    return method


def test_the_presets():
    assert one("hirope") == Method("hirope", "default", DEFAULT, Units())
    assert one("hirope-paper") == Method("hirope-paper", "paper", Scheme.paper(512), Units())
    assert one("rope") == Method("rope", "", Scheme.plain(512), Units())


def test_several_methods_keep_their_order():
    assert [method.name for method in methods("rope, hirope-paper,hirope", 512)] == ["rope", "hirope-paper", "hirope"]


@pytest.mark.parametrize(
    "option, changes",
    [
        ("window=384", {"window": 384}),
        ("split=0", {"split": 0}),
        ("far=running", {"far": "running"}),
        ("far=restart", {"far": "restart"}),
        ("offset=no", {"offset": False}),
        ("log=no", {"log_scaling": False}),
        ("damping=0.5", {"far_damping": 0.5}),
        ("damping=0:log=yes:offset=yes:far=clamped", {"far_damping": 0.0}),
    ],
)
def test_choices_of_the_scheme(option: str, changes: dict[str, object]):
    method = one(f"hirope:{option}")
    assert method == Method(f"hirope:{option}", option, replace(DEFAULT, **changes), Units())


def test_the_paper_has_the_same_choices():
    method = one("hirope-paper:offset=yes:window=128")
    assert method.scheme == replace(Scheme.paper(512), offset=True, window=128)
    assert method.preset == "offset=yes:window=128"


def test_choices_of_the_units():
    method = one("hirope:levels=3:longest=128:count=64")
    assert method.units == Units(levels=3, longest=128, count=64)
    assert method.scheme == DEFAULT
    assert method.units.limits(512) == Limits(longest=128, count=64)
    assert one("hirope:count=64").units.limits(512) == Limits(longest=256, count=64)
    assert Units().limits(512) == Limits.of(512)


def test_every_name_can_be_asked_for():
    found = methods(",".join(METHODS), 512)
    assert [method.name for method in found] == list(METHODS)
    assert len({method.scheme for method in found}) == len(found)
    assert all(method.scheme.trained_length == 512 for method in found)


@pytest.mark.parametrize(
    "text, told",
    [
        ("yarm", f"there is no method 'yarm': choose from {', '.join(METHODS)}"),
        ("", "there is no method ''"),
        ("rope,,hirope", "there is no method ''"),
        ("rope,hirope,rope", "the method 'rope' is asked for twice"),
        ("rope:window=3", "rope has no option 'window': it has none"),
        ("hirope:wind=3", "hirope has no option 'wind': it has window, split, far"),
        ("hirope:window=384:window=2", "hirope is given window twice"),
        ("hirope:window", "hirope: window is '', but takes a whole number from 1 up"),
        ("hirope:window=0", "hirope: window is '0', but takes a whole number from 1 up"),
        ("hirope:window=x", "hirope: window is 'x', but takes a whole number from 1 up"),
        ("hirope:window=512", "hirope:window=512: window must be from 2 to trained_length - 1, not 512"),
        ("hirope:damping=nan", "hirope: damping is 'nan', but takes a number from 0 up"),
        ("hirope:far=near", "hirope: far is 'near', but takes clamped, running or restart"),
        ("hirope:offset=maybe", "hirope: offset is 'maybe', but takes yes or no"),
        ("hirope:levels=4", "hirope: levels is '4', but takes 2 or 3"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, told: str):
    with pytest.raises(InputError) as caught:
        methods(text, 512)
    assert str(caught.value).startswith(told) and "\n" not in str(caught.value)
