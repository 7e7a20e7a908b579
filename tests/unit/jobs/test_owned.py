"""What owners do to their jobs, at the very moment when something else happens to them."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from nightshift.core.errors import ConflictError
from nightshift.jobs.errors import JobNotEndedError, JobNotOpenError, UniqueKeyTakenError
from nightshift.jobs.kinds import Failed, Unique
from nightshift.jobs.model import JobStatus
from nightshift.jobs.retry import RetryPolicy
from nightshift.jobs.views import JobView
from tests.support.faults import Fault, FaultMode
from tests.support.prying import Once, calls
from tests.support.work import Chore, Hand, kind_of
from tests.support.world import OWNER, World

FAILS = Failed(error="no", retryable=False)


def _failed(world: World, name: str = "c") -> str:
    job_id = _enqueue(world, name)
    world.run_for(minutes=1)
    return job_id


def _enqueue(world: World, name: str = "c", **more: Any) -> str:
    (kind,) = world.kinds
    return world.machine.jobs.enqueue(kind, Chore(name=name), owner_id=OWNER, **more).job_id


def _view(world: World, job_id: str) -> JobView:
    return world.machine.jobs.view(OWNER, job_id)


def _meanwhile(world: World, operation: str, act: Callable[[], object]) -> None:
    world.dynamo.faults = Once(calls(operation), Fault(mode=FaultMode.DELAY, action=act))


def test_of_two_retries_at_once_one_counts() -> None:
    """The other is told that the job has moved on; there is one new series."""
    hand = Hand(act=lambda _: FAILS)
    world = World(kinds=[kind_of(hand)])
    job_id = _failed(world)
    owned = world.machine.jobs.owned
    _meanwhile(world, "TransactWriteItems", lambda: owned.retry(OWNER, job_id))
    with pytest.raises(JobNotEndedError):
        owned.retry(OWNER, job_id)
    world.run_for(minutes=5)
    assert {job_id: 2} == hand.done


def test_a_key_that_is_taken_at_this_moment_is_taken() -> None:
    """A job of the key that comes between the look and the write keeps it."""
    hand = Hand(act=lambda _: FAILS)
    world = World(kinds=[kind_of(hand, unique=Unique(key=lambda chore: chore.name))])
    job_id = _failed(world)
    _meanwhile(world, "TransactWriteItems", lambda: _enqueue(world, delay_s=600))
    with pytest.raises(UniqueKeyTakenError):
        world.machine.jobs.owned.retry(OWNER, job_id)
    assert JobStatus.FAILED is _view(world, job_id).status


def test_a_retry_whose_answer_was_lost_is_a_retry() -> None:
    """It meets its own first try, and knows it."""
    hand = Hand(act=lambda _: FAILS)
    world = World(kinds=[kind_of(hand)])
    job_id = _failed(world)
    world.dynamo.faults = Once(calls("TransactWriteItems"), Fault(mode=FaultMode.ANSWER_LOST))
    assert JobStatus.PENDING is world.machine.jobs.owned.retry(OWNER, job_id).status
    world.run_for(minutes=5)
    assert {job_id: 2} == hand.done


def test_a_transaction_that_is_always_in_the_way_is_a_conflict() -> None:
    """409, so that the client tries again; nothing was done."""
    world = World(kinds=[kind_of(Hand(act=lambda _: FAILS))])
    job_id = _failed(world)

    def busy(operation: str, _request: Mapping[str, Any]) -> Fault | None:
        code = "TransactionConflictException"
        return Fault(mode=FaultMode.ERROR, code=code) if operation.startswith("Trans") else None

    world.dynamo.faults = busy
    with pytest.raises(ConflictError):
        world.machine.jobs.owned.retry(OWNER, job_id)
    assert JobStatus.FAILED is _view(world, job_id).status


def test_a_job_that_moves_on_as_it_is_cancelled_is_cancelled() -> None:
    """Its attempt fails at that moment, and it would be retried; the second look ends it."""
    hand = Hand(act=lambda _: Failed(error="no"))
    world = World(kinds=[kind_of(hand)])
    job_id = _enqueue(world)
    _meanwhile(world, "PutItem", world.listen)
    view = world.machine.jobs.owned.cancel(OWNER, job_id)
    assert (JobStatus.CANCELLED, 1) == (view.status, view.attempts)
    world.run_for(minutes=30)
    assert 1 == len(hand.jobs)


def test_a_job_that_ends_as_it_is_cancelled_has_ended() -> None:
    """Whoever cancels it is told."""
    world = World(kinds=[kind_of(Hand())])
    job_id = _enqueue(world)
    _meanwhile(world, "PutItem", world.listen)
    with pytest.raises(JobNotOpenError):
        world.machine.jobs.owned.cancel(OWNER, job_id)
    assert JobStatus.COMPLETED is _view(world, job_id).status


def test_a_retry_keeps_what_the_job_needs() -> None:
    """Tried again on the last day of its retention, it does not lose its order to the TTL."""
    hand = Hand(act=lambda _: FAILS)
    world = World(kinds=[kind_of(hand)])
    job_id = _failed(world)
    world.clock.advance(seconds=timedelta(days=29).total_seconds())
    world.machine.jobs.owned.retry(OWNER, job_id)
    (order,) = [i for i in world.dynamo.items("jobs") if i["pk"] == f"OWN#{OWNER}"]
    left_s = int(str(order["expires_at"])) - world.clock.now().timestamp()
    assert left_s >= timedelta(days=30).total_seconds() - 1


def test_a_job_that_has_ended_is_not_cancelled() -> None:
    """It says how it ended, and stays so."""
    world = World(kinds=[kind_of(Hand())])
    job_id = _enqueue(world)
    world.run_for(minutes=1)
    before = _view(world, job_id)
    with pytest.raises(JobNotOpenError):
        world.machine.jobs.owned.cancel(OWNER, job_id)
    assert before == _view(world, job_id)


def test_a_cancel_is_told_and_wakes_who_waits_at_once() -> None:
    """Nobody need deliver a message of the cancelled job, and no sweep come."""
    hand = Hand(act=lambda job: Failed(error="no") if job.id == first else None)
    slow = RetryPolicy(delay_s=600)
    world = World(kinds=[kind_of(hand, subject=lambda p: p.subject, retry=slow)])
    first = _enqueue(world)
    world.listen()
    second = _enqueue(world)
    world.listen()
    world.machine.jobs.owned.cancel(OWNER, first)
    assert [("job.cancelled", first)] == [(e.type, e.subject) for e in world.bus.events.values()]
    world.listen()
    assert JobStatus.COMPLETED is _view(world, second).status


def test_a_job_that_is_open_is_not_tried_again() -> None:
    """Whether it waits for its first attempt or for its next: its series of retries goes on."""
    world = World(kinds=[kind_of(Hand(act=lambda _: Failed(error="no")))])
    job_id = _enqueue(world)
    for _ in range(2):
        before = _view(world, job_id)
        with pytest.raises(JobNotEndedError):
            world.machine.jobs.owned.retry(OWNER, job_id)
        assert before == _view(world, job_id)
        world.listen()


def test_a_job_that_is_cancelled_while_its_retry_waits_is_not_tried_again() -> None:
    """The retry's message comes, and finds that the job has ended."""
    hand = Hand(act=lambda _: Failed(error="no"))
    world = World(kinds=[kind_of(hand)])
    job_id = _enqueue(world)
    world.listen()
    world.machine.jobs.owned.cancel(OWNER, job_id)
    world.run_for(minutes=5)
    assert (1, JobStatus.CANCELLED) == (len(hand.jobs), _view(world, job_id).status)
