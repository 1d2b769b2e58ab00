"""Slabs keep what is written and cut for nothing; the store keeps sessions and never more bytes than it may."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import torch
from fuzz import rng, rounds
from numpy.typing import NDArray
from transformers import DynamicCache

from hirope_ls.model.generator import IntArray
from hirope_ls.model.kv import BudgetError, KVStore
from hirope_ls.model.run import Rows
from hirope_ls.model.session import Session
from hirope_ls.model.slabs import LayerShape, SlabCache, SlabLayer
from hirope_ls.problems import ImpossibleState

SHAPES = (LayerShape(2, 8, 8), LayerShape(2, 8, 4), LayerShape(1, 16, 16))
TURNED = tuple(LayerShape(s.kv_heads, s.key_dim, s.value_dim, turned=s.kv_heads == 2) for s in SHAPES)
CPU = torch.device("cpu")
ROW = 4 * (2 * 16 + 2 * 12 + 1 * 32)  # bytes of one fp32 row
TURNED_ROW = ROW + 4 * (2 * 8 + 2 * 8)


def rows_of(count: int, seed: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    made = torch.Generator().manual_seed(seed)
    return [
        (
            torch.randn(1, shape.kv_heads, count, shape.key_dim, generator=made),
            torch.randn(1, shape.kv_heads, count, shape.value_dim, generator=made),
        )
        for shape in SHAPES
    ]


def test_slabs_hold_what_a_dynamic_cache_holds() -> None:
    """Random appends and cuts, compared with the library's own cache after each."""
    random = rng("slabs")
    slabs, known = SlabCache(SHAPES, torch.float32, CPU), DynamicCache()
    for step in range(200 * rounds(1)):
        if slabs.get_seq_length() and random.random() < 0.3:
            away = random.randint(1, slabs.get_seq_length())
            slabs.truncate(slabs.get_seq_length() - away)
            known.crop(-away)
        for number, (keys, values) in enumerate(rows_of(random.choice([1, 1, 1, 7, 40]), step)):
            mine, theirs = slabs.update(keys, values, number), known.update(keys, values, number)
            assert torch.equal(mine[0], theirs[0]) and torch.equal(mine[1], theirs[1])
        assert slabs.get_seq_length() == known.get_seq_length() <= slabs.capacity
        assert slabs.get_mask_sizes(3, 0) == known.get_mask_sizes(3, 0)
        if slabs.get_seq_length() > 500:
            slabs.crop(-400)
            known.crop(-400)


def test_slabs_append_in_place_and_cut_without_copying() -> None:
    slabs = SlabCache(SHAPES, torch.float32, CPU)
    slabs.grow(100)
    before = [layer.keys.data_ptr() for layer in slabs.layers]
    for number, (keys, values) in enumerate(rows_of(60, 1)):
        assert slabs.update(keys, values, number)[0].data_ptr() == before[number]
    slabs.truncate(20)
    for number, (keys, values) in enumerate(rows_of(80, 2)):
        slabs.update(keys, values, number)
    assert [layer.keys.data_ptr() for layer in slabs.layers] == before
    assert slabs.capacity == 100 and slabs.nbytes == 100 * ROW


def test_slabs_grow_by_doubling_and_release() -> None:
    slabs = SlabCache(SHAPES, torch.float32, CPU)
    seen = []
    for step in range(100):
        for number, (keys, values) in enumerate(rows_of(1, step)):
            slabs.update(keys, values, number)
        seen.append(slabs.capacity)
    assert sorted(set(seen)) == [1, 2, 4, 8, 16, 32, 64, 128]
    slabs.release()
    assert slabs.nbytes == slabs.get_seq_length() == 0


def prompt(size: int, unit: int = 0) -> tuple[IntArray, IntArray]:
    ids = np.arange(size, dtype=np.int32)
    return ids, np.stack([np.full(size, unit), np.arange(size)]).astype(np.int32)


def pairs_of(mentions: Iterable[tuple[int, int]]) -> NDArray[np.int64]:
    return np.array(sorted(mentions), np.int64).reshape(-1, 2).T


