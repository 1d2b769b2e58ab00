"""Other training-free ways past the trained length, each a value of `Scheme`, on the same unrotated keys.

None looks at units. A prompt that fits the trained length L is the stock model's under each; in a longer one the rows
below L are, too, where text is split into near and far, and no row is where frequencies are stretched.
"""

from __future__ import annotations

from dataclasses import replace

from hirope_ls.hirope.frequencies import Stretch
from hirope_ls.hirope.scheme import EVERY_PAIR, Scheme


def position_interpolation(trained_length: int, factor: float | None = None) -> Scheme:
    """All positions divided by `factor`, T / L where None (Chen et al. 2023, arXiv 2306.15595)."""
    return _stretching(trained_length, Stretch("pi", factor))


def ntk(trained_length: int, factor: float | None = None) -> Scheme:
    """NTK-aware RoPE: the base grown by factor^(d / (d - 2)) (bloc97 2023, r/LocalLLaMA 14lz7j5)."""
    return _stretching(trained_length, Stretch("ntk", factor))


def ntk_dynamic(trained_length: int, factor: float | None = None) -> Scheme:
    """NTK-aware RoPE that grows with the prompt (emozilla 2023, r/LocalLLaMA 14mrgpr; "dynamic" of transformers)."""
    return _stretching(trained_length, Stretch("ntk-dynamic", factor))


def yarn(trained_length: int, factor: float | None = None) -> Scheme:
    """YaRN: interpolation by parts, and sharper scores (Peng et al. 2023, arXiv 2309.00071), without its tuning."""
    return _stretching(trained_length, Stretch("yarn", factor))


def rerope(trained_length: int, window: int | None = None, log_scaling: bool = True) -> Scheme:
    """ReRoPE: no distance is larger than the window, L // 2 where None (Su 2023, github.com/bojone/rerope).

    log_scaling: queries times ln(i) / ln(L) past L as its code has them, which counts rows from 1, as we from 0.
    """
    window = trained_length // 2 if window is None else window
    return Scheme(trained_length, window, split=EVERY_PAIR, far="clamped", log_scaling=log_scaling)


def self_extend(trained_length: int, window: int | None = None, group: int | None = None) -> Scheme:
    """Self-Extend: far indices divided by `group` and rounded down (Jin et al. 2024, arXiv 2401.01325).

    group None: the smallest that keeps all distances of the prompt below L. The paper fixes it for the longest text
    that a model is to read; a group larger than a prompt needs blurs its order for nothing, so this is the kinder
    choice at each length. window None: L // 2, with which a group of 64 serves 32 L tokens.
    """
    window = trained_length // 2 if window is None else window
    return Scheme(trained_length, window, split=EVERY_PAIR, far="grouped", group=group, log_scaling=False)


def streaming(trained_length: int, window: int | None = None, sinks: int = 4) -> Scheme:
    """StreamingLLM: the first `sinks` keys and a window, all else forgotten (Xiao et al. 2023, arXiv 2309.17453).

    Positions are those inside the cache that holds just these keys. window None: what is left of L.
    """
    if window is None:
        window = min(trained_length - sinks, trained_length - 1)
    return Scheme(trained_length, window, split=EVERY_PAIR, far="cached", sinks=sinks, log_scaling=False)


def _stretching(trained_length: int, stretch: Stretch) -> Scheme:
    return replace(Scheme.plain(trained_length), stretch=stretch)
