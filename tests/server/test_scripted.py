"""Two thousand sessions, each from initialize to exit, with whatever an editor may do in between at whatever moment.

The server's own parts run in this process, over pipes, many sessions at a time, with a model that is fake: its delays,
the threads and the sessions beside it make the order of things different in each. Every request has exactly one reply,
of a kind that it may have; nothing follows the reply to shutdown but refusals; the exit code is right, and in the end
no task, no thread and no descriptor is left.
"""

from __future__ import annotations

import asyncio
import random as random_
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from editor import Text
from fuzz import rng, rounds, save_failure
from server.inside import Client, framed, serving

SESSIONS: Final = 2000
AT_ONCE: Final = 6
TEXT = "def first(a, b):\n    return a\n\n\ndef second():\n    first(1, 2)\n    \n"
PIECES = ("x", "\n", "é(", "\r\n", "𝒳", "    return", "", "\u2028", "'''", "def g():\n    ")
OK, CANCELLED = 0, -32800
PARAMS, REQUEST, METHOD, EARLY, FAILED = -32602, -32600, -32601, -32002, -32803
INLINE = "textDocument/inlineCompletion"


# -- what an editor does


def document(client: Client) -> str:
    """One of a few documents, opened if it is not."""
    uri = f"file:///{client.random.randrange(3)}.py"
    if uri not in client.texts:
        client.texts[uri] = Text(TEXT, client.encoding)
        told = {"uri": uri, "languageId": "python", "version": 1, "text": TEXT}
        client.notify("textDocument/didOpen", {"textDocument": told})
    return uri


def inline(client: Client, bad: bool = False) -> None:
    uri = document(client)
    text = client.texts[uri]
    at = text.position(client.random.randrange(len(text.text) + 1))
    params: dict[str, Any] = {"textDocument": {"uri": uri}, "context": {"triggerKind": client.random.randrange(1, 3)}}
    if bad:
        client.request(INLINE, {**params, "position": client.random.choice([None, {"line": -1}, 5])}, PARAMS)
    else:
        client.request(INLINE, {**params, "position": at}, OK)


def edit(client: Client) -> None:
    uri = document(client)
    text = client.texts[uri]
    changes = []
    for _ in range(client.random.choice([1, 1, 3])):
        start = client.random.randrange(len(text.text) + 1)
        end = min(len(text.text), start + client.random.choice([0, 0, 1, 9]))
        changes.append(text.replace(start, end, client.random.choice(PIECES)))
    text.version += 1
    told = {"uri": uri, "version": text.version}
    client.notify("textDocument/didChange", {"textDocument": told, "contentChanges": changes})


def bad_edit(client: Client) -> None:
    """What cannot be right, and then the whole text, which always is."""
    uri = document(client)
    text = client.texts[uri]
    backwards = {"start": {"line": 2, "character": 0}, "end": {"line": 1, "character": 0}}
    bad = client.random.choice([{"text": 5}, {"range": backwards, "text": "x"}, {"text": "\ud800"}])
    for change in (bad, {"text": text.text}):
        text.version += 1
        told = {"uri": uri, "version": text.version}
        client.notify("textDocument/didChange", {"textDocument": told, "contentChanges": [change]})


def close(client: Client) -> None:
    uri = document(client)
    del client.texts[uri]
    client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})


def cancel(client: Client) -> None:
    """Any request there was, answered or not, or none."""
    msg_id = client.random.choice([*client.allowed, 12345, "none"])
    if msg_id in client.allowed:
        client.allowed[msg_id].add(CANCELLED)
    client.notify("$/cancelRequest", {"id": msg_id})


def inspect(client: Client) -> None:
    uri = document(client)
    client.request("hirope/inspect", {"textDocument": {"uri": uri}}, OK, FAILED)


def ask(client: Client) -> None:
    uri = document(client)
    method, params, code = client.random.choice(
        [
            ("hirope/status", None, OK),
            ("hirope/lastCompletion", {"textDocument": {"uri": uri}}, OK),
            ("no/such", {}, METHOD),
            ("$/no", {}, METHOD),
            ("exit", None, METHOD),
            ("textDocument/didClose", {"textDocument": {"uri": uri}}, METHOD),
            ("initialize", {"capabilities": {}}, REQUEST),
            ("hirope/inspect", {}, PARAMS),
        ]
    )
    client.request(method, params, code)


