"""Many jobs cancelled or tried again by one job: which, how many, and what a crash changes."""

from datetime import timedelta
from typing import Any

import pytest

from nightshift.core.clock import to_ms
from nightshift.jobs.bulk import USUAL, BulkAction, BulkOrder
from nightshift.jobs.kinds import Failed, Unique
from nightshift.jobs.model import BULK_KIND, JobStatus, QueueName
from nightshift.jobs.views import JobView
from tests.support.faults import Fault, FaultMode, FaultPlan
from tests.support.work import Chore, Hand, kind_of
from tests.support.world import OWNER, World

OTHER = "01980000-0000-7000-8000-0000000000ff"
FAILS = Failed(error="no", retryable=False)


def _world(hand: Hand, **said: Any) -> World:
    other = kind_of(lambda _: None, name="test.other", queue=QueueName.LOW)
    return World(kinds=[kind_of(hand, **said), other])


def _enqueue(world: World, *, kind: int = 0, owner_id: str = OWNER, **more: Any) -> str:
    name = more.pop("name", "c")
    done = world.machine.jobs.enqueue(
        world.kinds[kind], Chore(name=name), owner_id=owner_id, **more
    )
    return done.job_id


def _order(world: World, action: BulkAction, **more: Any) -> str:
    given: dict[str, Any] = {
        "owner_id": OWNER,
        "action": action,
        "statuses": tuple(USUAL[action]),
        "created_before_ms": to_ms(world.clock.now()),
    }
    order = BulkOrder(**given | more)
    kind = world.machine.bulk_kind
    return world.machine.jobs.enqueue(kind, order, owner_id=OWNER).job_id


def _view(world: World, job_id: str, owner_id: str = OWNER) -> JobView:
    return world.machine.jobs.view(owner_id, job_id)


def _statuses(world: World, ids: list[str]) -> list[str]:
    return [_view(world, job_id).status.value for job_id in ids]


def _result(world: World, job_id: str) -> tuple[int, int, dict[str, int]]:
    view = _view(world, job_id)
    assert JobStatus.COMPLETED is view.status, view
    return view.result["matched"], view.result["changed"], view.result["unchanged"]


def test_open_jobs_are_cancelled_and_nothing_else() -> None:
    """Those of the owner that were there at the request; the job itself is not among them."""
    hand = Hand()
    world = _world(hand)
    ended = _enqueue(world)
    world.run_for(minutes=1)
    waiting = [_enqueue(world, delay_s=3_600) for _ in range(3)]
    foreign = _enqueue(world, delay_s=3_600, owner_id=OTHER)
    world.clock.advance(seconds=1)
    bulk = _order(world, BulkAction.CANCEL)
    world.clock.advance(seconds=1)
    later = _enqueue(world, delay_s=3_600)
    world.run_for(minutes=2)
    assert (3, 3, {}) == _result(world, bulk)
    assert ["cancelled"] * 3 == _statuses(world, waiting)
    assert ["completed", "pending"] == _statuses(world, [ended, later])
    assert JobStatus.PENDING is _view(world, foreign, OTHER).status
    world.run_for(hours=2)
    assert 3 == len(hand.jobs)


@pytest.mark.parametrize(
    ("filters", "meant"),
    [
        ({"kind": "test.chore"}, [0, 2]),
        ({"kind": "test.nothing"}, []),
        ({"queue": QueueName.LOW}, [1]),
        ({"statuses": (JobStatus.PROCESSING,)}, []),
        ({"created_after_ms": 60_000}, [1, 2]),
        ({"created_before_ms": 60_000}, [0, 1]),
        ({"created_after_ms": 60_000, "created_before_ms": 60_000}, [1]),
    ],
    ids=str,
)
def test_a_filter_says_which(filters: dict[str, Any], meant: list[int]) -> None:
    """By kind, queue, status, and time of creation, inclusive."""
    world = _world(Hand())
    start_ms = to_ms(world.clock.now())
    ids = []
    for kind in (0, 1, 0):
        ids.append(_enqueue(world, kind=kind, delay_s=86_400))
        world.clock.advance(seconds=60)
    times = {k: v + start_ms for k, v in filters.items() if k.startswith("created")}
    bulk = _order(world, BulkAction.CANCEL, **filters | times)
    world.run_for(minutes=2)
    gone = [n for n, status in enumerate(_statuses(world, ids)) if status == "cancelled"]
    assert (meant, (len(meant), len(meant), {})) == (gone, _result(world, bulk))


