"""What the figures say, in words: each verdict follows from a 95 % interval of differences file by file.

"better" and "worse" are said where the interval leaves 0 out, "level" where it holds 0. Knows figures only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hirope_ls.lab.eval.figures import LOWER_IS_BETTER
from hirope_ls.lab.reproduce.found import DIGITS, Figure, Found, verdict
from hirope_ls.lab.reproduce.plan import BASE, RIVALS

UNKNOWN = "not measured yet"


def rivals(found: Found) -> list[str]:
    """The methods that HiRoPE is held against."""
    return [method for method in RIVALS if method in found.methods]


def beside(found: Found, metric: str, other: str, length: int) -> tuple[str, Figure | None]:
    """What HiRoPE is beside another method at a length, and its difference from it."""
    difference = found.difference(metric, (BASE, length), (other, length))
    return verdict(difference, metric), difference


def by_length(found: Found, metric: str) -> list[str]:
    """A line for each length: HiRoPE against each rival."""
    return [f"{found.multiple(length)}: {_sorted(found, metric, length)}" for length in found.lengths]


def _sorted(found: Found, metric: str, length: int) -> str:
    told: dict[str, list[str]] = {"better": [], "equal": [], "level": [], "worse": []}
    for other in rivals(found):
        word, difference = beside(found, metric, other, length)
        if word and difference:
            word = "equal" if difference.mean == difference.error == 0 else word
            told[word].append(f"{other} ({difference.signed})" if word in ("level", "worse") else other)
    links = {"better": "better than", "equal": "equal to", "level": "level with", "worse": "worse than"}
    lines = [f"{links[word]} {', '.join(names)}" for word, names in told.items() if names]
    return "; ".join(lines) or UNKNOWN


def own_course(found: Found, metric: str) -> str:
    """HiRoPE against itself at the trained length: `2x better (-0.080 ± 0.030), 4x ...`."""
    longer = [length for length in found.lengths if length > found.origin]
    return ", ".join(f"{found.multiple(length)} {_against_origin(found, metric, length)}" for length in longer)


def _against_origin(found: Found, metric: str, length: int) -> str:
    difference = found.difference(metric, (BASE, length), (BASE, found.origin))
    word = verdict(difference, metric)
    return f"{word} ({difference.signed})" if word and difference else UNKNOWN


def no_worse_than_before(found: Found, metric: str, multiple: int = 16) -> str:
    """Whether HiRoPE at that multiple of the trained length is no worse than at 1x."""
    length = multiple * found.trained_length
    difference = found.difference(metric, (BASE, length), (BASE, found.trained_length))
    word = verdict(difference, metric)
    if not word or difference is None:
        return UNKNOWN
    return f"{'no' if word == 'worse' else 'yes'}: {word} ({difference.signed})"


def no_worse_than_rivals(found: Found, metric: str) -> str:
    """Whether HiRoPE is clearly worse than no rival at any length past the trained one; else than which, and where."""
    longer = [length for length in found.lengths if length > found.trained_length]
    told = [(length, other, *beside(found, metric, other, length)) for length in longer for other in rivals(found)]
    if not any(word for _, _, word, _ in told):
        return UNKNOWN
    worse = [
        f"{other} at {found.multiple(length)} ({difference.signed})"
        for length, other, word, difference in told
        if word == "worse" and difference
    ]
    open_at = {length for length, _, word, _ in told if not word}
    some = open_at & {length for length, _, word, _ in told if word}
    checked = ", ".join(found.multiple(length) for length in longer if length not in open_at)
    partly = "".join(f"; {found.multiple(length)} of the rivals measured there" for length in longer if length in some)
    return f"no: worse than {', '.join(worse)}" if worse else f"yes ({checked}{partly})"


def over_lengths(found: Found, metric: str) -> str:
    """Which rivals HiRoPE is clearly better than at every length, and where it is not for the others."""
    everywhere: list[str] = []
    others: dict[str, list[str]] = {}
    for other in rivals(found):
        words = {length: beside(found, metric, other, length)[0] for length in found.lengths}
        alike = everywhere if set(words.values()) == {"better"} else others.setdefault(_where(found, words), [])
        alike.append(other)
    told = [f"clearly better than {', '.join(everywhere)} at every distance"] if everywhere else []
    return "; ".join([*told, *(f"{', '.join(names)}: {where}" for where, names in others.items())]) or UNKNOWN


def _where(found: Found, words: Mapping[int, str]) -> str:
    """`better at 1x, level at 2x and 4x`"""
    told: dict[str, list[str]] = {}
    for length, word in words.items():
        told.setdefault(word or UNKNOWN, []).append(found.multiple(length))
    return ", ".join(f"{word} at {' and '.join(where)}" for word, where in told.items())


def short_prompts(found: Found, metric: str = "nll") -> str:
    """Whether prompts of the trained length and less measure as under plain RoPE, to the last digit shown."""
    short = [length for length in found.lengths if length <= found.trained_length]
    pairs = [(n, found.figure(BASE, n, metric), found.figure("rope", n, metric)) for n in short]
    known = [(n, ours, plain) for n, ours, plain in pairs if ours and plain]
    if not known:
        return UNKNOWN
    told = ", ".join(f"{_mean(ours)} and {_mean(plain)} at {n:,} tokens" for n, ours, plain in known)
    return f"{'yes' if all(ours == plain for _, ours, plain in known) else 'no'}: {told}"


def _mean(figure: Figure) -> str:
    return f"{figure.mean:.{DIGITS}f}"


def changes(found: Found, metric: str) -> list[str]:
    """Of methods held against HiRoPE: which are clearly better at some length, which clearly worse, which neither."""
    told: dict[str, list[str]] = {"better": [], "worse": [], "level": []}
    for method in (method for method in found.methods if method != BASE):
        at = _changed(found, metric, method)
        for word in at.keys() - {"level"} or at:
            told[word].append(f"`{method}` ({', '.join(at[word])})" if word != "level" else f"`{method}`")
    heads = {"better": f"clearly better than {BASE}", "worse": "clearly worse", "level": "level throughout"}
    return [f"{heads[word]}: {', '.join(names) or 'none'}" for word, names in told.items()]


def _changed(found: Found, metric: str, method: str) -> dict[str, list[str]]:
    """What a method is beside HiRoPE, and where: {"better": ["4x -0.020 ± 0.010"]}."""
    at: dict[str, list[str]] = {}
    for length in found.lengths:
        difference = found.difference(metric, (method, length), (BASE, length))
        word = verdict(difference, metric)
        if word and difference:
            at.setdefault(word, []).append(f"{found.multiple(length)} {difference.signed}")
    return at


def direction(metrics: Iterable[str]) -> str:
    """Which sign is good."""
    lower = [metric for metric in metrics if metric in LOWER_IS_BETTER]
    higher = [metric for metric in metrics if metric not in LOWER_IS_BETTER]
    told = [f"{_listed(names)}: {word} is better" for names, word in ((lower, "lower"), (higher, "higher")) if names]
    return "; ".join(told)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
