"""A model folder: what is in it, and whether it is safe to load. Data only, never code (promise M).

Knows files and JSON. Imports neither torch nor transformers, so the server can tell what it is about to load, and
refuse it, before the slow imports. Whether the architecture can be patched is `hirope.support`'s to say, when loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast, get_args

from hirope_ls.model.families import Doubt, FimOrder, order_of
from hirope_ls.model.memory import Need, Shape
from hirope_ls.model.pointer import LARGEST, Pointer
from hirope_ls.model.quantised import quantised_by
from hirope_ls.model.vocabulary import named_controls
from hirope_ls.model.weights import read_json, read_weights
from hirope_ls.problems import ModelRefused

_CONFIG_LIMIT = 4_000_000  # bytes
_TOKENIZER_LIMIT = 100_000_000
_SHORTEST = 16  # tokens; a smaller trained length is no language model's
_QUANTISED = "quantization_config"
_FOREIGN = ("adapter_config.json",)  # would make transformers load another folder's weights


@dataclass(frozen=True)
class Card:
    """What is known of a model before it is loaded. `trained_length` is in tokens; `fim_order` is None where the model
    was not trained to fill in the middle, or where that is in `fim_doubt`; `disk_bytes` is the size of the weight
    files; `quantised` is the method that the weights are quantised by, if they are; `shape` is None where the
    configuration does not tell it in the usual way; `pointer` where nobody has fitted one."""

    folder: Path
    architecture: str
    model_type: str
    trained_length: int
    fim_order: FimOrder | None
    vocab_size: int
    parameters: int
    disk_bytes: int
    quantised: str | None = None
    fim_doubt: Doubt | None = None
    shape: Shape | None = None
    pointer: Pointer | None = None

    @property
    def name(self) -> str:
        """A short name for people: the folder's, or the model's in a hub cache."""
        return _name(self.folder)

    def need(self, itemsize: int) -> Need | None:
        """What it takes of memory, computing in numbers of so many bytes."""
        if self.shape is None:
            return None
        return Need(self.disk_bytes if self.quantised else self.parameters * itemsize, self.shape, itemsize)


def bundled_folder() -> Path:
    """Where the model that ships with the package lies."""
    return Path(__file__).parent / "bundled"


def read_card(folder: Path | str) -> Card:
    """Check `folder` and tell what it holds. Raises ModelRefused, one line, for what is missing, unsafe or unknown."""
    card = read_outline(folder)
    weights = read_weights(card.folder)
    return replace(card, parameters=weights.parameters, disk_bytes=weights.disk_bytes)


def read_outline(folder: Path | str) -> Card:
    """The card without a look at the weights, which need not be there yet: no parameters, no bytes.

    Raises ModelRefused.
    """
    folder = _existing_folder(Path(folder))
    _check_links(folder)
    config = _read_json(folder, "config.json")
    _check_no_code(folder, config)
    architecture, model_type = _architecture(folder, config)
    text = _text_config(config)
    quantised = quantised_by(folder, config.get(_QUANTISED) or text.get(_QUANTISED))
    if not (folder / "tokenizer.json").is_file():
        raise ModelRefused(f"{folder} has no tokenizer.json: save the model with a fast tokenizer")
    order = _fim_order(folder, config, model_type)
    return Card(
        folder=folder,
        architecture=architecture,
        model_type=model_type,
        trained_length=_trained_length(folder, config, text),
        fim_order=None if isinstance(order, Doubt) else order,
        vocab_size=_positive(folder, text, "vocab_size", 1),
        parameters=0,
        disk_bytes=0,
        quantised=quantised,
        fim_doubt=order if isinstance(order, Doubt) else None,
        shape=Shape.of(text),
        pointer=_pointer(folder, config),
    )


def _existing_folder(folder: Path) -> Path:
    try:
        resolved = folder.expanduser().resolve()
        if not resolved.exists():
            raise ModelRefused(f"there is no model folder {folder}: give the path of an existing one")
        if not resolved.is_dir():
            raise ModelRefused(f"{folder} is not a folder: give the folder that holds config.json and the weights")
        return resolved
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelRefused(f"the model folder {str(folder)!r} cannot be opened: {error}") from None


def _hub_cache(folder: Path) -> Path | None:
    """The model's own directory of a Hugging Face hub cache, `models--NAME/snapshots/REVISION` being the folder."""
    cache = folder.parent.parent
    return cache if folder.parent.name == "snapshots" and (cache / "blobs").is_dir() else None


def _name(folder: Path) -> str:
    cache = _hub_cache(folder)
    return cache.name.removeprefix("models--").replace("--", "/") if cache else folder.name


def _check_links(folder: Path) -> None:
    """No entry may lead out of the folder (or, in a hub cache, out of the model's own cache directory)."""
    home = _hub_cache(folder) or folder
    try:
        for entry in folder.iterdir():
            if entry.is_symlink() and not entry.resolve().is_relative_to(home):
                raise ModelRefused(f"{entry} is a link to a place outside the model folder: copy the file instead")
    except (OSError, RuntimeError) as error:
        raise ModelRefused(f"{folder} cannot be read: {error}") from None


def _read_json(folder: Path, name: str, limit: int = _CONFIG_LIMIT) -> dict[str, Any]:
    path = folder / name
    if not path.is_file():
        raise ModelRefused(f"{folder} has no {name}: it is not a transformers model folder")
    value = read_json(path, limit, f"a model's {name}")
    if not isinstance(value, dict):
        raise ModelRefused(f"{path} is not a JSON object")
    return value