def test_failed_jobs_are_tried_again_and_what_cannot_be_says_why() -> None:
    """Of two that failed for one unique key one is retried, the other is left, and counted."""
    hand = Hand(act=lambda _: FAILS)
    world = _world(hand, unique=Unique(key=lambda chore: chore.name))
    failed = [_enqueue(world, name="a")]
    world.run_for(minutes=1)
    failed += [_enqueue(world, name="a"), _enqueue(world, name="b")]
    world.run_for(minutes=1)
    assert ["failed"] * 3 == _statuses(world, failed)
    hand.act = lambda _: None
    bulk = _order(world, BulkAction.RETRY)
    world.run_for(minutes=2)
    assert (3, 2, {"unique_key_taken": 1}) == _result(world, bulk)
    assert ["failed", "completed", "completed"] == _statuses(world, failed)


def test_many_jobs_take_several_attempts_of_one_job() -> None:
    """It stops after a while and goes on where it was; the result counts all of it."""
    slow: list[World] = []
    world = _world(Hand(), on_end=lambda _: slow[0].clock.advance(seconds=1.5))
    slow.append(world)
    ids = [_enqueue(world, delay_s=86_400) for _ in range(130)]
    bulk = _order(world, BulkAction.CANCEL)
    world.run_for(minutes=15)
    assert (130, 130, {}) == _result(world, bulk)
    assert {"cancelled"} == set(_statuses(world, ids))
    assert _view(world, bulk).attempts >= 2
    progress = _view(world, bulk).progress
    assert progress is not None
    assert 130 == progress.done


def test_a_bulk_job_can_itself_be_cancelled_by_name_or_by_id() -> None:
    """One that waits behind another is cancelled by a filter that names its kind, no other is."""
    world = _world(Hand())
    far = to_ms(world.clock.now() + timedelta(days=1))
    order = BulkOrder(owner_id=OWNER, action=BulkAction.RETRY, statuses=(), created_before_ms=far)
    waits = world.machine.jobs.enqueue(
        world.machine.bulk_kind, order, owner_id=OWNER, delay_s=3_600
    )
    world.clock.advance(seconds=1)
    spares = _order(world, BulkAction.CANCEL)
    world.run_for(minutes=2)
    assert (0, 0, {}) == _result(world, spares)
    names = _order(world, BulkAction.CANCEL, kind=BULK_KIND)
    world.run_for(minutes=2)
    assert (1, 1, {}) == _result(world, names)
    assert JobStatus.CANCELLED is _view(world, waits.job_id).status


def _pass(world: World, *, minutes: int) -> None:
    """Let time pass with deliveries and sweeps, but without ticks, which nothing here needs."""
    for half in range(2 * minutes):
        world.clock.advance(seconds=30)
        for _ in range(2):
            world.invoke(world.listen)
        if half % 2:
            world.invoke(world.sweep)


def _prepared(action: BulkAction) -> tuple[World, list[str], str]:
    """Return a world with two jobs that are meant, and the bulk job about to begin."""
    world = _world(Hand(act=lambda _: FAILS))
    waiting = action is BulkAction.CANCEL
    ids = [_enqueue(world, delay_s=86_400 if waiting else 0) for _ in range(2)]
    world.clock.advance(seconds=1)
    world.listen()
    return world, ids, _order(world, action)


def _calls(action: BulkAction) -> list[int]:
    """Return the ordinals of the calls that the bulk job and its targets make."""
    world, ids, bulk = _prepared(action)
    plan = FaultPlan()
    world.dynamo.faults = plan
    _pass(world, minutes=1)
    assert _view(world, bulk).ended_ms is not None
    return [s.ordinal for s in plan.seen if any(i in str(s.request) for i in (*ids, bulk, OWNER))]


@pytest.mark.parametrize("mode", [FaultMode.CRASH_AFTER, FaultMode.ERROR, FaultMode.ANSWER_LOST])
@pytest.mark.parametrize("action", list(BulkAction))
def test_no_crash_changes_what_comes_of_it(action: BulkAction, mode: FaultMode) -> None:
    """Whichever call fails: each job is changed, given one new series at most, and counted once."""
    ordinals = _calls(action)
    assert len(ordinals) > 15
    for ordinal in ordinals:
        world, ids, bulk = _prepared(action)
        world.dynamo.faults = FaultPlan({ordinal: Fault(mode=mode)}, stays_dead=True)
        _pass(world, minutes=20)
        told = f"{action}, {mode} at call {ordinal}"
        assert (told, (2, 2, {})) == (told, _result(world, bulk))
        if action is BulkAction.CANCEL:
            assert (told, ["cancelled"] * 2) == (told, _statuses(world, ids))
        else:
            assert (told, ["failed"] * 2, [2, 2]) == (
                told,
                _statuses(world, ids),
                [_series(world, job_id) for job_id in ids],
            )


def _series(world: World, job_id: str) -> int:
    """Return how often the job was tried to its end: each series ends with the one refusal."""
    attempts = world.machine.jobs.attempts("test.chore", job_id, job_id)
    return sum(a.error == FAILS.error for a in attempts)
