"""Write a model folder again with its matrices in 8 or 4 bits, to fit into less memory.

int8 is torchao's, a scale for each row, half of bfloat16; nf4 is that of bitsandbytes (Dettmers et al. 2023, "QLoRA"),
a quarter, with less accuracy. Embeddings and the output matrix stay in bfloat16, which such a model computes in. The
new folder is used like any other: --model, or the setting `model`.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

from hirope_ls.model.folder import Card, bundled_folder, read_card
from hirope_ls.model.quantised import require
from hirope_ls.problems import InputError, ModelRefused

KINDS = {"int8": "torchao", "nf4": "bitsandbytes"}
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("out", type=Path, help="the folder to write, new or empty")
    parser.add_argument("--model", type=Path, default=bundled_folder(), help="the model's folder (the bundled one)")
    parser.add_argument("--to", choices=list(KINDS), default="int8", help="8 bits (int8) or 4 (nf4)")


def run(args: argparse.Namespace) -> int:
    """Write the folder and print its path; exit code 0. Raises HiropeError."""
    write(read_card(args.model), args.out, args.to)
    print(args.out)
    return 0


def write(card: Card, out: Path, kind: str) -> None:
    """Quantise `card`'s model into the folder `out`. Raises ModelRefused and InputError."""
    if card.quantised:
        raise ModelRefused(f"{card.name} is quantised already: take it in its original form")
    require(KINDS[kind], kind)
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise InputError(f"{out} is not empty: name a new folder")
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror}") from None
    quantised_model(card, kind).save_pretrained(out)
    for name in _TOKENIZER:
        if (card.folder / name).is_file():
            shutil.copyfile(card.folder / name, out / name)


def quantised_model(card: Card, kind: str) -> Any:
    """The model on a GPU where there is one, quantised as it is read."""
    import torch
    from transformers import AutoModelForCausalLM

    from hirope_ls.model.loader import hush

    hush()
    return AutoModelForCausalLM.from_pretrained(
        card.folder,
        dtype=torch.bfloat16,
        use_safetensors=True,
        device_map={"": "cuda" if torch.cuda.is_available() else "cpu"},
        quantization_config=_recipe(kind),
        local_files_only=True,
        trust_remote_code=False,
    )


def _recipe(kind: str) -> Any:
    import torch
    from transformers import BitsAndBytesConfig, TorchAoConfig

    if kind == "nf4":
        options = {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": torch.bfloat16}
        return BitsAndBytesConfig(**options)  # type: ignore[no-untyped-call]
    from torchao.quantization import Int8WeightOnlyConfig

    return TorchAoConfig(Int8WeightOnlyConfig())
