"""The model folder that a training run leaves: weights, tokenizer, card and loss curve.

The folder is what `AutoModelForCausalLM` and `AutoTokenizer` load, without code of ours.
"""

from __future__ import annotations

import copy
import json
import math
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from transformers import GenerationConfig, LlamaForCausalLM

from hirope_ls.lab.pointer import Fitted
from hirope_ls.lab.train.corpus import Corpus, Source, by_language
from hirope_ls.lab.train.installed import MOST_CHARS
from hirope_ls.lab.train.packages import LIST
from hirope_ls.lab.train.rows import NEAR_TOKENS, SUFFIX_TOKENS, TRAINED_LENGTH
from hirope_ls.lab.train.settings import USUAL, option
from hirope_ls.lab.train.written import EVALUATION_ONLY

FIM_ORDER = "context-spm"

_LISTED = 40  # distributions that have a row of their own

_SETS = {
    "held_out": "held-out files of the corpus",
    "held_out_c": "held-out files of C and C++",
    "held_out_javascript": "held-out files of JavaScript and TypeScript",
    "networkx": "networkx, never trained on",
}

_POINTER = """A pointer of four numbers, under `hirope.pointer` of `config.json`, mixes what the text says again into
what the model says (`hirope_ls/model/pointer.py`); fitted on {}, of which {}."""

_INSTALLED = "Source code installed with hirope-ls's own dependencies, the standard library{}"

_READ = """, up to {:.0f} M of each distribution, after files were dropped
that repeat others, hold data or look generated. Only distributions whose metadata states a permissive licence
were read, without the code they vendor. Never read, because hirope-ls is evaluated on them: {};
nor any file of which a fifth stands in one of those that were installed, too."""

_OWN = """, after files were dropped that repeat others, hold data or look generated.
Nobody has looked at licences, nor whether hirope-ls is evaluated on some of it."""

_PART = """
It was packed to travel (`--pack`), which left a part of the files out.
"""

_RENAMED = """In {:.0%} of them rare words are exchanged
for other ones, the same throughout, so that names are learnt from the text at hand. """

_CARD = """---
language: [code]
license: mit
library_name: transformers
pipeline_tag: text-generation
tags: [code-completion, fill-in-the-middle, python]
---

# The model bundled with hirope-ls

A small Llama for inline completion of code, of Python before all, {parameters} parameters, made so that hirope-ls
completes without a download. It finishes words, names that stand nearby, and common lines. It is not a programmer:
for better completions point hirope-ls at a larger model.

| | |
|---|---|
| architecture | `LlamaForCausalLM`, {shape} |
| trained length | {trained_length} tokens; hirope-ls goes beyond it with HiRoPE |
| vocabulary | {vocab:,} byte-level BPE tokens, lossless for any text |
| weights | bfloat16 safetensors |
| training | {steps:,} steps of {batch} rows, {tokens:.1f} M tokens, {minutes:.0f} minutes, seed {seed} |
| machine | {machine} |
| optimiser | Muon for the layers' matrices, AdamW for the rest; warm-up, stable, linear decay |

## What it is bad at

Whole lines, and long rests of lines, that nothing above resembles; names that do not stand in the text; what code
means; prose; other languages than Python, of which it has read little or nothing (below). It has been taught no
manners: what it suggests may be insecure or wrong. In `hirope_ls/lab/RESULTS.md` it is held against the line that
copying from the file gives and against the first model that was bundled, by what was missing and how long it was; the
README has its times. Why it has this shape and these rows: `hirope_ls/lab/train/CHOICES.md`.

## Losses

*Code* is plain source from any line of a file, up to {trained_length} tokens: nats a token and bits a byte. *Middle*
counts only the tokens that a completion would have to produce, in the prompt format below, in nats a token. *Right* is
the share of middles, and of whole next lines, that greedy decoding gets right to the last token.

{losses}

![Loss curve](loss.png)

{pointer}

## Prompt format

With the text before the cursor in two parts, far and near, the near one from the start of a line:

    FAR <|fim_prefix|> <|fim_suffix|> SUFFIX <|fim_middle|> NEAR -> middle <|endoftext|>

There are no blanks between the parts, and FAR may be empty. What changes least comes first, so that a KV
cache keeps FAR when the cursor moves and SUFFIX while one types. In training NEAR had {near} tokens
and SUFFIX up to about {suffix}; each part is tokenised on its own. Of what rows are made of, {spm:.0%} are
such examples and {psm:.0%} are in the common order: `<|fim_prefix|> PREFIX <|fim_suffix|> SUFFIX
<|fim_middle|>`; the rest is plain code. `<|file_sep|>` stands before a file shown from its beginning,
also within FAR; `<|endoftext|>` ends a file or a middle. No token is put before a prompt.
`config.json` names the order under `hirope.fim_order`.

## Data

{source}: {num_files:,} files,
{num_chars:.0f} M characters ({languages}){read}
{part}Rows are drawn from small packages more often than their size says, and 15 % of them at most from other
languages than Python. {renamed}About one file in a hundred was
held out. Digest of the training files: `{digest}`.

| distribution | version | licence | files | characters |
|---|---|---|--:|--:|
{used}

And, with less: {others}.
{unused}

The losses over time are in `training.json`. To train it again:

    hirope-ls lab train {options}
{changes}"""


