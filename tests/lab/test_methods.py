"""Names and options of methods: what each stands for, and one line for what is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hirope_ls.engine.limits import Limits
from hirope_ls.hirope import Scheme, rivals
from hirope_ls.hirope.scheme import EVERY_PAIR
from hirope_ls.lab.methods import METHODS, OPTIONS, Method, Units, accepted, methods, options_of
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
        ("split=natural", {"split": None}),
        ("split=all", {"split": EVERY_PAIR}),
        ("far=running", {"far": "running"}),
        ("far=restart", {"far": "restart"}),
        ("offset=no", {"offset": False}),
        ("log=no", {"log_scaling": False}),
        ("damping=0.25", {"far_damping": 0.25}),
        ("gain=1.5", {"mention_gain": 1.5}),
        ("switch=no", {"row_switch": False}),
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


@pytest.mark.parametrize(
    "text, scheme",
    [
        ("pi", rivals.position_interpolation(512)),
        ("pi:factor=8", rivals.position_interpolation(512, 8.0)),
        ("ntk:factor=2.5", rivals.ntk(512, 2.5)),
        ("ntk-dynamic", rivals.ntk_dynamic(512)),
        ("yarn:factor=16", rivals.yarn(512, 16.0)),
        ("rerope", rivals.rerope(512)),
        ("rerope:window=128:log=no", rivals.rerope(512, 128, log_scaling=False)),
        ("rerope:damping=1", replace(rivals.rerope(512), far_damping=1.0)),
        ("self-extend", rivals.self_extend(512)),
        ("self-extend:window=128:group=16", rivals.self_extend(512, 128, 16)),
        ("self-extend:log=yes", replace(rivals.self_extend(512), log_scaling=True)),
        ("window", rivals.streaming(512)),
        ("window:window=300:sinks=0", rivals.streaming(512, 300, 0)),
        ("window:sinks=16", rivals.streaming(512, None, 16)),
    ],
)
def test_rivals_and_their_options(text: str, scheme: Scheme):
    assert one(text) == Method(text, text.partition(":")[2], scheme, Units())


def test_choices_of_the_units():
    method = one("hirope:split=natural:levels=3:longest=128:count=64")
    assert method.units == Units(levels=3, longest=128, count=64)
    assert method.scheme == replace(DEFAULT, split=None)
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
        ("pi:factor=0.5", "pi:factor=0.5: "),
        ("yarn:window=128", "yarn has no option 'window': it has factor"),
        ("self-extend:group=0", "self-extend: group is '0', but takes a whole number from 1 up"),
        ("window:window=500:sinks=100", "window:window=500:sinks=100: sinks must be from 0"),
        ("hirope:levels=3", "hirope:levels=3: levels and distance are seen by slow pairs alone"),
        ("hirope:levels=4", "hirope: levels is '4', but takes 2 or 3"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, told: str):
    with pytest.raises(InputError) as caught:
        methods(text, 512)
    assert str(caught.value).startswith(told) and "\n" not in str(caught.value)


def test_every_option_is_explained_and_belongs_to_a_method():
    assert set(OPTIONS) == {option for name in METHODS for option in options_of(name)}
    assert all(accepted(option) for option in OPTIONS)