def fill(
    store: KVStore, key: str, ids: IntArray, positions: IntArray, mentions: Iterable[tuple[int, int]] = ()
) -> Session:
    """Put the rows into the store as a model would: resume, stage, update, commit."""
    rows = Rows(ids, positions, pairs_of(mentions))
    session = store.resume(key, rows, len(ids), 0)
    start = session.length
    session.stage(rows, len(ids))
    for number, (keys, values) in enumerate(rows_of(len(ids) - start, start)):
        session.cache.update(keys, values, number)
    session.commit(len(ids) - start)
    return session


def make_store(rows: float, shapes: tuple[LayerShape, ...] = SHAPES) -> KVStore:
    row = TURNED_ROW if shapes is TURNED else ROW
    return KVStore(shapes, torch.float32, CPU, int(rows * row))


def test_row_bytes() -> None:
    store = make_store(10.5)
    assert (store.row_bytes, store.most_rows) == (ROW, 10)


def test_turned_keys_are_counted() -> None:
    """Half as much again where keys are as wide as values, and to the byte what the slabs then hold."""
    store = make_store(100, TURNED)
    assert (store.row_bytes, store.most_rows) == (TURNED_ROW, 100)
    session = fill(store, "a", *prompt(60))
    assert session.cache.nbytes == store.used_bytes == session.cache.capacity * TURNED_ROW
    slabs = [slab for layer in session.cache.layers for slab in (layer.keys, layer.values)]
    rooms = [layer.turned.room for layer in session.cache.layers if layer.turned]
    assert len(rooms) == 2 and session.cache.nbytes == sum(held.nbytes for held in slabs + rooms)
    store.drop("a")
    assert store.used_bytes == 0
    assert all(layer.turned is None or layer.turned.room.nbytes == 0 for layer in session.cache.layers)
    with pytest.raises(BudgetError):
        store.open("b", 2)
        store.reserve("b", 101, 101)


def test_cut_rows_are_turned_no_more() -> None:
    store = make_store(100, TURNED)
    session = fill(store, "a", *prompt(60))
    layer = session.cache.layers[0]
    assert layer.turned is not None
    for cut, action in ((50, session.truncate), (45, lambda rows: session.cache.crop(-(50 - rows)))):
        layer.turned.far, layer.turned.ready = 48, 55
        action(cut)
        assert (layer.turned.far, layer.turned.ready) == (min(48, cut), cut)
    session.cache.reset()
    assert layer.turned.ready == 0


def test_shared_prefix_needs_ids_and_every_position() -> None:
    store = make_store(1000)
    ids, positions = prompt(50)
    session = fill(store, "a", ids, positions)
    assert session.shared(Rows(ids, positions)) == 50
    assert session.shared(Rows(ids[:20], positions[:, :20])) == 20
    longer, more = prompt(60)
    assert session.shared(Rows(longer, more)) == 50
    for row in (0, 1):
        moved = positions.copy()
        moved[row, 30] += 1
        assert session.shared(Rows(ids, moved)) == 30
    other = ids.copy()
    other[0] = 9
    assert session.shared(Rows(other, positions)) == 0
    assert session.shared(Rows(ids, np.vstack([positions, positions[:1]]))) == 0  # another number of levels


def test_shared_prefix_ends_where_mentions_differ() -> None:
    random = rng("mentions")
    ids, positions = prompt(30)
    tokens = range(0, 30, 2)

    def some(changes: int, pairs: set[tuple[int, int]]) -> set[tuple[int, int]]:
        return pairs ^ {(random.choice(tokens), random.randrange(3)) for _ in range(changes)}

    for _ in range(rounds(200)):
        store = make_store(100)
        mine = some(8, set())
        theirs = some(random.randrange(3), mine)
        session = fill(store, "a", ids, positions, mine)
        session.truncate(random.choice([30, 30, random.randrange(30)]))
        size = random.randrange(1, 30)
        theirs = {pair for pair in theirs if pair[0] < size}
        rows = Rows(ids[:size], positions[:, :size], pairs_of(theirs))
        differing = [token for token, _ in mine ^ theirs]
        assert session.shared(rows) == min([session.length, size, *differing])


