"""The package as it is installed: style, types, and a wheel that carries what it needs."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def _run(*command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], cwd=cwd, capture_output=True, text=True, timeout=280)


@pytest.mark.parametrize("command", [("check",), ("format", "--check")])
def test_style(command: tuple[str, ...]) -> None:
    found = _run("-m", "ruff", *command, ".")
    assert found.returncode == 0, found.stdout + found.stderr


def test_types() -> None:
    found = _run("-m", "mypy")
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    found = _run("-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(out), str(ROOT))
    assert found.returncode == 0, found.stderr
    (made,) = out.glob("*.whl")
    return made


def test_wheel_contents(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        "hirope_ls/py.typed",
        "hirope_ls/ARCHITECTURE.md",
        "hirope_ls/hirope/SUPPORTED.md",
        "hirope_ls/model/bundled/model.safetensors",
        "hirope_ls/model/bundled/tokenizer.json",
        "hirope_ls/model/bundled/config.json",
        "hirope_ls/model/bundled/README.md",
    }
    assert wanted <= names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert not any(name.startswith(("tests/", "editors/")) for name in names)


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    tracked = subprocess.run(["git", "ls-files", "hirope_ls"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert [name for name in tracked.stdout.splitlines() if name not in names] == []


def test_wheel_works_outside_the_repository(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    source = tmp_path / "sum.py"
    source.write_text("def add(left, right):\n    return \n\n\nprint(add(1, 2))\n")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); import hirope_ls; print(hirope_ls.__file__);"
        f"from hirope_ls.cli import main; raise SystemExit(main(['complete', {str(source) + ':2:12'!r}, '--json']))"
    )
    found = _run("-I", "-c", code, cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith(str(tmp_path / "site"))
    assert '"outcome"' in found.stdout


def test_repository_is_small() -> None:
    size = sum(path.stat().st_size for path in (ROOT / "hirope_ls").rglob("*") if path.is_file())
    assert size < 64 << 20
