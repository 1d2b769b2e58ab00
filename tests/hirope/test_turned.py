"""Keys that were turned once and kept give what keys turned again at each step give, whatever happens in between."""

from __future__ import annotations

import json

import pytest
import torch
from fuzz import FAILURES, rng, rounds, save_failure
from hirope.tiny import ALL, ORDERED, TRAINED, token_ids, unit_positions
from transformers import DynamicCache

from hirope_ls.hirope import Scheme, patch, rivals
from hirope_ls.hirope.turned import TurnedCache, TurnedKeys
from hirope_ls.model.slabs import LayerShape, SlabCache

NAMES = ["llama", "mistral", "phi3", "smollm3", "gpt_neox", "gemma3", "cohere"]
SCHEMES = {
    "default": Scheme.default(TRAINED),
    "ordered": ORDERED,
    "narrow": Scheme(TRAINED, 7, split=2, offset=False, log_scaling=False),
    "damped": Scheme(TRAINED, 9, far_damping=1.0),
    "running": Scheme(TRAINED, 12, split=3, far="running"),
    "restart": Scheme(TRAINED, 20, far="restart"),
    "plain": Scheme.plain(TRAINED),
    "pi": rivals.position_interpolation(TRAINED),
    "yarn": rivals.yarn(TRAINED, 4.0),
    "grouped": rivals.self_extend(TRAINED),
    "sinks": rivals.streaming(TRAINED, 20, 3),
    "forgetful": rivals.streaming(TRAINED, sinks=0),
}
LONGEST = 4 * TRAINED
_patched = {}


def patched_model(name):
    if name not in _patched:
        _patched[name] = patch(ALL[name].make())
        _patched[name].lean = False  # another product of the same numbers; test_lean.py holds it to this one
    return _patched[name]


def slabs_for(hirope, turned=True, dtype=torch.float64):
    seen = DynamicCache()
    hirope.forward(token_ids(1), unit_positions(1), seen)
    shapes = tuple(
        LayerShape(
            layer.keys.shape[1], layer.keys.shape[3], layer.values.shape[3], turned and i in hirope.turned_layers
        )
        for i, layer in enumerate(seen.layers)
    )
    return SlabCache(shapes, dtype, torch.device("cpu"))


def random_steps(random):
    """What happens to a cache: rows appended (most often one), cut, units moved from some row on, schemes exchanged."""
    steps, length = [], 0
    for _ in range(random.randint(10, 40)):
        action = random.choice(["one"] * 5 + ["append", "cut", "units", "scheme", "grow", "aside"])
        value = 0
        if action in ("one", "append", "aside"):
            value = 1 if action == "one" else random.choice([2, 5, 30, TRAINED, 2 * TRAINED])
            if length + value > LONGEST:
                action, value = "cut", random.randint(0, LONGEST)
        elif action in ("cut", "units"):  # the rows from here on go, or are of other units now
            value = random.randint(0, length)
        elif action == "scheme":
            value = random.choice(sorted(SCHEMES))
        if action in ("one", "append", "aside"):
            length += value
        elif action == "cut":
            length = value = min(value, length)
        steps.append([action, value])
    return steps


def follow(name, steps):
    hirope = patched_model(name)
    hirope.scheme = SCHEMES["default"]
    kept, without = slabs_for(hirope), slabs_for(hirope, turned=False)
    ids, positions = token_ids(LONGEST), unit_positions(LONGEST)
    assert without.turned.layers == [None] * len(without.layers)
    for number, (action, value) in enumerate(steps):
        length = kept.get_seq_length()
        if action in ("one", "append", "aside"):
            rows, end = ids[:, length : length + value], length + value
            wanted = hirope.forward(rows, positions[:, :end], without)
            if action == "aside":  # a call of the model that knows nothing of what is kept, as generate() makes them
                with hirope.using(positions[:, :end]), torch.no_grad():
                    got = hirope.model(input_ids=rows, past_key_values=kept, use_cache=True).logits
            else:
                got = hirope.forward(rows, positions[:, :end], kept)
            assert torch.equal(got, wanted), (number, action, value, length, (got - wanted).abs().max())
        elif action in ("cut", "units"):  # the rows from here on go, or are of other units now
            kept.truncate(value)
            without.truncate(value)
            ids[:, value:] = torch.randint(2, 97, (1, LONGEST - value), generator=torch.Generator().manual_seed(number))
        elif action == "units":
            positions[0, value:] += 1
        elif action == "scheme":
            hirope.scheme = SCHEMES[value]
        else:
            kept.grow(kept.capacity + 9)


@pytest.mark.parametrize("name", NAMES)
def test_kept_keys_change_nothing(name):
    random = rng(f"turned-{name}")
    for _ in range(rounds(4)):
        steps = random_steps(random)
        try:
            follow(name, steps)
        except BaseException:
            save_failure("hirope-turned", json.dumps([name, steps]))
            raise


@pytest.mark.parametrize("path", sorted(FAILURES.glob("hirope-turned-*.txt")), ids=lambda path: path.name)
def test_sequences_that_failed_once(path):
    follow(*json.loads(path.read_text()))