def test_mentions_of_rows_that_went_are_forgotten() -> None:
    store = make_store(100)
    session = fill(store, "a", *prompt(20), {(3, 1), (9, 2), (15, 1)})
    assert session.mentions is not None and session.mentions.tolist() == [[3, 9, 15], [1, 2, 1]]
    session.truncate(9)
    session.stage(Rows(*prompt(20), pairs_of({(3, 7), (9, 4), (12, 4)})), 3)  # those of the rows 9 to 11 are taken
    assert session.mentions.tolist() == [[3, 9], [1, 4]]
    session.stage(Rows(*prompt(20), pairs_of({(10, 5)})), 3)  # what was staged was not committed
    assert session.mentions.tolist() == [[3, 10], [1, 5]]
    session.truncate(0)
    session.stage(Rows(*prompt(20)), 20)
    assert session.mentions is None


def test_generated_rows_continue_their_unit() -> None:
    store = make_store(100)
    session = fill(store, "a", *prompt(5, unit=3))
    store.reserve("a", 7, 7)
    for token in (40, 41):
        keys = session.stage_next(token, [1, 2] if token == 41 else [])
        session.commit(1)
    assert keys[:, 4:].tolist() == [[3, 3, 3], [4, 5, 6]]
    ids = np.array([0, 1, 2, 3, 4, 40, 41], np.int32)
    positions = np.array([[3] * 7, [0, 1, 2, 3, 4, 5, 6]], np.int32)
    assert session.shared(Rows(ids, positions, pairs_of({(6, 1), (6, 2)}))) == 7
    assert session.shared(Rows(ids, positions)) == 6


def test_oldest_session_goes_first() -> None:
    store = make_store(64 * 3)
    own = {key: prompt(64, unit) for unit, key in enumerate("abcd")}  # nothing to copy from each other
    for key in "abc":
        fill(store, key, *own[key])
    fill(store, "a", *own["a"])  # now b is the oldest
    fill(store, "d", *own["d"])
    assert list(store) == ["c", "a", "d"]
    assert store.get("b") is None


def test_growth_keeps_the_rows_where_old_and_new_fit() -> None:
    store = make_store(1000)
    held = fill(store, "a", *prompt(60))
    first = held.cache.layers[0].keys[:, :, :60].clone()
    assert store.reserve("a", 61, 300) >= 300
    assert held.length == 60 and torch.equal(held.cache.layers[0].keys[:, :, :60], first)


def test_growth_that_cannot_hold_both_starts_afresh() -> None:
    store = make_store(200)
    session = fill(store, "a", *prompt(64))
    assert store.reserve("a", 190, 190) >= 190
    assert session.length == 0


def test_wanted_is_a_wish_and_least_is_not() -> None:
    store = make_store(100)
    store.open("a", 2)
    assert store.reserve("a", 50, 500) == 100
    with pytest.raises(BudgetError):
        store.reserve("a", 101, 101)
    assert store.used_bytes <= store.budget_bytes


def test_a_dropped_session_gives_its_bytes_back_and_its_lease_up() -> None:
    store = make_store(100)
    session = fill(store, "a", *prompt(50))
    lease = session.lease
    store.drop("a")
    assert session.cache.nbytes == session.length == store.used_bytes == 0
    assert session.lease is not lease
    store.drop("a")  # nothing to do


