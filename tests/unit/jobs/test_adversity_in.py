"""Enqueueing and results under races, crashes and misuse, as a hostile reader found them."""

from typing import Any

import pytest

from nightshift.aws.dynamo import NOT_EXISTS, ConditionFailedError, Put
from nightshift.core.errors import UnavailableError
from nightshift.jobs.codec import decode
from nightshift.jobs.engine import Claimed
from nightshift.jobs.enqueue import Enqueued, EnqueueFailed
from nightshift.jobs.kinds import Completed, Failed, Job, Unique, UniqueMode
from nightshift.jobs.model import JobStatus
from tests.support.faults import Fault, FaultMode, FaultPlan
from tests.support.prying import Pry, calls, puts
from tests.support.work import Chore, Hand, kind_of, listen_elsewhere, put, stack, view_of
from tests.support.world import OWNER, World

BY_NAME: Unique[Chore] = Unique(key=lambda p: p.subject)
NEWEST: Unique[Chore] = Unique(key=lambda p: p.subject, mode=UniqueMode.REPLACE)


def test_a_repeat_by_id_finds_its_job_even_after_its_end() -> None:
    """Whoever names the job gets that job, unique or not, as often as it asks."""
    for said in ({}, {"unique": BY_NAME}):
        hand = Hand()
        world, kind = stack(hand, **said)
        first = put(world, kind, job_id="job-1")
        world.run_for(minutes=3)
        again = put(world, kind, job_id="job-1")
        world.run_for(minutes=3)
        assert (True, False, "job-1") == (first.created, again.created, again.job_id)
        assert {"job-1": 1} == dict(hand.done)


def test_a_repeat_with_its_business_write_finds_its_job() -> None:
    """The write stands already, and so does the job: that is no refusal."""
    for said in ({}, {"unique": BY_NAME}):
        world, kind = stack(Hand(), **said)
        write = Put(table="tasks", item={"pk": "BOOK#1", "sk": "B"}, condition=NOT_EXISTS)
        put(world, kind, job_id="job-1", writes=[write])
        if said:
            world.run_for(minutes=3)
        assert not put(world, kind, job_id="job-1", writes=[write]).created
        with pytest.raises(ConditionFailedError) as refused:
            put(world, kind, job_id="job-2", writes=[write])
        assert 0 == refused.value.index


def test_an_order_whose_answer_was_lost_is_still_a_new_job() -> None:
    """The holder is me: `created` says so."""
    world, kind = stack(Hand())
    orders = 2
    world.dynamo.faults = FaultPlan({orders: Fault(mode=FaultMode.ANSWER_LOST)})
    assert put(world, kind).created


def test_a_send_that_fails_is_no_failure_of_the_request() -> None:
    """The job is in the table: the sweeper sends it, and nobody is told to ask again."""
    for said in ({}, {"unique": BY_NAME}):
        hand = Hand()
        world, kind = stack(hand, **said)

        def refuse() -> None:
            raise UnavailableError

        world.queue.before_send = refuse
        came = [put(world, kind)]
        if not said:
            many = world.machine.jobs.enqueue_many(kind, [Chore()] * 3, owner_id=OWNER)
            came += [c for c in many if isinstance(c, Enqueued)]
        world.queue.before_send = lambda: None
        world.run_for(minutes=5)
        assert [JobStatus.COMPLETED] * len(came) == [view_of(world, c.job_id).status for c in came]


def test_one_of_many_that_the_table_refuses_spoils_no_other() -> None:
    """The answer says which; the others are in."""
    world, kind = stack(Hand())
    world.dynamo.faults = FaultPlan({3: Fault(mode=FaultMode.ERROR)})
    came = world.machine.jobs.enqueue_many(kind, [Chore()] * 4, owner_id=OWNER)
    world.dynamo.faults = None
    made = [c.job_id for c in came if isinstance(c, Enqueued)]
    refused = [c.error for c in came if isinstance(c, EnqueueFailed)]
    assert (3, ["unavailable"]) == (len(made), refused)
    world.run_for(minutes=5)
    assert {JobStatus.COMPLETED} == {view_of(world, job_id).status for job_id in made}


