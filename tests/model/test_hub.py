"""Models by name: found in a cache that is made here as huggingface_hub makes it, and never anywhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from hirope_ls.model.folder import bundled_folder
from hirope_ls.model.hub import cache_folder, model_folder
from hirope_ls.problems import ModelRefused

FIRST, SECOND = "a1b2c3d4" * 5, "a1b2ffff" * 5


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    home = tmp_path / "models--owner--name"
    for commit in (FIRST, SECOND):
        (home / "snapshots" / commit).mkdir(parents=True)
    for name, commit in (("main", FIRST), ("refs/pr/1", SECOND), ("v1.0", SECOND)):
        (home / "refs" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "refs" / name).write_text(commit)
    return home / "snapshots"


@pytest.mark.parametrize(
    ("model", "commit"),
    [
        ("owner/name", FIRST),
        ("owner/name@main", FIRST),
        ("owner/name@v1.0", SECOND),
        ("owner/name@refs/pr/1", SECOND),
        (f"owner/name@{SECOND}", SECOND),
        (f"owner/name@{SECOND[:7]}", SECOND),
    ],
)
def test_a_model_in_the_cache(cache: Path, model: str, commit: str) -> None:
    assert model_folder(model) == cache / commit


@pytest.mark.parametrize("model", ["owner/other", "owner/name@v2", "owner/name@a1b2", "owner/name@a/../main"])
def test_a_model_that_is_not_there_is_told_with_the_command_that_brings_it(cache: Path, model: str) -> None:
    with pytest.raises(ModelRefused) as refused:
        model_folder(model)
    assert f"`hirope-ls fetch {model}`" in str(refused.value)


def test_an_ambiguous_commit_is_none(cache: Path) -> None:
    (cache / (FIRST[:10] + "0" * 30)).mkdir()
    with pytest.raises(ModelRefused):
        model_folder(f"owner/name@{FIRST[:8]}")


def test_paths_are_paths(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "owner" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert model_folder("owner/name") == Path("owner/name"), "what is there wins"
    assert model_folder("./owner/none") == Path("owner/none")
    assert model_folder("/a/b/c") == Path("/a/b/c")
    assert model_folder("bundled") == bundled_folder()
    with pytest.raises(ModelRefused):
        model_folder("~no-such-user-here/x y")


def test_the_cache_is_where_the_hub_library_keeps_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache/huggingface/hub"
    monkeypatch.setenv("HF_HOME", "/hf")
    assert cache_folder() == Path("/hf/hub")
