"""Ends, dead letters and sweeps under races and crashes, as a hostile reader found them."""

from datetime import timedelta
from typing import Any

import pytest

from nightshift.core.clock import to_ms
from nightshift.jobs.agenda import minute_of
from nightshift.jobs.dead import EVERY_LETTER
from nightshift.jobs.errors import UniqueKeyTakenError
from nightshift.jobs.gates import Gate
from nightshift.jobs.kinds import Failed, Job, Unique
from nightshift.jobs.model import JobStatus, Message
from nightshift.jobs.retry import RetryPolicy
from tests.support.faults import CrashError
from tests.support.prying import Pry, puts
from tests.support.work import Chore, Hand, die, kind_of, listen_elsewhere, put, stack, view_of
from tests.support.world import OWNER, World

pytestmark = pytest.mark.no_cover
"""What runs here runs elsewhere too, and counting lines takes twice the time."""

BY_NAME: Unique[Chore] = Unique(key=lambda p: p.subject)


def test_a_subject_is_not_free_while_a_cancelled_job_is_still_at_work() -> None:
    """The next one begins when the worker has let go, not when the owner has cancelled."""
    spans: list[tuple[Any, Any]] = []
    jobs: list[str] = []

    def act(job: Job[Chore]) -> None:
        began = world.clock.now()
        if job.id == jobs[0]:
            world.machine.jobs.owned.cancel(OWNER, job.id)
            listen_elsewhere(world)
            world.pass_time(world.clock.now() + timedelta(seconds=10))
            listen_elsewhere(world)
        spans.append((began, world.clock.now()))

    hand = Hand(act=act)
    world, kind = stack(hand, subject=lambda p: p.subject)
    jobs += [put(world, kind).job_id for _ in range(2)]
    world.run_for(minutes=5)
    assert (1, [JobStatus.CANCELLED, JobStatus.COMPLETED]) == (
        hand.most,
        [view_of(world, job_id).status for job_id in jobs],
    )
    assert spans[1][0] - spans[0][1] <= timedelta(seconds=75)


def test_an_end_that_its_author_could_not_tell_is_told_by_the_worker() -> None:
    """Whoever cancelled died before the event; the worker that is fenced out makes up for it."""

    def act(job: Job[Chore]) -> None:
        world.dynamo.faults = Pry(puts("R#"), die, after=True)
        with pytest.raises(CrashError):
            world.machine.jobs.owned.cancel(OWNER, job.id)

    world, kind = stack(Hand(act=act))
    done = put(world, kind)
    world.run_for(minutes=3)
    events = [(e.type, e.subject) for e in world.bus.events.values()]
    assert [("job.cancelled", done.job_id)] == events


def test_what_a_sweep_gave_up_and_did_not_tell_is_told_by_the_next() -> None:
    """It died between the record and the event."""
    world, kind = stack(Hand())
    done = put(world, kind)
    world.kinds = []
    world.context = world.new_context()
    world.queue.messages.clear()
    died: list[BaseException] = []
    for _ in range(60 * 14):
        world.clock.advance(seconds=60)
        if not died:
            world.dynamo.faults = Pry(puts("R#"), die, after=True)
        world.invoke(world.sweep)
        world.queue.messages.clear()
        if not died and world.deaths:
            died = list(world.deaths)
            world.dynamo.faults = None
            world.kinds = [kind]
            world.context = world.new_context()
    assert JobStatus.FAILED is view_of(world, done.job_id).status
    assert ["job.failed"] == [e.type for e in world.bus.events.values()]


def test_what_a_worker_closed_and_did_not_tell_is_told_when_its_message_comes_again() -> None:
    """It died between the record and the event; the work is not done a second time."""
    hand = Hand()
    world, kind = stack(hand)
    done = put(world, kind)
    world.dynamo.faults = Pry(puts("R#"), die, after=True)
    world.run_for(minutes=90)
    assert (1, 1) == (len(world.deaths), hand.done[done.job_id])
    assert ["job.completed"] == [e.type for e in world.bus.events.values()]