@pytest.mark.parametrize("shapes", [SHAPES, TURNED], ids=["keys and values", "turned keys too"])
def test_never_over_the_budget_not_even_while_growing(
    monkeypatch: pytest.MonkeyPatch, shapes: tuple[LayerShape, ...]
) -> None:
    """A hundred sessions of random lengths cycle under a budget for about ten; every allocation is counted."""
    random = rng("budget")
    store = make_store(10 * 150, shapes)
    worst = aside = 0
    moved = SlabLayer._moved

    def counted(layer: SlabLayer, slab: torch.Tensor, capacity: int, *rest: Any) -> torch.Tensor:
        nonlocal worst
        made = moved(layer, slab, capacity, *rest)
        worst = max(worst, store.used_bytes + made.nbytes)  # the old slab is still counted here
        assert worst <= store.budget_bytes
        return made

    monkeypatch.setattr(SlabLayer, "_moved", counted)
    for _ in range(600 * rounds(1)):
        key = f"file{random.randrange(100)}"
        size = random.choice([1, 20, 150, 300, random.randint(1, 1500)])
        ids, positions = prompt(size)
        ids[random.choice([0, size, size // 2, size // 3]) :] += random.randrange(3)
        session = fill(store, key, ids, positions)
        assert session.length == size and list(store)[-1] == key
        assert store.used_bytes <= store.budget_bytes
        held = [session for session in map(store.get, list(store)) if session]
        assert store.used_bytes == sum(session.nbytes for session in held)
        aside += session.nbytes - session.cache.nbytes
    assert aside > 0 and worst > 0.8 * store.budget_bytes  # the test came near to it


def numbered(ids: IntArray) -> NDArray[np.int64]:
    """A number for each row that depends on all ids up to it."""
    return np.cumsum((ids.astype(np.int64) + 1) * (np.arange(len(ids)) * 7919 % 1009 + 1)) % 1_000_003


def numbers_in(slab: torch.Tensor, length: int) -> NDArray[np.int64]:
    assert (slab[0, :, :length] == slab[0, :1, :length, :1]).all()
    return slab[0, 0, :length, 0].long().numpy()


@pytest.mark.parametrize("host", [0, 1, 3], ids=["no host memory", "little host memory", "host memory"])
def test_rows_that_come_back_are_the_rows_that_left(host: int) -> None:
    """Random prompts of a few kinds: what the slabs then hold depends on the prompt alone."""
    random = rng(f"lines, {host}")
    back = returned = 0
    for _ in range(rounds(3)):
        rows = random.choice([900, 1400, 2500, 10_000])
        store = KVStore(TURNED, torch.float32, CPU, rows * TURNED_ROW, host * 500 * ROW)
        known = [random.randrange(5) for _ in range(40)]
        for _ in range(40):
            key, size = random.choice("aaab"), random.randint(1, 800)
            ids = np.array([known[row // 20] for row in range(size)], np.int32)
            ids[random.randint(0, size) :] += random.choice([0, 0, random.randrange(200)])
            ids[:] += key == "b" and random.random() < 0.5
            known[random.randrange(40)] += random.random() < 0.1
            wanted = Rows(ids, prompt(size)[1])
            before = session.live.shared(wanted) if (session := store.get(key)) else 0
            gone = session is None and key in store.host.packs
            session = store.resume(key, wanted, random.choice([size, size - 1]), random.choice([0, 60, 400]))
            back += session.length > before
            returned += gone and session.length > 0
            check_rows(session, wanted)
            write(session, wanted, random.randint(1, size))
            generate(session, random.choice([0, 0, 9, 9, 60, 400]))
            assert store.used_bytes <= store.budget_bytes
            assert store.host.used_bytes <= store.host.budget_bytes
    assert back > 0 and (returned > 0 if host == 3 else host or not returned)


def check_rows(session: Session, rows: Rows) -> None:
    """All that the session holds are rows of this prompt."""
    assert session.live.shared(rows) == session.length
    expected = numbered(rows.ids)[: session.length]
    for layer in session.cache.layers:
        assert layer.length == session.length
        assert np.array_equal(numbers_in(layer.keys, session.length), expected)
        assert np.array_equal(numbers_in(layer.values, session.length), expected)
        assert layer.turned is None or layer.turned.ready <= session.length


def write(session: Session, rows: Rows, chunk: int) -> None:
    """Compute what is missing, in chunks."""
    numbers = numbered(rows.ids)
    while session.length < len(rows.ids):
        start, stop = session.length, session.stage(rows, chunk).shape[1]
        put(session, numbers[start:stop])


def generate(session: Session, count: int) -> None:
    start, count = session.length, min(count, session.cache.capacity - session.length)
    numbers = numbered(np.append(session.live.ids, np.full(count, 7, np.int32)))
    for row in range(start, start + count):
        session.stage_next(7)
        put(session, numbers[row : row + 1])


def put(session: Session, numbers: NDArray[np.int64]) -> None:
    for number, shape in enumerate(SHAPES):
        filled = torch.from_numpy(numbers).float()[None, None, :, None]
        keys = filled.expand(1, shape.kv_heads, -1, shape.key_dim)
        session.cache.update(keys, filled.expand(1, shape.kv_heads, -1, shape.value_dim), number)
    session.commit(len(numbers))


def test_one_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIROPE_STRICT", "1")
    store = make_store(100)
    store.open("a", 2)
    caught: list[BaseException] = []

    def intrude() -> None:
        try:
            store.get("a")
        except ImpossibleState as error:
            caught.append(error)

    thread = threading.Thread(target=intrude)
    thread.start()
    thread.join()
    assert len(caught) == 1
