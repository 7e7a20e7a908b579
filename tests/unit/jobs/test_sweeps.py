"""The sweeper under backlog and poison: patient with the one, final with the other."""

from datetime import datetime, timedelta

import pytest

from nightshift.jobs.kinds import Failed, FlowLimits, Job
from nightshift.jobs.model import JobStatus, Overlap
from nightshift.jobs.retry import RetryPolicy
from nightshift.outbound.fakes import answer
from nightshift.ports.sender import OutboundAnswer, OutboundRequest
from nightshift.tasks.model import RUN_KIND, TaskStatus
from tests.support.faults import CrashError
from tests.support.prying import Pry, puts
from tests.support.work import Chore, Hand, die, kind_of, listen_elsewhere, put, stack, view_of
from tests.support.world import OWNER, START, World

pytestmark = pytest.mark.no_cover
"""What runs here runs elsewhere too, and counting lines takes twice the time."""


def _at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-02T{text}+00:00")


def _without_listener(world: World, end: datetime) -> None:
    while world.clock.now() < end:
        world.clock.advance(seconds=60)
        world.invoke(world.tick)
        world.invoke(world.sweep)


def test_a_backlog_of_an_hour_fails_nothing_and_grows_the_queue_little() -> None:
    """Runs that only wait in the queue are looked after with growing pauses, then called."""
    world = World()
    view = world.create(schedule="at(2026-03-02T12:10:05Z)")
    world.run_until(_at("12:09:30"))
    _without_listener(world, _at("13:10:00"))
    assert len(world.queue.messages) <= 6
    world.run_until(_at("13:20:00"))
    assert [("completed", 1)] == world.runs(view.task.id)
    assert len(world.calls) == 1


def test_a_job_that_kills_every_worker_ends_as_failed() -> None:
    """Poison is stopped: attempts are counted although no worker ever closes one."""
    world = World()

    def receiver(_: OutboundRequest) -> OutboundAnswer:
        raise CrashError

    world.receiver = receiver
    view = world.create(schedule="at(2026-03-02T12:10:05Z)", max_retry=2, timeout_s=5)
    world.run_until(_at("14:30:00"))
    assert [("failed", 3)] == world.runs(view.task.id)
    assert len(world.calls) == 3
    job = world.context.jobs.latest(RUN_KIND, [view.task.id])[view.task.id]
    log = world.context.jobs.attempts(RUN_KIND, view.task.id, job.ref.job_id)
    assert ["worker_lost"] * 3 == [a.error for a in log]


def test_parked_jobs_are_not_given_up_however_long_they_wait() -> None:
    """A slot that waits for the one before it is no lost job."""
    world = World()
    view = world.create(schedule="*/10 * * * *", overlap=Overlap.QUEUE, max_retry=1, timeout_s=5)
    answers = iter([answer(503, retry_after_s=7_000)])
    world.receiver = lambda _: next(answers, answer(200))
    world.run_until(_at("14:30:30"))
    runs = world.runs(view.task.id)
    assert {"completed"} == {status for status, _ in runs}
    assert len(runs) == 15


def test_while_a_retry_waits_the_task_is_running_whatever_was_skipped_since() -> None:
    """A skipped slot is newer than the open run, but the open run is what counts."""
    world = World()
    world.receiver = lambda _: answer(503, retry_after_s=3_000)
    view = world.create(schedule="*/10 * * * *", max_retry=1)
    world.run_until(_at("12:35:30"))
    assert TaskStatus.RUNNING is world.context.tasks.get(OWNER, view.task.id).status


def test_a_table_that_ttl_cleans_at_every_minute_loses_nothing() -> None:
    """What has expired is deleted at once, and the days go on as with a TTL that never runs."""
    world = World()
    view = world.create(schedule="0 6 * * *")
    world.tick()
    for _ in range(3):
        world.clock.advance(seconds=86_000)
        world.tick()
        world.dynamo.expire(world.clock.now())
        world.run_for(minutes=3)
    assert [("completed", 1)] * 3 == world.runs(view.task.id)


