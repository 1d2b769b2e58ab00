"""A server whose model is fake: everything real but the torch part, so that ordering and delays can be scripted.

Run as a script it is that server; what the model does comes as JSON in HIROPE_FAKE: `says` (text), `draws` (texts),
`prefill_s`, `first_s`, `step_s` and `chunk_s` as in FakeModel, `load_s`, `refuse` (a reason to refuse the model),
`breaks` (whatever is generated raises), `opens` (a file that gets the name of each file that is opened), `sockets` (one
that gets what is done with sockets, but for those of the event loop), `serve` (what the command line passes on),
`loads` (a file that gets a line of settings for each model that is loaded), `lacks` (devices that are not there).
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent.parent
SCRIPT = (sys.executable, __file__)


def save_folder(folder: Path, trained_length: int = 2048) -> Path:
    """A model folder with a real tokenizer and weights of no use. Needs no torch."""
    import numpy as np
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "max_position_embeddings": trained_length,
        "vocab_size": 400,
        "hirope": {"fim_order": "context-spm"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    special = ["<|endoftext|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([Path(__file__).read_text()], trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|endoftext|>"}))
    save_file({"model.embed_tokens.weight": np.zeros((400, 8), np.float32)}, folder / "model.safetensors")
    return folder


def spelling(pieces: Sequence[bytes]) -> Callable[[bytes], list[int]]:
    """What a fake model needs to begin with given bytes, which may be half a character: a token for each of them."""
    ids = {piece: at for at, piece in reversed(list(enumerate(pieces))) if len(piece) == 1}
    return lambda text: [ids[bytes([byte])] for byte in text]


def main() -> int:
    sys.path[:0] = [str(TESTS), str(TESTS.parent)]
    from model.fake_model import FakeModel

    from hirope_ls.config import Settings
    from hirope_ls.model.generator import Event
    from hirope_ls.problems import ModelRefused, SettingsError
    from hirope_ls.server.backend import Kit
    from hirope_ls.server.serve import serve

    script: dict[str, Any] = json.loads(os.environ.get("HIROPE_FAKE", "{}"))

    if "opens" in script:
        told = os.open(script["opens"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

        def hear(event: str, arguments: tuple[Any, ...]) -> None:
            if event == "open" and isinstance(arguments[0], str | bytes):
                os.write(told, os.fsencode(arguments[0]) + b"\n")

        sys.addaudithook(hear)

    if "sockets" in script:
        used = os.open(script["sockets"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

        def note(event: str, arguments: tuple[Any, ...]) -> None:
            if event.startswith("socket.") and (event != "socket.__new__" or arguments[1] != socket.AF_UNIX):
                os.write(used, event.encode() + b"\n")

        sys.addaudithook(note)

    def load(kit: Kit, settings: Settings) -> FakeModel:
        if "loads" in script:
            names = ("model", "device", "dtype", "threads", "kv_budget_mib")
            with Path(script["loads"]).open("a") as told:
                told.write(json.dumps({name: getattr(settings, name) for name in names}) + "\n")
        time.sleep(script.get("load_s", 0))
        if settings.device in script.get("lacks", ()):
            raise SettingsError(f"there is no {settings.device} here")
        if "refuse" in script:
            raise ModelRefused(script["refuse"])
        says = kit.tokenizer.encode(script.get("says", "return 1").encode()).ids.tolist()
        pace = {name: script[name] for name in ("prefill_s", "step_s", "first_s", "chunk_s") if name in script}
        draws = [kit.tokenizer.encode(text.encode()).ids.tolist() for text in script.get("draws", ())]
        model = FakeModel(says, **pace, encode=spelling(kit.tokenizer.pieces), draws=draws)
        if script.get("breaks"):
            model.generate = broken  # type: ignore[method-assign, assignment]
        return model

    def broken(*args: object) -> Iterator[Event]:
        raise RuntimeError("SECRET text of the user")

    passed = script.get("serve", {})
    if "log_file" in passed:
        passed["log_file"] = Path(passed["log_file"])
    return serve({"model": script["folder"], **script.get("overrides", {})}, load, **passed)


if __name__ == "__main__":
    sys.exit(main())
