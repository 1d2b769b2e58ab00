"""For each refusal of a model, the one command that mends it. Knows the words of the refusals; tests hold the two."""

from __future__ import annotations

import re
import shlex
from typing import Final

ANOTHER: Final = "hirope-ls fetch Qwen/Qwen2.5-Coder-1.5B"
_AGAIN: Final = "hirope-ls fetch {name}"
_LIST: Final = "hirope-ls models"
_QUANTISE: Final = "hirope-ls lab quantise {folder}-nf4 --model {model} --to nf4"


def _saved_by(kind: str) -> str:
    """Load what is there with transformers, and save what is missing beside it."""
    code = f"from transformers import {kind} as M; M.from_pretrained('.').save_pretrained('.')"
    return f'cd {{folder}} && python -c "{code}"'


_REMEDIES: Final = (  # words of the refusal, and the command
    (r"hirope-ls fetch (\S+)", r"hirope-ls fetch \1"),
    (r"there is no model folder|is not a folder|cannot be opened", _LIST),
    (r"git-lfs pointer", "cd {folder} && git lfs pull"),
    (r"link to a place outside", "cp -rL {folder} {folder}-copy"),
    (r"no tokenizer\.json", _saved_by("AutoTokenizer")),
    (r"only as pickle", _saved_by("AutoModelForCausalLM")),
    (r"which needs .*pip install", "pip install 'hirope-ls[quantized]'"),
    (r"quantised", _QUANTISE.replace("{model}", "UNQUANTISED")),
    (r"memory of", _QUANTISE.replace("{model}", "{folder}")),
    (r"unknown type", "pip install --upgrade transformers"),
    (r"cannot be used|only text decoders|auto_map|adapter|attention code", ANOTHER),
    (r"no config\.json|not a transformers model", _LIST),
    (r"the device|there is no device|number type '", "hirope-ls doctor --device auto"),
    (r"config\.json|tokenizer|tensor|truncated|padded|header|weights|not in the folder", _AGAIN),
)


def remedy(told: str, folder: str, name: str) -> str:
    """The command for a refusal of the model in `folder`, which is called `name`; else a model that works."""
    for words, command in _REMEDIES:
        found = re.search(words, told)
        if found:
            named = name if re.fullmatch(r"[\w.-]+/[\w.-]+(?:@[\w./-]+)?", name) else "OWNER/NAME"
            place = folder if re.fullmatch(r"[\w~./-]+", folder) else shlex.quote(folder)
            return found.expand(command).replace("{folder}", place).replace("{name}", named)
    return ANOTHER
