"""One job for a key: when the key is taken, when it is free, and who wins."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from nightshift.jobs.kinds import Failed, Job, Outcome, Unique, UniqueMode
from nightshift.jobs.model import JobStatus
from tests.support.prying import Pry, calls, puts
from tests.support.work import Chore, Hand, put, stack, view_of
from tests.support.world import OWNER, World

MODES = list(UniqueMode)


def _unique(mode: UniqueMode = UniqueMode.ACTIVE) -> Unique[Chore]:
    return Unique(key=lambda p: p.subject, mode=mode, period_s=600)


def test_a_key_is_taken_from_the_request_to_the_end_of_its_job() -> None:
    """While the job waits, runs and waits for its retry, everybody gets that job."""
    met: list[str] = []

    def act(job: Job[Chore]) -> Outcome:
        met.append(put(world, kind).job_id)
        return Failed(error="no") if job.attempt == 1 else None

    world, kind = stack(Hand(act=act), unique=_unique())
    first = put(world, kind)
    met.append(put(world, kind).job_id)
    world.listen()
    met.append(put(world, kind).job_id)
    world.run_for(minutes=3)
    assert [first.job_id] * 4 == met
    assert JobStatus.COMPLETED is view_of(world, first.job_id).status


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (lambda world, _: world.run_for(minutes=3), JobStatus.COMPLETED),
        (lambda world, job_id: world.machine.jobs.owned.cancel(OWNER, job_id), "cancelled"),
    ],
)
def test_a_key_is_free_at_the_very_end_of_its_job(
    end: Callable[[World, str], Any], status: str
) -> None:
    """Nobody has to release it, and nothing has to expire."""
    world, kind = stack(Hand(), unique=_unique())
    first = put(world, kind)
    end(world, first.job_id)
    second = put(world, kind)
    assert (status, True) == (view_of(world, first.job_id).status, second.created)
    assert first.job_id != second.job_id


@pytest.mark.parametrize("mode", MODES)
def test_other_keys_are_not_in_the_way(mode: UniqueMode) -> None:
    """Two keys, two jobs."""
    hand = Hand()
    world, kind = stack(hand, unique=_unique(mode))
    for subject in ("s", "t"):
        world.machine.jobs.enqueue(kind, Chore(subject=subject), owner_id=OWNER)
    world.run_for(minutes=3)
    assert ["s", "t"] == sorted(job.payload.subject for job in hand.jobs)


@pytest.mark.parametrize("mode", MODES)
def test_a_lock_whose_job_is_gone_holds_until_its_own_time(mode: UniqueMode) -> None:
    """The rows of the job were lost; the lock's expiry is judged, whether TTL deletes it or not."""
    world, kind = stack(Hand(), unique=_unique(mode))
    first = put(world, kind)
    world.queue.messages.clear()
    world.clock.advance(seconds=timedelta(days=30).total_seconds() - 1)
    before = put(world, kind)
    world.clock.advance(seconds=2)
    after = put(world, kind)
    if mode is UniqueMode.REPLACE:
        # The lock's holder has just been replaced, so that its time begins anew.
        assert before.job_id == view_of(world, before.job_id).ref.job_id != first.job_id
        return
    assert (first.job_id, False) == (before.job_id, before.created)
    assert (True, True) == (after.created, after.job_id != first.job_id)


def test_a_throttled_key_is_taken_for_its_period_although_its_job_has_ended() -> None:
    """Ten minutes from the request; then it is free."""
    hand = Hand()
    world, kind = stack(hand, unique=_unique(UniqueMode.THROTTLE))
    first = put(world, kind)
    world.run_until(world.clock.now() + timedelta(seconds=599))
    within = put(world, kind)
    world.clock.advance(seconds=1)
    after = put(world, kind)
    assert (JobStatus.COMPLETED, first.job_id, False) == (
        view_of(world, first.job_id).status,
        within.job_id,
        within.created,
    )
    assert after.created


def test_a_throttled_key_is_taken_longer_than_its_period_if_its_job_is_still_open() -> None:
    """Never are two at work."""
    world, kind = stack(Hand(), unique=_unique(UniqueMode.THROTTLE))
    first = put(world, kind, delay_s=3_600)
    world.run_for(minutes=11)
    assert first.job_id == put(world, kind).job_id


