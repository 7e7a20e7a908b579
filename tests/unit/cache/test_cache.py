"""The cache, through its front door, over the exact fake table."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from nightshift.cache.memory import Memory
from nightshift.cache.model import CacheKey, Level, State
from nightshift.cache.service import Cache, Recipe
from nightshift.cache.store import INLINE_BYTES
from nightshift.core.clock import ManualClock
from tests.support.faults import Fault, FaultMode, FaultPlan
from tests.unit.cache.scene import KEY, START, Scene, put


def _body(cache: Cache, key: CacheKey = KEY) -> bytes | None:
    entry = cache.get(key).entry
    return entry.body if entry else None


def test_an_entry_is_fresh_then_stale_then_missing() -> None:
    """Its times decide, whatever the table has deleted by then."""
    scene = Scene()
    cache = scene.process()
    states = [cache.get(KEY).state]
    put(cache, b"one")
    for seconds in (0, 59.9, 0.2, 539, 1):
        scene.clock.advance(seconds=seconds)
        states.append(cache.get(KEY).state)
    missing, fresh, stale = State.MISSING, State.FRESH, State.STALE
    assert [missing, fresh, fresh, stale, stale, missing] == states


def test_the_age_is_told() -> None:
    """In whole seconds since the body was made."""
    scene = Scene()
    cache = scene.process()
    put(cache, b"one")
    scene.clock.advance(seconds=61.7)
    entry = cache.get(KEY).entry
    assert entry is not None
    assert 61 == entry.age_s(scene.clock.now())


def test_a_copy_costs_no_call_and_a_look_at_the_table_one() -> None:
    """However many tags the key has."""
    scene = Scene()
    put(scene.process(), b"one")
    cache = scene.process()
    assert [1, 0] == [scene.calls(lambda: cache.get(KEY)) for _ in range(2)]
    assert Level.L1 is cache.get(KEY).level


def test_a_large_body_lies_in_the_bucket() -> None:
    """Whole, and the table's item stays small."""
    scene = Scene()
    body = bytes(range(256)) * 4096
    noise = b"".join(str(hash((n, "x"))).encode() for n in range(20_000)) + body
    put(scene.process(), noise)
    assert len(noise) > INLINE_BYTES
    assert noise == _body(scene.process())
    assert 1 == len(scene.blobs.blobs)


def test_a_body_that_the_bucket_lost_is_missing() -> None:
    """Not an error: it is made again."""
    scene = Scene()
    noise = b"".join(str(hash((n, "y"))).encode() for n in range(20_000))
    put(scene.process(), noise)
    scene.blobs.blobs.clear()
    assert State.MISSING is scene.process().get(KEY).state


@pytest.mark.parametrize("forget", ["delete", "delete_tag", "delete_other_tag"])
def test_what_is_forgotten_is_missing_everywhere(forget: str) -> None:
    """At once where it was said, elsewhere when the copy's time is over."""
    scene = Scene()
    here, there = scene.process(), scene.process()
    put(here, b"one")
    assert b"one" == _body(there)
    {
        "delete": lambda: here.delete(KEY.name),
        "delete_tag": lambda: here.delete_tag("ada"),
        "delete_other_tag": lambda: here.delete_tag("reports"),
    }[forget]()
    assert None is _body(here)
    scene.clock.advance(seconds=5.1)
    assert None is _body(there)


def test_a_tag_of_others_forgets_nothing() -> None:
    """Only entries that have it."""
    scene = Scene()
    cache = scene.process()
    put(cache, b"one")
    cache.delete_tag("ben")
    assert b"one" == _body(scene.process())


@pytest.mark.parametrize("forget", ["delete", "delete_tag"])
def test_what_was_being_made_while_it_was_forgotten_does_not_live_on(forget: str) -> None:
    """The body was made of what is outdated."""
    scene = Scene()
    maker, other = scene.process(), scene.process()
    marks = maker.get_exact(KEY).marks
    if forget == "delete":
        other.delete(KEY.name)
    else:
        other.delete_tag("ada")
    maker.put(KEY, b"outdated", fresh_s=60, keep_s=600, marks=marks)
    assert [None, None] == [_body(maker), _body(other)]
    put(maker, b"new")
    assert [b"new", b"new"] == [_body(maker), _body(other)]


def test_an_older_body_does_not_replace_a_younger_one() -> None:
    """A maker that was held up comes too late."""
    scene = Scene()
    slow, quick = scene.process(), scene.process()
    marks = slow.get_exact(KEY).marks
    hold = FaultPlan({1: Fault(mode=FaultMode.DELAY, action=lambda: _later(scene, quick))})
    scene.dynamo.faults = hold
    slow.put(KEY, b"old", fresh_s=60, keep_s=600, marks=marks)
    assert b"young" == _body(scene.process())


def _later(scene: Scene, cache: Cache) -> None:
    scene.dynamo.faults = None
    scene.clock.advance(seconds=1)
    put(cache, b"young")


def test_an_answer_lost_to_a_put_is_no_failure() -> None:
    """The client's own retry meets its own write."""
    scene = Scene()
    cache = scene.process()
    marks = cache.get_exact(KEY).marks
    scene.dynamo.faults = FaultPlan({1: Fault(mode=FaultMode.ANSWER_LOST)})
    cache.put(KEY, b"one", fresh_s=60, keep_s=600, marks=marks)
    assert b"one" == _body(scene.process())


def test_times_that_make_no_sense_are_refused() -> None:
    """Fresh for longer than kept, or kept for longer than tags are."""
    cache = Scene().process()
    marks = cache.get_exact(KEY).marks
    for fresh_s, keep_s in ((61, 60), (-1, 60), (1, 91 * 86_400)):
        with pytest.raises(ValueError, match="fresh_s"):
            cache.put(KEY, b"one", fresh_s=fresh_s, keep_s=keep_s, marks=marks)


