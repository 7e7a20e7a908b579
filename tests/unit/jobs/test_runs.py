from datetime import UTC, datetime, timedelta

from nightshift.jobs.retry import Backoff, RetryPolicy
from nightshift.outbound.fakes import answer
from tests.support.world import OWNER, START, World

MINUTE = timedelta(minutes=1)


def test_a_cron_task_is_called_at_each_slot_and_never_early() -> None:
    """Every minute of five is called once, at its second."""
    world = World()
    world.create(schedule="* * * * *")
    world.run_until(START + timedelta(minutes=5))
    expected = [f"2026-03-02T12:0{m}:00Z" for m in range(1, 6)]
    assert expected == world.slots_called()
    late = [
        (c.at - datetime.fromisoformat(c.headers["x-nightshift-scheduled-for"])).total_seconds()
        for c in world.calls
    ]
    assert all(0 <= s < 0.5 for s in late)


def test_a_failed_attempt_is_retried_after_its_delay() -> None:
    """A 500 is followed by a second attempt two seconds later, and the log has both."""
    world = World()
    answers = iter([500, 200])
    world.receiver = lambda _: answer(next(answers), body=b"hm")
    view = world.create(
        schedule="at(2026-03-02T12:10:05Z)",
        retry=RetryPolicy(backoff=Backoff.CONSTANT, delay_s=2, jitter=False),
    )
    world.run_until(START + timedelta(minutes=11))
    assert [("completed", 2)] == world.runs(view.task.id)
    job = world.context.jobs.latest("task.run", [view.task.id])[view.task.id]
    log = world.context.jobs.attempts("task.run", view.task.id, job.ref.job_id)
    assert [("failed", 500), ("finish", 200)] == [(a.status.value, a.response_status) for a in log]
    first, second = (c.at for c in world.calls)
    assert datetime(2026, 3, 2, 12, 10, 5, tzinfo=UTC) == first
    assert timedelta(seconds=2) <= second - first < timedelta(seconds=3.2)


def test_the_last_failure_fails_the_run_and_tells() -> None:
    """After max_retry retries the run has failed and an event is on the bus."""
    world = World()
    world.receiver = lambda _: answer(503)
    view = world.create(schedule="at(2026-03-02T12:10:05Z)", max_retry=2)
    world.run_until(START + timedelta(minutes=20))
    assert [("failed", 3)] == world.runs(view.task.id)
    assert ["task.run.failed"] == [e.type for e in world.bus.events.values()]
    assert "failed" == world.context.tasks.get(OWNER, view.task.id).status


def test_a_run_that_is_started_again_by_the_same_id_is_the_same_run() -> None:
    """Whoever repeats the start, because its answer was lost, starts nothing new."""
    world = World()
    view = world.create(schedule=None)
    ref = world.context.tasks.run_now(OWNER, view.task.id)
    world.run_for(minutes=1)
    world.context.jobs.start(ref)
    world.run_for(minutes=5)
    assert ([("completed", 1)], 1) == (world.runs(view.task.id), len(world.calls))