def write_model_folder(
    out: Path,
    tokenizer: Path,
    history: Path,
    corpus: Corpus,
    model: LlamaForCausalLM,
    fit: Callable[[Path], Fitted | None],
) -> None:
    """Write the folder `out`. Each file appears at once; a folder that is being served stays loadable. `fit` is given
    the new folder while nobody knows it."""
    out.mkdir(parents=True, exist_ok=True)
    content = json.loads(history.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(dir=out.parent) as name:
        new = Path(name)
        save_model(model, new)
        shutil.copytree(tokenizer, new, dirs_exist_ok=True)
        shutil.copy(history, new / "training.json")
        plot_losses(content, new / "loss.png")
        (new / "README.md").write_text(card(content, corpus, model, fit(new)), encoding="utf-8")
        for file in sorted(new.iterdir()):
            file.replace(out / file.name)


def save_model(model: LlamaForCausalLM, folder: Path) -> None:
    """Write weights in bfloat16 and the configuration, which says how the model was trained to fill in."""
    half = copy.deepcopy(model).bfloat16()
    half.config.hirope = {"fim_order": FIM_ORDER, "trained_length": TRAINED_LENGTH}
    end = model.config.eos_token_id
    half.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        eos_token_id=end, pad_token_id=end, do_sample=False
    )
    half.save_pretrained(str(folder))


def plot_losses(history: dict[str, Any], path: Path) -> None:
    """Draw training and evaluation losses over trained tokens."""
    per_step = history["tokens"] / max(1, history["steps"]) / 1e6
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    losses, evaluations = history["losses"], history["evaluations"]
    axes.plot([e["step"] * per_step for e in losses], [e["loss"] for e in losses], lw=0.8, label="training rows")
    for key, label in (
        ("held_out_loss", "held-out, code"),
        ("held_out_middle_loss", "held-out, middle"),
        ("networkx_loss", "networkx, code"),
        ("networkx_middle_loss", "networkx, middle"),
    ):
        points = [(e["step"] * per_step, e[key]) for e in evaluations if key in e]
        if points:
            axes.plot(*zip(*points, strict=True), marker="o", ms=3, lw=1.2, label=label)
    axes.set(xlabel="tokens trained on, millions", ylabel="loss, nats per token")
    if losses:
        last = min(e["loss"] for e in losses)
        axes.set_ylim(math.floor(2 * last - 1) / 2, min(6.0, losses[0]["loss"]))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)