def test_the_memory_is_bounded_by_count_and_by_bytes() -> None:
    """The least recently used goes first; what is larger than all may be is not kept."""
    clock = ManualClock(START)
    memory = Memory(clock, entries=10, max_bytes=10_000, ttl_s=60)
    scene = Scene()
    cache = scene.process()
    for number, size in enumerate([1] * 30 + [3_000] * 5 + [20_000]):
        key = CacheKey(name=f"k{number}")
        entry = cache.put(key, b"x" * size, fresh_s=1, keep_s=1, marks=cache.get_exact(key).marks)
        memory.put(key, entry)
        assert len(memory) <= 10
        assert memory.size_bytes <= 10_000
    assert None is memory.get(CacheKey(name="k35"))
    assert None is not memory.get(CacheKey(name="k34"))


def test_without_memory_every_look_goes_to_the_table() -> None:
    """A process that may keep nothing keeps nothing."""
    scene = Scene()
    cache = scene.process(entries=0)
    put(cache, b"one")
    assert [1, 1] == [scene.calls(lambda: cache.get(KEY)) for _ in range(2)]


class Kitchen:
    """Counts what it makes; `during` runs while it does."""

    def __init__(self, during: Callable[[], object] = lambda: None) -> None:
        self.made = 0
        self.during = during

    def __call__(self) -> bytes:
        """Make one."""
        self.made += 1
        body = f"made {self.made}".encode()
        self.during()
        return body

    def recipe(self) -> Recipe:
        """Return how to make one."""
        return Recipe(make=self, fresh_s=60, keep_s=600, make_s=2)


def test_many_threads_that_find_nothing_make_it_once() -> None:
    """The others wait for the first and get the same."""
    scene = Scene()
    cache = scene.process()
    everybody = threading.Barrier(20)
    kitchen = Kitchen()

    def ask(_: int) -> bytes:
        everybody.wait()
        return cache.get_or_make(KEY, kitchen.recipe()).body

    with ThreadPoolExecutor(20) as pool:
        assert {b"made 1"} == set(pool.map(ask, range(20)))


def test_while_one_makes_what_is_stale_the_others_get_the_old() -> None:
    """Nobody waits for what he can do without."""
    scene = Scene()
    cache, other = scene.process(l1_ttl_s=0), scene.process(l1_ttl_s=0)
    put(cache, b"old")
    scene.clock.advance(seconds=100)
    seen: list[bytes] = []
    inner = Kitchen()
    kitchen = Kitchen(lambda: seen.append(other.get_or_make(KEY, inner.recipe()).body))
    assert b"made 1" == cache.get_or_make(KEY, kitchen.recipe()).body
    assert ([b"old"], 0) == (seen, inner.made)
    assert b"made 1" == other.get_or_make(KEY, inner.recipe()).body


def test_a_process_waits_for_what_another_makes() -> None:
    """Where there is nothing to serve meanwhile."""
    scene = Scene()
    cache, other = scene.process(), scene.process()
    kitchen = Kitchen()
    assert scene.process()._store.claim(KEY.name, "other", for_s=2)
    scene.on_sleep = lambda: put(other, b"theirs") if len(scene.slept) == 3 else None
    assert b"theirs" == cache.get_or_make(KEY, kitchen.recipe()).body
    assert (0, 3) == (kitchen.made, len(scene.slept))


def test_a_maker_that_died_is_in_the_way_for_its_time_only() -> None:
    """Its claim is judged by the time in it."""
    scene = Scene()
    kitchen = Kitchen()
    assert scene.process()._store.claim(KEY.name, "dead", for_s=2)
    assert b"made 1" == scene.process().get_or_make(KEY, kitchen.recipe()).body
    assert 1.9 <= sum(scene.slept) <= 2.2


def test_when_making_fails_the_old_is_served_and_the_next_may_try() -> None:
    """An error is only an error where there is nothing else."""
    scene = Scene()
    cache = scene.process(l1_ttl_s=0)

    def broken() -> bytes:
        raise OSError("no")

    recipe = Recipe(make=broken, fresh_s=60, keep_s=600)
    with pytest.raises(OSError, match="no"):
        cache.get_or_make(KEY, recipe)
    put(cache, b"old")
    scene.clock.advance(seconds=100)
    assert b"old" == cache.get_or_make(KEY, recipe).body
    assert b"made 1" == cache.get_or_make(KEY, Kitchen().recipe()).body


def test_a_key_forgotten_while_it_is_made_is_made_again_by_the_next() -> None:
    """The asker gets what was made for him; nobody after him does."""
    scene = Scene()
    cache = scene.process()
    kitchen = Kitchen(lambda: cache.delete_tag("ada"))
    assert b"made 1" == cache.get_or_make(KEY, kitchen.recipe()).body
    kitchen.during = lambda: None
    assert b"made 2" == cache.get_or_make(KEY, kitchen.recipe()).body
    assert b"made 2" == cache.get_or_make(KEY, kitchen.recipe()).body


def test_lookups_are_counted_by_level(capsys: pytest.CaptureFixture[str]) -> None:
    """None, the table, the process."""
    scene = Scene()
    cache = scene.process()
    cache.get(KEY)
    put(cache, b"one")
    scene.process().get(KEY)
    cache.get(KEY)
    levels = [line.split('"level":"')[1].split('"')[0] for line in _metrics(capsys)]
    assert ["none", "l2", "l2"] == levels


def _metrics(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [s for s in capsys.readouterr().out.splitlines() if "CacheLookups" in s]
