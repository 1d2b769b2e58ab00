"""`hirope-ls fetch`, against a small hub on this machine: what arrives, what is refused, and what is interrupted."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from commands.fake_hub import COMMIT, FakeHub
from huggingface_hub import close_session
from model.tiny_models import save_model

from hirope_ls.cli import main
from hirope_ls.commands.fetch.offer import NetworkError
from hirope_ls.model.folder import read_card
from hirope_ls.model.hub import RECORD, fetched, resolve
from hirope_ls.problems import ModelRefused

NAME = "someone/tiny"


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def hub(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    files = {path.name: path.read_bytes() for path in sorted(tiny.iterdir())}
    files |= {"README.md": b"# A model", "pytorch_model.bin": b"\x80\x04.", "onnx/model.onnx": b"x", "run.py": b"x()"}
    with FakeHub(NAME, files).serving() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        monkeypatch.setattr("hirope_ls.commands.fetch.transfer.PAUSE", 0.0)
        yield hub


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    capsys.readouterr()
    assert main(["fetch", *(argv or (NAME,))]) == 2
    line = capsys.readouterr().err
    assert line.startswith("hirope-ls: ") and line.count("\n") == 1
    return line


def blobs(kind: str = "*") -> list[Path]:
    return sorted((Path(os.environ["HF_HOME"]) / "hub" / "models--someone--tiny" / "blobs").glob(kind))


def test_what_arrives(hub: FakeHub, tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch", NAME]) == 0
    out, err = capsys.readouterr()
    folder = resolve(NAME)
    assert err == "" and f'model = "{NAME}@{COMMIT}"' in out and "apache-2.0" in out and str(folder) in out
    for path in folder.iterdir():
        assert path.name == RECORD or path.read_bytes() == (tiny / path.name).read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "generation_config.json",
        RECORD,
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ], "data, and nothing else"
    assert read_card(folder).name == NAME
    assert folder == resolve(f"{NAME}@main") == resolve(f"{NAME}@{COMMIT}") == resolve(f"{NAME}@{COMMIT[:8]}")


def test_others_find_it_there(hub: FakeHub) -> None:
    """The layout is the hub's own: its library finds the model with no network."""
    assert main(["fetch", NAME]) == 0
    code = (
        "import sys; from huggingface_hub import snapshot_download, scan_cache_dir;"
        "print(snapshot_download(sys.argv[1], local_files_only=True)); assert not scan_cache_dir().warnings"
    )
    told = subprocess.run([sys.executable, "-c", code, NAME], capture_output=True, text=True, timeout=60, check=True)
    assert Path(told.stdout.strip()) == resolve(NAME)


def test_a_second_time_fetches_nothing(hub: FakeHub) -> None:
    assert main(["fetch", NAME]) == 0
    hub.seen.clear()
    assert main(["fetch", NAME]) == 0
    assert [path for _, path, _, _ in hub.seen] == [f"/api/models/{NAME}/revision/main"]


