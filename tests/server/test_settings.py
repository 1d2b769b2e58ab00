"""Settings in a running server: each shows its effect, changes count at once, what is wrong stops nothing."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from editor import Editor
from server.conftest import Start
from server.test_inline import AT, CODE, EMPTY, OTHER, URI, ready

from hirope_ls.config import Settings

PULLS = {"workspace": {"configuration": True}}
ASK = "workspace/configuration"
CHANGED = "workspace/didChangeConfiguration"


@pytest.fixture
def user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "hirope-ls").mkdir()
    return tmp_path / "hirope-ls" / "config.toml"


def push(editor: Editor, **settings: Any) -> None:
    editor.notify(CHANGED, {"settings": {"hirope-ls": settings}})


def outcome(editor: Editor, uri: str = URI, at: int = AT) -> str:
    editor.reply(editor.inline(uri, at))
    return str(editor.last(uri)["outcome"])


def text(editor: Editor, at: int = AT) -> str:
    return str(editor.reply(editor.inline(URI, at))["items"][0]["insertText"])


def until(holds: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_every_setting_is_shown_to_have_an_effect() -> None:
    for field in fields(Settings):
        assert any(field.name in name for name in globals() if name.startswith("test_effect_")), field.name


# -- what each does


def test_effect_enable(fake: Start, tmp_path: Path) -> None:
    loads = tmp_path / "loads"
    with fake(loads=str(loads)) as editor:
        editor.initialize(options={"enable": False})
        editor.open(URI, CODE)
        assert outcome(editor) == "filtered:disabled"
        assert editor.ask("hirope/status")["state"] == "unloaded"
        assert not loads.exists(), "nothing is loaded"
        push(editor, enable=True)
        editor.ready()
        assert outcome(editor) == "shown"
        push(editor, enable=False)
        assert outcome(editor) == "filtered:disabled"


def test_effect_disabled_languages(fake: Start) -> None:
    with ready(fake) as editor:
        push(editor, disabledLanguages=["Python"])
        assert outcome(editor) == "filtered:language"
        editor.open(OTHER, CODE, "ruby")
        assert outcome(editor, OTHER) == "shown"
        push(editor, disabledLanguages=[])
        assert outcome(editor) == "shown"


@pytest.mark.parametrize(
    ("glob", "off"),
    [
        ("*.py", True),
        ("*.js", False),
        ("a/b/", True),
        ("b", True),
        ("/a/b/c.py", True),
        ("b/*.py", True),
        ("c/", False),
    ],
)
def test_effect_disabled_globs(fake: Start, glob: str, off: bool) -> None:
    uri = "file:///a/b/c.py"
    with fake() as editor:
        editor.initialize(options={"disabledGlobs": [glob]})
        editor.open(uri, CODE)
        editor.ready()
        assert outcome(editor, uri) == ("filtered:glob" if off else "shown")


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("device", "device", "cpu"),
        ("dtype", "dtype", "float32"),
        ("threads", "threads", 1),
        ("kvBudgetMiB", "kv_budget_mib", 32),
        ("model", "model", "other"),
    ],
)
def test_effect_model_device_dtype_threads_and_kv_budget_mib(
    fake: Start, fake_folder: Path, tmp_path: Path, name: str, field: str, value: Any
) -> None:
    loads, other = tmp_path / "loads", tmp_path / "other"
    shutil.copytree(fake_folder, other)
    value = str(other) if value == "other" else value
    with fake(loads=str(loads), overrides={"model": None}) as editor:
        editor.initialize(options={"model": str(fake_folder)})
        editor.open(URI, CODE)
        editor.ready()
        assert outcome(editor) == "shown"
        push(editor, **{name: value})
        assert editor.wait(lambda: len(editor.told("hirope/ready")) == 2)
        first, second = map(json.loads, loads.read_text().splitlines())
        assert second == {**first, field: value}
        status = editor.ask("hirope/status")
        assert status["state"] == "ready"
        assert name != "model" or status["model"] == "other"
        assert outcome(editor) == ("cached" if name in ("threads", "kvBudgetMiB") else "shown")


def test_effect_idle_unload_minutes(fake: Start, tmp_path: Path) -> None:
    loads = tmp_path / "loads"
    with fake(loads=str(loads), overrides={"idleUnloadMinutes": 0.005}) as editor:
        editor.initialize()
        editor.open(URI, CODE)
        editor.ready()
        until(lambda: editor.ask("hirope/status")["state"] == "unloaded")
        assert outcome(editor) == "loading"
        until(lambda: outcome(editor) in ("shown", "cached"))
        assert len(loads.read_text().splitlines()) >= 2


def test_effect_idle_unload_minutes_spares_what_runs(fake: Start) -> None:
    with ready(fake, prefill_s=1.5, overrides={"idleUnloadMinutes": 0.002, "lookAhead": "off"}) as editor:
        until(lambda: outcome(editor) in ("shown", "cached"))


def test_effect_debounce_ms(fake: Start) -> None:
    with ready(fake) as editor:
        push(editor, debounceMs=300)
        began = time.monotonic()
        editor.change(URI, (0, 0, "#"))
        assert editor.reply(editor.inline(URI, AT + 1))["items"]
        assert time.monotonic() - began >= 0.3


def test_effect_deadline_ms(fake: Start) -> None:
    with ready(fake, step_s=0.05, says="one two three four five six seven eight nine ten") as editor:
        push(editor, deadlineMs=60)
        assert outcome(editor) == "deadline"


def test_effect_max_new_tokens(fake: Start) -> None:
    with ready(fake, says="return a + b + a + b\n") as editor:
        assert text(editor) == "return a + b + a + b"
        push(editor, maxNewTokens=2)
        editor.reply(editor.inline(URI, AT))
        assert editor.last(URI)["tokens"]["generated"] <= 2


def test_effect_max_lines(fake: Start) -> None:
    code = "def first(a, b):\n    \n"
    with fake(says="a = 1\n    b = 2\n    return a\n") as editor:
        editor.initialize()
        editor.open(URI, code)
        editor.ready()
        assert text(editor, len(code) - 1).count("\n") == 2
        push(editor, maxLines=1)
        assert text(editor, len(code) - 1) == "a = 1"


def test_effect_prompt_tokens(fake: Start) -> None:
    long = "".join(f"value_{n} = {n}\n" for n in range(400))
    with ready(fake) as editor:
        editor.open(OTHER, long)
        sizes = []
        for given in (None, 64):
            push(editor, promptTokens=given)
            editor.reply(editor.inline(OTHER, len(long)))
            sizes.append(editor.last(OTHER)["tokens"]["prompt"])
        assert sizes[0] > 1000 > sizes[1]


def test_effect_look_ahead(fake: Start) -> None:
    with ready(fake, says="+ x\n", overrides={"lookAhead": None}) as editor:
        push(editor, lookAhead="on")
        assert outcome(editor) == "shown"
        until(lambda: editor.ask("hirope/status")["spared"]["ahead"] == 1)
        push(editor, lookAhead="off")
        editor.change(URI, (0, 0, "x = 1\n"))
        assert outcome(editor, at=AT + 6) == "shown"
        time.sleep(0.3)
        assert editor.ask("hirope/status")["spared"]["ahead"] == 1


def test_effect_approximate_splice(fake: Start) -> None:
    with ready(fake, overrides={"lookAhead": "off"}) as editor:
        push(editor, approximateSplice=True)
        editor.change(URI, (0, 0, "x = 1\n"))
        assert outcome(editor, at=AT + 6) == "shown:approximate"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    (root / "used.py").write_text("def helper(alpha, beta):\n    return alpha + beta\n")
    (root / "main.py").write_text("from used import helper\n\nhelper(\n")
    return root


def in_workspace(editor: Editor, root: Path, **options: Any) -> str:
    editor.initialize(options={"deadlineMs": 60_000, **options}, roots=[root])
    path = root / "main.py"
    editor.open(path.as_uri(), path.read_text())
    editor.ready()
    return path.as_uri()


def shown_of_others(editor: Editor) -> int:
    return int(editor.ask("hirope/status")["workspace"]["contextTokens"])


def test_effect_context_and_context_tokens(fake: Start, workspace: Path) -> None:
    with fake() as editor:
        uri = in_workspace(editor, workspace)
        push(editor, context="on")
        editor.inline(uri, 20)
        until(lambda: shown_of_others(editor) > 10)
        push(editor, context="on", contextTokens=8)
        until(lambda: shown_of_others(editor) <= 8)
        push(editor, context="on", contextTokens=1000)
        until(lambda: shown_of_others(editor) > 10)
        push(editor, context="off")
        until(lambda: shown_of_others(editor) == 0)


def test_effect_context_tokens(fake: Start, workspace: Path) -> None:
    with fake() as editor:
        editor.inline(in_workspace(editor, workspace, context="on", contextTokens=0), 20)
        time.sleep(1.5)
        assert shown_of_others(editor) == 0


@pytest.mark.parametrize(("options", "files"), [({}, 0), ({"workspaceIndex": "on"}, 2)])
def test_effect_workspace_index(fake: Start, workspace: Path, options: dict[str, Any], files: int) -> None:
    with fake() as editor:
        in_workspace(editor, workspace, **options)
        until(lambda: editor.ask("hirope/status")["workspace"]["files"] == files)


def test_effect_workspace_index_off_shows_nothing(fake: Start, workspace: Path) -> None:
    with fake() as editor:
        editor.inline(in_workspace(editor, workspace, context="on", workspaceIndex="off"), 20)
        time.sleep(1.5)
        assert editor.ask("hirope/status")["workspace"]["files"] == 0
        assert shown_of_others(editor) == 0


@pytest.mark.parametrize("wish", ["on", "off"])
def test_effect_completion_items(fake: Start, wish: str) -> None:
    with fake() as editor:
        announced = {"textDocument": {"completion": {}}}
        found = editor.initialize(capabilities=announced, options={"completionItems": wish})
        assert ("completionProvider" in found) is (wish == "on")


def test_effect_log_level(fake: Start) -> None:
    with ready(fake) as editor:
        push(editor, logLevel="error")
        editor.ask("hirope/status")
        count = len(editor.told("window/logMessage"))
        assert outcome(editor) == "shown"
        assert len(editor.told("window/logMessage")) == count
        push(editor, logLevel="info")
        assert outcome(editor) == "cached"
        assert len(editor.told("window/logMessage")) > count


def test_effect_log_file(fake: Start, tmp_path: Path) -> None:
    path = tmp_path / "new" / "log"
    with ready(fake) as editor:
        push(editor, logFile=str(path))
        assert outcome(editor) == "shown"
        assert "completion: shown" in path.read_text()
        assert "first" not in path.read_text()
        push(editor, logFile=str(tmp_path))
        assert outcome(editor) == "cached"
        (told,) = editor.told("window/showMessage")
        assert str(tmp_path) in told["message"]


# -- where they come from


def test_the_client_is_asked_and_asked_again_when_it_says_that_something_changed(fake: Start) -> None:
    with fake() as editor:
        editor.answers[ASK] = [{"enable": False}]
        editor.initialize(capabilities=PULLS)
        editor.open(URI, CODE)
        until(lambda: editor.ask("hirope/status")["state"] == "unloaded")
        assert outcome(editor) == "filtered:disabled"
        editor.answers[ASK] = [None]
        editor.notify(CHANGED, {"settings": None})
        editor.ready()
        assert outcome(editor) == "shown"
        assert editor.asked.count(ASK) == 2
        assert "client/registerCapability" not in editor.asked, "it did not announce that"


def test_a_client_that_announces_nothing_is_asked_nothing(fake: Start) -> None:
    with ready(fake) as editor:
        editor.notify(CHANGED, {"settings": {"editor.tabSize": 4}})
        editor.notify(CHANGED, None)
        editor.notify(CHANGED, {"settings": {"hirope-ls": 5}})
        assert outcome(editor) == "shown"
        assert editor.asked == []


@pytest.mark.parametrize("answer", [None, [], [5], "x", [[{}]]])
def test_an_odd_answer_of_the_client_stops_nothing(fake: Start, answer: Any) -> None:
    with fake() as editor:
        editor.answers[ASK] = answer
        editor.initialize(capabilities=PULLS)
        editor.open(URI, CODE)
        editor.ready()
        assert outcome(editor) == "shown"


def test_changes_are_registered_for_where_that_is_announced(fake: Start) -> None:
    with fake() as editor:
        editor.initialize(
            capabilities={"workspace": {"configuration": True, "didChangeConfiguration": {"dynamicRegistration": True}}}
        )
        editor.ready()
        assert "client/registerCapability" in editor.asked


def test_the_users_file_counts_and_is_followed(fake: Start, user_file: Path) -> None:
    user_file.write_text("disabledLanguages = ['python']\nmaxLines = 'many'\n")
    with fake() as editor:
        editor.initialize()
        editor.open(URI, CODE)
        editor.ready()
        assert outcome(editor) == "filtered:language"
        (told,) = editor.told("window/showMessage")
        assert "`maxLines`" in told["message"]
        assert str(user_file) in told["message"]
        user_file.write_text("disabledLanguages = []\n")
        until(lambda: outcome(editor) in ("shown", "cached"))
        push(editor, disabledLanguages=["python"])
        assert outcome(editor) == "filtered:language", "the editor's say is the stronger one"


def test_a_broken_file_stops_nothing_and_is_told_once(fake: Start, user_file: Path) -> None:
    user_file.write_text("maxNewTokens = 3\nenable = tru\n")
    with fake() as editor:
        editor.initialize()
        editor.open(URI, CODE)
        editor.ready()
        assert outcome(editor) == "shown"
        (told,) = editor.told("window/showMessage")
        assert "line 2" in told["message"]
        user_file.write_text("disabledLanguages = ['python']\n")
        until(lambda: outcome(editor) == "filtered:language")
        user_file.write_text("disabledLanguages = [\n")
        until(lambda: len(editor.told("window/showMessage")) == 2)
        assert outcome(editor) == "filtered:language", "the last good value"


def test_wrong_values_are_told_once_and_the_last_good_one_counts(fake: Start) -> None:
    with ready(fake) as editor:
        push(editor, disabledLanguages=["python"])
        for _ in range(3):
            push(editor, disabledLanguages=5, colour="red")
        assert outcome(editor) == "filtered:language"
        (told,) = editor.told("window/showMessage")
        assert "`disabledLanguages`" in told["message"]
        assert "`colour`" in told["message"]


# -- a model that changes


def test_a_model_that_is_not_there_leaves_the_one_that_is(fake: Start, fake_folder: Path, tmp_path: Path) -> None:
    with fake(overrides={"model": None}) as editor:
        editor.initialize(options={"model": str(fake_folder)})
        editor.open(URI, CODE)
        editor.ready()
        push(editor, model=str(tmp_path / "none"))
        until(lambda: editor.told("window/showMessage"))
        assert "goes on with the model it has" in editor.told("window/showMessage")[0]["message"]
        assert outcome(editor) == "shown"
        push(editor, model="owner/none")
        until(lambda: len(editor.told("window/showMessage")) == 2)
        assert "hirope-ls fetch owner/none" in editor.told("window/showMessage")[1]["message"]


def test_a_device_that_is_not_there_brings_the_former_back(fake: Start) -> None:
    with ready(fake, lacks=["cuda:7"]) as editor:
        push(editor, device="cuda:7")
        until(lambda: editor.told("window/showMessage"))
        until(lambda: outcome(editor) in ("shown", "cached"))
        status = editor.ask("hirope/status")
        assert status["state"] == "ready"
        assert "cuda:7" in status["problem"]


def test_a_refused_model_can_be_replaced(fake: Start, fake_folder: Path, tmp_path: Path) -> None:
    with fake(overrides={"model": None}) as editor:
        editor.initialize(options={"model": str(tmp_path / "none")})
        editor.open(URI, CODE)
        until(lambda: editor.told("window/showMessage"))
        assert outcome(editor) == "error:model"
        push(editor, model=str(fake_folder))
        editor.ready()
        assert outcome(editor) == "shown"


def test_what_is_asked_while_the_model_changes_is_there_afterwards(fake: Start) -> None:
    with ready(fake, load_s=1.0, prefill_s=0.3) as editor:
        running = editor.inline(URI, AT)
        push(editor, kvBudgetMiB=64)
        assert editor.reply(running)["items"], "what runs gets its answer"
        editor.change(URI, (0, 0, "#"))
        assert editor.reply(editor.inline(URI, AT + 1)) == EMPTY
        assert editor.last(URI)["outcome"] == "loading"
        assert editor.wait(lambda: len(editor.told("hirope/ready")) == 2)
        assert outcome(editor, at=AT + 1) == "cached"


def test_many_changes_end_with_the_last(fake: Start, tmp_path: Path) -> None:
    loads = tmp_path / "loads"
    with ready(fake, load_s=0.2, loads=str(loads)) as editor:
        for budget in range(20, 40):
            push(editor, kvBudgetMiB=budget)
        until(lambda: json.loads(loads.read_text().splitlines()[-1])["kv_budget_mib"] == 39)
        until(lambda: outcome(editor) in ("shown", "cached"))
        assert len(loads.read_text().splitlines()) < 10


def test_a_model_whose_order_is_not_known_is_told_of_once(fake: Start, fake_folder: Path, tmp_path: Path) -> None:
    """It works, and is asked for what stands before the cursor alone."""
    folder = shutil.copytree(fake_folder, tmp_path / "mine")
    for name in ("config.json", "tokenizer.json"):
        text = (folder / name).read_text("utf-8").replace('"context-spm"', '"psm"')
        text = text.replace('"fim_order"', '"other"').replace("<|fim_", "<fim_").replace('x|>"', 'x>"')
        (folder / name).write_text(text.replace('e|>"', 'e>"'))
    with fake(folder=str(folder)) as editor:
        editor.initialize()
        editor.open(URI, CODE)
        editor.ready()
        assert outcome(editor) == "shown"
        said = [one["message"] for one in editor.told("window/showMessage")]
        assert len(said) == 1 and "mine sees only what stands before the cursor" in said[0]
