"""`hirope-ls lab train`: train the bundled model, a small Llama for fill-in-the-middle, from installed source code.

A run is a folder: corpus, tokenizer, checkpoint and history. Started again on the same folder it goes on where it was.
The same command runs on a CPU and on a GPU.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path

import torch
import transformers
from platformdirs import user_cache_path
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from hirope_ls.lab.reproduce.machine import machine
from hirope_ls.lab.train import attention, installed, loop
from hirope_ls.lab.train import corpus as corpora
from hirope_ls.lab.train.corpus import Corpus, by_language
from hirope_ls.lab.train.loop import Loss, Pace, Trainer
from hirope_ls.lab.train.measure import evaluations, held_out_name
from hirope_ls.lab.train.optimise import Plan, make_optimisers
from hirope_ls.lab.train.pack import pack, unpack
from hirope_ls.lab.train.rows import TRAINED_LENGTH, RowMaker
from hirope_ls.lab.train.shape import HEAD, Shape
from hirope_ls.lab.train.state import Folder, State, load_checkpoint, write_history
from hirope_ls.lab.train.tokenizer import VOCAB_SIZE, load_tokenizer, save_tokenizer, train_tokenizer

UNSEEN = "networkx"
"""The project whose loss is followed besides the held-out files'; it is never trained on."""

_RECORDED = ("seed", "batch", "lr", "renamed")
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
    add("--corpus-dir", type=Path, help="train on this folder's code, not on installed distributions")
    add("--node-modules", type=Path, metavar="DIR", help="npm packages to read as well, for JavaScript and TypeScript")
    pack = parser.add_mutually_exclusive_group()
    pack.add_argument("--pack", type=Path, metavar="FILE", help="only write corpus and tokenizer into one small file")
    pack.add_argument("--packed", type=Path, metavar="FILE", help="begin with what --pack wrote, on another machine")
    add("--follow", type=Path, nargs="+", default=[], metavar="DIR", help="more code to measure losses on")
    add("--hidden", type=int, default=256, help=f"width, a multiple of {HEAD} (default: 256)")
    add("--inner", type=int, default=768, help="width of the feed-forward part (default: 768)")
    add("--layers", type=int, default=4, help="(default: 4)")
    add("--kv-heads", type=int, default=4, help="key and value heads (default: 4)")
    add("--vocab", type=int, default=VOCAB_SIZE, help=f"tokens of a new tokenizer (default: {VOCAB_SIZE})")
    add("--batch", type=int, default=16, help=f"rows of {TRAINED_LENGTH} tokens a step (default: 16)")
    add("--lr", type=float, default=2e-3, help="peak rate of AdamW, half that of Muon (default: 2e-3)")
    add("--renamed", type=float, default=0.0, help="share of the texts whose rare words are others (default: 0)")
    add("--seed", type=int, default=0)
    add("--device", default="auto", help="cpu, cuda or auto (default: auto)")
    add("--threads", type=int, default=0, help="torch threads (default: torch's own choice)")
    add("--compile", choices=("auto", "on", "off"), default="auto", help="torch.compile the loss")
    add("--save-every", type=float, default=5.0, help="minutes between checkpoints (default: 5)")
    add("--eval-every", type=float, default=10.0, help="minutes between evaluations (default: 10)")


def run(args: argparse.Namespace) -> int:
    """Train, or go on training, and export. 0: done, 130: interrupted and saved, 2: unable, and it is said why."""
    if importlib.util.find_spec("matplotlib") is None:  # found out now, not after two hours
        print("Training draws a loss curve: pip install 'hirope-ls[lab]'", file=sys.stderr)
        return 2
    folder = Folder(args.work_dir or user_cache_path("hirope-ls") / "lab-train")
    folder.path.mkdir(parents=True, exist_ok=True)
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.packed:
        unpack(args.packed, folder)
    corpus = _prepare_corpus(folder, args.corpus_dir, args.node_modules)
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
    elif args.export_only:
        print(f"No checkpoint in {folder.path}.", file=sys.stderr)
        return 2
    if not args.export_only and not _trainer(args, folder, corpus, tokenizer, model, optimisers, state).train(
        _loss(args.compile, model), Pace(args.save_every * 60, args.eval_every * 60, _workers(device))
    ):
        return 130
    out = args.out or folder.path / "model"
    export(folder, out, corpus, model, state)
    print(f"The model is in {out}.", flush=True)
    return 0


def export(folder: Folder, out: Path, corpus: Corpus, model: LlamaForCausalLM, state: State) -> None:
    """Write the model folder: what the Auto classes load, the card and the loss curve."""
    from hirope_ls.lab.train.card import write_model_folder  # matplotlib takes a second to import

    write_history(folder.history, state)
    write_model_folder(out, folder.tokenizer, folder.history, corpus, model)


def _trainer(
    args: argparse.Namespace,
    folder: Folder,
    corpus: Corpus,
    tokenizer: Tokenizer,
    model: LlamaForCausalLM,
    optimisers: list[torch.optim.Optimizer],
    state: State,
) -> Trainer:
    state.about = _about(args, model.device)
    sets = {held_out_name(name): files for name, files in by_language(corpus.held_out).items()}
    sets[UNSEEN] = installed.evaluation_files(UNSEEN)
    sets |= {path.name: installed.folder_files(path) for path in args.follow}
    rows = RowMaker(tokenizer, corpus.train, args.seed, args.renamed)
    plan = Plan(args.minutes, args.steps, args.batch, args.seed)
    return Trainer(folder, plan, rows, evaluations(tokenizer, sets), model, optimisers, state)


def _prepare_corpus(folder: Folder, source: Path | None, node_modules: Path | None) -> Corpus:
    corpus = corpora.load(folder.corpus)
    if corpus is None:
        corpus = installed.folder_corpus(source) if source else installed.installed_corpus(node_modules)
        corpora.save(corpus, folder.corpus)
    return corpus


def _prepare_tokenizer(folder: Folder, corpus: Corpus, vocab: int) -> Tokenizer:
    if not (folder.tokenizer / "tokenizer.json").exists():
        num_chars = sum(len(file.text) for file in corpus.train)
        every = max(1, num_chars // _TOKENIZER_CHARS)
        save_tokenizer(train_tokenizer((file.text for file in corpus.train[::every]), vocab), folder.tokenizer)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # rows are made in processes of their own, or one by one
    return load_tokenizer(folder.tokenizer)


def _about(args: argparse.Namespace, device: torch.device) -> dict[str, int | float | str]:
    """How a run is made, and on what."""
    versions = {"torch": str(torch.__version__), "transformers": transformers.__version__}
    return {name: getattr(args, name) for name in _RECORDED} | {"machine": machine(device)} | versions


def _device(name: str) -> torch.device:
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)


def _workers(device: torch.device) -> int:
    """A GPU takes rows faster than one process makes them; a CPU has nothing to spare."""
    return max(1, (os.cpu_count() or 2) - 2) if device.type == "cuda" else 0


def _loss(choice: str, model: LlamaForCausalLM) -> Loss:
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
