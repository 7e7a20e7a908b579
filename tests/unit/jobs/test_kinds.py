"""Declared kinds through the engine's front door: enqueue, run, look."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from nightshift.aws.dynamo import NOT_EXISTS, ConditionFailedError, Put
from nightshift.core.errors import ConflictError, InvalidInputError
from nightshift.jobs.errors import JobNotFoundError, QueueFullError
from nightshift.jobs.kinds import (
    MAX_TIMEOUT_S,
    Completed,
    Failed,
    Job,
    JobError,
    JobKind,
    Snooze,
)
from nightshift.jobs.model import JobStatus, OutputRef, QueueName
from nightshift.jobs.retry import Backoff, RetryPolicy
from nightshift.jobs.views import JobView
from nightshift.tasks.schemas import MAX_TIMEOUT_S as MAX_CALL_S
from tests.support.faults import CrashError
from tests.support.work import Chore, Hand, kind_of
from tests.support.world import OWNER, World

pytestmark = pytest.mark.no_cover
"""What runs here runs elsewhere too, and counting lines takes twice the time."""


def _world(hand: Hand, **said: Any) -> tuple[World, Any]:
    kind = kind_of(hand, **said)
    return World(kinds=[kind]), kind


def _view(world: World, job_id: str) -> JobView:
    return world.machine.jobs.view(OWNER, job_id)


def test_a_job_is_pending_until_it_runs_and_then_shows_its_result() -> None:
    """Enqueue, look, run, look."""
    hand = Hand(act=lambda _: Completed(result={"cards": 3}))
    world, kind = _world(hand)
    done = world.machine.jobs.enqueue(kind, Chore(name="x"), owner_id=OWNER)
    before = _view(world, done.job_id)
    world.run_for(minutes=2)
    after = _view(world, done.job_id)
    assert (JobStatus.PENDING, 0) == (before.status, before.attempts)
    assert (JobStatus.COMPLETED, {"cards": 3}, 1) == (after.status, after.result, after.attempts)
    assert ["x"] == [job.payload.name for job in hand.jobs]
    assert done.created


def test_another_owners_job_is_not_found() -> None:
    """Whose job it is belongs to its address."""
    world, kind = _world(Hand())
    done = world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER)
    with pytest.raises(JobNotFoundError):
        world.machine.jobs.view("somebody-else", done.job_id)


@pytest.mark.parametrize(
    "delay", [timedelta(seconds=3), timedelta(minutes=6), timedelta(minutes=50), timedelta(days=2)]
)
def test_a_delayed_job_starts_at_its_second(delay: timedelta) -> None:
    """A delay of seconds, of minutes beyond the ticks' horizon, of days: one call, never early."""
    starts = []
    world, kind = _world(Hand(act=lambda _: starts.append(world.clock.now())))
    due = world.clock.now() + delay
    world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER, delay_s=delay.total_seconds())
    world.run_until(due + timedelta(minutes=1))
    assert 1 == len(starts)
    assert timedelta(0) <= starts[0] - due <= timedelta(seconds=1)


def test_a_job_may_wait_for_years() -> None:
    """What is due in nine years lies in the agenda under its minute; in eleven, it is refused."""
    world, kind = _world(Hand())
    nine = world.clock.now() + timedelta(days=9 * 365)
    done = world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER, run_at=nine)
    assert JobStatus.PENDING is _view(world, done.job_id).status
    assert not world.queue.messages
    with pytest.raises(ValueError, match="ten years"):
        world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER, run_at=nine + timedelta(days=800))


def test_what_a_handler_raises_is_retried_and_then_fails_visibly() -> None:
    """An unforeseen error costs an attempt each time, and is named at the end."""
    hand = Hand(act=lambda _: 1 / 0)  # type: ignore[return-value,arg-type]
    world, kind = _world(hand, max_retries=2)
    done = world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER)
    world.run_for(minutes=10)
    view = _view(world, done.job_id)
    assert (JobStatus.FAILED, "handler_raised", 3) == (view.status, view.reason, view.attempts)


@pytest.mark.parametrize(
    "act",
    [
        lambda _: Failed(error="no_such_user", retryable=False),
        lambda _: _raise(JobError("no_such_user", retryable=False)),
        lambda _: _raise(InvalidInputError("no such user")),
    ],
)
def test_an_error_that_will_not_go_away_is_not_retried(act: Any) -> None:
    """Said by value, by exception, or by a domain error that blames the input."""
    world, kind = _world(Hand(act=act))
    done = world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER)
    world.run_for(minutes=10)
    assert (JobStatus.FAILED, 1) == (_view(world, done.job_id).status, 1)
    assert 1 == _view(world, done.job_id).attempts


def test_a_lost_race_is_retried() -> None:
    """A conflict is nobody's fault: the next attempt may win."""
    hand = Hand(act=lambda job: _raise(ConflictError()) if job.attempt == 1 else None)
    world, kind = _world(hand)
    done = world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER)
    world.run_for(minutes=10)
    assert (JobStatus.COMPLETED, 2) == (
        _view(world, done.job_id).status,
        _view(world, done.job_id).attempts,
    )


