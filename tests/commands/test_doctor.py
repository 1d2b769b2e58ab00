"""The doctor: what it says of each thing that can be wrong, that the command fits, and that a report is private."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from bundled import card, folder, tokenizer
from model.tiny_models import save_model

from hirope_ls.cli import main
from hirope_ls.commands.doctor import caches, editors, gpu, installation, machine, model, running, settings, source
from hirope_ls.commands.doctor import workspace as folders
from hirope_ls.commands.doctor.finding import Finding, Section
from hirope_ls.commands.doctor.gpu import Driver, Gpu, Sight
from hirope_ls.commands.doctor.private import Private
from hirope_ls.commands.doctor.remedies import remedy
from hirope_ls.commands.doctor.wishes import Wishes, read_user_file
from hirope_ls.config import Settings
from hirope_ls.model.memory import Shape
from hirope_ls.problems import ModelRefused
from hirope_ls.workspace import default_folder

MODEL = ["--model", str(folder())]


def wishes(path: Path, model: str | None = None) -> Wishes:
    file = read_user_file(path)
    return Wishes(file, model, "cpu")


def only(found: Iterable[Finding]) -> Finding:
    (one,) = found
    return one


def says(found: Finding, state: str, told: str, command: str = "") -> None:
    assert found.state == state and told in found.told and command in found.remedy, found
    assert "\n" not in found.told + found.remedy
    assert (found.state in ("warning", "problem")) <= bool(found.remedy), "whatever is wrong has a command"


# --- the command -----------------------------------------------------------------------------------------------------


def test_all_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", *MODEL, "--device", "cpu", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    found = {(check["section"], check["name"]): check for check in report["checks"]}
    assert report["works"] and not [check for check in report["checks"] if check["state"] == "problem"]
    assert found["Installation", "packages"]["facts"]["versions"]["torch"]
    assert found["Model", "folder"]["facts"]["trained_length"] == card().trained_length
    assert found["Model", "special tokens"]["state"] == "ok"
    assert found["Running", "loading"]["facts"]["device"] == "cpu"
    assert found["Running", "speed"]["facts"]["decode_tokens_s"] > 0
    assert found["Running", "example"]["facts"]["outcome"]
    assert found["Editors", "server"]["facts"]["ms"] > 0


def test_a_model_that_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["doctor", "--model", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "✗" in out and "config.json" in out and "→ hirope-ls models" in out and "\x1b" not in out


def test_a_report_holds_nothing_private(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "zoe-home"
    (home / ".cache" / "hirope-ls").mkdir(parents=True)
    machine_code = default_folder().with_name("compiled")
    (home / ".cache" / "hirope-ls" / "compiled").symlink_to(machine_code)  # lest it be made once more
    place = home / "clients" / "moonshot"
    (place / "src").mkdir(parents=True)
    for name in ("src/launchcodes.py", "src/.env.local", "payroll.py", ".gitignore"):
        (place / name).write_text("hushhush = 1\n")
    config = home / "cfg" / "hirope-ls" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('deadlineMs = "pssst"\nmyOwnKey = 3\nkvBudgetMiB = 512\n')
    private_model = shutil.copytree(folder(), home / "weights-of-zoe")
    for name, value in {"HOME": home, "USER": "zoe", "LOGNAME": "zoe", "XDG_CONFIG_HOME": home / "cfg"}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr("hirope_ls.commands.doctor.running._measured", lambda *_: (1000.0, 100.0))
    main(["doctor", "--model", str(private_model), "--device", "cpu", "--workspace", str(place), "--json"])
    out = capsys.readouterr().out
    theirs = ("zoe", "moonshot", "launchcodes", "payroll", ".env.local", "hushhush", "pssst", "myOwnKey", str(tmp_path))
    for word in theirs:
        assert word not in out, word
    found = {check["name"]: check for check in json.loads(out)["checks"]}
    assert found["files"]["facts"]["left_out"] == {"secret": 1} and found["files"]["facts"]["read"] == 3
    assert "must be whole number" in found["settings file"]["told"].replace("a whole", "whole")
    assert found["settings file"]["facts"]["given"] == {"deadlineMs": "(set)", "kvBudgetMiB": 512}


def test_what_private_takes_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/zoe")
    monkeypatch.setenv("LOGNAME", "zoe")
    private = Private([(Path("/srv/models/x"), "MODEL")])
    assert private.text("in /home/zoe/.cache/hirope-ls") == "in ~/.cache/hirope-ls"
    assert private.text("/srv/models/x has no config.json") == "MODEL has no config.json"
    assert private.text("/srv/models/xy: no") == "/…: no"
    assert private.text("see ~/work/zoe/a and /data/b") == "see ~/work/USER/a and /…"
    assert private.text("/proc/sys/x 3/4 https://a.b/c and/or") == "/proc/sys/x 3/4 https://a.b/c and/or"
    assert private.value({"a": ["/data/b", 1]}) == {"a": ["/…", 1]}


# --- the parts -------------------------------------------------------------------------------------------------------


def test_packages() -> None:
    says(installation.packages(["torch>=2", "numpy"]), "ok", "torch ")
    wrong = installation.packages(["torch>=999", "no-such-thing>=1"])
    says(wrong, "problem", "no-such-thing is missing", "'torch>=999'")
    says(installation.packages(["no-such-thing"]), "warning", "missing", "install no-such-thing")
    says(installation.packages(["no-such-thing; extra == 'lab'"]), "ok", "")


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_hirope_ls_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    says(only(installation.on_path([])), "warning", "no `hirope-ls` is on the PATH")
    monkeypatch.setattr(sys, "executable", str(program(tmp_path / "own" / "python", "")))
    own = program(tmp_path / "own" / "hirope-ls", "echo hirope-ls 0.1.0")
    other = program(tmp_path / "other" / "hirope-ls", "echo hirope-ls 0.0.9")
    says(only(installation.on_path([own])), "ok", "0.1.0")
    says(only(installation.on_path([own, other])), "ok", "1 more behind it")
    says(only(installation.on_path([other, own])), "warning", "another hirope-ls than this one: 0.0.9", "own")
    says(only(installation.on_path([program(tmp_path / "x" / "hirope-ls", "exit 1")])), "problem", "does not start")


def test_settings_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    first, *_ = settings.checks(wishes(path))
    says(first, "ok", "none")
    path.write_text("deadlineMs = 900\n")
    first, *_ = settings.checks(wishes(path))
    says(first, "ok", "sets deadlineMs")
    path.write_text("deadlineMs = 1\nnonsense = 2\n")
    first, *_ = settings.checks(wishes(path))
    says(first, "warning", "`deadlineMs` must be", "config.toml")
    assert "`nonsense` is not a setting" in first.told and "nonsense" not in (first.public or "")
    path.write_text("deadlineMs = \n")
    first, *_ = settings.checks(wishes(path))
    says(first, "warning", "it is not TOML", "config.toml")
    assert str(tmp_path) not in first.told


def test_machine() -> None:
    says(machine.threads(None, 4), "ok", "4")
    says(machine.threads("2", 4), "ok", "2 of 4")
    says(machine.threads("8", 4), "warning", "8 threads share 4 cores", "unset OMP_NUM_THREADS")
    says(machine.threads("many", 4), "warning", "no number", "unset OMP_NUM_THREADS")
    says(machine.load(0.5, 2), "ok", "0.5")
    says(machine.load(9.0, 2), "warning", "9.0 programs want 2 cores", "top")
    says(machine.memory(16, 8), "ok", "8.0 of 16.0 GiB")
    says(machine.memory(16, 0.4), "warning", "too little")
    says(running.room(1, 1024, 8, "of memory"), "ok", "1,024 MiB")
    says(running.room(1, 8192, 4, "on the GPU"), "warning", "too little", "kvBudgetMiB = 1792")
    says(running.speed(1000, 3), "warning", "writes 3", "model =")


def test_long_files() -> None:
    large = replace(card(), trained_length=32_768, parameters=1 << 30, shape=Shape(28, 2, 128))
    said = running.long_files(large, 2, Settings(), 6.0)
    says(said, "warning", "takes 1,", "kvBudgetMiB = 2048")
    says(running.long_files(large, 2, replace(Settings(), kv_budget_mib=2048), 6.0), "ok", "41,200 tokens")
    says(running.long_files(large, 2, Settings(), 2.0), "warning", "long files get no", "promptTokens = 16384")
    says(running.long_files(large, 2, Settings(), 0.5), "warning", "long files", 'model = "bundled"')
    says(running.long_files(large, 2, replace(Settings(), prompt_tokens=8192), 6.0), "ok", "takes")
    says(running.long_files(card(), 4, Settings(), 6.0), "ok", "longest")
    says(running.long_files(replace(large, shape=None), 2, Settings(), 6.0), "note", "not known")


SMI = "| NVIDIA-SMI 550.54   Driver Version: 550.54.14   CUDA Version: 12.4 |"
CARD = Gpu("NVIDIA RTX 3060", 12.0, 11.0, "8.6", ("sm_80", "sm_90", "compute_90"))
NOTHING = Sight(None, "2.13.0+cpu", None, ())
SEEN = Sight(Driver((12, 4), "550"), "2.13.0+cu126", "12.6", (CARD,))


def test_gpu() -> None:
    assert gpu.told_driver(SMI) == Driver((12, 4), "550.54.14")
    assert gpu.told_driver("Failed to initialize NVML: Driver/library version mismatch").cuda is None

    def judged(sight: Sight, device: str = "auto") -> Finding:
        return only(gpu.judge(sight, device))

    says(judged(NOTHING), "ok", "no NVIDIA GPU")
    says(judged(NOTHING, "cuda"), "problem", "there is no NVIDIA GPU", 'device = "auto"')
    cpu_only = replace(NOTHING, driver=Driver((12, 4), "550"))
    says(judged(cpu_only), "warning", "cannot use the NVIDIA GPU", "--index-url https://download.pytorch.org/whl/cu126")
    assert "'torch" in judged(cpu_only).remedy and "<" in judged(cpu_only).remedy, "the version that is required"
    says(judged(cpu_only, "cuda:0"), "problem", "cannot use")
    says(judged(replace(NOTHING, driver=Driver((13, 0), "580"))), "warning", "cannot use", "/whl/cu130")
    says(judged(replace(NOTHING, driver=Driver((11, 8), "520"))), "warning", "cannot use", "apt install nvidia-driver")
    newer = replace(cpu_only, torch="2.13.0+cu130", torch_cuda="13.0")
    says(judged(newer), "warning", "torch needs CUDA 13.0, NVIDIA's driver 550 runs 12.4", "/whl/cu126")
    says(judged(replace(NOTHING, driver=Driver(None, said="mismatch"))), "warning", "mismatch", "sudo reboot")
    says(judged(replace(newer, torch_cuda="12.6", why="no device")), "warning", "no device", "nvidia-smi")
    says(judged(SEEN), "ok", "11.0 of 12.0 GiB free")
    says(judged(replace(SEEN, gpus=(replace(CARD, free=0.2),))), "warning", "other programs hold", "nvidia-smi")
    says(judged(replace(SEEN, gpus=(replace(CARD, kind="6.1"),))), "warning", "not built for", 'device = "cpu"')
    says(judged(replace(SEEN, gpus=(replace(CARD, kind="12.0"),))), "ok", "RTX")


def test_editors(tmp_path: Path) -> None:
    says(editors.server(("false",)), "problem", "does not", "pip install")
    says(editors.server((str(tmp_path / "absent"),)), "problem", "does not start")
    assert not list(editors.neovim(None))
    new = program(tmp_path / "new", 'case "$1" in --version) echo "NVIM v0.12.1";; *) printf true;; esac')
    says(only(editors.neovim(str(new))), "ok", "0.12.1")
    old = program(tmp_path / "old", 'echo "NVIM v0.10.4"')
    says(only(editors.neovim(str(old))), "note", "0.10.4 shows no inline completions")
    says(only(editors.neovim(str(program(tmp_path / "odd", "exit 1")))), "warning", "says nothing")
    (tmp_path / ".vscode" / "extensions" / "someone.hirope-1.0").mkdir(parents=True)
    says(only(editors.code(tmp_path)), "ok", "someone.hirope-1.0")
    (tmp_path / ".vscode" / "extensions" / "someone.hirope-1.0").rename(tmp_path / "gone")
    says(only(editors.code(tmp_path)), "note", "no hirope extension")


def test_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    says(caches.kept("index", tmp_path / "index"), "ok", "nothing yet")
    (tmp_path / "index" / "a").mkdir(parents=True)
    (tmp_path / "index" / "a" / "x.sqlite").write_bytes(b"x" * 2000)
    (tmp_path / "index" / "a" / "quarantine.jsonl").write_text('["00", "/a/secret.py"]\n')
    says(caches.kept("index", tmp_path / "index"), "ok", "2.0 kB in 2 files")
    quarantined = only(caches.quarantined(tmp_path / "index"))
    says(quarantined, "note", "1 file left alone", "quarantine.jsonl")
    assert "secret.py" not in str(quarantined)
    monkeypatch.setattr(caches, "_LARGE", 1000)
    says(caches.kept("index", tmp_path / "index"), "warning", "more than is of use", "rm -r ")


def test_watches() -> None:
    says(folders.watches(500_000, None, True), "ok", "500,000")
    says(folders.watches(8_192, None, True), "warning", "too few", "sudo sysctl fs.inotify.max_user_watches=524288")
    says(folders.watches(100_000, 60_000, True), "warning", "60,000 folders", "max_user_watches")
    says(folders.watches(8_192, 100, True), "ok", "100 folders")
    says(folders.watches(8_192, 100, False), "warning", "no inotify instance", "max_user_instances")
    says(folders.watches(None, 100, True), "note", "in turn")


def test_what_is_read_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("built.py\nout/\n")
    for name in ("a.py", "b.py", "built.py", ".env", "logo.png", "out/x.py", "node_modules/m/i.js", "sub/c.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / "large.py").write_text("x = 1\n" * 200_000)
    (tmp_path / "link.py").symlink_to("a.py")
    found = folders.census(tmp_path)
    assert found.read == 4 and found.links == 1, "a.py, b.py, sub/c.py, .gitignore"
    told = {refusal.name: count for refusal, count in found.files.items()}
    assert told == {"IGNORED": 1, "SECRET": 1, "BINARY": 1, "TOO_LARGE": 1}
    assert {refusal.name: count for refusal, count in found.folders.items()} == {"IGNORED": 2, "GENERATED": 1}
    assert found.watched == 2
    says(next(iter(folders.checks(tmp_path / "absent"))), "problem", "no such folder")


def test_why_a_file_gets_no_suggestions(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("built.py\n")

    def told(name: str, data: bytes = b"x = 1\n", **options: object) -> dict[str, Finding]:
        (tmp_path / name).write_bytes(data)
        return {one.name: one for one in source.checks(tmp_path / name, None, **options)}  # type: ignore[arg-type]

    says(told(".env")["private"], "problem", "secret")
    says(told("built.py")["private"], "problem", "ignored", "git check-ignore -v")
    good = told("a.py", bundled=True)
    assert {one.state for one in good.values()} == {"ok"} and set(good) == {"private", "size", "language"}
    says(told("a.go", b"package a\n", bundled=True)["language"], "warning", "knows Python only", "hirope-ls fetch")
    says(told("a.py", languages=("Python",))["language"], "problem", "disabledLanguages", "'Python'")
    says(told("a.py", globs=("*.go", "a.*"))["pattern"], "problem", "disabledGlobs")
    assert "pattern" not in told("a.py", globs=("*.go", "other/"))
    says(told("a.min.js", b"a=1;" * 20_000)["size"], "warning", "minified")
    says(told("a.unknown")["language"], "note", "not known")
    says(told("big.py", b"x = 1\n" * 900_000)["size"], "problem", "over 5 MB", "split")
    says(told("latin.py", b"x = '\xff'\n")["text"], "note", "UTF-8")
    says(told("data.bin", b"\0\1")["text"], "problem", "binary")
    absent = list(source.checks(tmp_path / "absent.py", None))
    says(absent[-1], "problem", "there is no such file")


# --- models ----------------------------------------------------------------------------------------------------------

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"
SPOILT = {  # what becomes of a good folder, and a word of the command
    "no weights": (lambda path: (path / "model.safetensors").unlink(), "hirope-ls fetch OWNER/NAME"),
    "pickle": (lambda path: (path / "model.safetensors").rename(path / "model.bin"), "save_pretrained"),
    "lfs weights": (lambda path: (path / "model.safetensors").write_text(POINTER), "git lfs pull"),
    "lfs tokenizer": (lambda path: (path / "tokenizer.json").write_text(POINTER), "git lfs pull"),
    "no tokenizer": (lambda path: (path / "tokenizer.json").unlink(), "AutoTokenizer"),
    "broken tokenizer": (lambda path: (path / "tokenizer.json").write_text("{}"), "hirope-ls fetch"),
    "truncated": (lambda path: os.truncate(path / "model.safetensors", 9_000), "hirope-ls fetch OWNER/NAME"),
    "no config": (lambda path: (path / "config.json").unlink(), "hirope-ls models"),
    "broken config": (lambda path: (path / "config.json").write_text("{"), "hirope-ls fetch OWNER/NAME"),
    "adapter": (lambda path: (path / "adapter_config.json").write_text("{}"), "hirope-ls fetch Qwen/"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_each_refusal_has_its_command(tmp_path: Path, case: str) -> None:
    spoil, command = SPOILT[case]
    place = save_model(tmp_path / "model")
    spoil(place)
    found = only(model.checks(wishes(tmp_path / "none.toml", str(place))))
    says(found, "problem", "", command)


@pytest.mark.parametrize(
    ("told", "command"),
    [
        ("a/b is not on this machine: hirope-ls fetch a/b@v1", "hirope-ls fetch a/b@v1"),
        ("x is of the unknown type 'new': transformers has no such model", "pip install --upgrade transformers"),
        ("x cannot be used: its rope is odd", "hirope-ls fetch Qwen/"),
        ("x does not fit into the memory of cuda: choose a smaller model", "lab quantise /m-nf4 --model /m --to nf4"),
        ("x is quantised by torchao, which needs torchao: pip install 'hirope-ls[quantized]'", "[quantized]"),
        ("x is quantised by 'awq': only torchao and bitsandbytes are supported", "lab quantise"),
        ("x cannot be loaded: its weights do not fit its config.json (RuntimeError: size)", "hirope-ls fetch o/n"),
        ("the device 'cuda' is not there: torch sees 0 CUDA devices", "--device auto"),
        ("something that nobody foresaw", "hirope-ls fetch Qwen/"),
    ],
)
def test_commands_for_what_loading_refuses(told: str, command: str) -> None:
    assert command in remedy(told, "/m", "o/n")


def test_fill_in_the_middle_and_special_tokens(tmp_path: Path) -> None:
    found = {one.name: one for one in model.checks(wishes(tmp_path / "none.toml", str(save_model(tmp_path / "a"))))}
    says(found["fill in the middle"], "ok", "<|fim_prefix|> <|fim_suffix|> <|fim_middle|>")
    bare = save_model(tmp_path / "b", fim=False)
    found = {one.name: one for one in model.checks(wishes(tmp_path / "none.toml", str(bare)))}
    says(found["fill in the middle"], "warning", "only what stands before the cursor", "hirope-ls fetch")
    names = model.names_of(folder())
    says(model.plain(tokenizer(), names), "ok", f"all {len(names)}")

    doubted = save_model(tmp_path / "c")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        text = (doubted / name).read_text("utf-8")
        (doubted / name).write_text(text.replace("<|fim_", "<fim_").replace('x|>"', 'x>"').replace('e|>"', 'e>"'))
    found = {one.name: one for one in model.checks(wishes(tmp_path / "none.toml", str(doubted)))}
    says(found["fill in the middle"], "warning", "in which order it was trained", "hirope-ls fetch")

    class Deceived:
        """A tokenizer that takes a name in a source for the token."""

        special, pieces = tokenizer().special, tokenizer().pieces

        def encode(self, data: bytes) -> object:
            tokens = tokenizer().encode(data)
            return type("Tokens", (), {"ids": [*tokens.ids, min(tokenizer().special.all)]})

    says(model.plain(Deceived(), names), "problem", "not read as text")  # type: ignore[arg-type]


def test_a_device_that_is_not_there(tmp_path: Path) -> None:
    parts = model.read_parts(folder())
    asked = replace(wishes(tmp_path / "none.toml"), device="abacus")
    assert [one.state for one in running.checks(asked, parts)][-1] == "problem"
    assert Section("A").note("b", "c").remedy == "" and issubclass(ModelRefused, Exception)