def tell(client: Client) -> None:
    uri = document(client)
    client.notify(
        *client.random.choice(
            [
                ("$/setTrace", {"value": client.random.choice(["off", "messages", "verbose", "loud", 5])}),
                ("hirope/didFocus", {"uri": uri}),
                ("no/such", [1]),
                ("initialize", {"capabilities": {}}),
                ("shutdown", None),
                (INLINE, {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 0}}),
                ("workspace/didChangeWatchedFiles", {"changes": [{"uri": uri, "type": 2}]}),
                ("workspace/didChangeConfiguration", {"settings": {"hirope": None}}),
                ("textDocument/didSave", {"textDocument": {"uri": uri}}),
            ]
        )
    )


def bad_inline(client: Client) -> None:
    inline(client, bad=True)


STEPS: tuple[Callable[[Client], None], ...] = (
    *(inline, inline, inline, inline, edit, edit, edit, cancel, cancel, cancel),
    *(close, inspect, ask, tell, bad_edit, bad_inline),
)


# -- a session


async def begin(client: Client) -> None:
    if client.random.random() < 0.1:
        client.request("hirope/status", None, EARLY)
        client.request("initialize", {}, PARAMS)
    offered = client.random.choice([["utf-8", "utf-16"], ["utf-16"], None])
    capabilities = {"general": {"positionEncodings": offered}} if offered else {}
    if client.random.random() < 0.3:
        capabilities["window"] = {"workDoneProgress": True}
    trace = client.random.choice(["off", "off", "messages", "verbose", "?"])
    request = client.request("initialize", {"processId": None, "capabilities": capabilities, "trace": trace}, OK)
    await client.answered(request)
    client.encoding = client.result(request)["capabilities"]["positionEncoding"]
    client.notify("initialized", {})


async def play(client: Client) -> None:
    for _ in range(client.random.randrange(1, 14)):
        step = client.random.choice(STEPS)
        client.script.append(step.__name__)
        step(client)
        if client.random.random() < 0.4:
            await asyncio.sleep(client.random.choice([0, 0, 0.001, 0.004]))
        elif client.random.random() < 0.15:
            await client.answered(*client.waiting())
    if client.random.random() < 0.2:
        await in_step(client)


async def in_step(client: Client) -> None:
    """The server's text is the editor's: it reads as a fresh copy does."""
    for uri in list(client.texts):
        copy = {"uri": "file:///copy.py", "languageId": "python", "version": 1, "text": client.texts[uri].text}
        client.notify("textDocument/didOpen", {"textDocument": copy})
        asked = [client.request("hirope/inspect", {"textDocument": {"uri": it}}, OK) for it in (uri, copy["uri"])]
        await client.answered(*asked)
        held, fresh = map(client.result, asked)
        assert (held["digest"], held["units"]) == (fresh["digest"], fresh["units"])
        assert held["version"] == client.texts[uri].version
        client.notify("textDocument/didClose", {"textDocument": {"uri": copy["uri"]}})


async def end(client: Client) -> int:
    """One of the ways in which a session ends; the exit code it must have."""
    way = client.random.random()
    client.script.append(f"end {way:.2f}")
    if way < 0.1:  # an editor that crashes
        client.hang_up()
        return 1
    if way < 0.15:
        client.notify("exit", None)
        return 1
    for msg_id in client.waiting():
        client.allowed[msg_id].add(CANCELLED)
    client.down = client.request("shutdown", None, OK)
    refused = []
    if way < 0.5:
        refused = [
            client.request(method, {}, REQUEST) for method in ("hirope/status", INLINE, "shutdown", "initialize")
        ]
        client.notify("textDocument/didOpen", {"textDocument": {}})
    client.patient = not 0.6 < way < 0.7
    if client.patient:
        await client.answered(client.down, *refused)
    if 0.5 < way < 0.65:
        client.hang_up()
    else:
        client.notify("exit", None)
    return 0


def judge(client: Client, code: int) -> None:
    """All that must hold of what was answered."""
    assert client.ended.result() == b"", "half a message"
    assert all(message["jsonrpc"] == "2.0" for message in client.order)
    for msg_id, replies in client.replies.items():
        assert len(replies) == 1, f"{msg_id} was answered {len(replies)} times"
        told = replies[0].get("error", {"code": OK})["code"]
        assert told in client.allowed[msg_id], (replies[0], client.allowed[msg_id])
    if code == 0 and client.patient:
        assert not client.waiting(), f"no reply to {client.waiting()}"
        down = next(at for at, told in enumerate(client.order) if "method" not in told and told["id"] == client.down)
        for message in client.order[down + 1 :]:
            assert message.get("error", {}).get("code") == REQUEST, f"after shutdown: {message}"


