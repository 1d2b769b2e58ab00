"""The methods that an evaluation compares, by the names and options that a user gives them.

`hirope:window=384:far=running` is HiRoPE with two of its choices changed. Each method is a value of `Scheme` (whose
constructors name their sources) and of `Units`. Knows no model, text or task.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from hirope_ls.engine.limits import Limits
from hirope_ls.hirope import Scheme, rivals
from hirope_ls.hirope.scheme import EVERY_PAIR
from hirope_ls.problems import InputError


@dataclass(frozen=True)
class Units:
    """How a text's units become positions.

    levels   2: (unit, token); 3: (file, unit, token).
    longest  tokens in a unit at most; None: half the trained length.
    count    units at most, as far as joining small ones goes; None: what the window leaves of the trained length.
    units    "syntax", or "even": equal stretches of 64 tokens, whatever stands in them.
    distance "order": units count in the order of the text; "tree": by distance in the tree of scopes from the unit at
             the end of the prompt, for the rows that are asked about (`lab.eval.scopes`).
    """

    levels: int = 2
    longest: int | None = None
    count: int | None = None
    units: str = "syntax"
    distance: str = "order"

    def limits(self, trained_length: int) -> Limits:
        """The limits that a model of that trained length gets."""
        own = Limits.of(trained_length)
        return Limits(self.longest or own.longest, self.count or own.count)


@dataclass(frozen=True)
class Method:
    """One way to give positions. `name`: as asked for, options included; `preset`: "default" or "paper" for HiRoPE,
    "" for its rivals, and the options where there are some."""

    name: str
    preset: str
    scheme: Scheme
    units: Units


_UNITS = ("levels", "longest", "count", "units", "distance")
_FIELDS = {
    "split": "split",
    "far": "far",
    "offset": "offset",
    "log": "log_scaling",
    "damping": "far_damping",
    "gain": "mention_gain",
    "switch": "row_switch",
}
_CHOICES = ("window", *_FIELDS, *_UNITS)


@dataclass(frozen=True)
class _Kind:
    """What a name stands for: `make(trained_length, **options)`, but for options that are fields, or the units'."""

    about: str
    preset: str
    make: Callable[..., Scheme]
    options: tuple[str, ...] = ()


def _hirope(trained_length: int, window: int | None = None) -> Scheme:
    scheme = Scheme.default(trained_length)
    return scheme if window is None else replace(scheme, window=window)


_KINDS = {
    "rope": _Kind("ordinary positions at every length: the stock model", "", Scheme.plain),
    "pi": _Kind("position interpolation", "", rivals.position_interpolation, ("factor",)),
    "ntk": _Kind("NTK-aware frequencies, for the length of the prompt", "", rivals.ntk, ("factor",)),
    "ntk-dynamic": _Kind("NTK-aware frequencies that grow with the prompt", "", rivals.ntk_dynamic, ("factor",)),
    "yarn": _Kind("YaRN, without its tuning", "", rivals.yarn, ("factor",)),
    "rerope": _Kind("ReRoPE: no distance beyond the window", "", rivals.rerope, ("window", "log", "damping", "gain")),
    "self-extend": _Kind("Self-Extend: far distances in groups", "", rivals.self_extend, ("window", "group", "log")),
    "window": _Kind("a sliding window with attention sinks", "", rivals.streaming, ("window", "sinks")),
    "hirope": _Kind("hierarchical positions, as they are served", "default", _hirope, _CHOICES),
    "hirope-paper": _Kind("hierarchical positions, the paper read literally", "paper", Scheme.paper, _CHOICES),
}
_BASELINE = _Kind("", "", Scheme.plain)
METHODS: dict[str, str] = {name: kind.about for name, kind in _KINDS.items()}


class _Option(NamedTuple):
    """What an option does, what it takes, in words, and how that is read: ValueError or KeyError if it is not that."""

    about: str
    takes: str
    read: Callable[[str], Any]