def test_a_retry_of_an_older_job_does_not_shorten_a_newer_ones_period() -> None:
    """It takes the key again, and whoever comes within the period is still answered by a job."""
    fails = Failed(error="no", retryable=False)
    hand = Hand(act=lambda job: fails if job.id == old.job_id and job.attempt == 1 else None)
    world, kind = stack(hand, unique=_unique(UniqueMode.THROTTLE))
    old = put(world, kind)
    world.run_for(minutes=11)
    assert put(world, kind).created
    world.run_for(minutes=1)
    world.machine.jobs.owned.retry(OWNER, old.job_id)
    world.run_for(minutes=8)
    assert JobStatus.COMPLETED is view_of(world, old.job_id).status
    assert not put(world, kind).created
    world.run_for(minutes=2)
    assert put(world, kind).created


def test_a_period_is_counted_from_request_to_request() -> None:
    """However long it takes to look at the lock: jobs of a key are made their period apart."""
    world, kind = stack(Hand(), unique=_unique(UniqueMode.THROTTLE))
    put(world, kind)
    world.run_for(seconds=595)
    world.dynamo.faults = Pry(calls("GetItem"), lambda: world.clock.advance(seconds=10))
    assert not put(world, kind).created


def test_the_newest_request_replaces_one_that_waits() -> None:
    """The old job is cancelled and says why; only the new one runs."""
    hand = Hand()
    world, kind = stack(hand, unique=_unique(UniqueMode.REPLACE))
    old = put(world, kind, "old", delay_s=60)
    new = put(world, kind, "new")
    assert [("job.cancelled", old.job_id)] == [
        (e.type, e.subject) for e in world.bus.events.values()
    ]
    world.run_for(minutes=5)
    assert (JobStatus.CANCELLED, "replaced") == (
        view_of(world, old.job_id).status,
        view_of(world, old.job_id).reason,
    )
    assert (True, ["new"]) == (new.created, [job.payload.name for job in hand.jobs])
    events = sorted((e.type, e.subject) for e in world.bus.events.values())
    assert [("job.cancelled", old.job_id), ("job.completed", new.job_id)] == events


def test_the_newest_request_follows_one_that_has_begun() -> None:
    """What is at work, or has been, is not cut off."""

    def act(job: Job[Chore]) -> Outcome:
        if job.payload.name == "new":
            return None
        if job.attempt == 1:
            made.append(put(world, kind, "new").job_id)
            return Failed(error="no")
        return None

    made: list[str] = []
    world, kind = stack(Hand(act=act), unique=_unique(UniqueMode.REPLACE))
    old = put(world, kind, "old")
    world.run_for(minutes=5)
    ends = [view_of(world, job_id).status for job_id in (old.job_id, *made)]
    assert [JobStatus.COMPLETED] * 2 == ends


def test_a_replaced_job_wakes_who_waits_for_its_subject() -> None:
    """It held no seat, but it was the first in the line."""
    hand = Hand()
    world, kind = stack(
        hand, unique=Unique(key=lambda p: p.name, mode=UniqueMode.REPLACE), subject=lambda _: "s"
    )
    ids = [put(world, kind, name).job_id for name in ("a", "b", "b", "c")]
    world.run_for(minutes=5)
    statuses = [view_of(world, job_id).status for job_id in ids]
    assert ["completed", "cancelled", "completed", "completed"] == statuses


@pytest.mark.parametrize("earlier", [0, 1])
def test_of_two_requests_at_the_same_moment_one_makes_the_job(earlier: int) -> None:
    """Both have seen the key free, as it never was taken or after the end of a job of it."""
    came: list[Any] = []
    world, kind = stack(Hand(), unique=_unique())
    for _ in range(earlier):
        put(world, kind)
        world.run_for(minutes=3)
    world.dynamo.faults = Pry(puts("U"), lambda: came.append(put(world, kind)))
    came.append(put(world, kind))
    world.dynamo.faults = None
    assert 1 == len({one.job_id for one in came})
    assert [True, False] == [one.created for one in came]
    assert JobStatus.PENDING is view_of(world, came[0].job_id).status
