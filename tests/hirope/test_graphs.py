"""Single rows with static shapes against the same rows by `lean` and by transformers, and the keeping of graphs.

There is no GPU here: `Unrecorded` stands in for what records, and says so; recording and repeating are the only parts
that these tests do not run.
"""

from dataclasses import replace

import pytest
import torch
from fuzz import rng, rounds
from hirope.test_lean import DEFAULT, LONGEST, SCHEMES, counted
from hirope.test_turned import slabs_for
from hirope.tiny import ALL, ORDERED, TRAINED, token_ids, unit_positions
from torch._subclasses.fake_tensor import FakeTensorMode

from hirope_ls.hirope import patch, static
from hirope_ls.hirope.graphs import PROCESS, Graphs, Recorder, Switch


class Unrecorded:
    """A fake recorder: it records nothing, and what it gives runs the work each time, as a CPU can."""

    def __init__(self, spoil=None):
        self.works, self.repeated, self._spoil = 0, 0, spoil

    def __call__(self, work):
        self.works += 1

        def repeat():
            self.repeated += 1
            work()
            if self._spoil:
                self._spoil(work.func.__self__)

        return repeat


def with_graphs(hirope, bucket=16, after=0, most=16, record=None):
    hirope.compiled = False
    record = record or Unrecorded()
    hirope._graphs = Graphs(hirope._decoder, record, Switch(), bucket, most, after)
    return record


def poison(cache):
    """Memory that nobody wrote may hold anything."""
    for layer in cache.layers:
        for slab in (layer.keys, layer.values, layer.turned.room):
            slab[:, :, layer.length :].fill_(torch.nan)