async def session(folder: Path, random: random_.Random, script: list[str]) -> None:
    """One session and all that it is held to."""
    pace = {"prefill_s": random.choice([0, 0, 0.001, 0.01]), "step_s": random.choice([0, 0, 0.0005])}
    async with serving(folder, random, random.choice([0, 0, 0, 0.02]), **pace) as (client, _, running):
        client.script = script
        await begin(client)
        await play(client)
        expected = await end(client)
        code = await asyncio.wait_for(running, 60)
        assert code == expected
        await asyncio.wait_for(client.ended, 60)
        judge(client, code)


def hirope_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("hirope")]


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.usefixtures("loud")
@pytest.mark.parametrize("batch", range(4))
def test_every_request_has_exactly_one_reply(fake_folder: Path, batch: int) -> None:
    random = rng(f"scripted-{batch}")
    seeds = [random.randrange(2**32) for _ in range(rounds(SESSIONS // 4))]
    before = descriptors()

    async def play_all() -> None:
        async def one_after_the_other() -> None:
            while seeds:
                seed, script = seeds.pop(), list[str]()
                try:
                    await session(fake_folder, random_.Random(seed), script)
                except BaseException:
                    save_failure("scripted", f"{seed}\n" + "\n".join(script))
                    raise

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(one_after_the_other())
        patience = time.monotonic() + 30
        while (tasks := asyncio.all_tasks() - {asyncio.current_task()}) and time.monotonic() < patience:
            await asyncio.sleep(0.001)  # what was cancelled last takes a turn or two to end
        assert not tasks

    asyncio.run(play_all())
    patience = time.monotonic() + 30
    while (hirope_threads() or descriptors() > before) and time.monotonic() < patience:
        time.sleep(0.01)
    assert not hirope_threads()
    assert descriptors() <= before


def stream(random: random_.Random) -> tuple[bytes, int]:
    """The bytes of a whole session, and where shutdown is said."""
    text = {"uri": "file:///a.py", "languageId": "python", "version": 1, "text": TEXT}
    place = {"textDocument": {"uri": "file:///a.py"}, "position": {"line": 6, "character": 4}}
    before: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": {"capabilities": {}}},
        {"method": "initialized", "params": {}},
        {"method": "textDocument/didOpen", "params": {"textDocument": text}},
        *({"id": at, "method": INLINE, "params": place} for at in range(2, random.randrange(3, 6))),
    ]
    said = b"".join(map(framed, before))
    down = framed({"id": 9, "method": "shutdown"})
    return said + down + framed({"method": "exit"}), len(said) + len(down)


@pytest.mark.usefixtures("loud")
def test_a_stream_that_breaks_off_anywhere_ends_the_session(fake_folder: Path) -> None:
    random = rng("cut")

    async def play_all() -> None:
        for _ in range(rounds(60)):
            data, down = stream(random)
            cut = random.randrange(len(data) + 1)
            async with serving(fake_folder, random, prefill_s=random.choice([0, 60])) as (client, _, running):
                client.send_bytes(data[:cut])
                client.hang_up()
                code = await asyncio.wait_for(running, 60)
                await asyncio.wait_for(client.ended, 60)
            assert code == (0 if cut >= down else 1), cut
            assert client.ended.result() == b""
            assert all(len(replies) == 1 for replies in client.replies.values()), cut

    asyncio.run(play_all())


@pytest.mark.usefixtures("loud")
def test_a_client_that_closes_the_pipe_it_reads_loses_only_replies(fake_folder: Path) -> None:
    async def play_it() -> None:
        async with serving(fake_folder, rng("deaf")) as (client, app, running):
            await begin(client)
            client.go_deaf()
            for _ in range(20):
                edit(client)
                client.request("hirope/status", None, OK)
            while len(app._documents) < len(client.texts):
                await asyncio.sleep(0.001)
            client.notify("exit", None)
            assert await asyncio.wait_for(running, 60) == 1

    asyncio.run(play_it())


@pytest.mark.usefixtures("loud")
def test_a_message_that_keeps_the_event_loop_waiting_is_named(fake_folder: Path) -> None:
    async def play_it() -> None:
        async with serving(fake_folder, rng("slow")) as (client, app, running):
            await begin(client)
            app._protocol.handlers["x/didSleep"] = lambda params: time.sleep(0.06)
            client.notify("x/didSleep", {})
            await client.answered(client.request("hirope/status", None, OK))
            assert await end(client) == await asyncio.wait_for(running, 60)
            await asyncio.wait_for(client.ended, 60)
            assert "the event loop was kept waiting for" in str(client.order)

    asyncio.run(play_it())
