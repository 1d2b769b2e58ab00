"""Check the installation, the model and its speed, and say what to do about what is wrong.

Exit code 0 if completions will work, 1 if not. With --json, one object is printed: versions, machine, model, speed,
sample, and problems, a list of {what, remedy, fatal}; parts that could not be found out are null.
"""

from __future__ import annotations

import argparse
import json
import platform
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from hirope_ls.commands.machine import memory_gib
from hirope_ls.commands.parts import Model, Parts, add_model_arguments, load_model, read_parts
from hirope_ls.commands.terminal import console, waiting
from hirope_ls.model.threads import num_threads
from hirope_ls.problems import HiropeError

_PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "numpy", "pygls", "lsprotocol", "tree-sitter")
_LEAST = {"torch": (2, 10), "transformers": (5, 3), "pygls": (2, 0), "tree-sitter": (0, 25)}
_SLOW_DECODE = 15  # tokens a second: a line takes a second or more
_SAMPLE = '''"""Points in the plane."""


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __repr__(self):
        return f"Point({self.x}, {self.y})"


def add(first, second):
    return Point(first.x + second.x, '''
_SAMPLE_REST = ")\n\n\ndef subtract(first, second):\n    return Point(first.x - second.x, first.y - second.y)\n"


@dataclass
class Findings:
    """What the doctor found out; `problems` in order of discovery."""

    versions: dict[str, str | None] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] | None = None
    speed: dict[str, float] | None = None
    sample: dict[str, Any] | None = None
    problems: list[dict[str, Any]] = field(default_factory=list)

    def problem(self, what: str, remedy: str, fatal: bool = False) -> None:
        self.problems.append({"what": what, "remedy": remedy, "fatal": fatal})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_model_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Examine, print, and return 0 if completions will work, else 1."""
    findings = examine(args.model, args.device)
    if args.json:
        print(json.dumps(vars(findings), ensure_ascii=False))
    else:
        show(findings)
    return 1 if any(problem["fatal"] for problem in findings.problems) else 0


def examine(folder: Path | None, device: str) -> Findings:
    """Find out all that can be found out; never raises for what is wrong with the installation."""
    findings = Findings()
    _versions(findings)
    try:
        parts = read_parts(folder)
        findings.model = _model(parts)
        if parts.card.fim_order is None:
            findings.problem(
                "the model cannot fill in the middle: it sees only what stands before the cursor",
                "use a model with fill-in-the-middle tokens, such as the bundled one or Qwen2.5-Coder",
            )
        with waiting(f"loading {parts.card.name} ..."):
            model = load_model(parts, device)
        _machine(findings)
        findings.model |= {
            "device": model.device,
            "dtype": model.dtype,
            "import_seconds": round(model.import_seconds, 2),
            "load_seconds": round(model.load_seconds, 2),
            "few_rows": model.language_model.few_rows(),
        }
        with waiting("measuring ..."):
            _measure(findings, parts, model)
            _sample(findings, parts, model)
    except HiropeError as problem:
        findings.problem(
            str(problem), "see `--model` and `--device`; without them the bundled model is used", fatal=True
        )
    except ImportError as problem:
        findings.problem(f"a package is missing or broken: {problem}", "pip install --upgrade hirope-ls", fatal=True)
    if not findings.machine:
        _machine(findings)
    return findings


def _versions(findings: Findings) -> None:
    findings.versions = {"hirope-ls": _version("hirope-ls"), "python": platform.python_version()}
    for name in _PACKAGES:
        found = findings.versions[name] = _version(name)
        least = _LEAST.get(name)
        wanted = ".".join(map(str, least)) if least else ""
        if found is None:
            findings.problem(f"{name} is not installed", f"pip install {name}", fatal=True)
        elif least and _numbers(found) < least:
            findings.problem(f"{name} {found} is too old", f"pip install '{name}>={wanted}'", fatal=True)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("+")[0].split(".")[:2] if part.isdigit())


def _machine(findings: Findings) -> None:
    memory, free = memory_gib()
    findings.machine = {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": num_threads(),
        "memory_gib": round(memory, 1),
        "memory_free_gib": round(free, 1),
        "gpu": None,
    }
    try:
        import torch
    except ImportError:
        return
    if torch.cuda.is_available():
        gpu_free, gpu_total = torch.cuda.mem_get_info()
        findings.machine["gpu"] = torch.cuda.get_device_name()
        findings.machine["gpu_memory_gib"] = round(gpu_total / 2**30, 1)
        findings.machine["gpu_memory_free_gib"] = round(gpu_free / 2**30, 1)


def _model(parts: Parts) -> dict[str, Any]:
    card, special = parts.card, parts.tokenizer.special
    return {
        "name": card.name,
        "folder": str(card.folder),
        "architecture": card.architecture,
        "parameters": card.parameters,
        "disk_mib": round(card.disk_bytes / 2**20, 1),
        "trained_length": card.trained_length,
        "fim_order": card.fim_order,
        "fim_ids": {"prefix": special.fim_prefix, "suffix": special.fim_suffix, "middle": special.fim_middle},
        "end_of_text_id": special.end_of_text,
    }


def _measure(findings: Findings, parts: Parts, model: Model) -> None:
    """Tokens a second: a prompt of the trained length, and decoding after it, the best of three."""
    import numpy as np

    from hirope_ls.model.generator import Generated, Limits, Prefilled

    length = min(parts.card.trained_length, 2048)
    ids = parts.tokenizer.encode((_SAMPLE + _SAMPLE_REST).encode() * 40).ids
    ids = np.resize(ids, length).astype(np.int32)
    positions = np.stack([np.zeros(length, np.int32), np.arange(length, dtype=np.int32)])
    prefill, decode = [], []
    for attempt in range(3):
        session = f"doctor {attempt}"
        times: list[float] = []
        began = time.monotonic()
        for event in model.language_model.generate(session, ids, positions, Limits(33), threading.Event()):
            if isinstance(event, Prefilled):
                prefill.append(event.prefilled / max(time.monotonic() - began, 1e-6))
            elif isinstance(event, Generated):
                times.append(time.monotonic())
        model.language_model.drop(session)
        decode.append((len(times) - 1) / max(times[-1] - times[0], 1e-6))
    findings.speed = {"prefill_tokens_s": round(max(prefill)), "decode_tokens_s": round(max(decode), 1)}
    if max(decode) < _SLOW_DECODE:
        findings.problem(
            f"the model writes only {max(decode):.0f} tokens a second here",
            "use a GPU (`--device cuda`) or a smaller model",
        )


def _sample(findings: Findings, parts: Parts, model: Model) -> None:
    from hirope_ls.engine.complete import complete
    from hirope_ls.engine.question import Question, Recipe
    from hirope_ls.text.buffer import Buffer

    snapshot = parts.pipeline.open("doctor:sample.py", 1, Buffer.of(_SAMPLE + _SAMPLE_REST), "python", "sample.py")
    question = Question(snapshot, len(_SAMPLE.encode()), Recipe(parts.tokenizer, parts.card))
    completion = complete(question, model.language_model, threading.Event())
    before, after = _SAMPLE.splitlines()[-1], _SAMPLE_REST.splitlines()[0]
    total = round(completion.timings["total"], 1)
    findings.sample = {"before": before, "text": completion.text, "after": after, "ms": total}
    findings.sample["outcome"] = completion.outcome
    if not completion.text:
        findings.problem(
            f"the model suggests nothing for a plain example ({completion.outcome})",
            "another model may do better: try the bundled one, without `--model`",
        )


def show(findings: Findings) -> None:
    """Print the findings for people."""
    out = console()
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bright_black", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(findings):
        table.add_row(name, value)
    out.print(table)
    out.print()
    for problem in findings.problems:
        out.print(
            Text("✗ " if problem["fatal"] else "! ", style="bold red" if problem["fatal"] else "bold yellow"), end=""
        )
        out.print(Text(problem["what"]))
        out.print(Text(f"  → {problem['remedy']}", style="bright_black"))
    if not findings.problems:
        out.print(Text("✓ All is well.", style="bold green"))


def _rows(findings: Findings) -> list[tuple[str, Text]]:
    versions = ", ".join(f"{name} {found or 'missing'}" for name, found in findings.versions.items())
    rows = [("versions", Text(versions)), ("machine", Text(_machine_line(findings.machine)))]
    if findings.model:
        rows += _model_rows(findings.model)
    if findings.speed:
        prefill, decode = findings.speed["prefill_tokens_s"], findings.speed["decode_tokens_s"]
        rows.append(("speed", Text(f"reads {prefill:,.0f} tokens a second, writes {decode:,.0f}")))
    if findings.sample:
        sample = findings.sample
        line = Text(sample["before"].strip() + " ")
        line.append(sample["text"], style="bold cyan")
        line.append(f"{sample['after']}   ({sample['outcome']}, {sample['ms']:.0f} ms)")
        rows.append(("sample", line))
    return rows


def _machine_line(machine: Mapping[str, Any]) -> str:
    free = f"{machine['memory_free_gib']} of {machine['memory_gib']} GiB free"
    line = f"{machine['system']}, {machine['cores']} core{'' if machine['cores'] == 1 else 's'}, {free}"
    if machine["gpu"] is None:
        return f"{line}, no GPU"
    return f"{line}; {machine['gpu']}, {machine['gpu_memory_free_gib']} of {machine['gpu_memory_gib']} GiB free"


def _model_rows(model: Mapping[str, Any]) -> list[tuple[str, Text]]:
    size = f"{model['parameters'] / 1e6:,.1f}M parameters, {model['disk_mib']:,} MiB"
    ids = ", ".join(f"{name} {id}" for name, id in model["fim_ids"].items() if id is not None)
    rows = [
        ("model", Text(f"{model['name']} ({model['architecture']}, {size})")),
        ("folder", Text(model["folder"])),
        ("trained for", Text(f"{model['trained_length']:,} tokens")),
        ("fill in the middle", Text(f"{model['fim_order']} ({ids})" if model["fim_order"] else "no")),
    ]
    if "device" in model:
        load = f"{model['device']}, {model['dtype']}; torch imported in {model['import_seconds']:.1f} s"
        rows.append(("runs on", Text(f"{load}, model loaded in {model['load_seconds']:.1f} s")))
        rows.append(("steps by", Text(model["few_rows"])))
    return rows