def test_a_redriven_job_does_not_run_beside_another_of_its_key() -> None:
    """Its unique key is taken again, or the redrive is refused."""
    world, kind = stack(Hand(), unique=BY_NAME)
    dead = put(world, kind)
    letters = world.machine.dead_letters()
    letters.bury(world.queue.messages[0].body)
    world.queue.messages.clear()
    other = put(world, kind, delay_s=60)
    with pytest.raises(UniqueKeyTakenError):
        letters.redrive(OWNER, dead.job_id)
    spared = letters.redrive_all(OWNER, EVERY_LETTER, limit=10)
    assert ((), ["unique_key_taken"]) == (spared.refs, [f.error for f in spared.failed])
    world.run_for(minutes=3)
    assert JobStatus.COMPLETED is view_of(world, other.job_id).status
    letters.redrive(OWNER, dead.job_id)
    assert other.job_id != put(world, kind).job_id == dead.job_id
    world.run_for(minutes=3)
    assert JobStatus.COMPLETED is view_of(world, dead.job_id).status


def test_a_letter_whose_job_is_gone_spoils_no_other() -> None:
    """Letters are kept longer than jobs are."""
    world, kind = stack(Hand())
    gone, stays = put(world, kind), put(world, kind)
    letters = world.machine.dead_letters()
    for message in list(world.queue.messages):
        letters.bury(message.body)
    table = world.machine.parts.table
    table.delete({"pk": f"OWN#{OWNER}", "sk": gone.job_id})
    table.delete({"pk": f"J#{kind.name}#{gone.job_id}", "sk": f"R#{gone.job_id}"})
    redriven = letters.redrive_all(OWNER, EVERY_LETTER, limit=10)
    assert [stays.job_id] == [ref.job_id for ref in redriven.refs]
    assert ["job_not_found"] == [f.error for f in redriven.failed]


def test_a_dead_message_of_a_job_that_runs_ends_nothing() -> None:
    """A duplicate may die while the attempt is alive and well."""
    buried: list[object] = []

    def act(_: Job[Chore]) -> None:
        buried.append(world.machine.dead_letters().bury(world.queue.sent[0][1].body))

    world, kind = stack(Hand(act=act))
    done = put(world, kind)
    world.run_for(minutes=3)
    assert ([None], JobStatus.COMPLETED) == (buried, view_of(world, done.job_id).status)


def test_a_burial_that_was_cut_off_is_finished_by_the_next() -> None:
    """The record says failed, nobody was told: the letter comes back, and then everybody is."""
    world, kind = stack(Hand())
    put(world, kind)
    body = world.queue.messages[0].body
    world.dynamo.faults = Pry(puts("R#"), die, after=True)
    with pytest.raises(CrashError):
        world.machine.dead_letters().bury(body)
    assert world.machine.dead_letters().bury(body) is not None
    assert ["job.failed"] == [e.type for e in world.bus.events.values()]


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_kind_that_only_newer_code_knows_is_not_lost(attempts: int) -> None:
    """Old workers and old sweepers leave the job alone until newer ones come, begun or not."""
    hand = Hand(act=lambda job: Failed(error="no") if job.attempt < attempts else None)
    world, kind = stack(hand)
    done = put(world, kind)
    for _ in range(1, attempts):
        world.listen()
    world.kinds = []
    world.context = world.new_context()
    world.run_for(minutes=20)
    world.kinds = [kind]
    world.context = world.new_context()
    world.run_for(minutes=60)
    assert (JobStatus.COMPLETED, attempts) == (view_of(world, done.job_id).status, len(hand.jobs))


def test_a_dead_workers_job_is_followed_up_by_whoever_finds_it_dead() -> None:
    """Here by the next job of its subject: the end is told, and no sweep need come."""
    dead: list[str] = []

    def act(job: Job[Chore]) -> None:
        if not dead:
            dead.append(job.id)
            die()

    world, kind = stack(Hand(act=act), subject=lambda p: p.subject, max_retries=0)
    put(world, kind)
    world.listen()
    world.clock.advance(seconds=70)
    second = put(world, kind).job_id
    world.listen()
    told = [(e.type, e.subject) for e in world.bus.events.values()]
    assert [("job.failed", dead[0]), ("job.completed", second)] == told


def test_a_sweep_that_runs_out_of_time_goes_on_where_it_was() -> None:
    """A minute with more claims than one sweep can look at is done by several."""
    world, kind = stack(Hand())
    for _ in range(40):
        put(world, kind)
    world.queue.messages.clear()
    world.dynamo.faults = lambda operation, _: _slowly(world, operation)
    world.clock.advance(seconds=200)
    sweeps = 0
    while len(world.queue.messages) < 40:
        world.sweep()
        world.clock.advance(seconds=60)
        sweeps += 1
        assert sweeps < 40
    assert sweeps > 1
    world.dynamo.faults = None
    world.run_for(minutes=5)
    assert 40 == sum(e.type == "job.completed" for e in world.bus.events.values())