def _whole(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError
    return int(text)


def _positive(text: str) -> int:
    if not (found := _whole(text)):
        raise ValueError
    return found


def _number(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        raise ValueError
    return float(text)


def _split(text: str) -> int | None:
    named = {"natural": None, "all": EVERY_PAIR}
    return named[text] if text in named else _whole(text)


def _one_of(*words: str) -> Callable[[str], str]:
    return {word: word for word in words}.__getitem__


_YES_OR_NO = ("yes or no", {"yes": True, "no": False}.__getitem__)
_FROM_0, _FROM_1 = ("a whole number from 0 up", _whole), ("a whole number from 1 up", _positive)
_NUMBER = ("a number from 0 up", _number)
_OPTIONS = {
    "window": _Option("keys nearer than this keep ordinary positions", *_FROM_1),
    "split": _Option(
        "how many pairs, the fastest first, see the token level; natural: those that turned in training",
        "a whole number from 0 up, natural or all",
        _split,
    ),
    "far": _Option(
        "what fast pairs see of far keys",
        "clamped, running or restart",
        _one_of("clamped", "running", "restart"),
    ),
    "offset": _Option("far units are seen beyond the window", *_YES_OR_NO),
    "log": _Option("scores grow with the logarithm of the length", *_YES_OR_NO),
    "damping": _Option(
        "how much far text is damped as there is more of it; 1: as a whole it weighs what it did in training", *_NUMBER
    ),
    "gain": _Option("how much more units weigh that the near text mentions", *_NUMBER),
    "switch": _Option("rows within the trained length keep ordinary positions in long prompts too", *_YES_OR_NO),
    "levels": _Option("unit and token, or file, unit and token", "2 or 3", {"2": 2, "3": 3}.__getitem__),
    "longest": _Option("tokens of a unit; longer ones are cut at statements", *_FROM_1),
    "count": _Option("units; where there are more, small neighbours are joined", *_FROM_1),
    "units": _Option("functions and classes, or stretches of 64 tokens", "syntax or even", _one_of("syntax", "even")),
    "distance": _Option(
        "units in the order of the text, or by distance in the tree of scopes",
        "order or tree",
        _one_of("order", "tree"),
    ),
    "group": _Option("far positions of Self-Extend that count as one", *_FROM_1),
    "sinks": _Option("first tokens of the prompt that stay in sight", *_FROM_0),
    "factor": _Option("by how much frequencies are changed; without it by what the prompt needs", "a number", _number),
}
OPTIONS: dict[str, str] = {name: option.about for name, option in _OPTIONS.items()}


def methods(text: str, trained_length: int, baselines: Mapping[str, str] = MappingProxyType({})) -> tuple[Method, ...]:
    """The methods of a comma-separated list, options behind colons. Raises InputError, one line.

    baselines: names, with what they stand for, that are accepted as well, and say nothing of positions.
    """
    names = [word.strip() for word in text.split(",")]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"the method {twice!r} is asked for twice")
    return tuple(_method(name, trained_length, baselines) for name in names)


def _method(name: str, trained_length: int, baselines: Mapping[str, str]) -> Method:
    word, *given = name.split(":")
    kind = _BASELINE if word in baselines else _KINDS.get(word)
    if kind is None:
        raise InputError(f"there is no method {word!r}: choose from {', '.join([*METHODS, *baselines])}")
    options = _options(word, kind, given)
    units = Units(**{key: options.pop(key) for key in _UNITS if key in options})
    changes = {field: options.pop(key) for key, field in _FIELDS.items() if key in options}
    try:
        scheme = replace(kind.make(trained_length, **options), **changes)
        _check(scheme, units)
        return Method(name, ":".join(given) or kind.preset, scheme, units)
    except ValueError as error:
        raise InputError(f"{name}: {error}") from None


def _check(scheme: Scheme, units: Units) -> None:
    """Raises ValueError for choices that exclude each other."""
    if units.distance == "tree" and scheme.mention_gain:
        raise ValueError("distance=tree does not tell units apart that are equally far, as mentions must: add gain=0")
    if scheme.split == EVERY_PAIR and (units.levels, units.distance) != (2, "order"):
        raise ValueError("levels and distance are seen by slow pairs alone, and here there are none: add split=natural")
    if units.levels == 3 and (units.units, units.distance) != ("syntax", "order"):
        raise ValueError("levels=3 goes with units=syntax and distance=order")


def _options(method: str, kind: _Kind, given: Sequence[str]) -> dict[str, Any]:
    """{"window": 384} of ["window=384"]."""
    options: dict[str, Any] = {}
    for text in given:
        key, _, value = text.partition("=")
        if key not in kind.options:
            there = f"it has {', '.join(kind.options)}" if kind.options else "it has none"
            raise InputError(f"{method} has no option {key!r}: {there}")
        if key in options:
            raise InputError(f"{method} is given {key} twice")
        try:
            options[key] = _OPTIONS[key].read(value)
        except (ValueError, KeyError):
            raise InputError(f"{method}: {key} is {value!r}, but takes {accepted(key)}") from None
    return options


def accepted(option: str) -> str:
    """What an option takes, in words."""
    return _OPTIONS[option].takes


def options_of(method: str) -> tuple[str, ...]:
    """The names of a method's options."""
    return _KINDS[method].options
