"""`hirope-ls lab train`: train the bundled model, a small Llama for fill-in-the-middle, from installed source code.

A run is a folder: corpus, tokenizer, checkpoint and history. Started again on the same folder it goes on where it was.
The same command runs on a CPU and on a GPU.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
import transformers
from platformdirs import user_cache_path
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from hirope_ls.lab.pointer import Fitted, fit_to
from hirope_ls.lab.pointer import write as write_pointer
from hirope_ls.lab.reproduce.machine import machine
from hirope_ls.lab.train import attention, installed, left, loop, packages, settings
from hirope_ls.lab.train import corpus as corpora
from hirope_ls.lab.train.corpus import Corpus, by_language
from hirope_ls.lab.train.loop import Loss, Pace, Trainer
from hirope_ls.lab.train.measure import evaluations, held_out_name
from hirope_ls.lab.train.optimise import Plan, make_optimisers, set_peaks
from hirope_ls.lab.train.pack import pack, unpack
from hirope_ls.lab.train.rows import TRAINED_LENGTH, Mix, RowMaker
from hirope_ls.lab.train.shape import HEAD, Shape
from hirope_ls.lab.train.state import Folder, State, load_checkpoint, read_about, write_history
from hirope_ls.lab.train.tokenizer import load_tokenizer, save_tokenizer, train_tokenizer
from hirope_ls.problems import InputError

_MADE = (
    ("hidden", int, f"width, a multiple of {HEAD}"),
    ("inner", int, "width of the feed-forward part"),
    ("layers", int, "layers"),
    ("kv_heads", int, "key and value heads"),
    ("vocab", int, "tokens of a new tokenizer"),
    ("batch", int, f"rows of {TRAINED_LENGTH} tokens a step"),
    ("lr", float, "peak rate of AdamW, half that of Muon"),
    ("renamed", float, "share of the texts whose rare words are others"),
    ("spm", float, "share of what rows are made of: middles as served"),
    ("psm", float, "the same: middles in the common order"),
    ("seed", int, "for weights and rows"),
)

UNSEEN = "networkx"
"""The project whose loss is followed besides the held-out files'; it is never trained on."""

