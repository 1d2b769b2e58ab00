"""Which quantised model folders can be loaded: told from config.json, and from what is installed.

Only weights may be quantised, and each in a way of its own: where activations are as well (LLM.int8, dynamic types),
a row may depend on the rows computed beside it, and what is cached would not be what is computed afresh. Imports
neither torch nor the packages it asks for. https://huggingface.co/docs/transformers/quantization/overview
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from hirope_ls.problems import ModelRefused

PACKAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "torchao": ("torchao", "accelerate"),
    "bitsandbytes": ("bitsandbytes", "accelerate"),
}
"""What each method needs beside transformers."""


def quantised_by(folder: Path, how: object) -> str | None:
    """The method of this `quantization_config`; None where there is none. Raises ModelRefused."""
    if not how:
        return None
    method = how.get("quant_method") if isinstance(how, dict) else None
    if not isinstance(how, dict) or not isinstance(method, str) or method not in PACKAGES:
        raise ModelRefused(f"{folder} is quantised by {method!r}: only {' and '.join(PACKAGES)} are supported")
    if not _weights_only(method, how):
        raise ModelRefused(
            f"{folder} is quantised in more than its weights: only torchao's ...WeightOnlyConfig and bitsandbytes in"
            " 4 bits keep what is cached exact"
        )
    require(method, str(folder))
    return method


def require(method: str, what: str) -> None:
    """Raises ModelRefused where `what` needs packages for this method that are not installed."""
    missing = [name for name in PACKAGES[method] if find_spec(name) is None]
    if missing:
        raise ModelRefused(
            f"{what} is quantised by {method}, which needs {' and '.join(missing)}: pip install 'hirope-ls[quantized]'"
        )


def _weights_only(method: str, how: Mapping[str, Any]) -> bool:
    if method == "bitsandbytes":
        return how.get("load_in_4bit") is True and not how.get("load_in_8bit")
    kind = how.get("quant_type")
    kind = kind.get("default") if isinstance(kind, dict) else None
    name = kind.get("_type") if isinstance(kind, dict) else None
    return isinstance(name, str) and name.endswith("WeightOnlyConfig")