def test_a_revision_is_pinned(hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    other = COMMIT[::-1]
    hub.revisions |= {"v2": other, other: other}
    assert main(["fetch", f"{NAME}@v2"]) == 0
    assert f"{NAME}@{other}" in capsys.readouterr().out
    assert resolve(f"{NAME}@v2").name == other
    assert main(["fetch", f"{NAME}@{COMMIT}"]) == 0
    assert resolve(f"{NAME}@{COMMIT}").name == COMMIT
    assert "has no revision 'v3'" in refused(capsys, f"{NAME}@v3")


def test_what_is_written_down(hub: FakeHub) -> None:
    assert main(["fetch", NAME]) == 0
    record = fetched(resolve(NAME))
    assert (record["model"], record["commit"], record["licence"]) == (NAME, COMMIT, "apache-2.0")
    assert record["hub"] == hub.endpoint and sorted(record["files"]) == sorted(
        path.name for path in resolve(NAME).iterdir() if path.name != RECORD
    )
    weights = hub.files["model.safetensors"]
    sums = {"size": len(weights), "sha256": hashlib.sha256(weights).hexdigest()}
    assert record["files"]["model.safetensors"] == sums and "git" in record["files"]["config.json"]


def test_what_is_there_is_checked_again(hub: FakeHub) -> None:
    """A file that was damaged on the disk, at its full length."""
    assert main(["fetch", NAME]) == 0
    blob = (resolve(NAME) / "model.safetensors").resolve()
    data = blob.read_bytes()
    blob.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    hub.seen.clear()
    assert main(["fetch", NAME]) == 0
    assert hub.asked("/cdn/") == ["bytes=0-"] and blob.read_bytes() == data


def shard(hub: FakeHub) -> None:
    """The same model in one 'shard', and a copy of it that no index names."""
    weights = hub.files.pop("model.safetensors")
    header = json.loads(weights[8 : 8 + int.from_bytes(weights[:8], "little")])
    names = dict.fromkeys(header.keys() - {"__metadata__"}, "model-00001-of-00001.safetensors")
    hub.files["model.safetensors.index.json"] = json.dumps({"weight_map": names}).encode()
    hub.files["model-00001-of-00001.safetensors"] = hub.files["consolidated.safetensors"] = weights


def test_shards_are_those_of_the_index(hub: FakeHub) -> None:
    shard(hub)
    assert main(["fetch", NAME]) == 0
    assert {path.name for path in resolve(NAME).glob("*.safetensors")} == {"model-00001-of-00001.safetensors"}
    assert not hub.asked("consolidated")


def test_an_index_with_a_shard_that_is_not_there(hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    shard(hub)
    del hub.files["model-00001-of-00001.safetensors"]
    assert "lacks 'model-00001-of-00001.safetensors'" in refused(capsys)


def test_shards_that_are_not_all_there_are_no_model(hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    shard(hub)
    hub.spoilt = True
    refused(capsys)
    folder = Path(os.environ["HF_HOME"]) / "hub" / "models--someone--tiny" / "snapshots" / COMMIT
    assert (folder / "config.json").is_file() and not fetched(folder)
    for name in (NAME, f"{NAME}@{COMMIT}"):
        with pytest.raises(ModelRefused, match="not complete on this machine: hirope-ls fetch"):
            resolve(name)


def test_dry_run_fetches_nothing(hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch", NAME, "--dry-run"]) == 0
    assert re_size(len(hub.files["model.safetensors"])) in capsys.readouterr().out
    assert not Path(os.environ["HF_HOME"]).exists()


def re_size(count: int) -> str:
    return f"{count / 1000:.0f} kB"


# --- licences --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("licence", "name", "link", "told", "page"),
    [
        ("bigcode-openrail-m", None, None, "is under bigcode-openrail-m", "/someone/tiny,"),
        ("other", "mnpl", "https://mistral.ai/licences/MNPL-0.1.md", "is under mnpl", "https://mistral.ai/"),
        ("other", "qwen-research", "LICENSE", "is under qwen-research", f"/someone/tiny/blob/{COMMIT}/LICENSE"),
        (None, None, None, "says no licence", "/someone/tiny,"),
    ],
)
def test_a_licence_that_does_not_allow_any_use_is_asked_about(
    hub: FakeHub,
    capsys: pytest.CaptureFixture[str],
    licence: str | None,
    name: str | None,
    link: str | None,
    told: str,
    page: str,
) -> None:
    hub.licence, hub.licence_name, hub.licence_link = licence, name, link
    line = refused(capsys)
    assert told in line and page in line and "add --yes" in line
    assert [path for _, path, _, _ in hub.seen] == [f"/api/models/{NAME}/revision/main"], "nothing was fetched"
    assert main(["fetch", NAME, "--dry-run"]) == 0, "to look is free"
    assert main(["fetch", NAME, "--yes"]) == 0
    assert fetched(resolve(NAME))["licence"] == (name or licence)
    assert main(["fetch", NAME]) == 0, "it was agreed to"


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("Yes\n", 0), ("n\n", 2), ("\n", 2), ("", 2)])
def test_who_is_there_is_asked(
    hub: FakeHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    hub.licence = "gemma"
    stdin = io.StringIO(answer)
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", stdin)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert main(["fetch", NAME]) == code
    err = capsys.readouterr().err
    assert "under gemma" in err and "[y/N]" in err and ("nothing was fetched" in err) == (code == 2)


# --- interruptions ---------------------------------------------------------------------------------------------------


def test_a_broken_connection_goes_on_where_it_broke(hub: FakeHub) -> None:
    hub.cuts = [1000, 7, 30_000]
    assert main(["fetch", NAME]) == 0
    wanted = hub.asked("/cdn/")
    assert len(wanted) == 4 and wanted[0] == "bytes=0-" and len(set(wanted)) == 4
    read_card(resolve(NAME))


def test_progress_ends_at_the_whole(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever comes twice, and whatever is there already, is counted once."""
    counted: list[int] = []

    @contextmanager
    def progress(total: int) -> Iterator[Any]:
        counted[:] = [-total]
        yield counted.append

    monkeypatch.setattr("hirope_ls.commands.fetch._progress", progress)
    hub.ranges, hub.cuts = False, [5000, 10_000]
    for _ in range(2):
        assert main(["fetch", NAME]) == 0
        assert sum(counted) == 0 and len(counted) > 1


def test_progress_in_a_log_is_a_line_at_each_tenth(
    hub: FakeHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hirope_ls.commands.fetch._LONG", 0)
    assert main(["fetch", NAME]) == 0
    told = capsys.readouterr().err.splitlines()
    shares = [int(line.rpartition(", ")[2].removesuffix(" %")) for line in told]
    assert shares == sorted(set(shares)) and len(shares) <= 10 and not any(share % 10 for share in shares)
    assert shares[-1] == 100 and re_size(len(hub.files["model.safetensors"])) in told[-1]


def test_a_hub_without_ranges(hub: FakeHub) -> None:
    hub.ranges = False
    hub.cuts = [5000, 10_000]
    assert main(["fetch", NAME]) == 0
    read_card(resolve(NAME))


def test_a_killed_process_leaves_what_the_next_one_goes_on_with(hub: FakeHub) -> None:
    whole = len(hub.files["model.safetensors"])
    hub.cuts, hub.shut = [whole // 2], threading.Event()
    process = subprocess.Popen([sys.executable, "-m", "hirope_ls", "fetch", NAME], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while not any(path.stat().st_size >= whole // 4 for path in blobs("*.incomplete")):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    hub.shut.set()
    with pytest.raises(ModelRefused, match="not complete"):
        resolve(NAME)
    (left,) = [path.stat().st_size for path in blobs("*.incomplete")]
    hub.seen.clear()
    assert main(["fetch", NAME]) == 0
    assert hub.asked("/cdn/") == [f"bytes={left}-"], "the rest, and nothing twice"
    read_card(resolve(NAME))
    assert not blobs("*.incomplete")


def test_two_at_once(hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    import fcntl

    hub.spoilt = True
    refused(capsys)
    hub.spoilt = False
    folder = Path(os.environ["HF_HOME"]) / "hub" / "models--someone--tiny" / "blobs"
    etag = next(entry["lfs"]["sha256"] for entry in hub.info(COMMIT)["siblings"] if "lfs" in entry)
    with (folder / f"{etag}.incomplete").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert "is being fetched already" in refused(capsys)
    assert main(["fetch", NAME]) == 0


# --- what is wrong with what arrives ---------------------------------------------------------------------------------


def test_a_wrong_checksum(hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.spoilt = True
    assert "model.safetensors arrived damaged" in refused(capsys)
    with pytest.raises(ModelRefused, match="not complete"):
        resolve(NAME)
    hub.spoilt = False
    assert main(["fetch", NAME]) == 0


def test_what_an_earlier_attempt_left_may_be_damaged(hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.spoilt = True
    refused(capsys)
    hub.spoilt = False
    data = hub.files["model.safetensors"]
    etag = next(entry["lfs"]["sha256"] for entry in hub.info(COMMIT)["siblings"] if "lfs" in entry)
    place = Path(os.environ["HF_HOME"]) / "hub" / "models--someone--tiny" / "blobs" / f"{etag}.incomplete"
    place.write_bytes(b"x" * 100)
    assert "damaged" in refused(capsys)
    place.write_bytes(b"x" * (len(data) + 1))  # longer than the whole: begun anew
    assert main(["fetch", NAME]) == 0


def test_a_small_file_with_a_wrong_checksum(
    hub: FakeHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    info = hub.info(COMMIT)
    for entry in info["siblings"]:
        if entry["rfilename"] == "config.json":
            entry["blobId"] = "0" * 40
    monkeypatch.setattr(hub, "info", lambda commit: info)
    assert "config.json arrived damaged" in refused(capsys)


@pytest.mark.parametrize("wrong", ["../../../x", "A" * 40, "0" * 39])
def test_names_that_lead_out_of_the_cache(
    hub: FakeHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    info = hub.info(COMMIT)
    info["siblings"][0]["blobId"] = wrong
    monkeypatch.setattr(hub, "info", lambda commit: info)
    assert "no hub's answer" in refused(capsys)
    info["siblings"][0]["blobId"], info["sha"] = "0" * 40, wrong
    assert "no hub's answer" in refused(capsys)


# --- what is refused before it is fetched ----------------------------------------------------------------------------


def edited(data: bytes, **changes: Any) -> bytes:
    return json.dumps(json.loads(data) | changes).encode()


REFUSED: dict[str, tuple[str, Any, str]] = {  # a file, what becomes of it, and a word of the refusal
    "pickle only": ("model.safetensors", None, "only as pickle (pytorch_model.bin)"),
    "no tokenizer": ("tokenizer.json", None, "has no tokenizer.json"),
    "no configuration": ("config.json", None, "has no config.json"),
    "an adapter": ("adapter_config.json", lambda _: b"{}", "is an adapter"),
    "code": ("config.json", lambda data: edited(data, auto_map={"AutoModel": "x.Y"}), "auto_map"),
    "no decoder": ("config.json", lambda data: edited(data, architectures=["BertForMaskedLM"]), "only text decoders"),
    "an unknown kind": ("config.json", lambda data: edited(data, model_type="abacus"), "unknown type"),
    "an unfit kind": ("config.json", lambda data: edited(data, model_type="gpt2"), "cannot be used"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_before_weights_are_fetched(hub: FakeHub, capsys: pytest.CaptureFixture[str], case: str) -> None:
    name, change, told = REFUSED[case]
    if change is None:
        del hub.files[name]
    else:
        hub.files[name] = change(hub.files.get(name, b""))
    line = refused(capsys)
    assert told in line and NAME in line and "/hf/" not in line
    assert not hub.asked("/cdn/")


def test_gguf_only(hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.files = {"tiny-q4.gguf": b"GGUF"}
    assert "only GGUF files" in refused(capsys)


def test_no_room(hub: FakeHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda place: shutil._ntuple_diskusage(10**9, 10**9 - 1000, 1000))
    line = refused(capsys)
    assert "1.0 kB are free" in line and "HF_HOME" in line and not hub.asked("/cdn/")


def test_a_cache_that_cannot_be_written(
    hub: FakeHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "file"))
    assert "cannot be written" in refused(capsys)


# --- what the hub says -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ((403, "GatedRepo"), "asks you to accept its licence"),
        ((401, "GatedRepo"), "asks you to accept its licence"),
        ((401, ""), "there is no model someone/tiny on"),
        ((403, ""), "or it is private: `hf auth login`"),
        ((404, "RepoNotFound"), "there is no model someone/tiny"),
        ((503, ""), "answers 503"),
        ((418, ""), "answers 418"),
    ],
)
def test_what_the_hub_refuses(
    hub: FakeHub, capsys: pytest.CaptureFixture[str], error: tuple[int, str], told: str
) -> None:
    hub.error = error
    assert told in refused(capsys)


@pytest.mark.parametrize("status", [401, 403])
def test_a_gate_before_the_files_alone(hub: FakeHub, capsys: pytest.CaptureFixture[str], status: int) -> None:
    """As the real hub does it: anybody may see that there is a model."""
    hub.gate = (status, "GatedRepo")
    line = refused(capsys)
    assert "asks you to accept its licence" in line and "hf auth login" in line and not resolve_or_none()


def resolve_or_none() -> Path | None:
    try:
        return resolve(NAME)
    except ModelRefused:
        return None


def test_a_model_that_is_not_there(hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    assert "there is no model no/such" in refused(capsys, "no/such")
    for name in ("qwen", "a/b/c", "a/b@..", "../x", "a--b/c", ""):
        assert "owner/name" in refused(capsys, name)


def test_a_page_in_place_of_an_answer(hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    hub.page = b"<html>Please log in</html>"
    assert "log in to your network" in refused(capsys)
    hub.page = b"{}"
    assert "no hub's answer" in refused(capsys)


def test_no_network(hub: FakeHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # the discard port: nobody listens
    assert "127.0.0.1:9 cannot be reached" in refused(capsys)


@pytest.mark.parametrize(
    ("proxy", "told"),
    [
        ("http://127.0.0.1:9", "cannot be reached"),
        ("http://user:secret@127.0.0.1:9", "cannot be reached"),
        ("socks5://127.0.0.1:9", "the proxy of"),
        ("nonsense://127.0.0.1:9", "the proxy of"),
    ],
)
def test_a_proxy_that_does_not_work(
    hub: FakeHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, proxy: str, told: str
) -> None:
    for name in [name for name in os.environ if "proxy" in name.lower()]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    close_session()  # it was made for another environment
    try:
        line = refused(capsys)
    finally:
        close_session()
    assert told in line and "HTTP_PROXY" in line and "secret" not in line and "this is a fault" not in line


def test_a_proxy_that_asks_for_a_password(
    hub: FakeHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", hub.endpoint)
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    hub.error = (407, "")
    close_session()
    try:
        assert "the proxy of HTTP_PROXY wants to know who you are" in refused(capsys)
    finally:
        close_session()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (NetworkError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate"), "set SSL_CERT_FILE"),
        (type("ProxyError", (NetworkError,), {})("407 Proxy Authentication Required"), "407 Proxy"),
    ],
)
def test_networks_that_stand_between(
    hub: FakeHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("hirope_ls.commands.fetch.offer.HfApi.model_info", fails)
    assert told in refused(capsys)


@pytest.mark.parametrize("name", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_because_the_user_says_so(hub: FakeHub, name: str) -> None:
    command = [sys.executable, "-m", "hirope_ls", "fetch", NAME]
    environment = {**os.environ, "HF_HUB_OFFLINE": "", name: "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and "unset HF_HUB_OFFLINE" in done.stderr and done.stderr.count("\n") == 1
    assert not hub.seen


def test_a_token_stays_with_the_hub(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert main(["fetch", NAME]) == 0
    told = {path.startswith("/cdn/"): authorization for _, path, _, authorization in hub.seen}
    assert told == {False: "Bearer hf_secret", True: None}


def test_models_lists_what_was_fetched(hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch", NAME]) == 0
    config = hub.files["config.json"]
    hub.files["config.json"] = edited(config, architectures=["BertForMaskedLM"])
    other = COMMIT[::-1]
    hub.revisions |= {"bert": other}
    refused(capsys, f"{NAME}@bert")
    assert main(["models", "--json"]) == 0
    bundled, *rest = json.loads(capsys.readouterr().out)["models"]
    assert bundled["model"] == "bundled" and bundled["refused"] is None
    by_name = {row["model"]: row for row in rest}
    good, bad = by_name[f"{NAME}@{COMMIT}"], by_name[f"{NAME}@{other}"]
    assert good["refused"] is None and good["bytes"] > 10_000 and good["fim_order"] == "psm"
    assert "only text decoders" in bad["refused"]
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    assert "bundled" in out and "refused" in out and "✗" in out