@pytest.mark.parametrize("name", ["llama", "qwen2", "qwen3"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_rows_equal_those_of_lean_and_of_transformers(name, dtype):
    random = rng(f"graphs-{name}-{dtype}")
    hirope, slack = patch(ALL[name].make(dtype=dtype)), 1e-9 if dtype == torch.float64 else 2e-4
    for _ in range(rounds(6)):
        hirope.scheme = random.choice(SCHEMES)
        record = with_graphs(hirope, random.choice([1, 8, 24, 64, 1024]), random.choice([0, 0, 2]))
        caches = [slabs_for(hirope, dtype=dtype) for _ in range(3)]
        ids, positions = token_ids(LONGEST), unit_positions(LONGEST, random.choice([3, 11]))
        length = 0
        for _ in range(30):
            if random.random() < 0.15:
                length = random.randint(0, length)
                for cache in caches:
                    cache.truncate(length)
            if random.random() < 0.1:
                caches[0].grow(caches[0].capacity + random.choice([1, 40]))
                poison(caches[0])
            end = min(length + random.choice([1, 1, 1, 1, 5, 60]), LONGEST)
            if end == length:
                break
            pairs = sorted((random.randrange(end), random.randrange(6)) for _ in range(random.choice([0, 3])))
            said = torch.tensor(pairs).T if pairs else None
            found = []
            for way, cache in zip(("graphs", "lean", "transformers"), caches, strict=True):
                hirope.graphs, hirope.lean = way == "graphs", way != "transformers"
                found.append(hirope.forward(ids[:, length:end], positions[:, :end], cache, True, said))
            for other in found[1:]:
                torch.testing.assert_close(found[0], other, rtol=0, atol=slack)
            length = end
        for one, other in zip(caches[0].layers, caches[2].layers, strict=True):
            assert one.length == other.length
            torch.testing.assert_close(one.keys[:, :, :length], other.keys[:, :, :length], rtol=0, atol=slack)
        assert hirope._graphs._switch.why == ""
        assert record.works == hirope._graphs.recorded


@pytest.mark.parametrize("first", [10, 3 * TRAINED])
def test_every_row_of_a_bucket_by_one_graph(first, monkeypatch):
    """Short and long prompts; nothing goes another way."""
    hirope = patch(ALL["qwen2"].make())
    record, bucket = with_graphs(hirope, bucket=LONGEST), range(first, first + 30)
    cache, plain = slabs_for(hirope), slabs_for(hirope)
    ids, positions = token_ids(LONGEST), unit_positions(LONGEST)
    for each in (cache, plain):
        hirope.forward(ids[:, :first], positions[:, :first], each)
    cache.grow(LONGEST)
    poison(cache)
    for row in bucket:
        hirope.graphs = False
        wanted = hirope.forward(ids[:, row : row + 1], positions[:, : row + 1], plain)
        hirope.graphs = True
        with monkeypatch.context() as only:
            only.setattr(type(hirope._decoder), "forward", None)
            got = hirope.forward(ids[:, row : row + 1], positions[:, : row + 1], cache)
        torch.testing.assert_close(got, wanted, rtol=0, atol=1e-9)
    assert (record.works, record.repeated) == (1, len(bucket))
    assert hirope._graphs.replayed == len(bucket)
    assert hirope.few_rows() == "torch, in CUDA graphs"


def test_the_step_asks_nothing_of_the_host_and_changes_no_shape():
    """As far as a CPU can tell: it runs where no tensor has data, so no operation can have looked at one."""
    hirope = patch(ALL["qwen3"].make(dtype=torch.float32))
    cache, ids, positions = slabs_for(hirope, dtype=torch.float32), token_ids(LONGEST), unit_positions(LONGEST)
    hirope.forward(ids[:, :100], positions[:, :100], cache)
    steps = []
    with_graphs(hirope, record=lambda work: steps.append(work) or work)
    hirope.forward(ids[:, 100:101], positions[:, :101], cache)
    (work,) = steps
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        slabs = [static.Slabs(*map(mode.from_tensor, slab)) for slab in work.args[0]]
        step = work.func.__self__
        for name in ("_token", "_row", "_scale", "_bias", "_columns", "logits", "_sign"):
            setattr(step, name, mode.from_tensor(getattr(step, name)))
        step.run(slabs)


def test_the_logits_are_the_callers_own():
    hirope = patch(ALL["llama"].make())
    with_graphs(hirope)
    cache, ids, positions = slabs_for(hirope), token_ids(20), unit_positions(20)
    first = hirope.forward(ids[:, :1], positions[:, :1], cache)
    held = first.clone()
    for row in range(1, 5):
        hirope.forward(ids[:, row : row + 1], positions[:, : row + 1], cache).fill_(torch.nan)
    assert torch.equal(first, held)


def steps(hirope, cache, start, stop):
    ids, positions = token_ids(LONGEST), unit_positions(LONGEST)
    for row in range(start, stop):
        hirope.forward(ids[:, row : row + 1], positions[:, : row + 1], cache)


def test_a_graph_is_of_one_bucket_of_one_cache():
    hirope = patch(ALL["llama"].make())
    record, cache = with_graphs(hirope, bucket=16, after=2), slabs_for(hirope)
    cache.grow(LONGEST)
    steps(hirope, cache, 0, 3)
    assert (record.works, record.repeated) == (1, 1)  # two rows the usual way, one recorded and tried
    steps(hirope, cache, 3, 16)
    assert (record.works, record.repeated) == (1, 14)
    steps(hirope, cache, 16, 20)
    assert record.works == 2
    cache.truncate(5)
    steps(hirope, cache, 5, 10)
    assert record.works == 2  # the first one still serves
    other = slabs_for(hirope)
    other.grow(LONGEST)
    steps(hirope, other, 0, 4)
    assert record.works == 3
    cache.grow(LONGEST + 8)
    steps(hirope, cache, 10, 13)
    assert record.works == 4
    hirope.scheme = replace(DEFAULT, window=9)
    steps(hirope, cache, 13, 16)
    assert record.works == 5


def test_so_many_graphs_and_no_more():
    hirope = patch(ALL["llama"].make())
    record, cache = with_graphs(hirope, bucket=2, most=3), slabs_for(hirope)
    cache.grow(LONGEST)
    steps(hirope, cache, 0, 8)
    assert (record.works, len(hirope._graphs._held)) == (4, 3)
    cache.truncate(6)
    steps(hirope, cache, 6, 8)
    assert record.works == 4  # the latest are held
    cache.truncate(0)
    steps(hirope, cache, 0, 2)
    assert record.works == 5


def test_graphs_keep_no_cache_alive_and_those_of_dead_ones_go():
    hirope = patch(ALL["llama"].make())
    with_graphs(hirope, record=_forgetting)
    cache, held = slabs_for(hirope), hirope._graphs._held
    steps(hirope, cache, 0, 2)
    (graph,) = held.values()
    assert not graph.dead
    del cache
    assert graph.dead
    steps(hirope, slabs_for(hirope), 0, 1)
    assert graph not in held.values()


def _forgetting(work):
    """A fake recorder whose repetition runs once, for the trial, and then holds no tensor, as a graph does not."""
    held = [work]

    def repeat():
        if held:
            held.pop()()

    return repeat


def test_a_graph_that_computes_other_numbers_switches_them_off(monkeypatch):
    hirope, plain = (patch(ALL["llama"].make()) for _ in range(2))
    plain.compiled = False
    record = with_graphs(hirope, record=Unrecorded(spoil=lambda step: step.logits.mul_(1.1)))
    caches = slabs_for(hirope), slabs_for(plain)
    ids, positions = token_ids(9), unit_positions(9)
    for row in range(9):
        got, wanted = (
            one.forward(ids[:, row : row + 1], positions[:, : row + 1], cache)
            for one, cache in zip((hirope, plain), caches, strict=True)
        )
        assert torch.equal(got, wanted)
    assert record.works == 1 and not hirope._graphs._held
    assert hirope.few_rows() == "torch (graphs: a recorded step computed other numbers)"


def test_a_graph_that_does_nothing_is_found_out():
    hirope = patch(ALL["llama"].make())
    with_graphs(hirope, record=lambda work: lambda: None)
    steps(hirope, slabs_for(hirope), 0, 2)
    assert "other numbers" in hirope.few_rows()


def test_recording_that_fails_switches_them_off_and_the_first_reason_is_told():
    def refuse(work):
        raise RuntimeError("operation not permitted\nwhen stream is capturing")

    hirope = patch(ALL["llama"].make())
    with_graphs(hirope, record=refuse)
    assert hirope.few_rows() == "torch (graphs: none recorded yet)"
    cache = slabs_for(hirope)
    steps(hirope, cache, 0, 3)
    assert cache.get_seq_length() == 3
    hirope._graphs._fail("another")
    assert hirope.few_rows() == "torch (graphs: RuntimeError: operation not permitted when stream is capturing)"
    hirope.graphs = False
    assert "graphs" not in hirope.few_rows()


def test_who_is_not_served(monkeypatch):
    hirope = patch(ALL["llama"].make())
    record, cache = with_graphs(hirope), slabs_for(hirope)
    ids, positions = token_ids(LONGEST), unit_positions(LONGEST)
    hirope.forward(ids[:, :100], positions[:, :100], cache)
    hirope.forward(ids[:, 100:102], positions[:, :102], cache)  # two rows
    passes = counted(monkeypatch, hirope)
    hirope.scheme = ORDERED
    hirope.forward(ids[:, 102:103], positions[:, :103], cache)  # far keys turn
    assert passes and not record.works


def test_nothing_of_it_is_used_on_a_cpu():
    hirope = patch(ALL["llama"].make())
    assert hirope._graphs is None and PROCESS.why == ""
    assert Graphs.of(hirope._decoder) is None
    with pytest.raises((RuntimeError, AssertionError)):
        Recorder(torch.device("cuda"))(lambda: None)


def test_other_tensors_at_the_same_places_are_not_taken_for_the_same():
    hirope = patch(ALL["llama"].make())
    record, cache = with_graphs(hirope), slabs_for(hirope)
    cache.grow(64)
    steps(hirope, cache, 0, 2)
    cache.layers[1].values = cache.layers[1].values.view_as(cache.layers[1].values)
    steps(hirope, cache, 2, 3)
    assert record.works == 2