def _check_no_code(folder: Path, config: dict[str, Any]) -> None:
    for name in _FOREIGN:
        if (folder / name).exists():
            raise ModelRefused(f"{folder} holds {name}: merge the adapter into the model first")
    configs = {"config.json": config}
    for name in ("tokenizer_config.json", "generation_config.json"):
        if (folder / name).exists():
            configs[name] = _read_json(folder, name)
    for name, content in configs.items():
        for key, value in _entries(content):
            if key == "auto_map":
                raise ModelRefused(
                    f"{folder / name} asks to run code of its own (auto_map): such models are not loaded"
                )
            if "attn_implementation" in key and isinstance(value, str) and not value.isidentifier():
                raise ModelRefused(f"{folder / name} asks for attention code from elsewhere ({value!r}): remove {key}")


def _entries(content: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """All (key, value) pairs of nested objects, without recursion."""
    waiting: list[object] = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from value.items()
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _architecture(folder: Path, config: dict[str, Any]) -> tuple[str, str]:
    """(class name, model type) of a decoder that transformers itself may know."""
    named, kind = config.get("architectures"), config.get("model_type")
    if not isinstance(kind, str) or not kind:
        raise ModelRefused(f"{folder / 'config.json'} has no model_type: it is not a transformers model folder")
    if not (isinstance(named, list) and len(named) == 1 and isinstance(named[0], str)):
        raise ModelRefused(f"{folder / 'config.json'} does not name one architecture")
    if not named[0].endswith("ForCausalLM"):
        raise ModelRefused(f"{folder} is a {named[0]}: only text decoders (...ForCausalLM) can complete code")
    return named[0], kind


def _text_config(config: dict[str, Any]) -> dict[str, Any]:
    nested = config.get("text_config")
    return nested if isinstance(nested, dict) else config


def _own(config: dict[str, Any]) -> dict[str, Any]:
    """What a folder says for this project: the object under the key `hirope` of config.json."""
    own = config.get("hirope")
    return own if isinstance(own, dict) else {}


def _positive(folder: Path, config: dict[str, Any], key: str, least: int) -> int:
    value = config.get(key)
    if type(value) is not int or not least <= value < 2**31:
        raise ModelRefused(f"{folder / 'config.json'}: {key} is {value!r}, not a number from {least} up")
    return value


def _trained_length(folder: Path, config: dict[str, Any], text: dict[str, Any]) -> int:
    """What `hirope.trained_length` will say of the loaded model; the reasons stand there."""
    own = _own(config)
    if "trained_length" in own:
        return _positive(folder, own, "trained_length", _SHORTEST)
    ropes = {str(rope.get("rope_type", rope.get("type"))): rope for rope in _ropes(text)}
    if "longrope" in ropes:
        return _positive(folder, ropes["longrope"] | text, "original_max_position_embeddings", _SHORTEST)
    stated = _positive(folder, text, "max_position_embeddings", _SHORTEST)
    return max(stated, _stretched(folder, ropes["yarn"] | text, stated)) if "yarn" in ropes else stated


def _ropes(text: dict[str, Any]) -> list[dict[str, Any]]:
    """The rope fields of a configuration, or those of each kind of layer."""
    rope = text.get("rope_parameters") or text.get("rope_scaling")
    if not isinstance(rope, dict):
        return []
    return [value for value in rope.values() if isinstance(value, dict)] or [rope]


def _stretched(folder: Path, fields: dict[str, Any], stated: int) -> int:
    key = "original_max_position_embeddings"
    original = _positive(folder, {key: stated} | fields, key, 1)
    factor = fields.get("factor") or stated / original
    if type(factor) not in (int, float) or not 1 <= factor < 2**15:
        raise ModelRefused(f"{folder / 'config.json'}: the yarn factor is {factor!r}, not a number from 1 up")
    return int(original * factor)


def _fim_order(folder: Path, config: dict[str, Any], kind: str) -> FimOrder | Doubt | None:
    if "fim_order" not in _own(config):
        return order_of(_controls(folder), kind, _name(folder))
    order = _own(config)["fim_order"]
    if order is not None and order not in get_args(FimOrder):
        raise ModelRefused(f"{folder / 'config.json'}: hirope.fim_order is {order!r}, not one of {get_args(FimOrder)}")
    return cast("FimOrder | None", order)


def _pointer(folder: Path, config: dict[str, Any]) -> Pointer | None:
    own = _own(config)
    found = Pointer.parse(own["pointer"]) if own.get("pointer") is not None else None
    if found is None and own.get("pointer") is not None:
        wrong = f"hirope.pointer is not four numbers from -{LARGEST:.0f} to {LARGEST:.0f}"
        raise ModelRefused(f"{folder / 'config.json'}: {wrong}: fit them with lab pointer")
    return found


def _controls(folder: Path) -> frozenset[str]:
    """The names of a tokenizer's control tokens."""
    spec = _read_json(folder, "tokenizer.json", _TOKENIZER_LIMIT)
    settings = _read_json(folder, "tokenizer_config.json") if (folder / "tokenizer_config.json").is_file() else {}
    try:
        named = named_controls(spec["model"]["vocab"], settings)
        return frozenset({token["content"] for token in spec["added_tokens"]}.union(named))
    except (KeyError, TypeError, AttributeError):
        raise ModelRefused(f"{folder / 'tokenizer.json'} has no readable list of added tokens") from None