def counted(monkeypatch):
    """How many rows are turned, each time that keys are."""
    rows = []
    append, hierarchical = TurnedKeys.append, TurnedKeys.hierarchical

    def near(self, turned, first):
        rows.append(turned.shape[2])
        return append(self, turned, first)

    def far(self, keys, stop, turn):
        rows.append(stop - self.far)
        return hierarchical(self, keys, stop, turn)

    monkeypatch.setattr(TurnedKeys, "append", near)
    monkeypatch.setattr(TurnedKeys, "hierarchical", far)
    return rows


def test_a_step_turns_new_rows_only(monkeypatch):
    hirope = patched_model("llama")
    hirope.scheme = ORDERED
    kept, ids, positions = slabs_for(hirope), token_ids(LONGEST), unit_positions(LONGEST)
    hirope.forward(ids[:, :100], positions[:, :100], kept)
    hirope.forward(ids[:, 100:101], positions[:, :101], kept)
    rows = counted(monkeypatch)
    for end in range(102, 110):
        hirope.forward(ids[:, end - 1 : end], positions[:, :end], kept)
    assert rows == [1, 1] * 2 * 8  # far and near, two layers, eight steps
    window = hirope.scheme.window
    for layer in kept.turned.layers:
        assert (layer.far, layer.ready) == (109 - window, 109)


def test_far_keys_that_stay_are_not_turned(monkeypatch):
    hirope = patched_model("llama")
    hirope.scheme = SCHEMES["default"]
    kept, ids, positions = slabs_for(hirope), token_ids(LONGEST), unit_positions(LONGEST)
    rows = counted(monkeypatch)
    hirope.forward(ids[:, :100], positions[:, :100], kept)
    hirope.forward(ids[:, 100:105], positions[:, :105], kept)
    assert sum(rows) == 105 * 2  # each row once a layer
    for layer in kept.turned.layers:
        assert (layer.far, layer.ready) == (0, 105)


def test_another_model_finds_nothing_kept():
    """Two models of one shape with different frequencies over one cache: each turns for itself."""
    one = patched_model("llama")
    one.scheme = SCHEMES["default"]
    rope = {"rope_theta": 30.0, "rope_type": "default"}
    other = patch(ALL["llama"].make(rope_parameters=rope))
    other.lean = False
    ids, positions = token_ids(90), unit_positions(90)
    kept, without = slabs_for(one), slabs_for(one, turned=False)
    for cache in (kept, without):
        one.forward(ids[:, :80], positions[:, :80], cache)
        one.forward(ids[:, 80:81], positions[:, :81], cache)
    got, wanted = (other.forward(ids[:, 81:], positions, cache) for cache in (kept, without))
    assert torch.equal(got, wanted)


def test_what_is_kept_is_right_row_for_row():
    """The room itself, against keys turned afresh, not only what attention makes of it."""
    keys = torch.arange(12.0).reshape(1, 1, 12, 1)
    near = lambda heads, first: heads + 100 + torch.arange(first, first + heads.shape[2])[:, None]  # noqa: E731
    far = lambda heads, first: heads - 1000 * torch.arange(first, first + heads.shape[2])[:, None]  # noqa: E731
    room = TurnedKeys(torch.full((1, 1, 12, 1), torch.nan))
    random = rng("room")
    for _ in range(rounds(300)):
        stop = random.randint(1, 12)
        first = random.randint(0, stop - 1)
        action = random.randrange(3)
        if action == 0:
            room.forget(first)
            room.room[:, :, first:] = torch.nan
        elif action == 1:
            assert torch.equal(room.ordinary(keys, first, stop, near), near(keys, 0)[:, :, first:stop])
        else:
            assert torch.equal(room.hierarchical(keys, stop, far), far(keys, 0)[:, :, :stop])
        assert room.far <= room.ready <= 12


def test_a_room_that_does_not_fit_is_not_used():
    room = TurnedKeys(torch.zeros(1, 2, 8, 4))
    assert room.serves(torch.zeros(1, 2, 8, 4)) and room.serves(torch.zeros(1, 2, 3, 4))
    assert not room.serves(torch.zeros(1, 2, 9, 4))
    assert not room.serves(torch.zeros(2, 2, 3, 4))
    assert not room.serves(torch.zeros(1, 2, 3, 4, dtype=torch.float64))


def test_positions_are_remembered_as_far_as_they_were_used():
    layer = TurnedKeys(torch.zeros(1, 1, 50, 2))
    cache, scheme, owner = TurnedCache([layer, None]), ORDERED, object()
    positions = unit_positions(50)
    layer.far = layer.ready = 30

    def far_after(positions, owner=owner, scheme=scheme):
        layer.far, layer.ready = 30, 40
        cache.begin(owner, scheme, unit_positions(50), 30)
        layer.far, layer.ready = 30, 40
        cache.begin(owner, scheme, positions, 20)
        return layer.far, layer.ready

    assert far_after(positions) == (30, 40)
    moved = positions.clone()
    moved[1, 17] += 1
    assert far_after(moved) == (17, 17)
    moved = positions.clone()
    moved[0, 35:] += 1
    assert far_after(moved) == (30, 40)  # near rows ask for no unit
    assert far_after(torch.cat([positions[:1], positions])) == (0, 0)
    assert far_after(positions[:, :25]) == (25, 25)
