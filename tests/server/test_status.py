"""What the server tells of itself, by request and by notification, and how often it speaks up."""

from __future__ import annotations

import time
from typing import Any

import pytest
from server.conftest import Start
from server.test_inline import AT, CODE, URI, ready
from server.test_settings import until

from hirope_ls.server import progress, rhythm
from hirope_ls.server.status import Record, Status

ASKS = [
    ({"hirope": {"status": True}}, {}),
    (None, {"experimental": {"hiropeStatus": True}}),
]


@pytest.mark.parametrize(("options", "capabilities"), ASKS)
def test_who_asks_is_told_what_is_new_and_only_that(fake: Start, options: Any, capabilities: Any) -> None:
    with fake(overrides={"lookAhead": "off"}) as editor:
        editor.initialize(options=options, capabilities=capabilities)
        editor.open(URI, CODE)
        editor.ready()
        editor.reply(editor.inline(URI, AT))
        assert editor.wait(lambda: any(each["outcomes"] == {"shown": 1} for each in editor.told("hirope/status")))
        assert not editor.told("window/showMessage"), "it is no wrong setting"
        time.sleep(1.5)  # what follows the answer is over
        count = len(editor.told("hirope/status"))
        time.sleep(1)
        assert len(editor.told("hirope/status")) == count
        (last,) = editor.told("hirope/status")[-1:]
        now = editor.ask("hirope/status")
        assert last.keys() == now.keys()
        assert {**last, "memory": None} == {**now, "memory": None}
        assert (now["state"], now["queue"]) == ("ready", {"requests": 0, "warmups": 0})
        assert now["memory"]["rssMiB"] > 1
        assert now["memory"]["kvBudgetMiB"] == 1024


def test_many_requests_make_few_notifications(fake: Start) -> None:
    with fake() as editor:
        editor.initialize(options={"hirope": {"status": True}, "lookAhead": "off"})
        editor.open(URI, CODE)
        editor.ready()
        began, before = time.monotonic(), len(editor.told("hirope/status"))
        for _ in range(60):
            editor.reply(editor.inline(URI, AT))
        assert len(editor.told("hirope/status")) - before <= (time.monotonic() - began) / 0.3 + 1


def test_others_are_told_nothing(fake: Start) -> None:
    with ready(fake) as editor:
        editor.reply(editor.inline(URI, AT))
        time.sleep(0.6)
        assert not editor.told("hirope/status")


def test_latencies_by_phase_and_hit_rates() -> None:
    status, heard = Status(), []
    status.changed = lambda: heard.append(1)
    for n in range(1, 101):
        times = {"queue": 1.0, "prefill": float(n), "decode": 2.0 * n, "total": 3.0 * n + 1}
        status.record("u", Record("shown", timings=times, tokens={"prompt": 100, "reused": 75}))
    for _ in range(300):
        status.record("u", Record("cached", timings={"total": 0.1}))
    told = status.as_json()
    assert len(heard) == 400
    assert told["latencyMs"]["phases"]["prefill"] == {"p50": 51.0, "p95": 96.0}
    assert told["latencyMs"]["phases"]["queue"] == {"p50": 1.0, "p95": 1.0}
    assert told["latencyMs"]["p50"] == 0.1
    assert told["cacheHitRate"] == {"suggestions": 0.75, "tokens": 0.75}
    assert Status().as_json()["cacheHitRate"] == {"suggestions": None, "tokens": None}


@pytest.mark.parametrize(("seconds", "kinds"), [(0.0, []), (progress.LONG_S + 2.0, ["begin", "end"])])
def test_only_a_long_warm_up_shows_progress(fake: Start, seconds: float, kinds: list[str]) -> None:
    with fake(prefill_s=seconds) as editor:
        editor.initialize(capabilities={"window": {"workDoneProgress": True}})
        editor.open(URI, CODE)
        editor.notify("hirope/didFocus", {"uri": URI})
        editor.ready()
        until(lambda: editor.ask("hirope/status")["spared"]["warmed"])
        told = [each["value"] for each in editor.told("$/progress") if each["token"].startswith("hirope/warm")]
        assert [each["kind"] for each in told] == kinds


def test_each_load_has_a_bar_of_its_own(fake: Start) -> None:
    with fake(load_s=0.3) as editor:
        editor.initialize(capabilities={"window": {"workDoneProgress": True}})
        editor.ready()
        editor.notify("workspace/didChangeConfiguration", {"settings": {"hirope-ls": {"kvBudgetMiB": 99}}})
        assert editor.wait(lambda: len(editor.told("hirope/ready")) == 2)
        steps = [(each["token"], each["value"]["kind"]) for each in editor.told("$/progress")]
        names = "hirope/load", "hirope/load/2"
        assert steps == [(name, kind) for name in names for kind in ("begin", "end")]


def typist(gaps: list[float], took: list[float]) -> rhythm.Rhythm:
    found, now = rhythm.Rhythm(), 0.0
    found.edited(now)
    for gap in gaps:
        now += gap
        found.edited(now)
    for seconds in took:
        found.computed(seconds)
    return found


@pytest.mark.parametrize(
    ("gaps", "took", "pause"),
    [
        ([], [], 0.0),
        ([0.2, 0.2], [], 0.0),  # too few to know
        ([0.2] * 5, [], 0.2),
        ([0.1, 0.3] * 5, [0.05], 0.15),
        ([0.2] * 5, [0.3], 0.0),  # a slow model need not wait
        ([0.9] * 5, [], 0.5),
        ([0.2] * 5 + [30.0], [], 0.2),  # a pause is no gap
        ([5.0] * 5, [], 0.0),
    ],
)
def test_the_model_waits_for_fast_typists(gaps: list[float], took: list[float], pause: float) -> None:
    found = typist(gaps, took)
    assert found.start("auto") == pytest.approx(sum(gaps) + pause)
    assert found.start(400) == pytest.approx(sum(gaps) + 0.4)
    assert rhythm.Rhythm().start("auto") == float("-inf")
