"""The command line. Commands are imported when they are called, so that an editor's `--stdio` starts at once.

A command is a module, or an object in one, with `add_arguments(parser)` and `run(args) -> exit code`. Errors that a
user can mend end as one line on stderr and exit code 2, Ctrl-C as 130, a reader that went away as 141.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from hirope_ls.problems import HiropeError

PROG = "hirope-ls"

_BENCH = "hirope_ls.lab.bench.command"
_COMMANDS = {
    "complete": ("hirope_ls.commands.complete", "show what would be suggested at a place in a file"),
    "explain": ("hirope_ls.commands.explain", "show what is known of the function or class that a name refers to"),
    "positions": ("hirope_ls.commands.positions", "show the units of a file and the positions its tokens get"),
    "doctor": ("hirope_ls.commands.doctor", "check the installation, the model and its speed"),
    "fetch": ("hirope_ls.commands.fetch", "fetch a model from the Hugging Face hub"),
    "models": ("hirope_ls.commands.models", "list the models on this machine, and whether they can be used"),
    "lab train": ("hirope_ls.lab.train.command", "train the bundled model"),
    "lab variants": (
        "hirope_ls.lab.train.variants",
        "train other shapes and vocabularies for the same time, and compare",
    ),
    "lab results": ("hirope_ls.lab.reproduce.command", "measure what RESULTS.md shows, and write it"),
    "lab pointer": ("hirope_ls.lab.pointer", "fit how far a model believes what its text says again"),
    "lab gguf": ("hirope_ls.lab.to_gguf", "write a Llama-shaped model as a GGUF file, for llama.cpp"),
    "lab quantise": ("hirope_ls.lab.quantise", "write a model with its matrices in 8 or 4 bits"),
    "lab device": ("hirope_ls.lab.device.command", "check and measure everything on this machine's GPU"),
    "eval perplexity": ("hirope_ls.lab.eval.commands:perplexity", "likelihood of code as its context grows, by method"),
    "eval distant": ("hirope_ls.lab.eval.commands:distant", "copy and call a function that stands far above"),
    "eval symbols": ("hirope_ls.lab.eval.commands:symbols", "tell which functions and classes a long file defines"),
    "eval completion": ("hirope_ls.lab.eval.commands:completion", "write the next line after a long context"),
    "eval compare": ("hirope_ls.lab.eval.compare", "models side by side on the same lines, and beside copying"),
    "eval calls": ("hirope_ls.lab.eval.calls", "how many calls across files are resolved, and how many right"),
    "eval crossfile": ("hirope_ls.lab.eval.crossfile", "write lines that call something of another file"),
    "eval splice": ("hirope_ls.lab.eval.splice", "what the approximate splice costs in accuracy, and saves"),
    "bench all": (f"{_BENCH}:bench_all", "all that follow, and which goals hold"),
    "bench keystroke": (f"{_BENCH}:bench_keystroke", "time a keystroke from text to position ids"),
    "bench latency": (f"{_BENCH}:bench_latency", "time to the first token and the line while one types"),
    "bench decode": (f"{_BENCH}:bench_decode", "tokens a second after a long context"),
    "bench attention": (f"{_BENCH}:bench_attention", "what the hierarchy costs against plain positions"),
    "bench memory": (f"{_BENCH}:bench_memory", "bytes of a cached token, and the budget of many files"),
    "bench jump": (f"{_BENCH}:bench_jump", "the cursor moves up, down, and past an edit"),
    "bench many": (f"{_BENCH}:bench_many", "many open files in turn"),
    "bench workspace": ("hirope_ls.lab.bench.workspace", "index a repository, start again, switch a branch"),
    "bench server": ("hirope_ls.lab.bench.server", "type in a large repository while the server reads it"),
    "bench table": (f"{_BENCH}:bench_table", "the rows of a JSON file as a table in Markdown"),
}
_GROUPS = frozenset(name.split()[0] for name in _COMMANDS if " " in name)


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{PROG}: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    # Threads of torch that wait by spinning stop each other on a busy machine: 100 times slower has been seen.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read once, when torch is imported
    try:
        return _run(words)
    except HiropeError as problem:
        print(f"{PROG}: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # What is left in the buffer has nowhere to go; without this, Python complains about it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as problem:
        if os.environ.get("HIROPE_STRICT") == "1":
            raise
        told = " ".join(str(problem).split())[:300]
        print(f"{PROG}: this is a fault of {PROG}, please report it: {type(problem).__name__}: {told}", file=sys.stderr)
        return 2


def _run(words: list[str]) -> int:
    if "--stdio" in words or any(word.partition("=")[0] == "--tcp" for word in words):
        return _serve(words)
    if not words or words[0] in ("-h", "--help", "help"):
        print(_overview())
        return 0 if words else 2
    if words[0] in ("-V", "--version"):
        print(f"{PROG} {version()}")
        return 0
    name, rest = _command(words)
    module = _load(name)
    parser = Parser(prog=f"{PROG} {name}", description=module.__doc__, formatter_class=_Formatter)
    module.add_arguments(parser)
    args = parser.parse_args(rest)
    code = int(module.run(args))
    sys.stdout.flush()  # a broken pipe shows here, where it is still caught
    return code


def _serve(words: list[str]) -> int:
    """Serve an editor. Each setting is an option, too; what editors add of their own is taken and ignored."""
    from hirope_ls.config import SETTINGS

    parser = Parser(prog=f"{PROG} --stdio", description="Serve an editor over stdin and stdout.", allow_abbrev=False)
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--stdio", action="store_true", help=argparse.SUPPRESS)
    way.add_argument("--tcp", metavar="ADDRESS", help="wait for one editor at an address of this machine alone instead")
    parser.add_argument("--clientProcessId", type=int, help=argparse.SUPPRESS)
    for setting in SETTINGS:
        parser.add_argument(
            f"--{_kebab(setting.name)}",
            dest=setting.name,
            type=_value,
            metavar="VALUE",
            help=f"{setting.accepts.replace('`', '')}. {setting.doc.replace('`', '')}",
        )
    args = vars(parser.parse_args(words))
    overrides = {setting.name: args[setting.name] for setting in SETTINGS if args[setting.name] is not None}
    from hirope_ls.server.serve import serve

    log_file = None if args["logFile"] is None else Path(args["logFile"])  # from the start, not from the session's
    return serve(overrides, log_file=log_file, tcp=args["tcp"])


def _kebab(name: str) -> str:
    """kvBudgetMiB -> kv-budget-mib."""
    return re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "-", name).lower()


def _value(text: str) -> int | str:
    return int(text) if re.fullmatch(r"-?\d{1,12}", text) else text


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps a module docstring's lines as they are."""