@pytest.mark.parametrize("subject", [None, lambda p: p.subject])
def test_a_job_that_begins_as_it_is_to_be_replaced_is_followed_instead(subject: Any) -> None:
    """Whichever comes first: never do both run at once, and nothing that began is cut off."""
    for when in range(3, 9):
        hand = Hand()
        kind = kind_of(hand, unique=NEWEST, subject=subject)
        world = World(kinds=[kind])
        first = put(world, kind, "old")
        plan = FaultPlan({when: Fault(mode=FaultMode.DELAY, action=world.listen)})
        world.dynamo.faults = plan
        second = put(world, kind, "new")
        world.dynamo.faults = None
        world.run_for(minutes=10)
        old, new = view_of(world, first.job_id), view_of(world, second.job_id)
        assert (JobStatus.COMPLETED, 1) == (new.status, hand.done[new.ref.job_id]), when
        ran = hand.done[first.job_id]
        assert (JobStatus.COMPLETED if ran else JobStatus.CANCELLED) is old.status, when


def test_a_worker_about_to_begin_a_replaced_job_is_shut_out() -> None:
    """It looked before the replacement and claims after it."""
    hand = Hand()
    world, kind = stack(hand, unique=NEWEST)
    first = put(world, kind, "old")
    world.dynamo.faults = Pry(puts("A#"), lambda: put(world, kind, "new"))
    world.run_for(minutes=5)
    assert 0 == hand.done[first.job_id]
    assert ["new"] == [job.payload.name for job in hand.jobs]


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), {"x": object()}])
def test_a_result_that_is_no_json_fails_the_job_once_and_says_so(value: Any) -> None:
    """The work is not done again and again for it."""
    hand = Hand(act=lambda _: Completed(result=value))
    world, kind = stack(hand)
    done = put(world, kind)
    world.run_for(minutes=10)
    view = view_of(world, done.job_id)
    assert (JobStatus.FAILED, "bad_result", 1) == (view.status, view.reason, len(hand.jobs))


def test_what_a_failure_says_of_itself_is_kept_up_to_a_bound() -> None:
    """A megabyte of message does not make the record impossible to write."""
    hand = Hand(act=lambda _: Failed(error="no" * 500, message="x" * 1_000_000, retryable=False))
    world, kind = stack(hand)
    done = put(world, kind)
    world.run_for(minutes=3)
    view = view_of(world, done.job_id)
    assert view.last is not None
    assert (JobStatus.FAILED, 2_048) == (view.status, len(view.last.message))


def test_a_late_workers_large_result_is_not_taken_for_the_successors() -> None:
    """Each attempt has its own key in the bucket."""
    large = "x" * 5_000

    def act(job: Job[Chore]) -> Completed:
        if job.attempt == 1:
            world.clock.advance(seconds=300)
            for _ in range(4):
                world.sweep()
                listen_elsewhere(world)
                world.clock.advance(seconds=61)
        return Completed(result={"attempt": job.attempt, "text": large})

    hand = Hand(act=act)
    world, kind = stack(hand, timeout_s=10)
    world.run_for(minutes=3)
    done = put(world, kind)
    world.run_for(minutes=10)
    view = view_of(world, done.job_id)
    assert (JobStatus.COMPLETED, 2, 2) == (view.status, view.attempts, len(hand.jobs))
    assert view.output is not None
    assert b'"attempt":2' in world.blobs.get(view.output.key)


def test_a_job_that_begins_before_its_replacement_looks_again_is_followed() -> None:
    """The request saw it wait; by the time of the replacement it is at work, and goes on."""
    hand = Hand()
    world, kind = stack(hand, unique=NEWEST)
    old = put(world, kind).job_id
    world.dynamo.faults = Pry(calls("BatchGetItem"), world.listen, after=True)
    new = put(world, kind)
    assert (True, JobStatus.COMPLETED) == (new.created, view_of(world, old).status)
    world.run_for(minutes=5)
    assert {old: 1, new.job_id: 1} == dict(hand.done)


def test_a_job_that_is_at_work_as_it_is_replaced_is_followed() -> None:
    """The same, while its attempt is not closed yet."""
    world, kind = stack(Hand(), unique=NEWEST)
    old = put(world, kind)
    message = decode(world.queue.messages.pop().body)
    worker = world.new_context().machine
    plan = worker.plans([message.ref])[message.ref]
    claimed: list[object] = []
    world.dynamo.faults = Pry(
        calls("BatchGetItem"),
        lambda: claimed.append(worker.engine.prepare(message, plan)),
        after=True,
    )
    assert put(world, kind).created
    assert isinstance(claimed[0], Claimed)
    assert JobStatus.PROCESSING is view_of(world, old.job_id).status


def test_what_is_due_soon_and_was_not_sent_is_found_though_ticks_have_passed_its_minute() -> None:
    """Ticks look ahead: what falls behind them is claimed for the sweeper."""
    hand = Hand()
    world, kind = stack(hand)
    world.tick()
    done = put(world, kind, delay_s=60)
    world.queue.messages.clear()
    world.run_for(minutes=10)
    assert {done.job_id: 1} == dict(hand.done)
