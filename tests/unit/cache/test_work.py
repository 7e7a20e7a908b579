"""Work on an entry by somebody outside of the cache: who is told of it, and who may speak."""

from nightshift.cache.model import Failure, Level, Work
from nightshift.core.clock import to_ms
from tests.support.faults import Fault, FaultMode, FaultPlan
from tests.unit.cache.scene import KEY, START, Scene, put

FAILURE = Failure(error="no_luck", message="It did not work.", at_ms=to_ms(START))


def _work(scene: Scene) -> Work | None:
    return scene.process().get(KEY).work


def test_whoever_looks_is_told_of_work_by_the_same_one_call() -> None:
    """Of an entry that is there and of one that is missing, and in the copy of the process, too."""
    scene = Scene()
    cache = scene.process()
    assert cache.begin(KEY.name, "job", for_s=60, note="reading")
    missing = scene.process().get(KEY)
    assert ("job", "reading", None) == (missing.work and missing.work.token, "reading", None)
    put(cache, b"one")
    assert 1 == scene.calls(lambda: cache.get(KEY))
    copy = cache.get(KEY)
    assert (Level.L1, "job") == (copy.level, copy.work and copy.work.token)


def test_work_counts_until_its_time_is_over_or_it_has_ended() -> None:
    """Whoever died is in nobody's way for longer than he said."""
    scene = Scene()
    cache = scene.process()
    cache.begin(KEY.name, "job", for_s=60)
    work = _work(scene)
    assert work is not None
    assert work.is_under_way(scene.clock.now())
    scene.clock.advance(seconds=60)
    assert not work.is_under_way(scene.clock.now())
    cache.begin(KEY.name, "job", for_s=60)
    cache.end(KEY.name, "job")
    work = _work(scene)
    assert work is not None
    assert not work.is_under_way(scene.clock.now())


def test_one_work_at_a_time_is_told_of() -> None:
    """Another is refused until the first is over; the first may prolong its time."""
    scene = Scene()
    cache = scene.process()
    assert [True, False, True] == [cache.begin(KEY.name, t, for_s=60) for t in ("a", "b", "a")]
    scene.clock.advance(seconds=61)
    assert [True, False] == [cache.begin(KEY.name, t, for_s=60) for t in ("b", "a")]


def test_who_speaks_late_says_nothing_wrong() -> None:
    """Neither a beginning after its own end, nor an end after another's beginning."""
    scene = Scene()
    cache = scene.process()
    cache.begin(KEY.name, "a", for_s=60)
    cache.end(KEY.name, "a")
    assert not cache.begin(KEY.name, "a", for_s=60)
    assert cache.begin(KEY.name, "b", for_s=60)
    cache.end(KEY.name, "a", FAILURE)
    work = _work(scene)
    assert work is not None
    assert ("b", False, None) == (work.token, work.ended, work.failure)


def test_a_failure_is_known_until_work_ends_well() -> None:
    """Also while the next work is under way."""
    scene = Scene()
    cache = scene.process()
    cache.begin(KEY.name, "a", for_s=60)
    cache.end(KEY.name, "a", FAILURE)
    cache.begin(KEY.name, "b", for_s=60)
    work = _work(scene)
    assert work is not None
    assert (FAILURE, True) == (work.failure, work.is_under_way(scene.clock.now()))
    cache.end(KEY.name, "b")
    work = _work(scene)
    assert work is not None
    assert None is work.failure


def test_an_answer_lost_to_a_beginning_is_no_refusal() -> None:
    """The client's own retry meets its own write."""
    scene = Scene()
    cache = scene.process()
    scene.dynamo.faults = FaultPlan({1: Fault(mode=FaultMode.ANSWER_LOST)})
    assert cache.begin(KEY.name, "a", for_s=60)


def test_the_caches_own_makers_are_no_work_of_others() -> None:
    """Their claims say nothing to whoever looks."""
    scene = Scene()
    assert scene.process()._store.claim(KEY.name, "maker", for_s=2)
    assert None is _work(scene)