_TOKENIZER_CHARS = 24_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `lab train`."""
    add = parser.add_argument
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument(
        "--minutes",
        type=float,
        default=120.0,
        help="compute for so long, resumptions included (default: 120); on a CPU what other programs take does not "
        "count. The learning rate follows this time, so the run ends with its decay done, but two such runs are not "
        "equal. May be more when a run is started again",
    )
    budget.add_argument("--steps", type=int, help="train for so many steps instead: same seed, same weights")
    add("--work-dir", type=Path, help="the run's folder (default: in the user's cache)")
    add("--out", type=Path, help="where the model folder goes (default: WORK_DIR/model)")
    add("--export-only", action="store_true", help="write the model folder of the last checkpoint")
    source = parser.add_mutually_exclusive_group()
    told = "train on this folder's code, not on installed distributions"
    source.add_argument("--corpus-dir", type=Path, metavar="DIR", help=told)
    add("--node-modules", type=Path, metavar="DIR", help="npm packages to read as well, for JavaScript and TypeScript")
    told = (
        "fetch what a requirements file names and read it as well (without a FILE: what the bundled model is made from)"
    )
    source.add_argument("--packages", type=Path, nargs="?", const=packages.LIST, metavar="FILE", help=told)
    told = "begin with a model folder that lab train left, and go on with its history where its run's folder is gone"
    add("--begin", type=Path, metavar="DIR", help=told)
    pack = parser.add_mutually_exclusive_group()
    pack.add_argument("--pack", type=Path, metavar="FILE", help="only write corpus and tokenizer into one small file")
    pack.add_argument("--packed", type=Path, metavar="FILE", help="begin with what --pack wrote, on another machine")
    told = "more code to measure losses on, and to fit the model's pointer to (see lab pointer)"
    add("--follow", type=Path, nargs="+", default=[], metavar="DIR", help=told)
    usual = settings.USUAL
    parser.set_defaults(**dict.fromkeys(usual))
    made = parser.add_argument_group("how it is made", "a run that goes on keeps what it had")
    for name, kind, told in _MADE:
        told = f"{told} (default: {usual[name]})"
        made.add_argument(settings.option(name), type=kind, metavar="N", help=told)
    add("--device", default="auto", help="cpu, cuda or auto (default: auto)")
    add("--threads", type=int, default=0, help="torch threads (default: torch's own choice)")
    add("--compile", choices=("auto", "on", "off"), default="auto", help="torch.compile the loss")
    add("--save-every", type=float, default=5.0, help="minutes between checkpoints (default: 5)")
    add("--eval-every", type=float, default=10.0, help="minutes between evaluations (default: 10)")


def run(args: argparse.Namespace) -> int:
    """Train, or go on training, and export. 0: done, 130: interrupted and saved, 2: unable, and it is said why.

    Raises InputError for options that cannot be.
    """
    _followed_names(args.follow)
    if importlib.util.find_spec("matplotlib") is None:  # found out now, not after two hours
        print("Training draws a loss curve: pip install 'hirope-ls[lab]'", file=sys.stderr)
        return 2
    folder = Folder(args.work_dir or user_cache_path("hirope-ls") / "lab-train")
    folder.path.mkdir(parents=True, exist_ok=True)
    if args.packed:
        unpack(args.packed, folder)
    begun = args.begin is not None and not folder.checkpoint.exists()
    if begun:
        left.lay_tokenizer(args.begin, folder)
    known = left.made_with(args.begin) if begun else _known(folder)
    made = settings.settle(args, known)
    if args.threads:
        torch.set_num_threads(args.threads)
    corpus = _prepare_corpus(folder, args)
    if not corpus.train:
        print("No file to train on.", file=sys.stderr)
        return 2
    tokenizer = _prepare_tokenizer(folder, corpus, args.vocab)
    if args.pack:
        pack(folder, args.pack)
        print(f"Packed into {args.pack}, {args.pack.stat().st_size / 1e6:.0f} MB.", flush=True)
        return 0
    torch.manual_seed(args.seed)
    device = _device(args.device)
    model = Shape(args.hidden, args.inner, args.layers, args.kv_heads).fresh(tokenizer)
    model.to(device)  # type: ignore[arg-type]  # a decorator of transformers hides that it takes a device
    optimisers = make_optimisers(model, args.lr)
    state = State()
    if folder.checkpoint.exists():
        state = load_checkpoint(folder.checkpoint, model, optimisers)
        set_peaks(optimisers, args.lr)  # a checkpoint holds those of before
    elif begun:
        state = left.go_on(args.begin, model)
    elif args.export_only:
        print(f"No checkpoint in {folder.path}.", file=sys.stderr)
        return 2
    if not args.export_only:
        made["budget"] = settings.budget(args)
        changes = settings.changes(known, made, state.seconds, begun)
        state.about = {**made, "steps": args.steps or 0, "changes": changes, **_machine(device)}
        pace = Pace(args.save_every * 60, args.eval_every * 60, _workers(device))
        if not _trainer(args, folder, corpus, tokenizer, model, optimisers, state).train(
            _loss(args.compile, model), pace
        ):
            return 130
    state.about = {
        "steps": 0,
        "changes": "",
        **made,
        **state.about,
        "follow": " ".join(_followed_names(args.follow)),
    }
    out = args.out or folder.path / "model"
    export(folder, out, corpus, model, state, functools.partial(_fit_pointer, args.follow, corpus))
    print(f"The model is in {out}.", flush=True)
    return 0


def export(
    folder: Folder,
    out: Path,
    corpus: Corpus,
    model: LlamaForCausalLM,
    state: State,
    fit: Callable[[Path], Fitted | None],
) -> None:
    """Write the model folder: what the Auto classes load, the card and the loss curve. `fit`: gives it its pointer."""
    from hirope_ls.lab.train.card import write_model_folder  # matplotlib takes a second to import

    write_history(folder.history, state)
    write_model_folder(out, folder.tokenizer, folder.history, corpus, model, fit)


def _fit_pointer(code: list[Path], corpus: Corpus, model: Path) -> Fitted | None:
    """On code that was followed and not trained on. None where the model gets no pointer, and it is said why."""
    followed = (file for path in code for file in installed.folder_files(path, None))
    trained = {f"{file.source}/{file.path}" for file in corpora.repeated(followed, corpus.train)}
    if trained:
        print(f"{len(trained)} of the files followed stand in the corpus: no pointer is fitted to them.", flush=True)
    found = fit_to(model, code, left_out=trained) if code else None
    if found is not None:
        print(found.line, flush=True)
    if found is not None and found.helps:
        write_pointer(found.pointer, model)
        return found
    why = "no better with one" if found else "too few files to fit it to" if code else "fitted to code by --follow"
    print(f"The model has no pointer into the text: {why}.", flush=True)
    return None


def _trainer(
    args: argparse.Namespace,
    folder: Folder,
    corpus: Corpus,
    tokenizer: Tokenizer,
    model: LlamaForCausalLM,
    optimisers: list[torch.optim.Optimizer],
    state: State,
) -> Trainer:
    sets = {held_out_name(name): files for name, files in by_language(corpus.held_out).items()}
    sets[UNSEEN] = installed.evaluation_files(UNSEEN)
    names = _followed_names(args.follow)
    sets |= {name: installed.folder_files(path) for name, path in zip(names, args.follow, strict=True)}
    rows = RowMaker(tokenizer, corpus.train, args.seed, Mix(args.spm, args.psm, args.renamed))
    plan = Plan(args.minutes, args.steps, args.batch, args.seed)
    return Trainer(folder, plan, rows, evaluations(tokenizer, sets), model, optimisers, state)


def _prepare_corpus(folder: Folder, args: argparse.Namespace) -> Corpus:
    corpus = corpora.load(folder.corpus)
    if corpus is not None:
        if args.packages or args.node_modules:
            print(f"The run has its corpus already, in {folder.corpus}: nothing more is read.", file=sys.stderr)
        return corpus
    followed = [file for path in args.follow for file in installed.folder_files(path, None)]
    if args.corpus_dir:
        corpus = replace(installed.folder_corpus(args.corpus_dir, followed), folder=str(args.corpus_dir))
    else:
        site = packages.fetch(args.packages, folder.site) if args.packages else None
        corpus = installed.installed_corpus(args.node_modules, site, followed)
        listed = args.packages.name if args.packages else ""
        corpus = replace(corpus, listed=listed, npm=str(args.node_modules) if args.node_modules else "")
    corpora.save(corpus, folder.corpus)
    return corpus


def _known(folder: Folder) -> Mapping[str, settings.Value]:
    """How the run was made so far; a tokenizer may be there before the first checkpoint."""
    known = read_about(folder.checkpoint)
    if "vocab" in known or not (folder.tokenizer / "tokenizer.json").exists():
        return known
    return {**known, "vocab": load_tokenizer(folder.tokenizer).get_vocab_size()}


def _followed_names(folders: Sequence[Path]) -> list[str]:
    """What they are called in losses and on the card. Raises InputError where two are called alike."""
    names = [path.resolve().name for path in folders]
    if len(set(names)) < len(names):
        raise InputError(f"--follow takes folders of different names, not {' and '.join(names)}")
    return names


def _prepare_tokenizer(folder: Folder, corpus: Corpus, vocab: int) -> Tokenizer:
    if not (folder.tokenizer / "tokenizer.json").exists():
        num_chars = sum(len(file.text) for file in corpus.train)
        every = max(1, num_chars // _TOKENIZER_CHARS)
        save_tokenizer(train_tokenizer((file.text for file in corpus.train[::every]), vocab), folder.tokenizer)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # rows are made in processes of their own, or one by one
    return load_tokenizer(folder.tokenizer)


def _machine(device: torch.device) -> dict[str, str]:
    """What a run is computed on."""
    versions = {"torch": str(torch.__version__), "transformers": transformers.__version__}
    return {"machine": machine(device), **versions}


def _device(name: str) -> torch.device:
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)


def _workers(device: torch.device) -> int:
    """A GPU takes rows faster than one process makes them; a CPU has nothing to spare."""
    return max(1, (os.cpu_count() or 2) - 2) if device.type == "cuda" else 0


def _loss(choice: str, model: LlamaForCausalLM) -> Loss:
    """What is minimised, compiled where that can be; on a CPU the model gets the attention that compiles well."""
    if choice == "off" or (choice == "auto" and not _can_compile(model.device)):
        return loop.row_loss
    if model.device.type == "cpu":
        model.set_attn_implementation(attention.NAME)
    compiled: Loss = torch.compile(loop.row_loss)
    return compiled


def _can_compile(device: torch.device) -> bool:
    """Whether the machine has what torch.compile needs: on a CPU, a C++ compiler."""
    if device.type != "cpu":
        return True
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler

    try:
        get_cpp_compiler()
    except InvalidCxxCompiler:
        return False
    return True


def main() -> int:
    """`python -m hirope_ls.lab.train.command`."""
    parser = argparse.ArgumentParser(prog="hirope-ls lab train", description=__doc__)
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