def _command(words: list[str]) -> tuple[str, list[str]]:
    """The command's name and what follows it. Raises HiropeError with what there is."""
    if words[0] in _COMMANDS:
        return words[0], words[1:]
    if words[0] in _GROUPS:
        name = " ".join(words[:2])
        if name in _COMMANDS:
            return name, words[2:]
        choices = ", ".join(command for command in _COMMANDS if command.startswith(f"{words[0]} "))
        raise HiropeError(f"{words[0]} needs one of: {choices}")
    raise HiropeError(f"there is no command {words[0]!r}; there are --stdio, {', '.join(_COMMANDS)}")


def _load(name: str) -> Any:
    """The command: a module, or what is named behind a colon in one."""
    module, _, inside = _COMMANDS[name][0].partition(":")
    try:
        found = importlib.import_module(module)
        return getattr(found, inside) if inside else found
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(f"{error.name}.")):
            raise HiropeError(f"{name} is not part of this installation") from None
        raise HiropeError(f"{name} needs the package {error.name}: pip install 'hirope-ls[lab]'") from None


def _overview() -> str:
    lines = [
        f"usage: {PROG} --stdio | COMMAND ...",
        "",
        "Code completion that understands long code, on your own machine.",
        "",
        f"  {'--stdio':<16} serve an editor (LSP over stdin and stdout); --tcp 127.0.0.1:PORT over a connection",
        *(f"  {name:<16} {text}" for name, (_, text) in _COMMANDS.items()),
        f"  {'--version':<16} print the version",
        "",
        f"{PROG} COMMAND --help tells more about a command, {PROG} --stdio --help about the server's settings.",
    ]
    return "\n".join(lines)


def version() -> str:
    """The version of the installed package."""
    from importlib import metadata

    try:
        return metadata.version("hirope-ls")
    except metadata.PackageNotFoundError:
        return "(not installed)"