def test_a_snooze_costs_no_retry() -> None:
    """Five snoozes and one success, of a job that may not be retried at all."""
    starts = []

    def act(job: Job[Chore]) -> Snooze | None:
        starts.append(world.clock.now())
        return Snooze(delay_s=120) if job.attempt <= 5 else None

    world, kind = _world(Hand(act=act), max_retries=0)
    done = world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER)
    world.run_for(minutes=20)
    view = _view(world, done.job_id)
    gaps = [b - a for a, b in pairwise(starts)]
    assert (JobStatus.COMPLETED, 6) == (view.status, view.attempts)
    assert all(timedelta(seconds=120) <= gap <= timedelta(seconds=122) for gap in gaps)
    log = world.machine.jobs.attempts(kind.name, done.job_id, done.job_id)
    assert ["snoozed"] * 5 + ["finish"] == [a.status.value for a in log]


def test_retries_after_a_snooze_are_counted_from_there() -> None:
    """A snooze neither spends a retry nor gives one."""
    hand = Hand(act=lambda job: Snooze(delay_s=1) if job.attempt == 1 else Failed(error="no"))
    world, kind = _world(hand, max_retries=1)
    done = world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER)
    world.run_for(minutes=10)
    assert (JobStatus.FAILED, 3) == (
        _view(world, done.job_id).status,
        _view(world, done.job_id).attempts,
    )


@pytest.mark.parametrize("queue", QueueName)
def test_a_kind_is_refused_that_its_queue_has_no_time_for(queue: QueueName) -> None:
    """An attempt may take as long as the queue's functions allow, and no second more."""
    longest = MAX_TIMEOUT_S[queue]
    assert longest == kind_of(Hand(), queue=queue, timeout_s=longest).timeout_s
    for wrong in (longest + 1, 0.0, float("nan")):
        with pytest.raises(ValueError, match=f"test.chore: .* on the queue {queue} may take"):
            kind_of(Hand(), queue=queue, timeout_s=wrong)


def test_the_longest_call_of_a_task_fits_its_queue() -> None:
    """Whatever time-out a task may have, the functions of its queue have time for it."""
    assert MAX_CALL_S <= MAX_TIMEOUT_S[QueueName.CRITICAL]


def test_large_payloads_and_results_go_to_the_bucket() -> None:
    """By reference, whole; small ones stay in the table."""
    text = "ü" * 300_000
    hand = Hand(act=lambda job: Completed(result={"text": job.payload.ballast}))
    world, kind = _world(hand)
    large = world.machine.jobs.enqueue(kind, Chore(ballast=text), owner_id=OWNER)
    small = world.machine.jobs.enqueue(kind, Chore(ballast="x"), owner_id=OWNER)
    world.run_for(minutes=2)
    view = _view(world, large.job_id)
    assert text == hand.jobs[0].payload.ballast
    assert view.output is not None
    assert view.result is None
    assert f"results/35d/{large.job_id}/1.json" == view.output.key
    assert view.output.size == len(world.blobs.get(view.output.key))
    assert {"text": "x"} == _view(world, small.job_id).result
    assert 2 == len(world.blobs.blobs)


def test_a_handler_may_have_stored_its_output_itself() -> None:
    """Its reference is what the job shows."""
    output = OutputRef(key="results/35d/1.csv", content_type="text/csv", filename="a.csv", size=3)
    world, kind = _world(Hand(act=lambda _: Completed(output=output)))
    done = world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER)
    world.run_for(minutes=2)
    assert output == _view(world, done.job_id).output


def test_progress_is_seen_while_the_job_runs_and_after() -> None:
    """Written now and then, not at each call; the last word is kept."""
    seen: list[JobView] = []

    def act(job: Job[Chore]) -> None:
        for n in range(100):
            world.clock.advance(seconds=0.1)
            job.progress(n + 1, 100, "cards")
            if n == 60:
                seen.append(_view(world, job.id))

    world, kind = _world(Hand(act=act))
    done = world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER)
    world.run_for(minutes=2)
    running, after = seen[0], _view(world, done.job_id)
    assert JobStatus.PROCESSING is running.status
    assert running.progress is not None
    assert 40 <= running.progress.done <= 61
    assert after.progress is not None
    assert (100, 100, "cards") == (after.progress.done, after.progress.total, after.progress.note)
    puts = [c for c in world.dynamo.meter.calls if c.operation == "PutItem"]
    seats = [c for c in puts if "A#" in str(c.keys)]
    assert len(seats) <= 6


def test_a_job_cancelled_while_it_runs_stops_at_its_next_sign_of_life() -> None:
    """Its progress call raises, nothing that it does later counts, and it stays cancelled."""
    reached: list[int] = []

    def act(job: Job[Chore]) -> None:
        world.machine.jobs.owned.cancel(OWNER, job.id)
        for n in range(100):
            world.clock.advance(seconds=1)
            job.progress(n)
            reached.append(n)

    world, kind = _world(Hand(act=act), timeout_s=100)
    done = world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER)
    world.run_for(minutes=5)
    assert len(reached) <= 2
    assert JobStatus.CANCELLED is _view(world, done.job_id).status


