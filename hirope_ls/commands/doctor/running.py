"""The model at work: whether it loads and fits, how fast it is, and what it makes of a plain example. Slow."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Final

from hirope_ls.commands.doctor import gpu
from hirope_ls.commands.doctor.finding import Finding, Section
from hirope_ls.commands.doctor.model import refused
from hirope_ls.commands.doctor.wishes import Wishes
from hirope_ls.commands.fitting import GIB, plan
from hirope_ls.commands.machine import memory_gib
from hirope_ls.commands.parts import Model, Parts, load_model
from hirope_ls.commands.terminal import waiting
from hirope_ls.config import Settings
from hirope_ls.engine.options import Options
from hirope_ls.model.folder import Card
from hirope_ls.model.memory import WORKING
from hirope_ls.problems import HiropeError

_IN: Final = Section("Running")
_SLOW_DECODE: Final = 15  # tokens a second: a line takes a second or more
_SPARE: Final = 0.5  # GiB that nobody should take
_SAMPLE: Final = '''"""Points in the plane."""


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __repr__(self):
        return f"Point({self.x}, {self.y})"


def add(first, second):
    return Point(first.x + second.x, '''
_SAMPLE_REST: Final = ")\n\n\ndef subtract(first, second):\n    return Point(first.x - second.x, first.y - second.y)\n"


def checks(wishes: Wishes, parts: Parts | None) -> Iterator[Finding]:
    """All of them, each as soon as it is known; without a model, what there is to compute with."""
    try:
        with waiting("importing torch ..."):
            sight = gpu.look()
        yield from gpu.judge(sight, wishes.device)
        if parts is None:
            return
        with waiting(f"loading {parts.card.name} ..."):
            model = load_model(parts, wishes.device)
    except HiropeError as error:
        yield refused(str(error), wishes)
        return
    except ImportError as error:
        told = f"a package is missing or broken: {' '.join(str(error).split())[:200]}"
        yield _IN.problem("loading", told, "pip install --upgrade --force-reinstall hirope-ls")
        return
    yield _loaded(model)
    free = _free(model, sight)
    yield room(parts.card.disk_bytes / 2**30, wishes.settings.kv_budget_mib, *free)
    yield long_files(parts.card, _itemsize(model), wishes.settings, free[0])
    with waiting("waiting for machine code, then measuring ..."):
        yield _steps(model)
        yield speed(*_measured(parts, model))
    with waiting("completing an example ..."):
        yield _sample(parts, model, wishes.settings.deadline_ms)


def _loaded(model: Model) -> Finding:
    told = f"on {model.device} in {model.dtype}; torch imported in {model.import_seconds:.1f} s, "
    facts = {"device": model.device, "dtype": model.dtype, "load_seconds": round(model.load_seconds, 2)}
    return _IN.ok("loading", f"{told}model loaded in {model.load_seconds:.1f} s", **facts)


def _steps(model: Model) -> Finding:
    """What computes the steps, and whether its machine code is made."""
    told = model.language_model.few_rows()
    if "(" in told and "compiled" in told:
        return _IN.note("steps", told, "python -m hirope_ls.compiled.build float32", few_rows=told)
    return _IN.ok("steps", f"by {told}", few_rows=told)


def _free(model: Model, sight: gpu.Sight) -> tuple[float, str]:
    """GiB that are free beside the loaded model, and where."""
    if model.device.startswith("cuda"):
        import torch

        return torch.cuda.mem_get_info(model.device)[0] / 2**30, "on the GPU"
    return memory_gib()[1], "of memory"


def room(weights: float, budget_mib: int, free: float, where: str) -> Finding:
    """Whether the KV caches may grow to their budget. Sizes in GiB, but for the budget; the weights are loaded."""
    facts = {"weights_gib": round(weights, 2), "kv_budget_mib": budget_mib, "free_gib": round(free, 1)}
    told = f"caches may take {budget_mib:,} MiB; {free:.1f} GiB {where} are free"
    if budget_mib / 1024 > free - _SPARE:
        fits = max(16, int((free - _SPARE) * 1024) // 2)
        return _IN.warning("room", f"{told}: too little", f"kvBudgetMiB = {fits}", **facts)
    return _IN.ok("room", told, **facts)


def long_files(card: Card, itemsize: int, settings: Settings, free: float) -> Finding:
    """Whether the caches' budget holds the longest prompt. `free`: GiB beside the loaded model."""
    need, asked = card.need(itemsize), settings.prompt_tokens
    tokens = Options(max_prompt_tokens=asked).most_tokens(card.trained_length)
    if need is None:
        return _IN.note("long files", "what this kind of model caches for a token is not known beforehand")
    wanted = need.shape.row_bytes(itemsize) * tokens >> 20
    told = f"a prompt of {tokens:,} tokens, the longest, takes {wanted:,} MiB of caches"
    facts = {"longest_prompt": tokens, "cache_mib": wanted}
    if wanted <= settings.kv_budget_mib:
        return _IN.ok("long files", told, **facts)
    memory = need.weights + WORKING + int(max(0.0, free - _SPARE) * GIB)
    fit = plan(need, card.trained_length, memory, asked)
    told += f", of which the budget holds {settings.kv_budget_mib:,}: long files get no suggestions"
    return _IN.warning("long files", told, fit.settings if fit and fit.settings else 'model = "bundled"', **facts)


def _itemsize(model: Model) -> int:
    import torch

    found: torch.dtype = getattr(torch, model.dtype)
    return found.itemsize


def _measured(parts: Parts, model: Model) -> tuple[float, float]:
    """Tokens a second: reading a prompt of the trained length, and writing after it, the best of three."""
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
    return max(prefill), max(decode)


def speed(prefill: float, decode: float) -> Finding:
    """Tokens a second."""
    told = f"reads {prefill:,.0f} tokens a second, writes {decode:,.0f}"
    facts = {"prefill_tokens_s": round(prefill), "decode_tokens_s": round(decode, 1)}
    if decode < _SLOW_DECODE:
        return _IN.warning("speed", f"{told}: a line takes seconds", 'model = "bundled"', **facts)
    return _IN.ok("speed", told, **facts)


def _sample(parts: Parts, model: Model, deadline_ms: int) -> Finding:
    """A completion as an editor would get it."""
    from hirope_ls.engine.complete import complete
    from hirope_ls.engine.question import Question, Recipe
    from hirope_ls.text.buffer import Buffer

    snapshot = parts.pipeline.open("doctor:sample.py", 1, Buffer.of(_SAMPLE + _SAMPLE_REST), "python", "sample.py")
    question = Question(snapshot, len(_SAMPLE.encode()), Recipe(parts.tokenizer, parts.card))
    completion = complete(question, model.language_model, threading.Event())
    before, after = _SAMPLE.splitlines()[-1].strip(), _SAMPLE_REST.splitlines()[0]
    took = round(completion.timings["total"], 1)
    facts = {"text": completion.text, "outcome": completion.outcome, "ms": took}
    if not completion.text:
        told = f"nothing for a plain example ({completion.outcome}, {took:.0f} ms)"
        return _IN.warning("example", told, 'model = "bundled"', **facts)
    told = f"{before} ⟦{completion.text}⟧{after}  {completion.outcome}, {took:.0f} ms"
    if took > deadline_ms:
        told = f"{told}: later than the deadline of {deadline_ms} ms"
        return _IN.warning("example", told, f"deadlineMs = {2 * round(took)}", **facts)
    return _IN.ok("example", told, **facts)
