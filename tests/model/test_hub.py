"""Hub ids, and where their models lie in the cache; beside what `huggingface_hub` itself says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hirope_ls.model.hub import RECORD, HubId, all_cached, cache_folder, fetched, is_whole, resolve
from hirope_ls.problems import ModelRefused

FIRST, SECOND = "0" * 39 + "1", "0" * 39 + "2"
PLACES = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in PLACES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "hf" / "hub"


def put(cache: Path, commit: str, ref: str | None = None, config: bool = True) -> Path:
    storage = cache / "models--someone--tiny"
    folder = storage / "snapshots" / commit
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").touch()
    if config:
        (folder / "config.json").write_text("{}")
    if ref is not None:
        (storage / "refs" / ref).parent.mkdir(parents=True, exist_ok=True)
        (storage / "refs" / ref).write_text(commit)
    return folder


def refused(name: str) -> str:
    with pytest.raises(ModelRefused) as caught:
        resolve(name)
    line = str(caught.value)
    assert "\n" not in line and "hirope-ls fetch " in line
    return line


@pytest.mark.parametrize(
    ("text", "name", "revision"),
    [
        ("a/b", "a/b", None),
        ("Qwen/Qwen2.5-Coder-1.5B", "Qwen/Qwen2.5-Coder-1.5B", None),
        ("a/b@main", "a/b", "main"),
        ("a/b@refs/pr/3", "a/b", "refs/pr/3"),
    ],
)
def test_ids(text: str, name: str, revision: str | None) -> None:
    assert HubId.parse(text) == HubId(name, revision)
    assert str(HubId.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "a", "a/b/c", "/a/b", "./a", "~/a", "../a", "a/..", "a/b@", "a/b@..", "a/b@x/../y", "a--b/c", "a/b\n", "é/b"],
)
def test_what_is_no_id(text: str) -> None:
    assert HubId.parse(text) is None


def test_paths_stay_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve("/some/where") == Path("/some/where") and resolve("./a/b") == Path("a/b")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve("~/models/x") == tmp_path / "models" / "x"
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert resolve("a/b") == Path("a/b"), "a folder of that name wins"


def test_what_a_name_means(cache: Path) -> None:
    first = put(cache, FIRST)
    assert resolve("someone/tiny") == first, "the only one"
    second = put(cache, SECOND, "main")
    assert resolve("someone/tiny") == second == resolve("someone/tiny@main")
    assert resolve(f"someone/tiny@{FIRST}") == first
    put(cache, FIRST, "refs/pr/1")
    assert resolve("someone/tiny@refs/pr/1") == first
    assert sorted(found.revision or "" for found, _ in all_cached()) == [FIRST, SECOND]


def test_what_is_not_there(cache: Path) -> None:
    assert "someone/tiny is not on this machine" in refused("someone/tiny")
    put(cache, FIRST)
    put(cache, SECOND)
    assert "this revision" in refused("someone/tiny")
    assert "this revision" in refused("someone/tiny@v2")
    assert "this revision" in refused(f"someone/tiny@{FIRST[:12]}"), "two begin so"
    assert "this revision" in refused("someone/tiny@000"), "too short to be a commit"


def test_what_is_not_whole(cache: Path) -> None:
    put(cache, FIRST, "main", config=False)
    assert "not complete" in refused("someone/tiny")
    (cache / "models--someone--tiny" / "refs" / "main").write_text("../../../elsewhere")
    refused("someone/tiny@main")
    assert not list(all_cached())


def test_shards_are_all_there_or_it_is_no_model(cache: Path) -> None:
    folder = put(cache, FIRST, "main")
    assert is_whole(folder)
    (folder / "model.safetensors").unlink()
    assert not is_whole(folder) and "not complete" in refused("someone/tiny")
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    index = {"weight_map": {"a": names[0], "b": names[1]}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    for name in names:
        assert not is_whole(folder)
        (folder / name).symlink_to("../../blobs/absent")
        assert not is_whole(folder), "a link to nothing"
        (folder / name).unlink()
        (folder / name).touch()
    assert is_whole(folder) and resolve("someone/tiny") == folder


def test_a_record_that_is_none(cache: Path) -> None:
    folder = put(cache, FIRST)
    for text in (None, "", "[]", "{", '{"licence": "mit"}'):
        if text is not None:
            (folder / RECORD).write_text(text)
        assert fetched(folder) == ({"licence": "mit"} if text and "mit" in text else {})


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"HF_HOME": "/x/hf"},
        {"XDG_CACHE_HOME": "/x/cache"},
        {"HF_HUB_CACHE": "/x/hub", "HF_HOME": "/y"},
        {"HUGGINGFACE_HUB_CACHE": "~/old", "XDG_CACHE_HOME": "/x"},
        {"HF_HOME": "$HOME/there"},
    ],
)
def test_the_cache_is_where_the_hub_library_has_it(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HOME")
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    code = "from huggingface_hub.constants import HF_HUB_CACHE; print(HF_HUB_CACHE)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert str(cache_folder()) == os.path.normpath(told.stdout.strip())


def test_it_needs_no_library() -> None:
    code = "import sys, hirope_ls.model.hub; assert not {'huggingface_hub', 'httpx2', 'socket'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