def test_a_job_cancelled_before_it_runs_never_does() -> None:
    """The message on its way finds it ended."""
    hand = Hand()
    world, kind = _world(hand)
    done = world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER, delay_s=60)
    world.machine.jobs.owned.cancel(OWNER, done.job_id)
    world.run_for(minutes=10)
    assert not hand.jobs
    assert JobStatus.CANCELLED is _view(world, done.job_id).status


def test_a_failed_job_can_be_tried_again() -> None:
    """A new series of retries, the same job."""
    hand = Hand(act=lambda job: None if job.attempt > 2 else Failed(error="no"))
    world, kind = _world(hand, max_retries=1)
    done = world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER)
    world.run_for(minutes=5)
    assert JobStatus.FAILED is _view(world, done.job_id).status
    world.machine.jobs.owned.retry(OWNER, done.job_id)
    world.run_for(minutes=5)
    assert (JobStatus.COMPLETED, 3) == (
        _view(world, done.job_id).status,
        _view(world, done.job_id).attempts,
    )


def test_a_payload_that_the_kind_does_not_know_fails_once_and_says_so() -> None:
    """It would be no better the next time."""
    hand = Hand()
    world, kind = _world(hand)
    done = world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER)
    world.kinds = [JobKind(name=kind.name, payload=_Other, handler=hand)]
    world.context = world.new_context()
    world.run_for(minutes=10)
    view = _view(world, done.job_id)
    assert not hand.jobs
    assert (JobStatus.FAILED, "bad_payload", 1) == (view.status, view.reason, view.attempts)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Other:
    something: int


def test_enqueue_many_answers_each_item() -> None:
    """One result each, in order, and all of them run once."""
    hand = Hand()
    world, kind = _world(hand)
    came = world.machine.jobs.enqueue_many(
        kind, [Chore(name=str(n)) for n in range(120)], owner_id=OWNER
    )
    world.run_for(minutes=3)
    by_id = {job.id: job.payload.name for job in hand.jobs}
    assert [str(n) for n in range(120)] == [by_id[c.job_id] for c in came]  # type: ignore[union-attr]
    assert {1} == set(hand.done.values())


def test_a_full_queue_says_so_and_takes_nothing() -> None:
    """429 with Retry-After instead of a job that is dropped."""
    hand = Hand()
    world, kind = _world(hand)
    world.machine.queues._max_depth = 3
    for _ in range(3):
        world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER)
        world.clock.advance(seconds=6)
    with pytest.raises(QueueFullError) as refused:
        world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER)
    assert 429 == refused.value.status
    assert refused.value.retry_after_s
    world.run_for(minutes=3)
    assert 3 == len(hand.jobs)


def test_a_business_write_and_its_job_stand_or_fall_together() -> None:
    """A refused write takes the job with it; an accepted one brings it even if the send is lost."""
    hand = Hand()
    world, kind = _world(hand)
    write = Put(table="tasks", item={"pk": "BOOK#1", "sk": "B"}, condition=NOT_EXISTS)

    def lost() -> None:
        raise CrashError("died before the send")

    world.queue.before_send = lost
    with pytest.raises(CrashError):
        world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER, writes=[write])
    world.queue.before_send = lambda: None
    with pytest.raises(ConditionFailedError) as refused:
        world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER, writes=[write])
    assert 0 == refused.value.index
    world.run_for(minutes=6)
    assert 1 == len(hand.jobs)


def test_kinds_travel_through_their_own_queues() -> None:
    """The queue is in the reference, so that whoever sends needs not know the kinds."""
    world, kind = _world(Hand(), queue=QueueName.LOW)
    world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER)
    assert '"q":"low"' in world.queue.sent[0][1].body


def test_the_end_of_a_job_is_published() -> None:
    """Once, whatever happens twice; not for a quiet kind."""
    world, kind = _world(Hand())
    done = world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER)
    world.run_for(minutes=2)
    events = list(world.bus.events.values())
    assert [("job.completed", done.job_id)] == [(e.type, e.subject) for e in events]
    quiet, kind = _world(Hand(), quiet=True)
    quiet.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER)
    quiet.run_for(minutes=2)
    assert not quiet.bus.events


def test_retries_wait_as_the_policy_says() -> None:
    """Backoff is the kind's own."""
    starts = []

    def act(_: Job[Chore]) -> Failed:
        starts.append(world.clock.now())
        return Failed(error="no")

    policy = RetryPolicy(backoff=Backoff.LIST, delays_s=(10, 60), jitter=False)
    world, kind = _world(Hand(act=act), max_retries=2, retry=policy)
    world.machine.jobs.enqueue(kind, Chore(), owner_id=OWNER)
    world.run_for(minutes=5)
    gaps = [(b - a).total_seconds() for a, b in pairwise(starts)]
    assert [pytest.approx(10, abs=1.1), pytest.approx(60, abs=1.1)] == gaps


def _raise(error: Exception) -> Any:
    raise error
