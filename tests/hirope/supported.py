"""SUPPORTED.md, written from what is tried here and now.

PYTHONPATH=tests python -m hirope.supported hirope_ls/hirope/SUPPORTED.md
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path

import torch
import transformers
from hirope.families import FAMILIES
from hirope.families_more import MORE_FAMILIES
from hirope.refusals import REFUSED, refusal
from hirope.ropes import rope_fields, rope_type
from hirope.shapes import Shape
from hirope.trials import Checked, check

SHAPES = [*FAMILIES, *MORE_FAMILIES]
COMMAND = "PYTHONPATH=tests python -m hirope.supported hirope_ls/hirope/SUPPORTED.md"
NEAR = 1e-4  # stock tables hold float32 angles, hence not less
TELLING = 100 * NEAR  # what hierarchical positions must change at least, for the comparison to mean anything
CACHED = 1e-6

_INTRODUCTION = """# Which models hirope supports

Made with transformers {version} by `{command}`, and held to that by a test. Do not edit it by hand.

Each row is a shape of model: the fields about positions as the configurations of the models named have them. They were
written down by hand and the models are examples: where a number matters, look into the config.json at hand.
A tiny random model of that shape (lengths and bases divided by one number, so that the trained length is 48 to 320
tokens) is run in float64, stock and patched; published weights were not run for this table. A model that is not named
here is judged in the same way when it is patched: by its configuration, then by what its layers do with four tokens.
What is not understood is refused in one line, and the model is left as it was.

- **Trained length**, in tokens: what `trained_length` takes from the configuration; up to there positions are ordinary.
  It is `max_position_embeddings`, and the factor of linear or llama3 scaling is not counted again, because such models
  were trained with it. YaRN counts as what its frequencies were stretched to, `original_max_position_embeddings` times
  `factor`; longrope as its original length, since its short form is used; `"hirope": {{"trained_length": n}}` in
  config.json has the last word.
- **Changed**: how many layers of the tiny model get hierarchical positions beyond the trained length. Layers with a
  sliding window keep ordinary positions; layers without rotary positions have none to change.
- **Up to it**: patched against stock up to the trained length, at once and in chunks: largest difference of the logits.
- **Beyond it**: patched against the dense formula of `reference.py` beyond the trained length, presets `default` and
  `paper`. The formula's frequencies are computed from the fields by the test, not by transformers. (Rotary tables hold
  float32 angles, hence {near:g}; plain positions differ by {telling:g} at least wherever a layer is changed.)
- With a cache, in chunks, logits differ from those without by less than {cached:g} in every row.
"""


def document() -> str:
    """The whole file. Models that the installed transformers lacks are left out."""
    introduction = _INTRODUCTION.format(
        command=COMMAND, version=transformers.__version__, near=NEAR, telling=TELLING, cached=CACHED
    )
    supported = [_supported(shape, found) for shape in SHAPES if (found := check(shape)) is not None]
    heads = ("Model", "Published", "Rotary positions", "Trained length", "Changed", "Up to it", "Beyond it", "Remarks")
    refused = _table(("Why", "Models", "Class"), _refused())
    return f"{introduction}\n## Supported\n\n{_table(heads, supported)}\n## Refused\n\n{_REFUSED}\n{refused}"


_REFUSED = """By the configuration where that tells, otherwise when a tiny model was patched. Classes without `Config`.
"""


def _supported(shape: Shape, found: Checked) -> tuple[str, ...]:
    changed = f"{found.layers[0]} of {found.layers[1]}"
    lengths, model = f"{found.trained:,}".replace(",", " "), f"{shape.name} (`{shape.classes[1]}`)"
    stock = "equal bit by bit" if found.stock == 0 else bound(found.stock)
    return model, shape.published, convention(shape), lengths, changed, stock, bound(found.oracle), shape.remark


def bound(difference: float) -> str:
    """Rough on purpose: the table must not differ between machines."""
    return f"< {NEAR:g}" if difference < NEAR else "**wrong**"


def convention(shape: Shape) -> str:
    """How heads are turned, for people: pairing, share, base, scaling."""
    rope = rope_fields(shape.fields)
    parts = [shape.pairing, f"{shape.share:.0%} of a head" if shape.share < 1 else "", f"base {_base(rope)}"]
    factor = f" × {rope['factor']:g}" if "factor" in rope else ""
    kind = rope_type(rope)
    parts.append("" if kind == "default" else f"{kind}{factor}")
    if "s" in shape.layers:
        parts.append(_sliding_base(shape, _base(rope)))
    return ", ".join(part for part in parts if part)


def _sliding_base(shape: Shape, base: str) -> str:
    local = _base(rope_fields(shape.local or shape.fields, "sliding_attention"))
    return f"sliding layers: base {local}" if local != base else ""


def _base(rope: dict[str, float]) -> str:
    return f"{float(rope['rope_theta']):,.0f}".replace(",", " ")


def _refused() -> list[tuple[str, ...]]:
    """One row for each reason, in the order of REFUSED."""
    models, classes = defaultdict(list), defaultdict(list)
    for row in REFUSED:
        line = refusal(row)
        if line is not None:
            reason = re.sub(r"^\w+ForCausalLM ", "", line)
            models[reason].append(row.published)
            classes[reason].append(f"`{row.family}`")
    return [(reason, "; ".join(models[reason]), ", ".join(dict.fromkeys(classes[reason]))) for reason in models]


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


if __name__ == "__main__":
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    for path in sys.argv[1:]:
        Path(path).write_text(document(), encoding="utf-8")
