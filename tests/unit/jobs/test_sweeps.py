"""The sweeper under backlog and poison: patient with the one, final with the other."""

from datetime import datetime, timedelta

from nightshift.jobs.model import Overlap
from nightshift.outbound.fakes import answer
from nightshift.ports.sender import OutboundAnswer, OutboundRequest
from nightshift.tasks.model import RUN_KIND, TaskStatus
from tests.support.faults import CrashError
from tests.support.world import OWNER, START, World


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
