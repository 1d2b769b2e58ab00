"""Load a checked model folder with transformers and patch it with HiRoPE.

Knows transformers and devices; knows no tokens, caches or documents. Only safetensors of the folder itself are read:
nothing is fetched, no code of the folder runs, and whatever transformers objects to comes out as one line.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from transformers import CONFIG_MAPPING, AutoConfig, AutoModelForCausalLM
from transformers.utils import logging as transformers_logging

from hirope_ls.hirope import HiRoPE, Scheme, patch, support
from hirope_ls.model.folder import Card
from hirope_ls.model.threads import num_threads
from hirope_ls.problems import ModelRefused, SettingsError

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_LARGE = 100_000_000  # parameters from which on a CPU takes longest to read them
_LOCAL = {"local_files_only": True, "trust_remote_code": False}


@dataclass(frozen=True)
class Loaded:
    """A patched model, ready to run, and where and in which number type it is."""

    card: Card
    hirope: HiRoPE
    device: torch.device
    dtype: torch.dtype


def load(card: Card, device: str = "auto", dtype: str = "auto") -> Loaded:
    """Load the model of `card`, patched with the default scheme for its trained length.

    `device`: auto (CUDA where there is one), cpu, cuda or cuda:N. `dtype`: float32, bfloat16, float16 or auto, the type
    that `pick_dtype` finds quickest; quantised models have one that they were saved in, and no other. Raises
    ModelRefused or SettingsError, one line each.
    """
    place = pick_device(device)
    hush()
    config = _read_config(card)
    kind = pick_dtype(dtype, place, card.parameters) if card.quantised is None else _saved_dtype(card, config, dtype)
    try:
        model = _read_model(card, config, kind, place).requires_grad_(False)
        return Loaded(card, _patched(card, model if card.quantised else model.to(place), place), place, kind)
    except torch.OutOfMemoryError:
        raise ModelRefused(f"{card.name} does not fit into the memory of {place}: choose a smaller model") from None


def check(card: Card) -> None:
    """Whether a model of this architecture can be used, by its configuration alone. Raises ModelRefused."""
    hush()
    _read_config(card)


def choose_threads(wished: int | None = None) -> None:
    """Let torch use so many threads, from now on; or what OMP_NUM_THREADS says; or the physical cores."""
    if wished is not None:
        torch.set_num_threads(wished)
    elif not os.environ.get("OMP_NUM_THREADS"):
        torch.set_num_threads(num_threads())


def pick_device(name: str) -> torch.device:
    """The device of that name, checked to exist; raises SettingsError."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise SettingsError(f"there is no device {name!r}: use auto, cpu, cuda or cuda:N") from None
    if device.type not in ("cpu", "cuda"):
        raise SettingsError(f"the device {name!r} is not supported: use auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise SettingsError(f"the device {name!r} is not there: torch sees {torch.cuda.device_count()} CUDA devices")
    return device


def pick_dtype(name: str, device: torch.device, parameters: int = 0) -> torch.dtype:
    """The number type of that name; raises SettingsError.

    auto: half precision where the device computes with it. On a CPU that is bfloat16, where it has instructions for it
    and the model is large enough to be bound by reading its weights; small ones are quicker in float32.
    """
    if name == "auto":
        return _quickest(device, parameters)
    if name not in _DTYPES:
        raise SettingsError(f"there is no number type {name!r}: use auto, {', '.join(_DTYPES)}")
    return _DTYPES[name]


def _quickest(device: torch.device, parameters: int) -> torch.dtype:
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    can: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # newer than our oldest torch
    has_bfloat16 = can.get("avx512_bf16") or can.get("amx_bf16") or can.get("bf16")
    return torch.bfloat16 if has_bfloat16 and parameters >= _LARGE else torch.float32


def _saved_dtype(card: Card, config: Any, name: str) -> torch.dtype:
    """The number type that a quantised model computes in."""
    saved: torch.dtype = getattr(config, "dtype", None) or torch.bfloat16
    if saved not in _DTYPES.values():
        raise ModelRefused(f"{card.name} was saved as {saved}: quantise it again, from bfloat16")
    if name != "auto" and _DTYPES.get(name) != saved:
        raise SettingsError(f"{card.name} is quantised and computes in {saved}: leave the number type at auto")
    return saved


def hush() -> None:
    """Let transformers print nothing: what matters is raised."""
    transformers_logging.set_verbosity(logging.CRITICAL)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def _read_config(card: Card) -> Any:
    if card.model_type not in CONFIG_MAPPING:
        raise ModelRefused(f"{card.name} is of the unknown type {card.model_type!r}: transformers has no such model")
    try:
        config = AutoConfig.from_pretrained(card.folder, **_LOCAL)
    except Exception as error:  # each config class checks its fields in its own way
        raise _refused(card, "its config.json is not valid", error) from error
    verdict = support(config)
    if not verdict.ok:
        raise ModelRefused(f"{card.name} cannot be used: {verdict.reason}")
    return config


def _read_model(card: Card, config: Any, dtype: torch.dtype, place: torch.device) -> torch.nn.Module:
    """The model on the CPU, or where it is quantised on the device: some types can be made only where they are used."""
    model: torch.nn.Module  # in evaluation mode: that is how transformers hands it over
    info: dict[str, Any]
    try:
        model, info = AutoModelForCausalLM.from_pretrained(  # type: ignore[misc]
            card.folder,
            config=config,
            dtype=dtype,
            use_safetensors=True,
            output_loading_info=True,
            **({"device_map": {"": place}} if card.quantised else {}),
            **_LOCAL,
        )
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # wrong shapes, unreadable tensors: transformers has no common class for them
        raise _refused(card, "its weights do not fit its config.json", error) from error
    if info["missing_keys"]:
        missing = min(info["missing_keys"])
        raise ModelRefused(f"{card.name} lacks weights, {missing} for one: take a complete copy of the model")
    return model


def _patched(card: Card, model: torch.nn.Module, place: torch.device) -> HiRoPE:
    try:
        return patch(model, Scheme.default(card.trained_length))
    except (ModelRefused, torch.OutOfMemoryError):
        raise
    except Exception as error:  # patching runs the model, and quantised layers are made for some devices and shapes
        if card.quantised is None:
            raise
        raise _refused(card, f"its weights, quantised by {card.quantised}, do not compute on {place}", error) from error


def _refused(card: Card, what: str, error: Exception) -> ModelRefused:
    reason = " ".join(str(error).split())
    return ModelRefused(f"{card.name} cannot be loaded: {what} ({type(error).__name__}: {reason[:200]})")