def _slowly(world: World, operation: str) -> None:
    if operation == "BatchGetItem":
        world.clock.advance(seconds=5)


def test_a_claim_that_cannot_be_read_does_not_stop_the_sweeps() -> None:
    """It is told of and passed over."""
    hand = Hand()
    world, kind = stack(hand)
    put(world, kind)
    world.queue.messages.clear()
    minute = minute_of(to_ms(world.clock.now()) + 120_000)
    world.machine.parts.table.put({"pk": f"CLAIM#{minute}", "sk": "A#bad", "z": b"?", "res": 0})
    world.run_for(minutes=8)
    assert 1 == len(hand.jobs)


def test_a_backlog_of_days_is_no_poison() -> None:
    """A job that only waits its turn in a long queue is not given up."""
    world, kind = stack(Hand())
    done = put(world, kind)
    for _ in range(24 * 60):
        world.clock.advance(seconds=60)
        world.invoke(world.sweep)
    assert JobStatus.PENDING is view_of(world, done.job_id).status
    world.run_for(minutes=5)
    assert JobStatus.COMPLETED is view_of(world, done.job_id).status


def test_a_retry_that_waits_for_its_subject_is_not_given_up() -> None:
    """Parked is parked, whichever attempt it is."""
    hand = Hand()
    world, kind = stack(hand, subject=lambda p: p.subject, timeout_s=100)
    first = put(world, kind)
    world.run_for(minutes=1)
    second = put(world, kind)

    def hours(_: Job[Chore]) -> None:
        if len(hand.jobs) > 2:
            return
        world.machine.jobs.owned.retry(OWNER, first.job_id)
        for _minute in range(7 * 60):
            listen_elsewhere(world)
            world.pass_time(world.clock.now() + timedelta(seconds=60))
            world.sweep()

    hand.act = hours
    for _ in range(2):
        world.run_for(minutes=20)
    views = [view_of(world, job_id) for job_id in (first.job_id, second.job_id)]
    assert [(JobStatus.COMPLETED, 2), (JobStatus.COMPLETED, 1)] == [
        (v.status, v.attempts) for v in views
    ]


def test_a_dead_jobs_place_is_given_back_whoever_finds_it_dead() -> None:
    """It is closed by its own plan, not by that of the job that waits for its subject."""

    def act(job: Job[Chore]) -> None:
        if job.payload.name == "dies":
            raise CrashError("killed in the work")

    kind = kind_of(
        Hand(act=act),
        subject=lambda p: p.subject,
        flow=lambda p: Gate(key=p.name, parallelism=1),
        timeout_s=10,
    )
    world = World(kinds=[kind])
    put(world, kind, "dies")
    world.invoke(world.listen)
    world.queue.messages.clear()
    put(world, kind, "waits")
    world.clock.advance(seconds=26)
    world.invoke(world.listen)
    places = [i for i in world.dynamo.items("jobs") if str(i["sk"]).startswith("H#")]
    assert [] == places


def test_a_message_of_an_attempt_long_closed_leaves_no_row_at_a_gate() -> None:
    """Who waits behind it would wait for nothing."""
    later = RetryPolicy(delay_s=3_600, max_delay_s=3_600)
    hand = Hand(act=lambda job: Failed(error="no") if job.payload.name == "a" else None)
    gate = Gate(key="g", parallelism=1)
    kind = kind_of(hand, flow=lambda _: gate, retry=later)
    world = World(kinds=[kind])
    put(world, kind, "a")
    world.listen()
    ref = hand.jobs[0].ref
    full = Gate(key=f"K#{kind.name}#g", parallelism=0)
    stale = Message(ref=ref, attempt=1, not_before_ms=ref.due_ms)
    world.machine.gates.enter(stale, full, until_ms=ref.due_ms)
    second = put(world, kind, "b")
    world.run_for(minutes=10)
    assert JobStatus.COMPLETED is view_of(world, second.job_id).status
    rows = [i["sk"] for i in world.dynamo.items("jobs") if str(i["pk"]).startswith("GATE#")]
    assert [] == rows
