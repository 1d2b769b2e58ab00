"""Code models worth choosing: what their public configurations and cards say. Data; nothing here was measured.

`config` has the fields of the published config.json that sizes follow from; a test makes each model of them, without
weights, and counts its parameters. A revision is given where several independent public sources name the same commit
of the main branch; where none could be found, the branch is what there is. Licences are called as the hub calls them,
but for Stability's, whose name there changed with its terms. Imports nothing that could reach a network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hirope_ls.model.families import FimOrder
from hirope_ls.model.memory import Need, Shape

PERMISSIVE: Final = frozenset(
    {"apache-2.0", "mit", "bsd", "bsd-2-clause", "bsd-3-clause", "isc", "cc0-1.0", "unlicense", "0bsd", "zlib"}
)
"""Licences that allow any use, as the hub names them."""

_TERMS: Final[Mapping[str, str]] = {
    "bigcode-openrail-m": "any use but some that it lists",
    "deepseek-license": "also commercial use, but for some that it lists",
    "gemma": "terms of use, to be accepted on the hub",
    "llama2": "terms of use; not for services with over 700 million users",
    "mnpl": "**not for production**, research and tests only",
    "qwen-research": "**not for commercial use**",
    "stability": "**not for commercial use** without a membership",
}


@dataclass(frozen=True)
class Entry:
    """One model. `revision` is the commit, or empty for the main branch. `config`: see above."""

    name: str
    revision: str
    licence: str
    order: FimOrder
    parameters: int
    config: Mapping[str, Any]

    @property
    def pinned(self) -> str:
        """The model as `hirope-ls fetch` takes it."""
        return f"{self.name}@{self.revision}" if self.revision else self.name

    @property
    def terms(self) -> str:
        """What the licence asks, in a few words; empty where it asks nothing of users."""
        return _TERMS.get(self.licence, "")

    @property
    def trained_length(self) -> int:
        return int(self.config["max_position_embeddings"])

    @property
    def shape(self) -> Shape:
        shape = Shape.of(self.config)
        assert shape is not None, self.name
        return shape

    @property
    def window(self) -> int:
        """How far back the layers look, where all of them look through a window; else 0."""
        return int(self.config.get("sliding_window") or 0)

    def need(self, itemsize: int) -> Need:
        """What it takes of memory, computing in numbers of so many bytes."""
        return Need(self.parameters * itemsize, self.shape, itemsize)


def find(name: str) -> Entry | None:
    """The model of that name on the hub."""
    return next((entry for entry in CATALOGUE if entry.name == name), None)


def _qwen(layers: int, hidden: int, heads: int, kv_heads: int, inner: int, tied: bool) -> dict[str, Any]:
    return _config("qwen2", layers, hidden, heads, kv_heads, inner, 32_768, 151_936 if tied else 152_064, tied)


def _starcoder(layers: int, hidden: int, heads: int, kv_heads: int, tied: bool) -> dict[str, Any]:
    made = _config("starcoder2", layers, hidden, heads, kv_heads, 4 * hidden, 16_384, 49_152, tied)
    return made | {"sliding_window": 4096}


def _config(
    kind: str, layers: int, hidden: int, heads: int, kv_heads: int, inner: int, length: int, words: int, tied: bool
) -> dict[str, Any]:
    return {
        "model_type": kind,
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "intermediate_size": inner,
        "max_position_embeddings": length,
        "vocab_size": words,
        "tie_word_embeddings": tied,
    }


_APACHE, _OPENRAIL = "apache-2.0", "bigcode-openrail-m"
_BIASED: Final = {"attention_bias": True, "mlp_bias": True}
CATALOGUE: Final = (
    Entry(
        "Qwen/Qwen2.5-Coder-0.5B",
        "8123ea2e9354afb7ffcc6c8641d1b2f5ecf18301",
        _APACHE,
        "psm",
        494_032_768,
        _qwen(24, 896, 14, 2, 4864, True),
    ),
    Entry(
        "Qwen/Qwen2.5-Coder-1.5B",
        "df3ce67c0e24480f20468b6ef2894622d69eb73b",
        _APACHE,
        "psm",
        1_543_714_304,
        _qwen(28, 1536, 12, 2, 8960, True),
    ),
    Entry(
        "google/codegemma-2b",
        "",
        "gemma",
        "psm",
        2_506_172_416,
        _config("gemma", 18, 2048, 8, 1, 16_384, 8192, 256_000, True) | {"head_dim": 256},
    ),
    Entry(
        "bigcode/starcoder2-3b",
        "733247c55e3f73af49ce8e9c7949bf14af205928",
        _OPENRAIL,
        "psm",
        3_030_371_328,
        _starcoder(30, 3072, 24, 2, True),
    ),
    Entry(
        "Qwen/Qwen2.5-Coder-3B",
        "09d9bc5d376b0cfa0100a0694ea7de7232525803",
        "qwen-research",
        "psm",
        3_085_938_688,
        _qwen(36, 2048, 16, 2, 11_008, True),
    ),
    Entry(
        "ibm-granite/granite-3b-code-base-2k",
        "",
        _APACHE,
        "psm",
        3_482_503_680,
        _config("llama", 32, 2560, 32, 32, 10_240, 2048, 49_152, True) | _BIASED,
    ),
    Entry(
        "stabilityai/stable-code-3b",
        "",
        "stability",
        "psm",
        2_795_443_200,
        _config("stablelm", 32, 2560, 32, 32, 6912, 16_384, 50_304, False),
    ),
    Entry(
        "Qwen/Qwen2.5-Coder-7B",
        "0396a76181e127dfc13e5c5ec48a8cee09938b02",
        _APACHE,
        "psm",
        7_615_616_512,
        _qwen(28, 3584, 28, 4, 18_944, False),
    ),
    Entry(
        "bigcode/starcoder2-7b",
        "bb9afde76d7945da5745592525db122d4d729eb1",
        _OPENRAIL,
        "psm",
        7_173_923_840,
        _starcoder(32, 4608, 36, 4, True),
    ),
    Entry(
        "ByteDance-Seed/Seed-Coder-8B-Base",
        "",
        "mit",
        "suffix-prefix-middle",
        8_250_462_208,
        _config("llama", 32, 4096, 32, 8, 14_336, 32_768, 155_136, False),
    ),
    Entry(
        "ibm-granite/granite-8b-code-base-4k",
        "",
        _APACHE,
        "psm",
        8_054_910_976,
        _config("llama", 36, 4096, 32, 8, 14_336, 4096, 49_152, True) | _BIASED,
    ),
    Entry(
        "deepseek-ai/deepseek-coder-6.7b-base",
        "ce2207a8bfef3ee92bd7dd4cc31c52cfa0046912",
        "deepseek-license",
        "psm",
        6_740_512_768,
        _config("llama", 32, 4096, 32, 32, 11_008, 16_384, 32_256, False),
    ),
    Entry(
        "codellama/CodeLlama-7b-hf",
        "6c284d1468fe6c413cf56183e69b194dcfa27fe6",
        "llama2",
        "psm",
        6_738_546_688,
        _config("llama", 32, 4096, 32, 32, 11_008, 16_384, 32_016, False),
    ),
    Entry(
        "google/codegemma-7b",
        "",
        "gemma",
        "psm",
        8_537_680_896,
        _config("gemma", 28, 3072, 16, 16, 24_576, 8192, 256_000, True) | {"head_dim": 256},
    ),
    Entry(
        "Qwen/Qwen2.5-Coder-14B",
        "f2ad5164aade432d6d56c24bb71589184d5d613d",
        _APACHE,
        "psm",
        14_770_033_664,
        _qwen(48, 5120, 40, 8, 13_824, False),
    ),
    Entry(
        "codellama/CodeLlama-13b-hf",
        "a49a368460ad22e43dfffb97a1e1b826a6418d3b",
        "llama2",
        "psm",
        13_016_028_160,
        _config("llama", 40, 5120, 40, 40, 13_824, 16_384, 32_016, False),
    ),
    Entry("bigcode/starcoder2-15b", "", _OPENRAIL, "psm", 15_957_889_024, _starcoder(40, 6144, 48, 4, False)),
    Entry(
        "mistralai/Codestral-22B-v0.1",
        "",
        "mnpl",
        "suffix-prefix",
        22_247_282_688,
        _config("mistral", 56, 6144, 48, 8, 16_384, 32_768, 32_768, False) | {"head_dim": 128, "sliding_window": None},
    ),
    Entry(
        "Qwen/Qwen2.5-Coder-32B",
        "2e12b5f7bc878d424d222e224ed40aee564ec45f",
        _APACHE,
        "psm",
        32_763_876_352,
        _qwen(64, 5120, 40, 8, 27_648, False),
    ),
    Entry(
        "deepseek-ai/deepseek-coder-33b-base",
        "",
        "deepseek-license",
        "psm",
        33_342_991_360,
        _config("llama", 62, 7168, 56, 8, 19_200, 16_384, 32_256, False),
    ),
)