def test_a_sweep_at_the_wrong_moment_does_nothing() -> None:
    """A run that is under way, or whose retry is not due, is left alone."""
    world = World()
    answers = iter([answer(503, retry_after_s=600), answer(200)])
    world.receiver = lambda _: next(answers)
    world.create(schedule="at(2026-03-02T12:10:05Z)")
    world.run_until(START + timedelta(minutes=30))
    first, second = (c.at for c in world.calls)
    assert timedelta(seconds=600) <= second - first <= timedelta(seconds=602)
    assert len(world.queue.messages) == 0


def test_a_retry_whose_message_is_lost_is_found_when_it_is_due() -> None:
    """The sweeps that saw it wait kept its claim, and did not take it for lost before its time."""
    hand = Hand(act=lambda job: Failed(error="no") if job.attempt == 1 else None)
    world, kind = stack(hand, retry=RetryPolicy(delay_s=600, jitter=False))
    done = put(world, kind)
    world.listen()
    world.queue.messages.clear()
    world.run_for(minutes=9)
    assert [] == _rescued(world, done.job_id)
    world.run_for(minutes=10)
    assert JobStatus.COMPLETED is view_of(world, done.job_id).status


def test_what_is_lost_again_on_its_second_way_is_found_again() -> None:
    """A sweep claims anew what it sends."""
    world, kind = stack(Hand())
    done = put(world, kind)
    world.queue.messages.clear()
    while not _rescued(world, done.job_id):
        world.clock.advance(seconds=60)
        world.sweep()
    world.queue.messages.clear()
    world.run_for(minutes=10)
    assert JobStatus.COMPLETED is view_of(world, done.job_id).status


def test_what_is_at_work_is_not_taken_for_lost_however_late_it_began() -> None:
    """Its claim falls due as it runs; its lease is renewed, and sweeps leave it alone."""

    def act(_: Job[Chore]) -> None:
        for _moment in range(10):
            world.pass_time(world.clock.now() + timedelta(seconds=10))
            world.sweep()

    world, kind = stack(Hand(act=act), timeout_s=110)
    done = put(world, kind)
    world.clock.advance(seconds=100)
    world.listen()
    view = view_of(world, done.job_id)
    assert (JobStatus.COMPLETED, []) == (view.status, _rescued(world, done.job_id))


def test_the_first_of_a_line_is_woken_by_a_sweep_if_nobody_else_did() -> None:
    """Who was before it died between its end and the wake, and its message is gone."""
    hand = Hand(act=lambda _: listen_elsewhere(world) if len(hand.jobs) == 1 else None)
    world, kind = stack(hand, subject=lambda p: p.subject)
    put(world, kind)
    second = put(world, kind).job_id
    world.dynamo.faults = Pry(puts("R#"), die, after=True)
    world.invoke(lambda: world.listen(1))
    world.queue.messages.clear()
    assert (1, JobStatus.PENDING) == (len(world.deaths), view_of(world, second).status)
    world.run_for(minutes=10)
    assert JobStatus.COMPLETED is view_of(world, second).status


def test_a_claim_that_cannot_be_judged_spoils_no_other() -> None:
    """The sweep tells of it, goes on, and looks at it again later."""
    broken = [True]

    def limits(_: Chore) -> FlowLimits | None:
        if broken[0]:
            raise ValueError("no limits to be had")
        return None

    hand = Hand()
    bad, good = kind_of(hand, name="test.bad", flow=limits), kind_of(hand, name="test.good")
    world = World(kinds=[bad, good])
    jobs = [put(world, kind).job_id for kind in (bad, good)]
    world.queue.messages.clear()
    world.run_for(minutes=10)
    assert [jobs[1]] == [job.id for job in hand.jobs]
    broken.clear()
    broken.append(False)
    world.run_for(minutes=60)
    assert jobs[::-1] == [job.id for job in hand.jobs]


def _rescued(world: World, job_id: str) -> list[str]:
    return [action for action in world.told.of(job_id) if action == "job.rescued"]
