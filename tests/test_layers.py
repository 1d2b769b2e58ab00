"""The layers of ARCHITECTURE.md: imports go downward only, and what must be quick to import is."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import hirope_ls

ROOT = Path(hirope_ls.__file__).parent
ALLOWED = {  # part -> what it may import of this package; everything may import problems
    "text": set(),
    "syntax": {"text"},
    "names": {"syntax"},
    "workspace": {"text"},
    "compiled": set(),
    "hirope": {"compiled"},
    "model": {"hirope", "text"},
    "engine": {"text", "syntax", "names", "workspace", "model"},
    "server": {"text", "syntax", "names", "workspace", "model", "engine", "config"},
    "config": set(),
    "problems": set(),
    "lab": {"text", "syntax", "names", "workspace", "hirope", "model", "engine"},
    "commands": {"text", "syntax", "names", "workspace", "model", "engine", "config"},
    "cli": {"commands", "config", "server", "lab"},
    "__main__": {"cli"},
    "__init__": set(),
}
FOREIGN = {  # packages that only these parts know
    "torch": {"hirope", "model", "lab", "commands"},
    "transformers": {"hirope", "model", "lab"},
    "tokenizers": {"model", "lab"},
    "llama_cpp": {"lab"},
    "gguf": {"lab"},
    "tree_sitter": {"syntax"},
    "tree_sitter_python": {"syntax"},
    "watchdog": {"workspace"},
    "pygls": {"server"},
    "lsprotocol": {"server"},
    "rich": {"commands", "lab"},
    "numba": {"compiled"},
    "llvmlite": {"compiled"},
}
MODULES = sorted(path for path in ROOT.rglob("*.py"))


def part_of(path: Path) -> str:
    relative = path.relative_to(ROOT)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imported(path: Path) -> set[str]:
    """Dotted names of all that a module imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the layers"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_downward_only(path: Path) -> None:
    part = part_of(path)
    assert part in ALLOWED, f"{part} is not in the picture of the layers"
    for name in imported(path):
        top, *rest = name.split(".")
        if top == "hirope_ls":
            target = rest[0] if rest else "__init__"
            assert target in ALLOWED[part] | {part, "problems"}, f"{path.name} imports {name}"
        elif top in FOREIGN:
            assert part in FOREIGN[top], f"{path.name} imports {name}"


def test_the_text_layer_needs_the_standard_library_only() -> None:
    for path in (ROOT / "text").rglob("*.py"):
        tops = {name.split(".")[0] for name in imported(path)}
        assert tops <= set(sys.stdlib_module_names) | {"hirope_ls"}, path


def modules_after(code: str) -> tuple[set[str], float]:
    """The modules loaded by some code in a fresh Python, and the seconds it took."""
    report = "import sys, time; began = time.perf_counter()\n" + code
    report += "\nprint(time.perf_counter() - began, *sys.modules)"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True, timeout=60)
    seconds, *names = done.stdout.splitlines()[-1].split()
    return set(names), float(seconds)


def test_importing_the_package_is_cheap() -> None:
    names, _ = modules_after("import hirope_ls")
    assert not names & {"torch", "transformers", "numpy", "pygls", "rich", "tree_sitter"}
    # The best of a few: a busy machine says nothing about the package.
    assert min(modules_after("import hirope_ls")[1] for _ in range(3)) < 0.050


@pytest.mark.parametrize(
    "code",
    [
        "import hirope_ls.server.serve",
        "import hirope_ls.cli, hirope_ls.commands.positions, hirope_ls.commands.complete, hirope_ls.commands.doctor",
        "import hirope_ls.engine.complete, hirope_ls.engine.worker, hirope_ls.engine.recent",
    ],
)
def test_nothing_imports_torch_before_it_is_needed(code: str) -> None:
    names, _ = modules_after(code)
    assert not names & {"torch", "transformers"}


@pytest.mark.parametrize("argv", [["--help"], ["--version"], ["--stdio", "--help"], ["nonsense"]])
def test_the_command_line_starts_light(argv: list[str]) -> None:
    code = f"import hirope_ls.cli\ntry:\n    hirope_ls.cli.main({argv!r})\nexcept SystemExit:\n    pass"
    names, _ = modules_after(code)
    assert not names & {"torch", "transformers", "numpy", "pygls", "rich", "tree_sitter"}