def card(history: dict[str, Any], corpus: Corpus, model: LlamaForCausalLM, fitted: Fitted | None) -> str:
    """The model card, in Markdown."""
    config, about = model.config, history["about"]
    base = (config.rope_parameters or {})["rope_theta"]
    return _CARD.format(
        parameters=f"{model.num_parameters() / 1e6:.1f} M",
        shape=f"{config.num_hidden_layers} layers, hidden {config.hidden_size}, {config.num_attention_heads} heads "
        f"of {config.head_dim}, RoPE base {base:,.0f}, tied embedding",
        trained_length=TRAINED_LENGTH,
        vocab=config.vocab_size,
        steps=history["steps"],
        tokens=history["tokens"] / 1e6,
        minutes=history["seconds"] / 60,
        options=_options(history, corpus),
        changes=f"\nIt was made in another way {about['changes']}.\n" if about["changes"] else "",
        pointer=_POINTER.format(about["follow"].replace(" ", ", "), fitted.line) if fitted else "It has no pointer.",
        part=_PART if corpus.part else "",
        batch=about["batch"],
        machine=about["machine"],
        seed=about["seed"],
        renamed=_RENAMED.format(about["renamed"]) if about["renamed"] else "",
        spm=about["spm"],
        psm=about["psm"],
        languages=_languages(corpus),
        losses=_loss_table(history["evaluations"]),
        near=f"{NEAR_TOKENS[0]} to about {NEAR_TOKENS[1]}",
        suffix=SUFFIX_TOKENS[1],
        num_files=len(corpus.train),
        num_chars=sum(source.num_chars for source in corpus.sources) / 1e6,
        source=_whence(corpus),
        read=_OWN if corpus.folder else _READ.format(MOST_CHARS / 1e6, ", ".join(sorted(EVALUATION_ONLY))),
        digest=corpus.digest,
        used=_source_table(_read(corpus)[:_LISTED]),
        others=", ".join(f"{s.name} {s.version} ({s.licence})" for s in _read(corpus)[_LISTED:]) or "nothing",
        unused=_unused(corpus),
    )


def _options(history: dict[str, Any], corpus: Corpus) -> str:
    """What makes a run like this one."""
    about, minutes = history["about"], history["seconds"] / 60
    options = [f"--steps {about['steps']}" if about["steps"] else f"--minutes {minutes:.0f}"]
    options += [f"{option(name)} {about[name]}" for name in USUAL]
    if corpus.listed:
        options.append("--packages" if corpus.listed == LIST.name else f"--packages {corpus.listed}")
    options += [f"--corpus-dir {corpus.folder}"] * bool(corpus.folder)
    options += [f"--node-modules {corpus.npm}"] * bool(corpus.npm)
    options += [f"--follow {about['follow']}"] * bool(about["follow"])
    return " ".join(options)


def _whence(corpus: Corpus) -> str:
    if corpus.folder:
        return f"The code in `{corpus.folder}`"
    return _INSTALLED.format(f", and what `{_listed(corpus)}` names" if corpus.listed else "")


def _unused(corpus: Corpus) -> str:
    found = ", ".join(f"{s.name} ({s.licence}; {s.note})" for s in corpus.sources if not s.used)
    return f"\nInstalled{' or fetched' * bool(corpus.listed)}, but not read: {found}.\n" if found else ""


def _listed(corpus: Corpus) -> str:
    return "hirope_ls/lab/train/packages.txt" if corpus.listed == LIST.name else corpus.listed


def _loss_table(evaluations: list[dict[str, float]]) -> str:
    if not evaluations:
        return "Not evaluated yet."
    last = evaluations[-1]
    lines = [
        "| | code, nats | code, bits | middle, nats | middles right | next lines right |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for key, label in _SETS.items():
        if f"{key}_loss" in last:
            code, bits, middle = (last[f"{key}_{kind}"] for kind in ("loss", "bits", "middle_loss"))
            exact, line = (last[f"{key}_{kind}"] for kind in ("middle_exact", "line_exact"))
            lines.append(f"| {label} | {code:.2f} | {bits:.2f} | {middle:.2f} | {exact:.0%} | {line:.0%} |")
    return "\n".join(lines)


def _languages(corpus: Corpus) -> str:
    sizes = {name: sum(len(file.text) for file in files) for name, files in by_language(corpus.train).items()}
    return ", ".join(f"{name} {size / 1e6:.0f} M" for name, size in sorted(sizes.items(), key=lambda item: -item[1]))


def _read(corpus: Corpus) -> list[Source]:
    """What was read, most first."""
    return sorted((source for source in corpus.sources if source.num_files), key=lambda source: -source.num_chars)


def _source_table(rows: list[Source]) -> str:
    return "\n".join(f"| {s.name} | {s.version} | {s.licence} | {s.num_files:,} | {s.num_chars:,} |" for s in rows)
